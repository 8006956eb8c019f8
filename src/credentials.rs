//! The four secrets of this program, each a type of its own: an access key and the seed of a device (years), a session
//! (hours), a token code (seconds). No output format accepts an access key.
//!
//! `expose_secret()` is called in `output`, `keychain` and `aws` only; Debug prints none of them.

mod seed;

pub use seed::Seed;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A long-lived access key of an IAM user (`AKIA…`).
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Access key ID: names the key, is no secret.
    pub id: String,
    /// Secret access key.
    pub secret: SecretString,
}

impl AccessKey {
    /// Whether both are the same key; takes as long whether they are or not.
    pub fn is(&self, other: &Self) -> bool {
        let [one, two] = [self, other].map(|key| key.secret.expose_secret().as_bytes());
        self.id == other.id && bool::from(one.ct_eq(two))
    }
}

/// Temporary credentials, as STS returns them.
#[derive(Clone)]
pub struct Session {
    /// Access key ID of the session (`ASIA…`).
    pub access_key_id: String,
    /// Secret access key of the session.
    pub secret_access_key: SecretString,
    /// Session token; commonly 0.7 to 1.3 kB, up to about 4 kB with tags and policies.
    pub session_token: SecretString,
    /// When AWS stops to accept it.
    pub expiration: DateTime<Utc>,
    /// Twelve digits: the account the session acts in, where it is known.
    pub account_id: Option<String>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// The six digits an MFA device shows. Worth something for 30 seconds, and once.
#[derive(Clone)]
pub struct TokenCode(SecretString);

impl TokenCode {
    /// Takes what a person or a program gave: six digits; spaces and hyphens between them are dropped (apps show `123 456`).
    /// `None` for anything else: STS would echo it back in its error.
    pub fn parse(text: &str) -> Option<Self> {
        // Security: long enough at once; a buffer that grew would leave a copy behind that nobody wipes.
        let mut digits = Zeroizing::new(String::with_capacity(text.len()));
        digits.extend(text.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')));
        (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| Self(digits.as_str().into()))
    }

    /// Whether it is that code once more.
    pub fn is(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }

    /// The six digits, for the request to STS.
    pub(crate) fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for TokenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCode(******)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_code_is_six_digits_however_an_app_shows_them() {
        for good in ["123456", " 123456\n", "123 456", "123-456", "123\u{a0}456"] {
            assert_eq!(TokenCode::parse(good).expect(good).expose_secret(), "123456");
        }
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert!(TokenCode::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let session = Session {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "planted-secret".into(),
            session_token: "planted-token".into(),
            expiration: DateTime::UNIX_EPOCH,
            account_id: None,
        };
        let key = AccessKey { id: "AKIAEXAMPLE".into(), secret: "planted-secret".into() };
        let shown = format!("{session:?} {key:?} {:?}", TokenCode::parse("123456"));
        assert!(!shown.contains("planted") && !shown.contains("123456"), "{shown}");
        assert!(shown.contains("ASIAEXAMPLE") && shown.contains("AKIAEXAMPLE"));
    }
}
