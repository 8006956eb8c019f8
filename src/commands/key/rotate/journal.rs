//! What a rotation has asked AWS for, on record before it asks, so that a run that was killed is finished by the next one. No
//! secret: IDs and times.

use crate::env::Env;
use crate::error::Error;
use crate::fsio;
use crate::terminal::quote;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One rotation, below the data folder, named for the old key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::commands::key) struct Journal {
    version: u32,
    /// Access key ID of the key that goes.
    pub(super) old: String,
    /// The profile it was begun for.
    pub(super) profile: String,
    /// Whether the new key is kept in the keychain, as the old one is; else in the file that the old one stands in.
    pub(super) in_keychain: bool,
    /// IDs that IAM listed before. Another one that is there later was made by this rotation, or by somebody else since.
    pub(super) before: Vec<String>,
    /// Seconds since 1970.
    pub(super) begun: i64,
    /// When AWS was asked for a key last.
    pub(super) asked: i64,
    pub(super) stage: Stage,
}

/// How far it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// AWS is asked for a new key, or about to be.
    Begun,
    /// The new key is kept beside the old one.
    Kept { new: String },
    /// All profiles have the new key.
    Switched { new: String },
    /// AWS takes the old key no longer, since then.
    Inactive { new: String, since: i64 },
}

impl Journal {
    pub(super) fn begin(env: &Env, old: &str, profile: &str, in_keychain: bool, before: Vec<String>) -> Self {
        let (old, profile, begun) = (old.to_owned(), profile.to_owned(), env.now().timestamp());
        Self { version: 1, old, profile, in_keychain, before, begun, asked: begun, stage: Stage::Begun }
    }

    /// The rotation that this key goes or comes with.
    pub(super) fn of(env: &Env, id: &str) -> Option<Self> {
        Self::all(env).into_iter().find(|journal| journal.old == id || journal.new_id() == Some(id))
    }

    /// One that is under way: the key it goes or comes with has to stay where it is.
    pub(in crate::commands::key) fn under_way(env: &Env, id: &str) -> Option<Self> {
        Self::of(env, id).filter(|journal| !matches!(journal.stage, Stage::Inactive { .. }))
    }

    /// Every rotation that is not finished.
    pub(in crate::commands::key) fn all(env: &Env) -> Vec<Self> {
        let folder = env.data_folder().map(|folder| folder.join("rotations"));
        let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        let read = |path: PathBuf| serde_json::from_slice::<Self>(&std::fs::read(path).ok()?).ok();
        let is_one = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
        let all = entries.map(|entry| entry.path()).filter(is_one).filter_map(read);
        all.filter(|journal| journal.version == 1).collect()
    }

    /// What a person should know of it.
    pub(in crate::commands::key) fn in_words(&self) -> String {
        let state = match self.stage {
            Stage::Inactive { .. } => format!("{} is inactive and waits to be deleted", self.old),
            _ => format!("the rotation of {} is not finished", self.old),
        };
        format!("{state}: {}", self.command())
    }

    /// What finishes it.
    pub(in crate::commands::key) fn command(&self) -> String {
        format!("mfa-run key rotate -p {}", quote(&self.profile))
    }

    /// The section that has the new key in plain text until the profiles have it.
    pub(super) fn section(&self) -> String {
        format!("mfa-run-replaces-{}", self.old)
    }

    pub(super) fn is_beside(&self, profile: &str) -> bool {
        profile == self.section()
    }

    fn new_id(&self) -> Option<&str> {
        match &self.stage {
            Stage::Begun => None,
            Stage::Kept { new } | Stage::Switched { new } | Stage::Inactive { new, .. } => Some(new),
        }
    }

    /// Puts it on record how far it is now.
    pub(super) fn reach(&mut self, env: &Env, stage: Stage) -> Result<(), Error> {
        self.stage = stage;
        let path = self.path(env)?;
        let json = serde_json::to_vec(self).expect("strings and numbers");
        fsio::write_private(&path, &json).map_err(|error| Error::record(&path, &error))
    }

    /// It is over.
    pub(super) fn forget(&self, env: &Env) -> Result<(), Error> {
        let path = self.path(env)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::record(&path, &error)),
            _ => Ok(()),
        }
    }

    fn path(&self, env: &Env) -> Result<PathBuf, Error> {
        let none = || Error::usage("there is no home folder for the record of a rotation", "export HOME=/home/you");
        Ok(env.data_folder().ok_or_else(none)?.join("rotations").join(format!("{}.json", self.old)))
    }
}
