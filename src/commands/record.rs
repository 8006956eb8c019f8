//! Records of what `configure`, `device enroll`, `setup` and `doctor --fix` changed, below the data folder: one a profile and
//! call. They hold no secret, see [`crate::config::undo`].

use crate::config::{self, Change, Document, FileKind, Files, edit_file, header_of};
use crate::env::Env;
use crate::error::Error;
use crate::fsio::{self, Replacement};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One change of one profile.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// Whose.
    pub(super) profile: String,
    /// Microseconds since 1970.
    when: i64,
    /// In the order they were made.
    pub(super) edits: Vec<FileEdit>,
    /// Where access keys went that stood in the config file.
    pub(super) moved_to: Option<String>,
    #[serde(skip)]
    path: PathBuf,
}

/// The change of one file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FileEdit {
    path: PathBuf,
    change: Change,
}

impl Record {
    pub(super) fn new(env: &Env, profile: &str, moved_to: Option<String>) -> Result<Self, Error> {
        let when = env.now().timestamp_micros();
        let path = folder(env)?.join(format!("{when:020}-{}.json", std::process::id()));
        Ok(Self { version: 1, profile: profile.to_owned(), when, edits: vec![], moved_to, path })
    }

    /// Notes a file's change; written at once, so that a killed call can be undone as far as it came.
    pub(super) fn add(&mut self, path: &Path, change: Change) -> Result<(), Error> {
        self.edits.push(FileEdit { path: path.to_owned(), change });
        let json = serde_json::to_vec(self).expect("a record is plain data");
        fsio::write_private(&self.path, &json).map_err(|error| Error::record(&self.path, &error))
    }

    /// Takes the change back, in all files or in none, and forgets it.
    pub(super) fn undo(&self, env: &Env, files: &Files, how: Replacement) -> Result<(), Error> {
        let kept = |header: &str, key: &str| self.secret(files, header, key);
        for edit in &self.edits {
            let document = std::fs::read(&edit.path).unwrap_or_default();
            edit.change.undo(Document::parse(document), &mut |h, k| kept(h, k)).map_err(|error| self.refused(error))?;
        }
        for edit in self.edits.iter().rev() {
            edit_file(env, &edit.path, how, |document| edit.change.undo(document, &mut |h, k| kept(h, k)))
                .map_err(|error| self.refused(error))?;
        }
        std::fs::remove_file(&self.path).map_err(|error| Error::record(&self.path, &error))
    }

    /// A secret that was moved out of the config file is where it was moved to.
    fn secret(&self, files: &Files, header: &str, key: &str) -> Option<SecretString> {
        let ours = header_of(FileKind::Config, &self.profile).is_some_and(|own| own == header);
        let moved = files.profile(self.moved_to.as_deref().filter(|_| ours)?)?;
        Some(moved.get_in(FileKind::Credentials, key)?.text.into())
    }

    fn refused(&self, error: config::Error) -> Error {
        match error {
            config::Error::Changed { .. } | config::Error::Withheld { .. } | config::Error::Misread { .. } => {
                Error::usage(
                    &format!("the change of profile {} can't be taken back by itself: {error}", self.profile),
                    &format!(
                        "take credential_process out of the profile by hand; the record is {}",
                        self.path.display()
                    ),
                )
            }
            other => other.into(),
        }
    }
}

/// All records, the oldest first.
pub(super) fn recorded(env: &Env) -> Result<Vec<Record>, Error> {
    let entries = std::fs::read_dir(folder(env)?).into_iter().flatten().flatten();
    let mut records: Vec<Record> = entries
        .filter_map(|entry| {
            let record: Record = serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok()?;
            (record.version == 1).then(|| Record { path: entry.path(), ..record })
        })
        .collect();
    records.sort_by(|one, other| (one.when, &one.path).cmp(&(other.when, &other.path)));
    Ok(records)
}

fn folder(env: &Env) -> Result<PathBuf, Error> {
    let none = || {
        Error::usage(
            "there is no home folder for the record that --undo needs",
            if cfg!(windows) { "set LOCALAPPDATA" } else { "export HOME=/home/you" },
        )
    };
    Ok(env.data_folder().ok_or_else(none)?.join("undo"))
}
