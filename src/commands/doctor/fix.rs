//! What `--fix` does: small, lossless changes, each agreed to. An edit of the AWS files leaves a record, so that `mfa-run
//! configure --undo -p PROFILE` takes it back; one that takes a session away leaves none, as no record may hold a secret.

use super::finding::Finding;
use crate::commands::Record;
use crate::config::{Document, FileKind, Files, SectionKind, edit_file, managed};
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::terminal::{escape, say};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// `chmod`
    Mode { path: PathBuf, mode: u32 },
    /// An edit of one of the AWS files.
    Edit { profile: String, file: FileKind, edit: Edit },
    /// `mfa-run configure -p PROFILE --yes`, which leaves a record of its own.
    Configure { profile: String },
}

/// An edit of a profile's section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// Another value for a key, where it still is the old one: another fix may have been there first.
    Set { key: &'static str, old: String, value: String },
    /// A key goes.
    Remove { key: &'static str },
    /// A session goes, with the keys that tools wrote beside it. In the credentials file.
    TakeSession,
}

impl Fix {
    /// What a person agrees to.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Mode { path, mode } => format!("chmod {mode:o} {}", path.display()),
            Self::Edit { profile, file, edit } => {
                let place = format!("[{profile}] of the {} file", file.name());
                match edit {
                    Edit::Set { key, value, .. } => format!("{key} = {value} in {place}"),
                    Edit::Remove { key } => format!("take {key} out of {place}"),
                    Edit::TakeSession => format!("take the session out of {place}"),
                }
            }
            Self::Configure { profile } => format!("mfa-run configure -p {profile}"),
        }
    }

    fn make(&self, env: &Env, files: &Files, how: Replacement) -> Result<(), Error> {
        match self {
            Self::Mode { path, mode } => change_mode(path, *mode),
            Self::Edit { profile, file, edit } => {
                let path = files.path(*file);
                let change = edit_file(env, path, how, |mut document: Document| {
                    match edit {
                        Edit::Set { key, old, value } => {
                            if value_of(&document, *file, profile, key).as_deref() == Some(old) {
                                document.set(*file, profile, key, value)?;
                            }
                        }
                        Edit::Remove { key } => drop(document.remove(*file, profile, key)?),
                        Edit::TakeSession => managed::take_session(&mut document, profile)?,
                    }
                    Ok::<_, Error>(document)
                })?;
                if !change.is_empty() && change.withheld().next().is_none() {
                    Record::new(env, profile, None)?.add(path, change)?;
                }
                Ok(())
            }
            Self::Configure { profile } => configure(profile, how),
        }
    }
}

fn value_of(document: &Document, file: FileKind, profile: &str, key: &str) -> Option<String> {
    let sections = document.sections(file, SectionKind::Profile, profile);
    let line = sections.into_iter().rev().find_map(|section| document.find(section, key))?;
    Some(String::from_utf8_lossy(document.property(line)?.1).into_owned())
}

#[cfg(unix)]
fn change_mode(path: &std::path::Path, mode: u32) -> Result<(), Error> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, permissions).map_err(|error| Error::mode(path, &error))
}

#[cfg(not(unix))]
fn change_mode(_: &std::path::Path, _: u32) -> Result<(), Error> {
    Ok(())
}

/// Commands never call each other, and this one has its own questions, records and refusals: it is run as the program it is.
fn configure(profile: &str, how: Replacement) -> Result<(), Error> {
    let failed = |cause: &str| Error::fix(&format!("mfa-run configure -p {profile}"), cause);
    let program = std::env::current_exe().map_err(|error| failed(&error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["configure", "--yes", "-p", profile]).stdin(Stdio::null()).stdout(Stdio::null());
    if how == Replacement::InPlace {
        command.arg("--in-place");
    }
    let output = command.stderr(Stdio::piped()).output().map_err(|error| failed(&error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(said.lines().next().unwrap_or_default().trim_start_matches("error: "))),
    }
}

/// Does what the findings offer, each after `agree`. One that fails is said and leaves the others alone.
pub(super) fn mend(
    findings: &mut [Finding],
    env: &Env,
    files: &Files,
    how: Replacement,
    mut agree: impl FnMut(&Finding, &Fix) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut done: Vec<(Fix, bool)> = Vec::new();
    for finding in findings {
        let Some(fix) = finding.fix.clone() else { continue };
        // two findings can have one cure
        if let Some((_, made)) = done.iter().find(|(other, _)| *other == fix) {
            finding.fixed = *made;
            continue;
        }
        if agree(finding, &fix)? {
            match fix.make(env, files, how) {
                Ok(()) => finding.fixed = true,
                Err(error) => say(&format!("not mended: {}", escape(&error.in_one_line()))),
            }
        }
        done.push((fix, finding.fixed));
    }
    Ok(())
}
