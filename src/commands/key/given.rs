//! Access keys that are given and not found: on stdin or in the environment. However they are written: the JSON of
//! `aws iam create-access-key`, the CSV of the console, lines of a credentials file or of a shell, or just an ID and a secret.

use crate::config::keys::is_long_lived;
use crate::credentials::AccessKey;
use crate::env::Env;
use crate::error::Error;
use std::io::Read;
use zeroize::Zeroizing;

/// More than any list of keys.
const LIMIT: u64 = 64 * 1024;

/// The keys on stdin.
pub(super) fn on_stdin() -> Result<Vec<AccessKey>, Error> {
    let mut text = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
    std::io::stdin().lock().take(LIMIT).read_to_end(&mut text).map_err(Error::stdin)?;
    let text = std::str::from_utf8(&text).unwrap_or_default();
    parse(text).ok_or_else(|| {
        Error::usage(
            "stdin holds no access key of an IAM user, or something beside it that is none",
            "give an ID (AKIA...) and its secret: as aws iam create-access-key prints them, or in one line",
        )
    })
}

/// The key in the environment.
pub(super) fn in_environment(env: &Env) -> Result<AccessKey, Error> {
    let (id, secret) = (env.var("AWS_ACCESS_KEY_ID"), env.var("AWS_SECRET_ACCESS_KEY"));
    match (id, secret, env.var("AWS_SESSION_TOKEN")) {
        (Some(id), Some(secret), None) if is_long_lived(id) => {
            Ok(AccessKey { id: id.to_owned(), secret: secret.into() })
        }
        (Some(_), Some(_), _) => Err(Error::usage(
            "the environment holds no access key of an IAM user but a session",
            "export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, without AWS_SESSION_TOKEN",
        )),
        _ => Err(Error::usage(
            "the environment holds no access key",
            "export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )),
    }
}

/// IDs and secrets by how they look, each ID with the secret after it. `None` where one is without the other, or a session is
/// there.
fn parse(text: &str) -> Option<Vec<AccessKey>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/+_".contains(c);
    let (mut keys, mut id) = (Vec::new(), None);
    for word in text.split(|c: char| !is_part(c)) {
        let is_secret = word.len() == 40 && !word.contains('_');
        match (is_long_lived(word), id) {
            (true, None) => id = Some(word),
            // the same again: a comment, or a description
            (true, Some(before)) if before != word => return None,
            (false, Some(before)) if is_secret => {
                keys.push(AccessKey { id: before.to_owned(), secret: word.into() });
                id = None;
            }
            (false, _) if word.starts_with("ASIA") && word.len() >= 16 => return None,
            _ => {}
        }
    }
    (id.is_none() && !keys.is_empty()).then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[test]
    fn a_key_is_read_however_it_is_written() {
        for text in [
            format!("{ID} {SECRET}\n"),
            format!(
                r#"{{"AccessKey": {{"UserName": "alice", "AccessKeyId": "{ID}", "Status": "Active", "SecretAccessKey": "{SECRET}", "CreateDate": "2026-01-02T03:04:05+00:00"}}}}"#
            ),
            format!("\u{feff}Access key ID,Secret access key\r\n{ID},{SECRET}\r\n"),
            format!("[default]\naws_access_key_id = {ID}\naws_secret_access_key={SECRET}\nregion = eu-west-1\n"),
            format!("export AWS_ACCESS_KEY_ID='{ID}'\nexport AWS_SECRET_ACCESS_KEY=\"{SECRET}\""),
        ] {
            let keys = parse(&text).expect(&text);
            let same = AccessKey { id: ID.into(), secret: SECRET.into() };
            assert!(matches!(&keys[..], [key] if key.is(&same)), "{text}");
        }
        let two = format!("{ID} {SECRET}\nAKIABBBBBBBBBBBBBBBB {SECRET}\n");
        assert_eq!(parse(&two).unwrap().len(), 2);
    }

    #[test]
    fn half_a_key_or_a_session_is_none() {
        for text in [
            String::new(),
            ID.into(),
            SECRET.into(),
            format!("{SECRET} {ID}"),
            format!("{ID} {SECRET} AKIABBBBBBBBBBBBBBBB"),
            format!("ASIAIOSFODNN7EXAMPLE {SECRET} token"),
            format!("{ID} ASIAIOSFODNN7EXAMPLE {SECRET}"),
        ] {
            assert!(parse(&text).is_none(), "{text}");
        }
    }
}
