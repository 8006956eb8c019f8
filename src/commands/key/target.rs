//! What `key import` does to the two AWS files, as edits of documents: pure.

use crate::config::keys::{self, KEPT, Plain};
use crate::config::{self, Document, FileKind, Files};

/// The edits for one profile.
#[derive(Debug, Default)]
pub(super) struct Target {
    pub(super) profile: String,
    /// The key as it stands in the files.
    pub(super) plain: Option<Plain>,
    /// The key to name in a profile that does not have it, and in which file.
    pub(super) names: Option<(FileKind, String)>,
    /// Keys to set: `credential_process`, `mfa_serial`.
    pub(super) set: Vec<(&'static str, String)>,
}

impl Target {
    pub(super) fn edit(&self, document: &mut Document, file: FileKind) -> Result<(), config::Error> {
        if file == FileKind::Config {
            for (key, value) in &self.set {
                document.set(file, &self.profile, key, value)?;
            }
        }
        if let Some((_, id)) = self.names.as_ref().filter(|(place, _)| *place == file) {
            document.set(file, &self.profile, KEPT, id)?;
        }
        self.plain.as_ref().map_or(Ok(()), |plain| keys::name_kept(document, file, plain))
    }
}

/// Both files as they would be.
pub(super) struct Draft {
    pub(super) config: Vec<u8>,
    pub(super) credentials: Vec<u8>,
}

impl Draft {
    pub(super) fn of(files: &Files) -> Self {
        let bytes = |kind| files.document(kind).as_bytes().to_vec();
        Self { config: bytes(FileKind::Config), credentials: bytes(FileKind::Credentials) }
    }

    pub(super) fn with(&self, targets: &[Target]) -> Result<Self, config::Error> {
        let edited = |bytes: &[u8], file| {
            let mut document = Document::parse(bytes.to_vec());
            targets.iter().try_for_each(|target| target.edit(&mut document, file))?;
            Ok::<_, config::Error>(document.into_bytes())
        };
        Ok(Self {
            config: edited(&self.config, FileKind::Config)?,
            credentials: edited(&self.credentials, FileKind::Credentials)?,
        })
    }

    pub(super) fn files(&self) -> Files {
        Files::from_bytes(&self.config, &self.credentials)
    }
}
