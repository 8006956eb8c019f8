//! What STS grants and refuses, and in which words.

mod common;

use common::{Keys, assume_role, get_session_token, sts};
use fake_aws::{FakeAws, Options, RoleSpec, TokenCode};
use serde_json::json;

/// Further parameters of a call.
type More<'a> = &'a [(&'a str, &'a str)];

fn start() -> FakeAws {
    FakeAws::start(Options::default())
}

const WRONG: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const UNKNOWN: &str = "unable to validate MFA code.  Please verify your MFA serial number";
const CHAINING: &str = "exceeds the 1 hour session limit for roles assumed by role chaining";
const ROLE: &str = "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/";

#[test]
fn a_code_is_good_once_for_get_session_token_and_assume_role_together() {
    let aws = start();
    let alice = aws.alice();
    let keys: Keys = alice.clone().into();
    let code = aws.fresh_code(&alice.mfa_serial);
    let answer = get_session_token(&aws, &alice, &code).ok();
    let session = answer.session();
    assert!(session.id.starts_with("ASIA"));
    assert!((700..=1000).contains(&session.token.unwrap().len()));
    let expires = chrono::DateTime::parse_from_rfc3339(answer.get("Expiration")).unwrap().timestamp();
    assert!((43195..=43200).contains(&(expires - aws.now())));

    get_session_token(&aws, &alice, &code).refused(403, "AccessDenied", WRONG);
    let with =
        |code: &str| assume_role(&aws, &keys, "admin", &[("SerialNumber", &alice.mfa_serial), ("TokenCode", code)]);
    with(&code).refused(403, "AccessDenied", WRONG);
    let next = aws.fresh_code(&alice.mfa_serial);
    with(&next).ok();
    get_session_token(&aws, &alice, &next).refused(403, "AccessDenied", WRONG);

    let codes: Vec<_> = aws.log().iter().map(|c| matches!(c.token_code, Some(TokenCode::Accepted { .. }))).collect();
    assert_eq!(codes, [true, false, false, true, false]);
    assert!(!format!("{:?}", aws.log()).contains(&code), "the log holds a token code");
}

#[test]
fn the_window_is_two_steps_either_way() {
    for (offset, good) in [(-3, false), (-2, true), (2, true), (3, false)] {
        let aws = start();
        let alice = aws.alice();
        // The middle of a step, so that the test does not straddle two.
        aws.advance(15 - aws.now().rem_euclid(30));
        let answer = get_session_token(&aws, &alice, &aws.code_at(&alice.mfa_serial, offset));
        assert_eq!(answer.status == 200, good, "{offset}");
    }
}

#[test]
fn nine_wrong_codes_lock_the_device_for_three_minutes() {
    let aws = start();
    let alice = aws.alice();
    for _ in 0..9 {
        get_session_token(&aws, &alice, &aws.wrong_code(&alice.mfa_serial)).refused(403, "AccessDenied", WRONG);
    }
    get_session_token(&aws, &alice, &aws.fresh_code(&alice.mfa_serial)).refused(403, "AccessDenied", UNKNOWN);
    aws.advance(181);
    get_session_token(&aws, &alice, &aws.fresh_code(&alice.mfa_serial)).ok();
}

#[test]
fn half_an_mfa_a_foreign_device_and_a_code_that_is_none() {
    let aws = start();
    let (alice, bob) = (aws.alice(), aws.add_user("bob"));
    let keys: Keys = alice.clone().into();
    let ask = |serial: Option<&str>, code: Option<&str>| {
        let mut parameters = vec![("Action", "GetSessionToken")];
        parameters.extend(serial.map(|s| ("SerialNumber", s)));
        parameters.extend(code.map(|c| ("TokenCode", c)));
        sts(&aws, &keys, &parameters)
    };
    let fido = "arn:aws:iam::123456789012:u2f/user/alice/key-ABCDEFGHIJKLMNOP";
    aws.add_device("alice", fido);
    let half = "must provide both MFA serial number and one time pass code.";
    ask(Some(&alice.mfa_serial), None).refused(403, "AccessDenied", half);
    ask(None, Some("123456")).refused(403, "AccessDenied", half);
    ask(Some(&bob.mfa_serial), Some(&aws.code(&bob.mfa_serial))).refused(403, "AccessDenied", UNKNOWN);
    ask(Some(&alice.arn), Some("123456")).refused(403, "AccessDenied", UNKNOWN);
    ask(Some(fido), Some(&aws.code(fido))).refused(403, "AccessDenied", UNKNOWN);
    let two = ask(Some(&alice.mfa_serial), Some("12345678x"));
    two.refused(400, "ValidationError", "2 validation errors detected: Value '12345678x' at 'tokenCode'");
    ask(Some("GAHT1234"), Some("123456")).refused(400, "ValidationError", "'serialNumber'");
}

#[test]
fn durations() {
    let aws = start();
    let keys: Keys = aws.alice().into();
    let gst = |duration: &str| sts(&aws, &keys, &[("Action", "GetSessionToken"), ("DurationSeconds", duration)]);
    for good in ["900", "0900", "+900", "129600"] {
        gst(good).ok();
    }
    for bad in [" 900 ", "900.0", "9e2", "2147483648", ""] {
        gst(bad).refused(400, "MalformedInput", "");
    }
    for bad in ["0", "899", "129601", "-1"] {
        gst(bad).refused(400, "ValidationError", "at 'durationSeconds' failed to satisfy constraint");
    }
    let role = |name: &str, duration: &str| assume_role(&aws, &keys, name, &[("DurationSeconds", duration)]);
    role("nomfa", "43200").ok();
    role("nomfa", "43201").refused(400, "ValidationError", "less than or equal to 43200");
    aws.add_role(RoleSpec::new("nomfa").max_session_duration(3600).trusts("123456789012", json!({})));
    role("nomfa", "3600").ok();
    role("nomfa", "3601").refused(
        400,
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
}

#[test]
fn sessions_of_both_kinds_get_one_hour_of_a_role() {
    let aws = start();
    let alice = aws.alice();
    let shared = get_session_token(&aws, &alice, &aws.fresh_code(&alice.mfa_serial)).session();
    let admin = assume_role(&aws, &shared, "admin", &[("DurationSeconds", "3600")]).session();
    assume_role(&aws, &shared, "admin", &[("DurationSeconds", "3601")]).refused(400, "ValidationError", CHAINING);
    assume_role(&aws, &admin, "hop", &[("DurationSeconds", "3600")]).ok();
    assume_role(&aws, &admin, "hop", &[("DurationSeconds", "7200")]).refused(400, "ValidationError", CHAINING);
    // The MFA of the first hop is not seen by the second role.
    assume_role(&aws, &admin, "readonly", &[]).refused(403, "AccessDenied", ROLE);
    for keys in [&shared, &admin] {
        sts(&aws, keys, &[("Action", "GetSessionToken")]).refused(
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
        );
    }
}

#[test]
fn trust_policies_decide() {
    let aws = start();
    let alice = aws.alice();
    let keys: Keys = alice.clone().into();
    let shared = get_session_token(&aws, &alice, &aws.fresh_code(&alice.mfa_serial)).session();
    let plain = sts(&aws, &keys, &[("Action", "GetSessionToken")]).session();
    let id = [("ExternalId", "unique-id-1234")];
    let bad_id = [("ExternalId", "unique-id-12345")];
    let bob = [("RoleSessionName", "bob")];
    let table: [(&Keys, &str, More<'_>, bool); 12] = [
        (&keys, "admin", &[], false),
        (&plain, "admin", &[], false),
        (&shared, "admin", &[], true),
        (&keys, "nomfa", &[], true),
        (&plain, "nomfa", &[], true),
        (&shared, "external", &[], false),
        (&shared, "external", &bad_id, false),
        (&shared, "external", &id, true),
        (&shared, "named", &[], true),
        (&shared, "named", &bob, false),
        (&keys, "hop", &[], false),
        (&shared, "no-such-role", &[], false),
    ];
    for (keys, role, more, good) in table {
        let answer = assume_role(&aws, keys, role, more);
        if good {
            assert_eq!(answer.get("Arn").rsplit('/').nth(1), Some(role), "{}", answer.body);
        } else {
            answer.refused(403, "AccessDenied", ROLE);
        }
    }
    assume_role(&aws, &shared, "fresh", &[]).ok();
    aws.advance(301);
    assume_role(&aws, &shared, "fresh", &[]).refused(403, "AccessDenied", ROLE);
}

#[test]
fn whether_identity_policies_see_the_mfa_of_the_call_itself_can_be_switched() {
    let aws = start();
    let alice = aws.alice();
    let mfa = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}});
    aws.set_user_policies("alice", &[mfa]);
    let direct = || {
        let code = aws.fresh_code(&alice.mfa_serial);
        let more = [("SerialNumber", alice.mfa_serial.as_str()), ("TokenCode", &code)];
        assume_role(&aws, &alice.clone().into(), "admin", &more)
    };
    direct().ok();
    aws.configure(|s| s.identity_policies_see_direct_mfa = false);
    direct().refused(403, "AccessDenied", ROLE);
    assert!(matches!(aws.calls("AssumeRole")[1].token_code, Some(TokenCode::Accepted { .. })), "the code is spent");
    let shared = get_session_token(&aws, &alice, &aws.fresh_code(&alice.mfa_serial)).session();
    assume_role(&aws, &shared, "admin", &[]).ok();
}

#[test]
fn sessions_expire_and_can_be_cut_short() {
    let aws = start();
    let keys: Keys = aws.alice().into();
    let who = |keys: &Keys| sts(&aws, keys, &[("Action", "GetCallerIdentity")]);
    let session = assume_role(&aws, &keys, "nomfa", &[]).session();
    who(&session).ok();
    aws.advance(3600);
    who(&session).refused(403, "ExpiredToken", "The security token included in the request is expired");
    aws.limit_sessions(Some(5));
    let session = assume_role(&aws, &keys, "nomfa", &[]).session();
    aws.advance(6);
    who(&session).refused(403, "ExpiredToken", "");
}

#[test]
fn role_parameters_are_checked_as_aws_checks_them() {
    let aws = start();
    let keys: Keys = aws.alice().into();
    let long = "x".repeat(65);
    let invalid = "ValidationError";
    let table: [(More<'_>, &str, &str); 12] = [
        (&[("RoleSessionName", "a")], invalid, "length greater than or equal to 2"),
        (&[("RoleSessionName", &long)], invalid, "length less than or equal to 64"),
        (&[("RoleSessionName", "a b")], invalid, "[\\w+=,.@-]*"),
        (&[("ExternalId", "a b")], invalid, "'externalId'"),
        (&[("RoleArn", "arn:aws:iam::123456789012:user/alice")], invalid, "is invalid"),
        (&[("SourceIdentity", "a/b")], invalid, "'sourceIdentity'"),
        (&[("Policy", "{")], "MalformedPolicyDocument", ""),
        (&[("PolicyArns.member.1.arn", "arn:aws:iam::aws:nothing/here")], invalid, "is invalid"),
        (&[("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "<")], invalid, "tags.1.member.value"),
        (&[("Tags.member.1.Key", "aws:a"), ("Tags.member.1.Value", "")], "InvalidParameterValue", "reserved"),
        (
            &[("Tags.member.1.Key", "a"), ("Tags.member.2.Key", "A")],
            "InvalidParameterValue",
            "Duplicate tag keys found",
        ),
        (&[("TransitiveTagKeys.member.1", "a")], "InvalidParameterValue", "must be included"),
    ];
    for (more, code, message) in table {
        assume_role(&aws, &keys, "nomfa", more).refused(400, code, message);
    }
    sts(&aws, &keys, &[("Action", "AssumeRole")]).refused(400, invalid, "2 validation errors detected: Value null");
}

#[test]
fn session_policies_cut_down_and_tags_travel() {
    let aws = start();
    let keys: Keys = aws.alice().into();
    let hop = json!({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:PrincipalTag/team": "red"}});
    aws.add_role(RoleSpec::new("tagged").trusts("123456789012", hop));
    let team = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red"), ("TransitiveTagKeys.member.1", "team")];
    let red = assume_role(&aws, &keys, "nomfa", &team).session();
    let next = assume_role(&aws, &red, "tagged", &[]).session();
    assume_role(&aws, &next, "tagged", &[]).ok();
    assume_role(&aws, &red, "tagged", &team).refused(400, "InvalidParameterValue", "transitive tag key");
    let plain = assume_role(&aws, &keys, "nomfa", &[]).session();
    assume_role(&aws, &plain, "tagged", &[]).refused(403, "AccessDenied", ROLE);

    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let cut = assume_role(&aws, &keys, "nomfa", &[("Policy", policy)]).session();
    assume_role(&aws, &cut, "nomfa", &[]).refused(403, "AccessDenied", ROLE);
    let arn = [("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/AdministratorAccess")];
    let admin = assume_role(&aws, &keys, "nomfa", &arn).session();
    assume_role(&aws, &admin, "nomfa", &[]).ok();
}

#[test]
fn a_role_of_another_account_needs_both_sides() {
    let aws = start();
    let keys: Keys = aws.alice().into();
    let role = RoleSpec::new("away").account("999999999999").trusts(&aws.alice().arn, json!({}));
    let arn = aws.add_role(role);
    let ask = || assume_role(&aws, &keys, "away", &[("RoleArn", &arn)]);
    let answer = ask().ok();
    assert_eq!(answer.get("Arn"), "arn:aws:sts::999999999999:assumed-role/away/alice");
    aws.set_user_policies("alice", &[]);
    ask().refused(403, "AccessDenied", "");
}
