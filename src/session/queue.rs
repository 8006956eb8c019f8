//! One process at a time talks to a person about an MFA device. The others wait for its lock, and leave a note of what they
//! want, so that the one code can be spent where it serves them all. Who needs no code waits for nobody but those who make
//! the same session: everybody takes that turn first, and the device's second.
//!
//! A note is a locked file: it means something as long as its process lives.

use crate::env::Env;
use crate::fsio::Lock;
use crate::profile::Plan;
use crate::profile::plan::SessionId;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// A code of the device.
    Device,
    /// The session, which another process may be making.
    Session,
}

/// A place in the queue; held, it is this process's turn.
#[derive(Debug)]
pub(super) struct Turn {
    folder: PathBuf,
    want: PathBuf,
    id: SessionId,
    lock: Option<Lock>,
}

impl Turn {
    /// Waits for it. `Ok(None)`: the deadline passed. Errors: the data folder cannot be written.
    pub(super) fn wait(
        env: &Env,
        queue: Queue,
        plan: &Plan,
        id: &SessionId,
        deadline: Option<Instant>,
        waiting: impl FnOnce(),
    ) -> io::Result<Option<Self>> {
        let folder = env.data_folder().ok_or(io::ErrorKind::NotFound)?.join("locks").join(name(queue, plan, id));
        let want = folder.join(format!("{id}.{}", std::process::id()));
        let lock = folder.join("lock");
        let turn = |folder, want, lock| Self { folder, want, id: id.clone(), lock: Some(lock) };
        if let Some(lock) = Lock::try_acquire(&lock)? {
            return Ok(Some(turn(folder, want, lock)));
        }
        let note = Lock::try_acquire(&want)?;
        let mut waiting = Some(waiting);
        let lock = Lock::acquire(&lock, deadline, || {
            if let Some(waiting) = waiting.take() {
                waiting();
            }
        });
        drop(note);
        let _ = std::fs::remove_file(&want);
        Ok(lock?.map(|lock| turn(folder, want, lock)))
    }

    /// Whether a living process waits for another session behind the same device.
    pub(super) fn others_want_more(&self) -> bool {
        let Ok(notes) = std::fs::read_dir(&self.folder) else { return false };
        notes.flatten().map(|note| note.path()).any(|note| note != self.want && self.is_other(&note) && is_held(&note))
    }

    fn is_other(&self, note: &Path) -> bool {
        let wanted =
            note.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('.')).map(|(id, _)| id);
        wanted.is_some_and(|wanted| wanted.starts_with("role-") && wanted != self.id.as_str())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.lock.take());
    }
}

fn is_held(note: &Path) -> bool {
    match Lock::try_acquire(note) {
        Ok(None) => true,
        Ok(Some(_left_behind)) => {
            let _ = std::fs::remove_file(note);
            false
        }
        Err(_) => false,
    }
}

/// One queue a device, and one a session.
fn name(queue: Queue, plan: &Plan, id: &SessionId) -> String {
    let Some(mfa) = plan.mfa.as_ref().filter(|_| queue == Queue::Device) else { return id.to_string() };
    let hash = Sha256::digest(mfa.serial.value.as_str());
    hash[..8].iter().fold("device-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}
