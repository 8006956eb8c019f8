//! One sealed item as bytes: XChaCha20-Poly1305 over expiration and secret. Pure; the folder is `file.rs`.
//!
//! ```text
//! "mfa-run" | version (1) | key ID (8) | nonce (24) | sealed: expiration, Unix seconds (8, big-endian), secret | tag (16)
//! ```
//!
//! Everything before the nonce and the item's name are authenticated, so that a file copied over another's name, or to
//! another key, does not open. The key ID only tells "sealed with another key" from "damaged".

use chacha20poly1305::aead::Generate;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const MAGIC: &[u8; 7] = b"mfa-run";
const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const HEADER: usize = MAGIC.len() + 1 + KEY_ID;
const NONCE: usize = 24;
const EXPIRATION: usize = 8;
const TAG: usize = 16;

/// What a sealed item is longer by than its secret.
pub(super) const OVERHEAD: usize = HEADER + NONCE + EXPIRATION + TAG;

/// A key for sealed items: 32 bytes, wiped when dropped.
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(super) fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// `None` for anything but 32 bytes.
    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        (bytes.len() == key.len()).then(|| key.copy_from_slice(bytes))?;
        Some(Self(key))
    }

    pub(super) fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }

    fn id(&self) -> [u8; KEY_ID] {
        let hash = Sha256::new().chain_update(b"mfa-run key id\0").chain_update(*self.0).finalize();
        std::array::from_fn(|i| hash[i])
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(******)")
    }
}

/// What was sealed.
pub(super) struct Item {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) expires: DateTime<Utc>,
}

/// Why an item does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Cut short, changed, or another item's file under this name.
    Damaged,
    /// Of an older or newer format.
    OtherVersion,
    /// Sealed with another key.
    OtherKey,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "damaged, or not the item of that name",
            Self::OtherVersion => "of another version's format",
            Self::OtherKey => "sealed with another key",
        })
    }
}

/// The bytes of the item's file.
pub(super) fn seal(key: &Key, name: &str, secret: &[u8], expires: DateTime<Utc>) -> Vec<u8> {
    // Exactly large enough: a buffer that grew would leave a copy of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(secret.len() + OVERHEAD));
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&key.id());
    let data = associated_data(&bytes, name);
    let nonce = XNonce::generate();
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&expires.timestamp().to_be_bytes());
    bytes.extend_from_slice(secret);
    let tag = key
        .cipher()
        .encrypt_inout_detached(&nonce, &data, (&mut bytes[HEADER + NONCE..]).into())
        .expect("an item is far below the cipher's 256 GB");
    bytes.extend_from_slice(&tag);
    std::mem::take(&mut *bytes)
}

/// The item in the bytes of its file.
pub(super) fn open(key: &Key, name: &str, bytes: &[u8]) -> Result<Item, Refused> {
    let mut bytes = Zeroizing::new(bytes.to_vec());
    if bytes.len() < OVERHEAD || !bytes.starts_with(MAGIC) {
        return Err(Refused::Damaged);
    }
    let (header, rest) = bytes.split_at_mut(HEADER);
    if header[MAGIC.len()] != VERSION {
        return Err(Refused::OtherVersion);
    }
    if header[MAGIC.len() + 1..] != key.id() {
        return Err(Refused::OtherKey);
    }
    let (nonce, rest) = rest.split_at_mut(NONCE);
    let (sealed, tag) = rest.split_at_mut(rest.len() - TAG);
    let (Ok(nonce), Ok(tag)) = (XNonce::try_from(&*nonce), Tag::try_from(&*tag)) else {
        return Err(Refused::Damaged);
    };
    key.cipher()
        .decrypt_inout_detached(&nonce, &associated_data(header, name), (&mut *sealed).into(), &tag)
        .map_err(|_| Refused::Damaged)?;
    let (expires, secret) = sealed.split_at(EXPIRATION);
    let seconds = i64::from_be_bytes(expires.try_into().map_err(|_| Refused::Damaged)?);
    let expires = DateTime::from_timestamp(seconds, 0).ok_or(Refused::Damaged)?;
    Ok(Item { secret: Zeroizing::new(secret.to_vec()), expires })
}

fn associated_data(header: &[u8], name: &str) -> Vec<u8> {
    [header, name.as_bytes()].concat()
}
