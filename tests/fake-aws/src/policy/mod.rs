//! Decides with IAM's own rules what policy documents allow. A document is parsed once; an element, operator or value
//! this evaluator does not know is an error there, so that a policy can never be "not matched" out of ignorance.
//!
//! Known: `Effect`, `Action`/`NotAction`, `Resource`/`NotResource`, `Principal` (`AWS`, `Service`, `Federated`, `*`),
//! and the conditions of [`condition`]. An explicit deny wins. Not known, and refused: `NotPrincipal`.

mod condition;

use std::collections::BTreeMap;

use condition::Condition;
use serde_json::Value;
use thiserror::Error;

pub const MFA_PRESENT: &str = "aws:MultiFactorAuthPresent";
pub const MFA_AGE: &str = "aws:MultiFactorAuthAge";

/// Why a document is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    #[error("not JSON: {0}")]
    NotJson(String),
    #[error("unknown element {0:?}")]
    UnknownElement(String),
    #[error("unknown condition operator {0:?}")]
    UnknownOperator(String),
    #[error("{element}: {problem}")]
    Malformed { element: &'static str, problem: String },
}

fn malformed(element: &'static str, problem: impl Into<String>) -> PolicyError {
    PolicyError::Malformed { element, problem: problem.into() }
}

/// What a request says about itself: `aws:MultiFactorAuthPresent` and the like, one or several values each. Key names are
/// case-insensitive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.0.insert(key.to_ascii_lowercase(), vec![value.into()]);
        self
    }

    /// Sets `key` to a set of values (`aws:TagKeys`).
    pub fn set_all(&mut self, key: &str, values: Vec<String>) -> &mut Self {
        self.0.insert(key.to_ascii_lowercase(), values);
        self
    }

    pub fn remove(&mut self, key: &str) -> &mut Self {
        self.0.remove(&key.to_ascii_lowercase());
        self
    }

    pub(crate) fn values(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Context {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut out = Self::new();
        for (key, value) in pairs {
            out.set(key.as_ref(), value);
        }
        out
    }
}

/// One request to decide about.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The caller's account ID (12 digits).
    pub account: &'a str,
    /// Every ARN a `Principal` may name the caller by: the user's; or the role's and the session's.
    pub principals: &'a [String],
    /// `sts:AssumeRole`
    pub action: &'a str,
    /// ARN
    pub resource: &'a str,
    pub context: &'a Context,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An explicit deny.
    Deny,
    /// No statement applies.
    Silent,
    /// Allowed, but only by naming the whole account: the caller's identity policies must allow it too.
    AllowAccount,
    Allow,
}

/// A parsed policy document, identity-based or resource-based.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    allow: bool,
    action: Globs,
    resource: Option<Globs>,
    principals: Option<Vec<String>>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default)]
struct Globs {
    patterns: Vec<String>,
    not: bool,
}

impl Policy {
    /// Parses the text of a policy document.
    ///
    /// # Errors
    /// Anything that is not JSON or that this evaluator does not know.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::from_json(&serde_json::from_str(text).map_err(|e| PolicyError::NotJson(e.to_string()))?)
    }

    /// # Errors
    /// Anything that this evaluator does not know.
    pub fn from_json(document: &Value) -> Result<Self, PolicyError> {
        let document = document.as_object().ok_or_else(|| malformed("document", "not an object"))?;
        for key in document.keys() {
            if !matches!(key.as_str(), "Version" | "Id" | "Statement") {
                return Err(PolicyError::UnknownElement(key.clone()));
            }
        }
        match document.get("Version") {
            None => {}
            Some(v) if v == "2012-10-17" || v == "2008-10-17" => {}
            Some(v) => return Err(malformed("Version", v.to_string())),
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(all)) => all.iter().map(Statement::parse).collect::<Result<_, _>>()?,
            Some(one) => vec![Statement::parse(one)?],
            None => return Err(malformed("Statement", "missing")),
        };
        Ok(Self { statements })
    }

    /// `Allow * on *`.
    #[must_use]
    pub fn allow_all() -> Self {
        let any = || Globs { patterns: vec!["*".into()], not: false };
        let statement =
            Statement { allow: true, action: any(), resource: Some(any()), principals: None, conditions: vec![] };
        Self { statements: vec![statement] }
    }
}

/// What several documents of one kind say together: all of a caller's identity policies, or one trust policy.
#[must_use]
pub fn evaluate<'a>(policies: impl IntoIterator<Item = &'a Policy>, request: &Request<'_>) -> Verdict {
    let mut verdict = Verdict::Silent;
    for statement in policies.into_iter().flat_map(|p| &p.statements) {
        match statement.applies(request) {
            None => {}
            Some(_) if !statement.allow => return Verdict::Deny,
            Some(Named::Account) if verdict == Verdict::Silent => verdict = Verdict::AllowAccount,
            Some(Named::Account) => {}
            Some(Named::Caller) => verdict = Verdict::Allow,
        }
    }
    verdict
}

/// Whether `sts:AssumeRole` (or `sts:TagSession`, `sts:SetSourceIdentity`) passes both sides. In one account a trust policy
/// that names the caller is enough; one that names the account delegates to the identity policies; across accounts both must
/// allow.
#[must_use]
pub fn may_assume(by_identity: Verdict, by_trust: Verdict, same_account: bool) -> bool {
    match (by_identity, by_trust) {
        (Verdict::Deny, _) | (_, Verdict::Deny | Verdict::Silent) => false,
        (Verdict::Allow | Verdict::AllowAccount, _) => true,
        (Verdict::Silent, by_trust) => same_account && by_trust == Verdict::Allow,
    }
}

enum Named {
    Caller,
    Account,
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, PolicyError> {
        let statement = statement.as_object().ok_or_else(|| malformed("Statement", "not an object"))?;
        let (mut allow, mut action, mut resource, mut principals, mut conditions) = (None, None, None, None, vec![]);
        for (element, v) in statement {
            match element.as_str() {
                "Sid" => {}
                "Effect" if v == "Allow" => allow = Some(true),
                "Effect" if v == "Deny" => allow = Some(false),
                "Effect" => return Err(malformed("Effect", v.to_string())),
                "Action" | "NotAction" => {
                    action = Some(Globs { patterns: strings("Action", v)?, not: element == "NotAction" });
                }
                "Resource" | "NotResource" => {
                    resource = Some(Globs { patterns: strings("Resource", v)?, not: element == "NotResource" });
                }
                "Principal" => principals = Some(parse_principal(v)?),
                "Condition" => conditions = condition::parse(v)?,
                other => return Err(PolicyError::UnknownElement(other.to_owned())),
            }
        }
        Ok(Self {
            allow: allow.ok_or_else(|| malformed("Effect", "missing"))?,
            action: action.ok_or_else(|| malformed("Action", "missing"))?,
            resource,
            principals,
            conditions,
        })
    }

    fn applies(&self, request: &Request<'_>) -> Option<Named> {
        let action = self.action.patterns.iter().any(|p| glob_ignoring_case(p, request.action));
        if action == self.action.not {
            return None;
        }
        if let Some(resource) = &self.resource {
            let hit = resource
                .patterns
                .iter()
                .any(|p| fill(p, request.context).is_some_and(|p| glob(p.as_bytes(), request.resource.as_bytes())));
            if hit == resource.not {
                return None;
            }
        }
        if !self.conditions.iter().all(|c| c.holds(request.context)) {
            return None;
        }
        let Some(principals) = &self.principals else { return Some(Named::Caller) };
        if principals.iter().any(|p| p == "*" || request.principals.contains(p)) {
            return Some(Named::Caller);
        }
        principals.iter().any(|p| names_account(p, request.account)).then_some(Named::Account)
    }
}

fn names_account(principal: &str, account: &str) -> bool {
    let mut arn = principal.split(':').skip(4);
    principal == account || (principal.starts_with("arn:") && arn.next() == Some(account) && arn.next() == Some("root"))
}

/// Services and federated providers are principals nobody here can be: read, and never matched.
fn parse_principal(v: &Value) -> Result<Vec<String>, PolicyError> {
    if v == "*" {
        return Ok(vec!["*".into()]);
    }
    let kinds = v.as_object().ok_or_else(|| malformed("Principal", v.to_string()))?;
    let mut out = vec![];
    for (kind, names) in kinds {
        let names = strings("Principal", names)?;
        match kind.as_str() {
            "AWS" if names.iter().any(|n| n != "*" && n.contains('*')) => {
                return Err(malformed("Principal", "a wildcard inside a name"));
            }
            "AWS" => out.extend(names),
            "Service" | "Federated" | "CanonicalUser" => {}
            other => return Err(PolicyError::UnknownElement(format!("Principal.{other}"))),
        }
    }
    Ok(out)
}

/// One string or a list of them; booleans and numbers count as their text.
fn strings(element: &'static str, v: &Value) -> Result<Vec<String>, PolicyError> {
    let one = |v: &Value| match v {
        Value::String(s) => Ok(s.clone()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        other => Err(malformed(element, other.to_string())),
    };
    match v {
        Value::Array(all) => all.iter().map(one).collect(),
        v => Ok(vec![one(v)?]),
    }
}

fn glob_ignoring_case(pattern: &str, s: &str) -> bool {
    glob(pattern.to_ascii_lowercase().as_bytes(), s.to_ascii_lowercase().as_bytes())
}

pub(crate) fn glob(pattern: &[u8], s: &[u8]) -> bool {
    match pattern.split_first() {
        None => s.is_empty(),
        Some((b'*', rest)) => (0..=s.len()).any(|i| glob(rest, &s[i..])),
        Some((b'?', rest)) => !s.is_empty() && glob(rest, &s[1..]),
        Some((c, rest)) => s.first() == Some(c) && glob(rest, &s[1..]),
    }
}

/// Fills in `${key}` (and `${*}`, `${?}`, `${$}`); a key the request does not have makes the string match nothing.
fn fill(s: &str, context: &Context) -> Option<String> {
    let (mut out, mut rest) = (String::new(), s);
    while let Some(start) = rest.find("${") {
        let end = start + rest[start..].find('}')?;
        out += &rest[..start];
        match &rest[start + 2..end] {
            literal @ ("*" | "?" | "$") => out += literal,
            key => match context.values(key)? {
                [one] => out += one,
                _ => return None,
            },
        }
        rest = &rest[end + 1..];
    }
    Some(out + rest)
}

#[cfg(test)]
mod tests;
