use serde_json::json;

use super::*;

const ACCOUNT: &str = "123456789012";
const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

fn ask(document: &Value, action: &str, resource: &str, context: &[(&str, &str)]) -> Verdict {
    let policy = Policy::from_json(document).unwrap();
    let context: Context = context.iter().copied().collect();
    let principals = [ALICE.to_owned()];
    evaluate([&policy], &Request { account: ACCOUNT, principals: &principals, action, resource, context: &context })
}

/// The table that the whole project turns on: which operator lets which request through.
#[test]
fn mfa_conditions_by_how_the_request_was_signed() {
    let long_term: &[(&str, &str)] = &[];
    let without: &[_] = &[(MFA_PRESENT, "false")];
    let with: &[_] = &[(MFA_PRESENT, "true"), (MFA_AGE, "60")];
    let old: &[_] = &[(MFA_PRESENT, "true"), (MFA_AGE, "30000")];
    let table = [
        (json!({"Bool": {MFA_PRESENT: "true"}}), [false, false, true, true]),
        (json!({"Bool": {MFA_PRESENT: true}}), [false, false, true, true]),
        (json!({"BoolIfExists": {MFA_PRESENT: "true"}}), [true, false, true, true]),
        (json!({"Bool": {MFA_PRESENT: "false"}}), [false, true, false, false]),
        (json!({"BoolIfExists": {MFA_PRESENT: "false"}}), [true, true, false, false]),
        (json!({"NumericLessThan": {MFA_AGE: "3600"}}), [false, false, true, false]),
        (json!({"NumericLessThanIfExists": {MFA_AGE: "3600"}}), [true, true, true, false]),
        (json!({"NumericGreaterThan": {MFA_AGE: 3600}}), [false, false, false, true]),
        (json!({"Null": {MFA_AGE: "true"}}), [true, true, false, false]),
        (json!({"Null": {MFA_AGE: "false"}}), [false, false, true, true]),
    ];
    for (condition, wanted) in table {
        let document =
            json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}]});
        let got = [long_term, without, with, old].map(|c| ask(&document, "s3:GetObject", "x", c) == Verdict::Allow);
        assert_eq!(got, wanted, "{condition}");
    }
}

#[test]
fn string_conditions() {
    let context = [("aws:username", "alice"), ("sts:RoleSessionName", "alice"), ("sts:ExternalId", "unique-id-1234")];
    let table = [
        (json!({"StringEquals": {"sts:ExternalId": "unique-id-1234"}}), true),
        (json!({"StringEquals": {"sts:externalid": ["x", "unique-id-1234"]}}), true),
        (json!({"StringEquals": {"sts:ExternalId": "unique-*"}}), false),
        (json!({"StringLike": {"sts:ExternalId": "unique-*"}}), true),
        (json!({"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}), true),
        (json!({"StringEquals": {"sts:RoleSessionName": "${aws:PrincipalTag/x}"}}), false),
        (json!({"StringNotEquals": {"sts:ExternalId": "unique-id-1234"}}), false),
        (json!({"StringNotEquals": {"sts:ExternalId": ["a", "b"]}}), true),
        (json!({"StringNotEquals": {"sts:SourceIdentity": "a"}}), true),
        (json!({"StringEquals": {"sts:SourceIdentity": "a"}}), false),
        (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}), true),
        (json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}), false),
    ];
    for (condition, wanted) in table {
        let document =
            json!({"Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*", "Condition": condition}});
        assert_eq!(ask(&document, "sts:AssumeRole", "x", &context) == Verdict::Allow, wanted, "{condition}");
    }
}

#[test]
fn actions_and_resources() {
    let user = "arn:aws:iam::123456789012:user/alice";
    let table = [
        (json!({"Action": "iam:get*", "Resource": "*"}), "iam:GetUser", true),
        (json!({"Action": ["iam:List?FADevices"], "Resource": "*"}), "iam:ListMFADevices", true),
        (json!({"NotAction": "iam:GetUser", "Resource": "*"}), "iam:GetUser", false),
        (json!({"NotAction": "iam:GetUser", "Resource": "*"}), "iam:DeleteUser", true),
        (json!({"Action": "*", "Resource": "arn:aws:iam::*:user/${aws:username}"}), "iam:GetUser", true),
        (json!({"Action": "*", "Resource": "arn:aws:iam::*:user/${aws:userid}"}), "iam:GetUser", false),
        (json!({"Action": "*", "NotResource": "arn:aws:iam::*:user/alice"}), "iam:GetUser", false),
        (json!({"Action": "*", "NotResource": "arn:aws:iam::*:user/bob"}), "iam:GetUser", true),
    ];
    for (mut statement, action, wanted) in table {
        statement["Effect"] = "Allow".into();
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        let got = ask(&document, action, user, &[("aws:username", "alice")]) == Verdict::Allow;
        assert_eq!(got, wanted, "{statement} {action}");
    }
}

#[test]
fn principals_and_what_they_leave_to_identity_policies() {
    let table = [
        (json!("*"), Verdict::Allow),
        (json!({"AWS": "*"}), Verdict::Allow),
        (json!({"AWS": ALICE}), Verdict::Allow),
        (json!({"AWS": ["arn:aws:iam::123456789012:user/bob", ALICE]}), Verdict::Allow),
        (json!({"AWS": "arn:aws:iam::123456789012:root"}), Verdict::AllowAccount),
        (json!({"AWS": "123456789012"}), Verdict::AllowAccount),
        (json!({"AWS": "arn:aws:iam::999999999999:root"}), Verdict::Silent),
        (json!({"AWS": "arn:aws:iam::123456789012:user/alice2"}), Verdict::Silent),
        (json!({"Service": "ec2.amazonaws.com"}), Verdict::Silent),
    ];
    for (principal, wanted) in table {
        let document = json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]});
        assert_eq!(ask(&document, "sts:AssumeRole", "role", &[]), wanted, "{principal}");
    }
}

#[test]
fn who_may_assume() {
    let allow = Policy::allow_all();
    let deny = Policy::parse(r#"{"Statement": {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}}"#).unwrap();
    let trust = |principal: &str| {
        let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}});
        Policy::from_json(&json!({"Statement": statement})).unwrap()
    };
    let (by_user, by_root) = (trust(ALICE), trust("arn:aws:iam::123456789012:root"));
    let table: [(&[&Policy], &Policy, &str, bool); 8] = [
        (&[], &by_user, ACCOUNT, true),
        (&[], &by_root, ACCOUNT, false),
        (&[&allow], &by_root, ACCOUNT, true),
        (&[&allow], &by_user, "999999999999", true),
        (&[], &by_user, "999999999999", false),
        (&[&deny], &by_user, ACCOUNT, false),
        (&[&allow, &deny], &by_root, ACCOUNT, false),
        (&[&allow], &deny, ACCOUNT, false),
    ];
    let context = Context::new();
    let principals = [ALICE.to_owned()];
    for (i, (identity, trust, account, wanted)) in table.into_iter().enumerate() {
        let request = Request {
            account: ACCOUNT,
            principals: &principals,
            action: "sts:AssumeRole",
            resource: "role",
            context: &context,
        };
        let by_identity = evaluate(identity.iter().copied(), &request);
        let by_trust = evaluate([trust], &request);
        assert_eq!(may_assume(by_identity, by_trust, account == ACCOUNT), wanted, "row {i}");
    }
}

#[test]
fn a_deny_wins_whatever_the_order() {
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
    for statements in [json!([allow, deny]), json!([deny, allow])] {
        assert_eq!(ask(&json!({"Statement": statements}), "a:B", "r", &[]), Verdict::Deny);
    }
}

#[test]
fn what_is_not_known_is_an_error() {
    let condition = |c: Value| json!({"Statement": {"Effect": "Allow", "Action": "*", "Condition": c}});
    let table = [
        json!({"Statement": {"Effect": "Allow", "Action": "*", "NotPrincipal": "*"}}),
        json!({"Statement": {"Effect": "allow", "Action": "*"}}),
        json!({"Statement": {"Effect": "Allow"}}),
        json!({"Statement": {"Action": "*"}}),
        json!({"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"aws": "*"}}}),
        json!({"Statement": [], "Extra": 1}),
        json!({"Statement": [], "Version": "2020-01-01"}),
        json!({}),
        condition(json!({"bool": {"k": "true"}})),
        condition(json!({"NullIfExists": {"k": "true"}})),
        condition(json!({"DateLessThan": {"k": "x"}})),
        condition(json!({"Bool": {"k": "yes"}})),
        condition(json!({"NumericLessThan": {"k": "an hour"}})),
    ];
    for document in table {
        assert!(Policy::from_json(&document).is_err(), "{document}");
    }
}
