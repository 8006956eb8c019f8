//! A session as awsume hands it out: its words on stdout for its own shell wrapper, and lines for the shell function that
//! `init SHELL --awsume` prints. The wrapper splits at spaces; what it cannot carry is refused.

use super::shell::{self, Error, Format, Variable};
use crate::credentials::Session;
use chrono::Local;
use secrecy::ExposeSecret;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What awsume sets, and what would win over it. awsume 4.5 leaves `AWS_SECURITY_TOKEN`, and a stale one wins in botocore.
const VARIABLES: [&str; 13] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWSUME_PROFILE",
    "AWSUME_EXPIRATION",
    "AWSUME_COMMAND",
    "MFA_RUN_PROFILE",
];

/// What a shell is given.
#[derive(Debug)]
pub struct Awsumed<'a> {
    /// `None` where the SDKs get sessions by themselves, from the profile.
    pub session: Option<&'a Session>,
    /// Region.
    pub region: Option<&'a str>,
    /// What `AWSUME_PROFILE` says: profile, role ARN or `json`.
    pub target: &'a str,
    /// The arguments, for `AWSUME_COMMAND`. Security: without a code and without credentials.
    pub command: &'a str,
}

impl Awsumed<'_> {
    /// `Awsume AKID SECRET TOKEN REGION TARGET AWS_PROFILE EXPIRATION`, `None` for what there is not. `None` where the
    /// target has a space or is called `None`: awsume's wrapper would read something else.
    pub fn wire(&self) -> Option<Zeroizing<String>> {
        let carried = |text: &str| !text.is_empty() && text != "None" && !text.contains(char::is_whitespace);
        if !carried(self.target) || self.region.is_some_and(|region| !carried(region)) {
            return None;
        }
        let expiration = self.session.map(local);
        let none = "None";
        let fields = [
            self.session.map_or(none, |session| &session.access_key_id),
            self.session.map_or(none, |session| session.secret_access_key.expose_secret()),
            self.session.map_or(none, |session| session.session_token.expose_secret()),
            self.region.unwrap_or(none),
            self.target,
            if self.session.is_none() { self.target } else { none },
            expiration.as_deref().unwrap_or(none),
        ];
        let room = fields.iter().map(|field| field.len() + 1).sum::<usize>() + 8;
        let mut line = Zeroizing::new(String::with_capacity(room));
        line.push_str("Awsume");
        for field in fields {
            line.push(' ');
            line.push_str(field);
        }
        line.push('\n');
        Some(line)
    }

    /// Lines for the shell to evaluate.
    pub fn lines(&self, format: Format) -> Result<Zeroizing<String>, Error> {
        let mut set: Vec<Variable<'_>> = Vec::new();
        if let Some(session) = self.session {
            set.extend(shell::session_variables(session, self.target));
            set.push(("AWSUME_EXPIRATION", Cow::Owned(local(session))));
        } else {
            set.push(("AWS_PROFILE", Cow::Borrowed(self.target)));
            set.push(("AWS_DEFAULT_PROFILE", Cow::Borrowed(self.target)));
        }
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            set.extend(self.region.map(|region| (name, Cow::Borrowed(region))));
        }
        set.push(("AWSUME_PROFILE", Cow::Borrowed(self.target)));
        set.push(("AWSUME_COMMAND", Cow::Borrowed(self.command)));
        let remove: Vec<_> = VARIABLES.into_iter().filter(|name| !set.iter().any(|(given, _)| given == name)).collect();
        shell::lines(format, &set, &remove)
    }
}

/// Lines that take away all that awsume sets.
pub fn unset(format: Format) -> Result<String, Error> {
    shell::unset_lines(format, &VARIABLES)
}

/// awsume's way to write a time: local, without saying so.
fn local(session: &Session) -> String {
    session.expiration.with_timezone(&Local).format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Reads the credentials of `--json`: what `aws sts assume-role` prints, or what is under `Credentials` there. `None` where it
/// is no session: an access key has no `SessionToken`, and without `Expiration` nobody knows when it ends.
pub fn parse_json(text: &str) -> Option<(Session, Option<String>)> {
    let object: serde_json::Value = serde_json::from_str(text).ok()?;
    let object = object.get("Credentials").unwrap_or(&object);
    let field = |name| object.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
    let session = Session {
        access_key_id: field("AccessKeyId")?.to_owned(),
        secret_access_key: field("SecretAccessKey")?.into(),
        session_token: field("SessionToken")?.into(),
        expiration: chrono::DateTime::parse_from_rfc3339(field("Expiration")?).ok()?.to_utc(),
        account_id: None,
    };
    Some((session, field("Region").map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "secret".into(),
            session_token: "token".into(),
            expiration: chrono::DateTime::UNIX_EPOCH,
            account_id: None,
        }
    }

    #[test]
    fn the_wire_carries_seven_words_or_nothing() {
        let session = session();
        let awsumed = |target| Awsumed { session: Some(&session), region: None, target, command: "" };
        let line = awsumed("admin").wire().unwrap();
        assert!(line.starts_with("Awsume ASIAEXAMPLE secret token None admin None 19"), "{}", *line);
        assert!(awsumed("two words").wire().is_none() && awsumed("None").wire().is_none());
        let auto = Awsumed { session: None, ..awsumed("admin") };
        assert_eq!(*auto.wire().unwrap(), "Awsume None None None None admin admin None\n");
    }

    #[test]
    fn lines_leave_no_variable_of_before() {
        let session = session();
        let awsumed = Awsumed { session: Some(&session), region: None, target: "two words", command: "'two words' -r" };
        let lines = awsumed.lines(Format::Bash).unwrap();
        assert!(lines.contains("export AWSUME_PROFILE='two words';"), "{}", *lines);
        assert!(VARIABLES.iter().all(|name| lines.contains(name)));
        assert!(
            lines
                .ends_with("unset AWS_SECURITY_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE AWS_DEFAULT_PROFILE;\n")
        );
    }

    #[test]
    fn only_a_session_is_taken_from_json() {
        let whole = r#"{"Credentials":{"AccessKeyId":"ASIA1","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-01T00:00:00+00:00"}}"#;
        assert_eq!(parse_json(whole).unwrap().0.access_key_id, "ASIA1");
        for bad in ["", "{}", r#"{"AccessKeyId":"AKIA1","SecretAccessKey":"s"}"#] {
            assert!(parse_json(bad).is_none(), "{bad}");
        }
    }
}
