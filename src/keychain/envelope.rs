//! An item of a store that keeps bytes under a name and nothing else: one line before the secret says whose it is, until
//! when it serves, and whether it is whole. Pure. The store encrypts it; sealed files have a format of their own.
//!
//! ```text
//! mfa-run 1 EXPIRATION LENGTH CHECKSUM NAME
//! secret
//! ```
//!
//! Expiration in Unix seconds, length in bytes, checksum: the first 8 bytes of SHA-256 over name and secret, in hex. All of
//! it is text where the secret is, because KWallet keeps text only.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const MAGIC: &str = "mfa-run";
const VERSION: &str = "1";

/// What was wrapped.
pub(super) struct Item {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) expires: DateTime<Utc>,
}

/// Why an item does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Cut short, changed, or not ours.
    Damaged,
    /// Of an older or newer format.
    OtherVersion,
    /// Another item's bytes under this name.
    OtherName,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "damaged",
            Self::OtherVersion => "of another version's format",
            Self::OtherName => "not the item of that name",
        })
    }
}

/// The bytes to store.
pub(super) fn wrap(name: &str, secret: &[u8], expires: DateTime<Utc>) -> Zeroizing<Vec<u8>> {
    let (expires, checksum) = (expires.timestamp(), checksum(name, secret));
    let header = format!("{MAGIC} {VERSION} {expires} {} {checksum} {name}\n", secret.len());
    // Exactly large enough: a buffer that grew would leave a copy of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(header.len() + secret.len()));
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(secret);
    bytes
}

/// The item in the bytes that were stored.
pub(super) fn open(name: &str, bytes: &[u8]) -> Result<Item, Refused> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Refused::Damaged)?;
    let header = std::str::from_utf8(&bytes[..end]).map_err(|_| Refused::Damaged)?;
    let secret = &bytes[end + 1..];
    let mut words = header.splitn(6, ' ');
    let mut word = || words.next().ok_or(Refused::Damaged);
    if word()? != MAGIC {
        return Err(Refused::Damaged);
    }
    if word()? != VERSION {
        return Err(Refused::OtherVersion);
    }
    let (expires, length, sum, own_name) = (word()?, word()?, word()?, word()?);
    // Security: a copy of another item under this name is whole, and still not the one that was asked for.
    if own_name != name {
        return Err(Refused::OtherName);
    }
    let expires = expires.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    if length != secret.len().to_string() || sum != checksum(name, secret) {
        return Err(Refused::Damaged);
    }
    Ok(Item { secret: Zeroizing::new(secret.to_vec()), expires: expires.ok_or(Refused::Damaged)? })
}

fn checksum(name: &str, secret: &[u8]) -> String {
    let hash = Sha256::new().chain_update(name).chain_update(b"\0").chain_update(secret).finalize();
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Zeroizing<Vec<u8>> {
        wrap("a name", b"a\nsecret", DateTime::from_timestamp(1_800_000_000, 0).unwrap())
    }

    fn refused(bytes: &[u8]) -> Option<Refused> {
        open("a name", bytes).err()
    }

    #[test]
    fn what_was_wrapped_opens_under_its_name() {
        assert_eq!(std::str::from_utf8(&bytes()).unwrap(), "mfa-run 1 1800000000 8 4a23673c8c96edde a name\na\nsecret");
        let item = open("a name", &bytes()).ok().unwrap();
        assert_eq!((item.secret.as_slice(), item.expires.timestamp()), (&b"a\nsecret"[..], 1_800_000_000));
        let for_ever = wrap("key", b"", DateTime::<Utc>::MAX_UTC);
        assert_eq!(open("key", &for_ever).ok().unwrap().expires.timestamp(), DateTime::<Utc>::MAX_UTC.timestamp());
    }

    #[test]
    fn any_other_bytes_are_refused() {
        let good = bytes();
        assert_eq!(open("another", &good).err(), Some(Refused::OtherName));
        for end in 0..good.len() {
            assert!(refused(&good[..end]).is_some(), "cut at {end}");
        }
        for i in 0..good.len() {
            let mut changed = good.clone();
            changed[i] ^= 1;
            // But for the expiration, which the store keeps whole or not at all.
            assert!(refused(&changed).is_some() || (10..20).contains(&i), "changed at {i}");
        }
        assert_eq!(refused(&[&good[..], b"x"].concat()), Some(Refused::Damaged));
        assert_eq!(refused(b"mfa-run 2 what comes\nthen"), Some(Refused::OtherVersion));
        for foreign in [&b""[..], b"\n", b"password", b"mfa-run\n", b"mfa-run 1\n", b"mfa-run 1 1 0\n", b"\xff\xfe\n"] {
            assert_eq!(refused(foreign), Some(Refused::Damaged), "{foreign:?}");
        }
    }
}
