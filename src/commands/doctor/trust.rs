//! Whether a role's trust policy asks for MFA. Only what lets users in counts: services, identity providers and other roles
//! have no MFA.

use serde_json::Value;

/// What the policy says of a request without MFA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Refused.
    AsksForMfa,
    /// Refused, as is every other: the policy lets no user in.
    NoUsers,
    /// Let in.
    Open,
    /// `BoolIfExists` in an Allow: looks like a condition and lets a bare access key in, because the key is not there.
    IfExists,
}

/// Reads a trust policy; `None` where it is none.
pub(super) fn read(policy: &str) -> Option<Trust> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statements = many(policy.get("Statement")?);
    let denied = statements.iter().any(|statement| {
        statement["Effect"] == "Deny" && is_assume_role(statement) && conditions(statement).any(|c| c.is("false"))
    });
    let allows = statements.iter().filter(|s| s["Effect"] == "Allow" && is_assume_role(s) && lets_users_in(s));
    let mut worst = Trust::NoUsers;
    for statement in allows {
        worst = if worst == Trust::NoUsers { Trust::AsksForMfa } else { worst };
        let asks = |condition: Condition<'_>| {
            let present = condition.operator == "bool" && condition.is("true");
            // MultiFactorAuthAge is not there without MFA, and a comparison with nothing is not met
            let young = condition.key == "aws:multifactorauthage" && condition.operator.starts_with("numericlessthan");
            present || (young && !condition.operator.ends_with("ifexists"))
        };
        if denied || conditions(statement).any(asks) {
            continue;
        }
        let if_exists =
            conditions(statement).any(|condition| condition.operator == "boolifexists" && condition.is("true"));
        worst = if if_exists && worst != Trust::Open { Trust::IfExists } else { Trust::Open };
    }
    Some(worst)
}

struct Condition<'v> {
    /// In lower case, as is the key.
    operator: String,
    key: String,
    value: &'v Value,
}

impl Condition<'_> {
    fn is(&self, wanted: &str) -> bool {
        let says = |value: &Value| value.as_str() == Some(wanted) || value.as_bool() == Some(wanted == "true");
        self.key == "aws:multifactorauthpresent" && many(self.value).into_iter().all(says)
    }
}

fn conditions(statement: &Value) -> impl Iterator<Item = Condition<'_>> {
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    operators.flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, value)| Condition {
            operator: operator.to_lowercase(),
            key: key.to_lowercase(),
            value,
        })
    })
}

fn is_assume_role(statement: &Value) -> bool {
    let named = |action: &Value| {
        action
            .as_str()
            .is_some_and(|action| ["*", "sts:*", "sts:assume*", "sts:assumerole"].contains(&&*action.to_lowercase()))
    };
    statement.get("Action").is_some_and(|actions| many(actions).into_iter().any(named))
}

fn lets_users_in(statement: &Value) -> bool {
    let principal = &statement["Principal"];
    let is_user = |principal: &Value| {
        principal.as_str().is_some_and(|arn| !arn.contains(":role/") && !arn.contains(":assumed-role/"))
    };
    principal == "*" || principal.get("AWS").is_some_and(|principals| many(principals).into_iter().any(is_user))
}

/// IAM lets a list of one be written without its brackets.
fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_asks_for_mfa_or_does_not() {
        let with = |condition: Value| {
            json!({ "Statement": [{ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::1:root" }, "Action": "sts:AssumeRole",
                "Condition": condition }] })
        };
        let deny = json!({ "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": ["1"] }, "Action": ["sts:AssumeRole", "sts:TagSession"] },
            { "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole",
              "Condition": { "BoolIfExists": { "aws:MultiFactorAuthPresent": "false" } } }] });
        let service = json!({ "Statement": { "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" } });
        let role = json!({ "Statement": { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::1:role/a" }, "Action": "sts:AssumeRole" } });
        for (policy, trust) in [
            (with(json!({})), Trust::Open),
            (with(json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } })), Trust::AsksForMfa),
            (with(json!({ "Bool": { "aws:multifactorauthpresent": [true] } })), Trust::AsksForMfa),
            (with(json!({ "BoolIfExists": { "aws:MultiFactorAuthPresent": "true" } })), Trust::IfExists),
            (with(json!({ "NumericLessThan": { "aws:MultiFactorAuthAge": "300" } })), Trust::AsksForMfa),
            (with(json!({ "NumericLessThanIfExists": { "aws:MultiFactorAuthAge": "300" } })), Trust::Open),
            (with(json!({ "StringEquals": { "sts:ExternalId": "x" } })), Trust::Open),
            (deny, Trust::AsksForMfa),
            (service, Trust::NoUsers),
            (role, Trust::NoUsers),
        ] {
            assert_eq!(read(&policy.to_string()), Some(trust), "{policy}");
        }
        assert_eq!(read("not json"), None);
    }
}
