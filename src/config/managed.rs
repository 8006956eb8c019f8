//! Sections of the credentials file that hold a session in plain text: whose they are, how one is written, how it goes away.
//!
//! Ours carry a key of their own, because no other key tells them apart: `expiration` is aws-mfa's as well, a name ending in
//! `-session` is anybody's. It is called like the variable that says the same in an environment, so that one look tells
//! whose session it is; SDKs pass over keys they don't know:
//! ```ini
//! [admin-session]
//! mfa_run_profile = admin
//! ```
//! Never writes over a long-lived access key, nor takes one away, whatever the mark says.

use super::keys::KEPT;
use super::{Document, Error, FileKind, SectionKind, header_of};

/// The key that marks a section as ours; its value is the profile the session is of.
pub const MARK: &str = "mfa_run_profile";

/// What aws-mfa writes, and our mark.
const SESSION: [&str; 8] = [
    "assumed_role",
    "assumed_role_arn",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "expiration",
    MARK,
];

/// What awsume writes beside that.
const AWSUME: [&str; 4] = ["manager", "autoawsume", "source_expiration", "awsumepy_command"];

/// What a section's credentials are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// There is no such section, or one without credentials: `region`, `output`.
    Nobody,
    /// A session that mfa-run wrote, of this profile.
    Ours {
        /// The profile.
        profile: String,
    },
    /// aws-mfa's short-term section.
    AwsMfa,
    /// A section that awsume wrote.
    Awsume,
    /// A long-lived access key, or the name of one in the keychain.
    AccessKey,
    /// Somebody else's: other credentials, a role, another program's.
    Other,
}

/// What the section of that name holds.
pub fn holder(document: &Document, name: &str) -> Holder {
    let has = |key| value(document, name, key).is_some_and(|value| !value.is_empty());
    // long-lived whatever stands beside it: `aws configure` over a section of ours leaves the mark
    if value(document, name, "aws_access_key_id").is_some_and(|id| id.starts_with("AKIA")) || has(KEPT) {
        return Holder::AccessKey;
    }
    if let Some(profile) = value(document, name, MARK) {
        return Holder::Ours { profile: profile.to_owned() };
    }
    if value(document, name, "manager") == Some("awsume") {
        return Holder::Awsume;
    }
    let session = has("aws_session_token") || has("aws_security_token");
    if has("assumed_role") && has("expiration") && (session || !has("aws_access_key_id")) {
        return Holder::AwsMfa;
    }
    if has("aws_access_key_id") && !session {
        return Holder::AccessKey;
    }
    let others =
        ["aws_secret_access_key", "role_arn", "credential_process", "sso_account_id", "web_identity_token_file"];
    if session || others.into_iter().any(has) { Holder::Other } else { Holder::Nobody }
}

/// A value of the section that counts; `None` for one that is not UTF-8.
pub fn value<'d>(document: &'d Document, name: &str, key: &str) -> Option<&'d str> {
    let sections = document.sections(FileKind::Credentials, SectionKind::Profile, name);
    let line = sections.into_iter().rev().find_map(|section| document.find(section, key))?;
    std::str::from_utf8(document.property(line)?.1).ok()
}

/// The names of all sections, each once.
pub fn names(document: &Document) -> Vec<String> {
    let mut names = Vec::new();
    for &line in document.headers() {
        if let Ok(name) = std::str::from_utf8(document.header(line))
            && name != "DEFAULT"
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// Writes a session into the section, in the place of the one that is there. Other keys, comments and their order stay.
pub fn put(document: &mut Document, name: &str, properties: &[(&str, &str)]) -> Result<(), Error> {
    if document.sections(FileKind::Credentials, SectionKind::Profile, name).is_empty() {
        let header =
            header_of(FileKind::Credentials, name).ok_or_else(|| Error::NoHeader { header: name.to_owned() })?;
        return document.add_section(&header, properties);
    }
    let written = |key: &str| properties.iter().any(|(name, _)| *name == key);
    for key in SESSION.into_iter().chain(AWSUME).filter(|key| !written(key)) {
        document.remove(FileKind::Credentials, name, key)?;
    }
    properties.iter().try_for_each(|(key, value)| document.set(FileKind::Credentials, name, key, value))
}

/// Takes the session out of the section, and the section with it where nothing is left but a region. In aws-mfa's layout,
/// where `[NAME-long-term]` is there, the section is the user's own and a region is reason enough to keep it.
pub fn take(document: &mut Document, name: &str) -> Result<(), Error> {
    let kept: &[&str] = if is_aws_mfa_layout(document, name) { &[] } else { &["region"] };
    take_from(document, name, kept)
}

/// The same where somebody else wrote the section: a region is then the user's own.
pub fn take_session(document: &mut Document, name: &str) -> Result<(), Error> {
    match holder(document, name) {
        Holder::Ours { .. } | Holder::Awsume => take(document, name),
        _ => take_from(document, name, &[]),
    }
}

/// `passing`: keys that are no reason to keep the section.
fn take_from(document: &mut Document, name: &str, passing: &[&str]) -> Result<(), Error> {
    for key in SESSION.into_iter().chain(AWSUME) {
        document.remove(FileKind::Credentials, name, key)?;
    }
    let sections = document.sections(FileKind::Credentials, SectionKind::Profile, name);
    let counts = |line| !passing.iter().any(|key| document.has_key(line, key));
    if !sections.iter().any(|&section| document.properties(section).any(counts)) {
        document.remove_section(FileKind::Credentials, SectionKind::Profile, name)?;
    }
    Ok(())
}

/// Whether `[NAME-long-term]` is there.
pub fn is_aws_mfa_layout(document: &Document, name: &str) -> bool {
    let section = format!("{name}-long-term");
    ["aws_access_key_id", KEPT].into_iter().any(|key| value(document, &section, key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text.as_bytes().to_vec())
    }

    #[test]
    fn a_section_is_known_by_its_keys() {
        let session = "aws_access_key_id = ASIA1\naws_secret_access_key = s\naws_session_token = t\n";
        let key = "aws_access_key_id = AKIA1\naws_secret_access_key = s\n";
        for (keys, held) in [
            (String::new(), Holder::Nobody),
            ("region = eu-west-1\n".into(), Holder::Nobody),
            (format!("{session}mfa_run_profile = two words\n"), Holder::Ours { profile: "two words".into() }),
            (format!("{session}assumed_role = False\nexpiration = 2026-01-01 00:00:00\n"), Holder::AwsMfa),
            (format!("{session}manager = awsume\nexpiration = 2026-01-01 00:00:00\n"), Holder::Awsume),
            (key.into(), Holder::AccessKey),
            (format!("{key}mfa_run_profile = admin\naws_session_token = left over\n"), Holder::AccessKey),
            (format!("{key}assumed_role = False\nexpiration = 2026-01-01 00:00:00\n"), Holder::AccessKey),
            ("aws_access_key_id = local\naws_secret_access_key = s\n".into(), Holder::AccessKey),
            ("mfa_run_access_key_id = AKIA1\n".into(), Holder::AccessKey),
            (session.into(), Holder::Other),
            ("credential_process = x\n".into(), Holder::Other),
        ] {
            assert_eq!(holder(&document(&format!("[a]\nx = 1\n[x]\n{keys}")), "x"), held, "{keys}");
        }
        assert_eq!(holder(&document("[a]\n"), "x"), Holder::Nobody);
    }

    #[test]
    fn a_session_comes_and_goes_and_all_else_stays() {
        let before = "# mine\r\n[default-long-term]\r\naws_access_key_id = AKIA1\r\n\r\n[default]\r\n; why\r\noutput=json\r\nregion=eu-west-1";
        let mut written = document(before);
        let properties = [("aws_access_key_id", "ASIA1"), ("aws_session_token", "t"), (MARK, "default")];
        put(&mut written, "default", &properties).unwrap();
        let text = String::from_utf8(written.as_bytes().to_vec()).unwrap();
        assert!(
            text.ends_with(
                "region=eu-west-1\r\naws_access_key_id=ASIA1\r\naws_session_token=t\r\nmfa_run_profile=default"
            ),
            "{text:?}"
        );
        take(&mut written, "default").unwrap();
        assert_eq!(written.as_bytes(), before.as_bytes());

        let mut added = document("[a]\nx = 1\n");
        put(&mut added, "a-session", &properties).unwrap();
        put(&mut added, "a-session", &[("aws_access_key_id", "ASIA2"), ("region", "eu-west-1")]).unwrap();
        assert_eq!(value(&added, "a-session", "aws_session_token"), None);
        take(&mut added, "a-session").unwrap();
        assert_eq!(names(&added), ["a"]);
    }
}
