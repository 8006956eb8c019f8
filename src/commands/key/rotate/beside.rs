//! Where the new key is kept beside the old one: in the keychain, or in the file that the old one stands in, in a section of its
//! own until the profiles have it; and how they get it.

use super::journal::Journal;
use crate::commands::key::{keep, users};
use crate::config::keys;
use crate::config::{self, Document, FileKind, Files, SectionKind, edit_file, header_of};
use crate::credentials::AccessKey;
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::keychain::Keychain;
use crate::output::access_key;
use zeroize::Zeroizing;

/// What it takes to keep a key.
pub(super) struct Beside<'a> {
    pub(super) env: &'a Env,
    pub(super) keychain: &'a Keychain<'a>,
    pub(super) how: Replacement,
}

impl Beside<'_> {
    /// Keeps the new key.
    pub(super) fn keep(&self, journal: &Journal, key: &AccessKey) -> Result<(), Error> {
        if journal.in_keychain {
            return keep(self.keychain, self.env, key, None).map(drop);
        }
        let files = Files::load(self.env)?;
        let file = keys::plain(&files).iter().find(|plain| plain.id == journal.old).map(|plain| plain.file);
        let file = file.unwrap_or(FileKind::Credentials);
        let secret = access_key::in_the_clear(key);
        let header = header_of(file, &journal.section()).expect("letters and digits");
        edit_file(self.env, files.path(file), self.how, |mut document| {
            document.remove_section(file, SectionKind::Profile, &journal.section())?;
            let lines = [("aws_access_key_id", key.id.as_str()), ("aws_secret_access_key", &secret)];
            document.add_section(&header, &lines)?;
            Ok::<_, config::Error>(document)
        })?;
        Ok(())
    }

    /// A key that was kept: it may be the new one.
    pub(super) fn find(&self, journal: &Journal, id: &str) -> Result<Option<AccessKey>, Error> {
        let files = Files::load(self.env)?;
        if journal.in_keychain || !users(&files, id).0.is_empty() {
            return Ok(self.keychain.access_key(id)?);
        }
        let found = keys::plain(&files).into_iter().find(|plain| plain.id == id);
        Ok(found.map(|plain| AccessKey { id: plain.id, secret: plain.secret.as_str().into() }))
    }

    /// Whether all profiles have the new key, and none has the old one.
    pub(super) fn is_switched(&self, journal: &Journal, new: &str) -> Result<bool, Error> {
        let files = Files::load(self.env)?;
        let ids: Vec<String> = keys::kept(&files).into_iter().map(|(_, id)| id).collect();
        let plain = keys::plain(&files);
        let own = journal.section();
        let has = |wanted: &str| {
            ids.iter().any(|id| id == wanted) || plain.iter().any(|key| key.id == wanted && key.profile != own)
        };
        Ok(has(new) && !has(&journal.old) && plain.iter().all(|key| key.profile != own))
    }

    /// Gives the new key to every profile that has the old one. One edit a file; the section beside them goes last.
    pub(super) fn switch(&self, journal: &Journal, new: &AccessKey) -> Result<(), Error> {
        let files = Files::load(self.env)?;
        if !journal.in_keychain && !users(&files, &journal.old).0.is_empty() {
            // a profile has come to name the old key in the keychain: it will name the new one there
            keep(self.keychain, self.env, new, None)?;
        }
        let old_secret = old_secret(&files, journal);
        let new_secret = access_key::in_the_clear(new);
        let edit = |document: &mut Document, file| {
            switched(document, file, journal, old_secret.as_ref(), &new.id, &new_secret)
        };
        let own = journal.section();
        let beside_in_config = files.profile(&own).is_some_and(|profile| profile.is_in(FileKind::Config));
        let mut order = [FileKind::Config, FileKind::Credentials];
        if beside_in_config {
            order.reverse();
        }
        for file in order {
            edit_file(self.env, files.path(file), self.how, |mut document| {
                edit(&mut document, file)?;
                Ok::<_, config::Error>(document)
            })?;
        }
        Ok(())
    }

    /// Names the old key again where half a switch has named the new one in the keychain.
    pub(super) fn take_back(&self, journal: &Journal, new: &str) -> Result<(), Error> {
        let files = Files::load(self.env)?;
        for file in [FileKind::Config, FileKind::Credentials] {
            edit_file(self.env, files.path(file), self.how, |mut document| {
                keys::rename_kept(&mut document, new, &journal.old)?;
                Ok::<_, config::Error>(document)
            })?;
        }
        Ok(())
    }

    /// Whether the edits can be made, before AWS is asked for anything.
    pub(super) fn rehearse(&self, journal: &Journal) -> Result<(), Error> {
        let files = Files::load(self.env)?;
        let old_secret = old_secret(&files, journal);
        for file in [FileKind::Config, FileKind::Credentials] {
            let mut document = Document::parse(files.document(file).as_bytes().to_vec());
            switched(&mut document, file, journal, old_secret.as_ref(), "AKIA", "secret")?;
        }
        Ok(())
    }
}

/// The old key's secret, where a profile has it in plain text.
fn old_secret(files: &Files, journal: &Journal) -> Option<Zeroizing<String>> {
    keys::plain(files).into_iter().find(|plain| plain.id == journal.old).map(|plain| plain.secret)
}

fn switched(
    document: &mut Document,
    file: FileKind,
    journal: &Journal,
    old_secret: Option<&Zeroizing<String>>,
    new_id: &str,
    new_secret: &str,
) -> Result<(), config::Error> {
    keys::rename_kept(document, &journal.old, new_id)?;
    let old_secret = old_secret.map(|secret| secret.as_str());
    keys::replace_plain(document, &journal.old, old_secret, new_id, new_secret)?;
    document.remove_section(file, SectionKind::Profile, &journal.section()).map(drop)
}
