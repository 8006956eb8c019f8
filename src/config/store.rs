//! Changes a file on disk: under a lock, from what is in it now, and whole or not at all.

use super::{Change, Document, Error};
use crate::env::Env;
use crate::fsio::{self, Lock, ReplaceError, Replacement};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;

/// Reads the file under a lock, has it edited, and puts the new one in its place; `edit` is called again where a program
/// that does not know the lock was faster. Returns the record of what was edited. A file that is not there is an empty
/// one; a file that stays as it is is not written.
///
/// The lock is a file in our own data folder, named for the file: nothing is left in `~/.aws`.
pub fn edit_file<E: From<Error>>(
    env: &Env,
    path: &Path,
    how: Replacement,
    mut edit: impl FnMut(Document) -> Result<Document, E>,
) -> Result<Change, E> {
    let target = fsio::resolve(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    if std::fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return Err(Error::from(ReplaceError::NotAFile { path: target }).into());
    }
    let _lock = lock(env, &target)?;
    for _ in 0..8 {
        let old = match std::fs::read(&target) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Unreadable { path: target, source }.into()),
        };
        let new = edit(Document::parse(old.clone().unwrap_or_default()))?;
        if new.as_bytes() == old.as_deref().unwrap_or_default() {
            return Ok(new.change());
        }
        if fsio::replace(&target, old.as_deref(), new.as_bytes(), how).map_err(Error::Replace)? {
            return Ok(new.change());
        }
    }
    Err(Error::Busy { path: target }.into())
}

/// Waits for the lock of one file, for half a minute at most.
fn lock(env: &Env, target: &Path) -> Result<Lock, Error> {
    let name: String = Sha256::digest(target.as_os_str().as_encoded_bytes())
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let path = match env.data_folder() {
        Some(folder) => folder.join("locks").join(format!("file-{name}.lock")),
        // Without a home folder there is no place of our own.
        None => target.with_file_name(format!(".{name}.mfa-run.lock")),
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    match Lock::acquire(&path, Some(deadline), || ()) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(Error::Busy { path: target.to_owned() }),
        Err(source) => Err(Error::Lock { path, source }),
    }
}
