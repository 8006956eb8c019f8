//! What the system itself has, through keyring-core's stores: the login keychain of macOS, the Credential Manager of Windows.
//!
//! Security: an error of keyring-core can hold the secret, and derives Debug. Only what kind it is leaves this file; it is
//! never printed and never anybody's `source`.

use super::{Error, envelope};
use crate::env::Env;
use chrono::{DateTime, Utc};
use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use zeroize::{Zeroize, Zeroizing};

/// What the store is called in errors.
pub(super) const STORE: &str = if cfg!(windows) { "Credential Manager" } else { "macOS Keychain" };
/// The service of our items.
const SERVICE: &str = "mfa-run";

/// The user's store; opened anew each time, as that costs nothing.
pub(super) struct Native<'e> {
    pub(super) env: &'e Env,
    /// Whether a person is there who can answer a dialog of the system's.
    pub(super) may_ask: bool,
}

impl Native<'_> {
    /// The secret of that name, if there is one that has not expired.
    pub(super) fn read(&self, name: &str, warn: impl Fn(String)) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let _silence = self.silence();
        let refuse = |refused: &str| {
            warn(format!("an item of the {STORE} is {refused}: taken as not there"));
            Ok(None)
        };
        let bytes = match load(name)? {
            Loaded::Whole(bytes) => bytes,
            Loaded::Nothing => return Ok(None),
            Loaded::Damaged => return refuse("damaged"),
        };
        match envelope::open(name, &bytes) {
            Ok(item) => Ok(Some(item.secret).filter(|_| item.expires > self.env.now())),
            Err(refused) => refuse(&refused.to_string()),
        }
    }

    /// Keeps the secret in place of an older one of that name.
    pub(super) fn write(&self, name: &str, secret: &[u8], expires: DateTime<Utc>) -> Result<(), Error> {
        let _silence = self.silence();
        save(name, &envelope::wrap(name, secret, expires))
    }

    /// Forgets the secret; whether there was one.
    pub(super) fn remove(&self, name: &str) -> Result<bool, Error> {
        let _silence = self.silence();
        discard(name)
    }

    /// Whether the store lets us look.
    pub(super) fn usable(&self) -> Result<(), Error> {
        let _silence = self.silence();
        get(name_of_nothing()).map(drop)
    }

    /// As long as it lives, the system shows no dialog; where one would be needed, the call fails.
    #[cfg(target_os = "macos")]
    fn silence(&self) -> Option<impl Sized> {
        use security_framework::os::macos::keychain::SecKeychain;
        if self.may_ask { None } else { SecKeychain::disable_user_interaction().ok() }
    }

    /// Windows shows none.
    #[cfg(windows)]
    fn silence(&self) -> bool {
        self.may_ask
    }
}

/// A name that no item has.
fn name_of_nothing() -> &'static str {
    "nothing"
}

#[cfg(windows)]
use super::parts::{Read as Loaded, Slots};

#[cfg(windows)]
const SLOTS: Slots<'static> = Slots { get: &get, set: &set, delete: &delete };

#[cfg(windows)]
fn load(name: &str) -> Result<Loaded, Error> {
    SLOTS.read(name)
}

#[cfg(windows)]
fn save(name: &str, bytes: &[u8]) -> Result<(), Error> {
    SLOTS.write(name, bytes)
}

#[cfg(windows)]
fn discard(name: &str) -> Result<bool, Error> {
    SLOTS.remove(name)
}

/// Local: what is kept here is not copied to the other machines of a domain, as `Enterprise`, the store's default, is.
#[cfg(windows)]
fn entry(name: &str) -> Result<Entry, Error> {
    let modifiers = std::collections::HashMap::from([("persistence", "Local")]);
    let store = windows_native_keyring_store::Store::new().map_err(error)?;
    store.build(SERVICE, name, Some(&modifiers)).map_err(error)
}

#[cfg(target_os = "macos")]
enum Loaded {
    Whole(Zeroizing<Vec<u8>>),
    Nothing,
    #[expect(dead_code, reason = "an item is one item here")]
    Damaged,
}

#[cfg(target_os = "macos")]
fn load(name: &str) -> Result<Loaded, Error> {
    Ok(get(name)?.map_or(Loaded::Nothing, Loaded::Whole))
}

#[cfg(target_os = "macos")]
use self::{delete as discard, set as save};

#[cfg(target_os = "macos")]
fn entry(name: &str) -> Result<Entry, Error> {
    let store = apple_native_keyring_store::keychain::Store::new().map_err(error)?;
    store.build(SERVICE, name, None).map_err(error)
}

fn get(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    found(entry(name)?.get_secret()).map(|bytes| bytes.map(Zeroizing::new))
}

/// Bytes, not a password: as a password Windows would take UTF-16, and half as much.
fn set(name: &str, bytes: &[u8]) -> Result<(), Error> {
    entry(name)?.set_secret(bytes).map_err(error)
}

fn delete(name: &str) -> Result<bool, Error> {
    found(entry(name)?.delete_credential()).map(|deleted| deleted.is_some())
}

fn found<T>(result: keyring_core::Result<T>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(other) => Err(error(other)),
    }
}

fn error(error: keyring_core::Error) -> Error {
    use keyring_core::Error as Core;
    let reason = match error {
        Core::NoStorageAccess(_) => return Error::StoreLocked { store: STORE },
        Core::PlatformFailure(cause) => return platform_failure(&*cause),
        Core::BadDataFormat(mut bytes, _) | Core::BadEncoding(mut bytes) => {
            bytes.zeroize();
            "an item is not in its format"
        }
        Core::BadStoreFormat(_) => "the store is damaged",
        Core::TooLong(..) => "an item is too long",
        Core::Ambiguous(_) => "two items have one name",
        _ => "an error that is not understood",
    };
    Error::Store { store: STORE, reason: reason.into() }
}

#[cfg(target_os = "macos")]
fn platform_failure(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    /// `errSecInteractionNotAllowed`: the keychain is locked, or it would have to ask whether this program may read.
    const SILENCED: i32 = -25308;
    match cause.downcast_ref::<security_framework::base::Error>().map(|error| error.code()) {
        Some(SILENCED) => Error::StoreLocked { store: STORE },
        Some(code) => {
            Error::Store { store: STORE, reason: format!("error {code}; `security error {code}` explains it") }
        }
        None => Error::Store { store: STORE, reason: "an error that is not understood".into() },
    }
}

/// The cause is a number of Windows', with its name.
#[cfg(windows)]
fn platform_failure(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    Error::Store { store: STORE, reason: crate::terminal::escape(&cause.to_string()).into_owned() }
}
