//! The user keyring `@u` of the Linux kernel: RAM only, no daemon, nothing to unlock. A key carries its own timeout, so
//! the kernel forgets a session when AWS does.
//!
//! A key is made in the thread keyring, which nobody else sees and which dies with the thread; it gets its timeout and
//! permissions there and is then linked into `@u`, where the link displaces an older key of the same name in one step.
//! `add_key` into `@u`, or updating a key there, would show it without a timeout first: the kernel's `user_update()`
//! clears the old one (security/keys/user_defined.c), and a process killed then would leave a session for ever.

use super::Error;
use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use zeroize::Zeroizing;

/// Fits nearly every session, so that one read is enough.
const USUAL_SIZE: usize = 4096;

/// The secret of that name, if there is one that lives.
pub(super) fn read(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let ring = user_keyring()?;
    // Between search and read another process may displace the key: look for its successor.
    for _ in 0..3 {
        let Some(key) = found(ring.search(&description(name)))? else { return Ok(None) };
        if let Some(secret) = found(payload(key))? {
            return Ok(Some(secret));
        }
    }
    Ok(None)
}

/// Keeps the secret for that many seconds; zero would mean for ever and is refused.
pub(super) fn write(name: &str, secret: &[u8], seconds: u32) -> Result<(), Error> {
    assert!(seconds > 0, "a key without a timeout");
    let ring = user_keyring()?;
    let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).map_err(error)?;
    let key = own.add_key(&description(name), secret).map_err(error)?;
    // Security: the timeout comes before the permissions that let other logins of this user read the key.
    let linked =
        key.set_timeout(seconds as usize).and_then(|()| key.set_perms(permissions())).and_then(|()| ring.link_key(key));
    // Where one of these failed, this was the key's only link, and it is gone.
    let unlinked = own.unlink_key(key);
    linked.and(unlinked).map_err(error)
}

/// Forgets the secret; whether there was one.
pub(super) fn remove(name: &str) -> Result<bool, Error> {
    let ring = user_keyring()?;
    let Some(key) = found(ring.search(&description(name)))? else { return Ok(false) };
    // Revoking gives the quota back at once; unlinking only after a grace period of the kernel's.
    let revoked = found(key.revoke());
    let _ = ring.unlink_key(key);
    Ok(revoked?.is_some())
}

/// Whether the kernel lets us at all.
pub(super) fn usable() -> Result<(), Error> {
    found(user_keyring()?.search("mfa-run:")).map(drop)
}

fn user_keyring() -> Result<KeyRing, Error> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false).map_err(error)
}

fn description(name: &str) -> String {
    format!("mfa-run:{name}")
}

/// Possessor *and* same user (0x3f3f0000): a login session that does not possess `@u` (cron, ssh, systemd) reads as user.
fn permissions() -> linux_keyutils::KeyPermissions {
    KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::ALL).build()
}

fn payload(key: Key) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut buffer = Zeroizing::new(vec![0; USUAL_SIZE]);
    loop {
        let size = key.read(&mut *buffer)?;
        if size <= buffer.len() {
            buffer.truncate(size);
            return Ok(buffer);
        }
        // A new one: growing would leave a copy behind that nobody wipes.
        buffer = Zeroizing::new(vec![0; size]);
    }
}

/// A key that is gone, expired or revoked is no error: it is not there.
fn found<T>(result: Result<T, KeyError>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked | KeyError::KeyRejected) => {
            Ok(None)
        }
        Err(other) => Err(error(other)),
    }
}

fn error(error: KeyError) -> Error {
    const ENOSYS: i32 = rustix::io::Errno::NOSYS.raw_os_error();
    match error {
        KeyError::PermissionDenied => Error::KeyringBlocked { reason: "EPERM" },
        KeyError::AccessDenied => Error::KeyringBlocked { reason: "EACCES" },
        KeyError::OperationNotSupported => Error::KeyringBlocked { reason: "EOPNOTSUPP" },
        KeyError::Unknown(ENOSYS) => Error::KeyringBlocked { reason: "ENOSYS" },
        KeyError::QuotaExceeded => Error::KeyringFull,
        KeyError::Unknown(errno) => {
            Error::Keyring { reason: std::io::Error::from_raw_os_error(errno).to_string().to_lowercase() }
        }
        other => Error::Keyring { reason: format!("{other:?}") },
    }
}
