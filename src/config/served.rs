//! A config file in which no default credentials come before an endpoint.
//!
//! SDKs look into the AWS files first and ask a container's endpoint last. `[default]` with an access key, as half of all
//! users have it, would win: the command would silently run as somebody else.
//!
//! ```ini
//! [default]
//! aws_access_key_id = AKIA...
//! ```

use super::{FileKind, Files, Profile};
use std::fmt::Write;

/// Name of the profile that has settings and no credentials.
pub use crate::env::SERVED_PROFILE as PROFILE;

/// With one of these a profile has credentials.
const CREDENTIALS: [&str; 8] = [
    "aws_access_key_id",
    "credential_process",
    "role_arn",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
];

/// And these belong to them.
const THEIRS: [&str; 11] = [
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "credential_source",
    "source_profile",
    "mfa_serial",
    "external_id",
    "role_session_name",
    "duration_seconds",
    "sso_region",
    "sso_role_name",
];

/// The config file with one more profile, [`PROFILE`]: `[default]`'s settings without its credentials. Secrets that stand in
/// the config file are left out. `None` where `[default]` has no credentials.
pub fn without_default_credentials(files: &Files) -> Option<Vec<u8>> {
    let default = files.profile("default")?;
    CREDENTIALS.iter().any(|key| default.get(key).is_some()).then(|| {
        let config = files.document(FileKind::Config);
        let secret = |line: usize| {
            ["aws_secret_access_key", "aws_session_token", "aws_security_token"]
                .iter()
                .any(|key| config.has_key(line, key))
        };
        let mut copy = Vec::with_capacity(config.as_bytes().len() + 1024);
        (0..config.line_count())
            .filter(|line| !secret(*line))
            .for_each(|line| copy.extend_from_slice(config.line(line)));
        copy.extend_from_slice(settings(&default).as_bytes());
        copy
    })
}

fn settings(profile: &Profile<'_>) -> String {
    let mut text = format!("\n[profile {PROFILE}]\n");
    let ours = |key: &str| !CREDENTIALS.contains(&key) && !THEIRS.contains(&key);
    for property in profile.properties().filter(|property| ours(&property.key)) {
        let _ = writeln!(text, "{} = {}", property.key, property.value.unwrap_or_default());
        for (key, value) in property.nested() {
            let _ = writeln!(text, "  {key} = {}", value.text);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(config: &str, credentials: &str) -> Option<String> {
        let files = Files::from_bytes(config.as_bytes(), credentials.as_bytes());
        without_default_credentials(&files).map(|copy| String::from_utf8(copy).unwrap())
    }

    #[test]
    fn only_a_default_with_credentials_stands_in_the_way() {
        let key = "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = planted\n";
        assert_eq!(copy("[default]\nregion = eu-west-1\n[profile x]\nrole_arn = y\n", ""), None);
        assert_eq!(copy("", "[x]\naws_access_key_id = AKIAEXAMPLE\n"), None);
        assert!(copy("", key).is_some() && copy(key, "").is_some());
        assert!(copy("[default]\ncredential_process = x\n", "").is_some());
    }

    #[test]
    fn settings_are_kept_and_secrets_are_not() {
        let config = "[default]\nregion = eu-west-1\ns3 =\n  max_queue_size = 9\naws_access_key_id = AKIAEXAMPLE\n\
                      aws_secret_access_key = planted\n[profile x]\nrole_arn = y\nsource_profile = default";
        let copy = copy(config, "").unwrap();
        assert!(!copy.contains("planted"), "{copy}");
        let files = Files::from_bytes(copy.as_bytes(), b"");
        let ours = files.profile(PROFILE).unwrap();
        assert_eq!(ours.get("region").unwrap().text, "eu-west-1");
        assert_eq!(ours.nested("s3", "max_queue_size").unwrap().text, "9");
        assert!(ours.get("aws_access_key_id").is_none());
        assert_eq!(files.profile("x").unwrap().get("source_profile").unwrap().text, "default");
    }
}
