//! IAM's decision, for the part of its language that the module uses. Whatever it does not know is a panic, never
//! "no match": a policy that says something new has to be taught here before the matrix can pass.

use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) type Context = BTreeMap<&'static str, String>;

/// One request as one side's policies see it.
pub(crate) struct Request<'a> {
    pub(crate) principal: &'a str,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a Context,
}

#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub(crate) enum Verdict {
    Deny,
    Allow,
    Silent,
}

/// A Deny anywhere wins, an Allow anywhere is enough.
pub(crate) fn verdict<'a>(documents: impl IntoIterator<Item = &'a Value>, request: &Request<'_>) -> Verdict {
    let mut verdict = Verdict::Silent;
    for statement in documents.into_iter().flat_map(|d| d["Statement"].as_array().expect("statements")) {
        if applies(statement, request) {
            match statement["Effect"].as_str() {
                Some("Deny") => return Verdict::Deny,
                Some("Allow") => verdict = Verdict::Allow,
                other => panic!("effect {other:?}"),
            }
        }
    }
    verdict
}

fn applies(statement: &Value, request: &Request<'_>) -> bool {
    statement.as_object().expect("a statement").iter().all(|(element, value)| match element.as_str() {
        "Sid" | "Effect" => true,
        "Action" | "NotAction" => {
            // Actions, unlike resources, are not case-sensitive.
            let action = request.action.to_ascii_lowercase();
            let named = list(value).iter().any(|p| glob(p.to_ascii_lowercase().as_bytes(), action.as_bytes()));
            named == (element == "Action")
        }
        "Resource" => list(value)
            .iter()
            .any(|p| fill(p, request.context).is_some_and(|p| glob(p.as_bytes(), request.resource.as_bytes()))),
        "Principal" => list(&value["AWS"]).iter().any(|p| trusts(p, request.principal)),
        "Condition" => holds(value, request.context),
        other => panic!("element {other}"),
    })
}

/// An account's root stands for everybody in the account, roles' sessions included.
fn trusts(named: &str, principal: &str) -> bool {
    let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
    named == "*" || named == principal || (named.ends_with(":root") && account(named) == account(principal))
}

fn holds(condition: &Value, context: &Context) -> bool {
    condition.as_object().expect("a condition").iter().all(|(operator, tests)| {
        let (base, if_exists) = match operator.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (operator.as_str(), false),
        };
        tests.as_object().expect("keys").iter().all(|(key, wanted)| {
            let had = context.get(key.as_str());
            if base == "Null" {
                return list(wanted).iter().any(|w| *w == if had.is_none() { "true" } else { "false" });
            }
            let Some(had) = had else { return if_exists };
            list(wanted).iter().any(|wanted| match base {
                "Bool" => had.eq_ignore_ascii_case(wanted),
                "NumericLessThan" => number(had) < number(wanted),
                "StringEquals" => fill(wanted, context).as_deref() == Some(had),
                _ => panic!("operator {operator}"),
            })
        })
    })
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().map(|v| v.as_str().expect("a string")).collect(),
        value => vec![value.as_str().expect("a string")],
    }
}

/// Fills in `${key}`; with a key that the request does not have, the string matches nothing.
fn fill(text: &str, context: &Context) -> Option<String> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some(start) = rest.find("${") {
        let end = start + rest[start..].find('}').expect("a closed variable");
        filled += &rest[..start];
        filled += context.get(&rest[start + 2..end])?;
        rest = &rest[end + 1..];
    }
    Some(filled + rest)
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|i| glob(rest, &text[i..])),
        Some((b'?', rest)) => !text.is_empty() && glob(rest, &text[1..]),
        Some((c, rest)) => text.first() == Some(c) && glob(rest, &text[1..]),
    }
}

#[test]
fn an_absent_key_satisfies_what_ends_in_if_exists_and_nothing_else() {
    let bare = Context::new();
    let condition = |operator: &str, value: &str| {
        holds(&serde_json::json!({ operator: { "aws:MultiFactorAuthPresent": value } }), &bare)
    };
    assert!(!condition("Bool", "true") && !condition("Bool", "false"));
    assert!(condition("BoolIfExists", "true") && condition("BoolIfExists", "false"));
    assert!(condition("Null", "true") && !condition("Null", "false"));
}

#[test]
fn a_variable_without_a_value_matches_nothing() {
    assert_eq!(fill("user/${aws:username}", &Context::new()), None);
    assert!(glob(b"a*c?", b"abbcd") && !glob(b"a*c", b"ab"));
}
