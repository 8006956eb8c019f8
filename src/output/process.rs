//! The JSON object of `credential_process`: what every AWS SDK reads, and what the cache keeps.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use crate::credentials::Session;
use chrono::{DateTime, SecondsFormat, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{self, Write};
use zeroize::Zeroizing;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object<'a> {
    version: u8,
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow)]
    secret_access_key: Cow<'a, str>,
    #[serde(borrow)]
    session_token: Cow<'a, str>,
    #[serde(borrow)]
    expiration: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    account_id: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    region: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    profile: Option<Cow<'a, str>>,
}

/// Writes the object and a line end, in one piece: `Version` 1, `AccessKeyId`, `SecretAccessKey`, `SessionToken`,
/// `Expiration` (`2026-11-22T16:33:59Z`), and `AccountId` where it is known.
pub fn write(session: &Session, out: &mut impl Write) -> io::Result<()> {
    out.write_all(object(session, None, None).as_bytes())
}

/// Reads such an object back. `None` for anything else: another version, a missing field (an access key has no
/// `SessionToken`), a malformed expiration.
pub fn parse(bytes: &[u8]) -> Option<Session> {
    let object: Object<'_> = serde_json::from_slice(bytes).ok()?;
    if object.version != 1 {
        return None;
    }
    // Security: the strings of a session need no JSON escapes, so both are borrowed and the copies made here are the only ones.
    Some(Session {
        access_key_id: object.access_key_id.into_owned(),
        secret_access_key: object.secret_access_key.into_owned().into(),
        session_token: object.session_token.into_owned().into(),
        expiration: DateTime::parse_from_rfc3339(&object.expiration).ok()?.with_timezone(&Utc),
        account_id: object.account_id.map(Cow::into_owned),
    })
}

/// The object with a line end; `Region` and `Profile` only for `export --format json`, SDKs do not know them.
pub(super) fn object(session: &Session, region: Option<&str>, profile: Option<&str>) -> Zeroizing<String> {
    let secret_access_key = session.secret_access_key.expose_secret();
    let session_token = session.session_token.expose_secret();
    let object = Object {
        version: 1,
        access_key_id: Cow::Borrowed(&session.access_key_id),
        secret_access_key: Cow::Borrowed(secret_access_key),
        session_token: Cow::Borrowed(session_token),
        expiration: Cow::Owned(expiration(session)),
        account_id: session.account_id.as_deref().map(Cow::Borrowed),
        region: region.map(Cow::Borrowed),
        profile: profile.map(Cow::Borrowed),
    };
    // Security: with room for all of it, the buffer does not grow and leave a copy behind.
    let names = 256 + session.access_key_id.len() + 6 * (region.unwrap_or("").len() + profile.unwrap_or("").len());
    let mut bytes = Vec::with_capacity(names + secret_access_key.len() + session_token.len());
    serde_json::to_writer(&mut bytes, &object).expect("strings and a number are JSON, and a Vec takes everything");
    bytes.push(b'\n');
    Zeroizing::new(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

/// RFC 3339 in whole seconds of UTC, never later than the session's end.
pub(super) fn expiration(session: &Session) -> String {
    session.expiration.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn session() -> Session {
        Session {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "wJalr/XUt+nFEMI".into(),
            session_token: "IQoJb3JpZ2luX2VjE==".into(),
            expiration: Utc.timestamp_opt(1_795_365_239, 987_654_321).unwrap(),
            account_id: Some("123456789012".into()),
        }
    }

    fn written(session: &Session) -> String {
        let mut out = Vec::new();
        write(session, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_object_is_what_sdks_read_and_reads_back() {
        let text = written(&session());
        assert_eq!(
            text,
            concat!(
                r#"{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"wJalr/XUt+nFEMI","#,
                r#""SessionToken":"IQoJb3JpZ2luX2VjE==","Expiration":"2026-11-22T16:33:59Z","AccountId":"123456789012"}"#,
                "\n"
            )
        );
        assert_eq!(written(&parse(text.as_bytes()).unwrap()), text);
        let unknown_account = written(&Session { account_id: None, ..session() });
        assert!(!unknown_account.contains("AccountId") && parse(unknown_account.as_bytes()).is_some());
    }

    #[test]
    fn what_other_programs_print_is_read_too() {
        let text = "\n { \"Expiration\": \"2026-11-22T18:33:59.5+02:00\", \"SessionToken\": \"a\\/b\", \"More\": [1],\n
            \"SecretAccessKey\": \"s\", \"AccessKeyId\": \"ASIA\", \"AccountId\": null, \"Version\": 1 }\n";
        let session = parse(text.as_bytes()).unwrap();
        assert_eq!(session.session_token.expose_secret(), "a/b");
        assert_eq!(expiration(&session), "2026-11-22T16:33:59Z");
    }

    #[test]
    fn what_is_no_session_is_not_read() {
        let good = written(&session());
        assert!(parse(b"").is_none() && parse(&good.as_bytes()[..good.len() - 2]).is_none());
        for (from, to) in [
            ("\"Version\":1", "\"Version\":2"),
            ("\"Version\":1,", ""),
            ("\"SessionToken\":\"IQoJb3JpZ2luX2VjE==\",", ""),
            ("2026-11-22T16:33:59Z", "tomorrow"),
        ] {
            let bad = good.replace(from, to);
            assert!(bad != good && parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
