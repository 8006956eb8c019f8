//! Sealed files: one per item below the user's data folder, for machines and containers without a keychain. What cannot
//! be opened is not there, with a warning; it is never somebody else's session.

use super::key::KeySource;
use super::{Error, LIMIT, seal};
use crate::fsio::{self, Lock};
use chrono::{DateTime, Utc};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The folder of sealed files.
pub(super) struct SealedFiles<'e> {
    /// `None` where the user has no data folder.
    pub(super) folder: Option<PathBuf>,
    pub(super) source: KeySource<'e>,
}

impl SealedFiles<'_> {
    pub(super) fn read(&self, name: &str, warn: impl FnOnce(String)) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let path = self.path(name)?;
        let Some(bytes) = contents(&path)? else { return Ok(None) };
        match seal::open(self.source.key(self.folder()?)?, name, &bytes) {
            Ok(item) if item.expires > self.source.env.now() => Ok(Some(item.secret)),
            Ok(_) => {
                self.remove_expired(&path, &bytes);
                Ok(None)
            }
            Err(refused) => {
                warn(format!("{} is {refused}: taken as not there", path.display()));
                Ok(None)
            }
        }
    }

    pub(super) fn write(&self, name: &str, secret: &[u8], expires: DateTime<Utc>) -> Result<(), Error> {
        let path = self.path(name)?;
        let sealed = seal::seal(self.source.key(self.folder()?)?, name, secret, expires);
        // Where it can't be had, writing without it is better than losing a session a code was just typed for.
        let _lock = Lock::acquire(&self.lock()?, Some(Instant::now() + Duration::from_secs(2)), || ());
        fsio::write_private(&path, &sealed).map_err(|source| Error::File { action: "write", path, source })
    }

    /// Needs no key; whether there was one.
    pub(super) fn remove(&self, name: &str) -> Result<bool, Error> {
        let path = self.path(name)?;
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::File { action: "remove", path, source }),
        }
    }

    /// Under the lock, and only if it is still the expired one: a new one may have come in the meantime.
    fn remove_expired(&self, path: &Path, expired: &[u8]) {
        if let Ok(lock) = self.lock()
            && let Ok(Some(_lock)) = Lock::try_acquire(&lock)
            && contents(path).is_ok_and(|now| now.as_deref() == Some(expired))
        {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Held by whoever changes an item.
    fn lock(&self) -> Result<PathBuf, Error> {
        Ok(self.folder()?.join("items.lock"))
    }

    pub(super) fn folder(&self) -> Result<&PathBuf, Error> {
        self.folder.as_ref().ok_or(Error::NoFolder)
    }

    /// Letters, digits, `-` and `_` as they are, the rest as `%XX`: no name leaves the folder or meets `kdf.json`.
    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let mut file = String::with_capacity(name.len());
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => file.push(byte.into()),
                _ => file.push_str(&format!("%{byte:02X}")),
            }
        }
        Ok(self.folder()?.join(file))
    }
}

fn contents(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    // One byte over the limit is enough to see that it is no item of ours.
    const MOST: u64 = (LIMIT + seal::OVERHEAD + 1) as u64;
    let read = || {
        let file = std::fs::File::open(path)?;
        let size = file.metadata()?.len().min(MOST);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        io::Read::read_to_end(&mut io::Read::take(file, MOST), &mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if io::Error::kind(&e) == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { action: "read", path: path.to_owned(), source }),
    }
}
