//! Files of our own: private at creation, replaced whole or not at all; and locks that die with their process. Files of
//! the user: replaced whole or not at all, with the mode and owner they had.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Writes a file only its owner can read. Killed at any instant, the file is the old one or the new one. Folders on the
/// way are made, private too.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    create_private_folder(folder)?;
    let temporary =
        folder.join(format!(".{}.{}.tmp", path.file_name().unwrap_or_default().to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// A file only its owner can read, gone when this is dropped.
#[derive(Debug)]
pub struct PrivateFile(PathBuf);

impl PrivateFile {
    /// Writes it. Errors: the folder cannot be written.
    pub fn create(path: PathBuf, bytes: &[u8]) -> io::Result<Self> {
        write_private(&path, bytes)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// How [`replace`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replacement {
    /// A new file is renamed over the old one: killed at any instant, the file is the old one or the new one.
    #[default]
    Atomic,
    /// The bytes of the file itself are written over: for a file that is a mount point. Killed in between, it is neither.
    InPlace,
}

/// Why a file of the user was not replaced. It is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// A mount point can't be renamed over (EBUSY): a file that Docker or Kubernetes mounted.
    #[error("{} is mounted by itself and can't be replaced as a whole; --in-place writes into it", path.display())]
    Mounted {
        /// The file.
        path: PathBuf,
    },
    /// No file can be made beside it.
    #[error("no file can be made in {}, to replace {} as a whole", folder.display(), path.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file belongs to somebody else, and the new one could not be given to them.
    #[error("{} belongs to user {uid} and group {gid}, and a new file can't be given to them", path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, device or pipe.
    #[error("{} is no plain file", path.display())]
    NotAFile {
        /// What was to be replaced.
        path: PathBuf,
    },
    /// Anything else; a full disk.
    #[error("{} can't be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Where the links from `path` lead; the last of them need not exist.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match std::fs::read_link(&path) {
            Ok(link) => path = path.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => {
                // The folder by its own name, so that one file has one name, and one lock.
                return match (path.parent().and_then(own_name), path.file_name()) {
                    (Some(folder), Some(name)) => Ok(folder.join(name)),
                    (_, None) => Err(io::ErrorKind::InvalidInput.into()),
                    (None, Some(_)) => Ok(path),
                };
            }
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// A path as people write it: Windows has a long form, `\\?\C:\Users`, that some programs do not read.
fn own_name(folder: &Path) -> Option<PathBuf> {
    let own = folder.canonicalize().ok()?;
    let plain = own.to_str().and_then(|own| own.strip_prefix(r"\\?\")).filter(|plain| plain[1..].starts_with(":\\"));
    Some(plain.map(PathBuf::from).unwrap_or(own))
}

/// Puts `new` in the place of a file of the user, which a link may lead to. The new file is private at creation and then
/// gets the mode and the owner of the old one; a file that was not there stays private, as do folders on the way. `false`
/// where the file is not `old` (any more): nothing was written then. On an error the file is as it was.
pub fn replace(path: &Path, old: Option<&[u8]>, new: &[u8], how: Replacement) -> Result<bool, ReplaceError> {
    let failed = |source| ReplaceError::Write { path: path.to_owned(), source };
    let path = &resolve(path).map_err(failed)?;
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(ReplaceError::NotAFile { path: path.clone() }),
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(failed(source)),
    };
    if how == Replacement::InPlace && metadata.is_some() {
        return write_in_place(path, old, new).map_err(failed);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let no_folder = |source: io::Error| match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ReplaceError::Folder { folder: folder.to_owned(), path: path.clone(), source }
        }
        _ => failed(source),
    };
    create_private_folder(folder).map_err(no_folder)?;
    let name = format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy());
    remove_leftovers(folder, &name);
    let temporary = folder.join(format!("{name}{}{LEFTOVER}", std::process::id()));
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&temporary).map_err(no_folder)?;
    let written = (|| {
        let _ = file.try_lock();
        file.write_all(new).map_err(failed)?;
        if let Some(metadata) = &metadata {
            keep_owner_and_mode(path, &file, metadata)?;
        }
        file.sync_all().map_err(failed)?;
        // A program that knows no lock of ours may have written meanwhile.
        if read_if_there(path).map_err(failed)?.as_deref() != old {
            std::fs::remove_file(&temporary).map_err(failed)?;
            return Ok(false);
        }
        rename(&temporary, path).map_err(|source| match source.kind() {
            io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => ReplaceError::Mounted { path: path.clone() },
            _ => failed(source),
        })?;
        Ok(true)
    })();
    match written {
        // The new file is in place; that its name is not known to be on the disk yet is no reason to fail.
        Ok(true) => drop(File::open(folder).and_then(|folder| folder.sync_all())),
        Ok(false) => (),
        Err(_) => drop(std::fs::remove_file(&temporary)),
    }
    written
}

/// Puts a file in the place of another. On Windows a program that has the other one open, an SDK that reads it or a virus
/// scanner, is in the way: it is waited for, a second at most.
fn rename(new: &Path, path: &Path) -> io::Result<()> {
    const ACCESS_DENIED: i32 = 5;
    const SHARING_VIOLATION: i32 = 32;
    let until = Instant::now() + Duration::from_secs(1);
    loop {
        let renamed = std::fs::rename(new, path);
        let code = renamed.as_ref().err().and_then(io::Error::raw_os_error);
        if !cfg!(windows) || !matches!(code, Some(ACCESS_DENIED | SHARING_VIOLATION)) || Instant::now() >= until {
            return renamed;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

const LEFTOVER: &str = ".mfa-run.tmp";

/// Removes what a killed writer left: a writer that lives holds a lock on its file.
fn remove_leftovers(folder: &Path, name: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        if found.to_str().is_some_and(|found| found.starts_with(name) && found.ends_with(LEFTOVER))
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
fn keep_owner_and_mode(path: &Path, file: &File, old: &std::fs::Metadata) -> Result<(), ReplaceError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let failed = |source| ReplaceError::Write { path: path.to_owned(), source };
    let new = file.metadata().map_err(failed)?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid())
        && let Err(source) = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()))
        // A group that has no access to the file is none to insist on.
        && (new.uid() != old.uid() || old.mode() & 0o070 != 0)
    {
        return Err(ReplaceError::Owner { path: path.to_owned(), uid: old.uid(), gid: old.gid(), source });
    }
    if new.mode() & 0o7777 != old.mode() & 0o7777 {
        file.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o7777)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_: &Path, _: &File, _: &std::fs::Metadata) -> Result<(), ReplaceError> {
    // A new file inherits the folder's access list, which in a user's profile is the user's own.
    Ok(())
}

/// Writes over the file's own bytes. What makes the file longer is written first, so that a full disk is met while the
/// old bytes are whole.
fn write_in_place(path: &Path, old: Option<&[u8]>, new: &[u8]) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut was = Vec::new();
    file.read_to_end(&mut was)?;
    if Some(was.as_slice()) != old {
        return Ok(false);
    }
    let longer = new.get(was.len()..).unwrap_or_default();
    if let Err(error) = file.write_all(longer).and_then(|()| file.sync_all()) {
        file.set_len(was.len() as u64)?;
        return Err(error);
    }
    let mut write = |bytes: &[u8]| {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_all()
    };
    write(new).inspect_err(|_| drop(write(&was)))?;
    Ok(true)
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A folder only its owner can enter.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// An exclusive lock on a file of its own, held until dropped. The kernel releases it when the process dies.
#[derive(Debug)]
pub struct Lock {
    #[expect(dead_code, reason = "holds the lock")]
    file: File,
    path: PathBuf,
}

impl Lock {
    /// `None` where somebody else holds it.
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        create_private_folder(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        let file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file, path: path.to_owned() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Waits for it, calling `waiting` once when it has to; `None` where the deadline passes first.
    pub fn acquire(path: &Path, deadline: Option<Instant>, mut waiting: impl FnMut()) -> io::Result<Option<Self>> {
        let mut pause = Duration::from_millis(2);
        let mut told = false;
        loop {
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(Some(lock));
            }
            if !std::mem::replace(&mut told, true) {
                waiting();
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_private_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_lock_excludes_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::try_acquire(&path).unwrap().unwrap();
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        let soon = Some(Instant::now() + Duration::from_millis(20));
        let mut told = 0;
        assert!(Lock::acquire(&path, soon, || told += 1).unwrap().is_none());
        assert_eq!(told, 1);
        drop(held);
        // another test's fork may hold the file open for a moment longer
        let later = Some(Instant::now() + Duration::from_secs(5));
        assert!(Lock::acquire(&path, later, || ()).unwrap().is_some());
    }
}
