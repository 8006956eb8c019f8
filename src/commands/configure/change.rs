//! What `configure` does to the two files, as edits of documents: pure.

use super::line::FLAGS;
use crate::config::{self, Document, FileKind, Files, Profile, SectionKind};
use crate::profile::request;
use zeroize::Zeroizing;

/// The edits for one profile.
#[derive(Default)]
pub(super) struct Target {
    pub(super) profile: String,
    /// The value of `credential_process`.
    pub(super) value: String,
    /// Whether the line names the role, so that the profile's own keys go.
    pub(super) names_role: bool,
    /// Keys to set beside it: region, mfa_serial, mfa_session.
    pub(super) set: Vec<(&'static str, String)>,
    /// Where the profile's access key goes, out of the way.
    pub(super) keys_to: Option<String>,
    /// The access key where it stands in the config file, to be moved there too.
    pub(super) in_config: Vec<(&'static str, Zeroizing<String>)>,
    /// What a person has to agree to.
    pub(super) consents: Vec<String>,
}

/// Keys of an access key or session.
const KEYS: [&str; 4] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];

impl Target {
    /// What is in the way of the new line: access keys, another program's `credential_process`.
    pub(super) fn clear_the_way(&mut self, files: &Files, profile: &Profile<'_>) {
        let name = &self.profile;
        let has_key = KEYS.iter().any(|key| profile.get(key).is_some());
        if has_key {
            let temporary = KEYS[2..].iter().any(|key| profile.get(key).is_some_and(|value| !value.text.is_empty()));
            let long_term = format!("{name}-long-term");
            let aside = if temporary || files.profile(&long_term).is_some() {
                free_name(files, &format!("{name}-before-mfa-run"))
            } else {
                long_term
            };
            let what = if temporary { "session" } else { "access key" };
            self.consents.push(format!(
                "the {what} in [{name}] moves to [{aside}]: SDKs would take it before credential_process"
            ));
            let value = |key: &'static str| Some((key, profile.get_in(FileKind::Config, key)?.text.to_owned().into()));
            if KEYS.iter().all(|key| profile.get_in(FileKind::Credentials, key).is_none()) {
                self.in_config = KEYS.into_iter().filter_map(value).collect();
            }
            // what stood beside the key goes on to count
            for key in ["region", "output"] {
                let there = profile.get_in(FileKind::Credentials, key);
                if let Some(value) = there.filter(|_| profile.get_in(FileKind::Config, key).is_none()) {
                    self.set.push((key, value.text.to_owned()));
                }
            }
            self.keys_to = Some(aside);
        }
        let other = profile.get("credential_process").filter(|value| request::own_arguments(value.text).is_none());
        if let Some(other) = other {
            let program = other.text.split_whitespace().next().unwrap_or_default();
            self.consents.push(format!("credential_process of [{name}], now {program}, is replaced"));
        }
    }

    /// The config file.
    pub(super) fn edit_config(&self, document: Document) -> Result<Document, config::Error> {
        let before = document.as_bytes().to_vec();
        let mut document = document;
        let (file, name) = (FileKind::Config, &self.profile);
        document.set(file, name, "credential_process", &self.value)?;
        for (key, value) in &self.set {
            document.set(file, name, key, value)?;
        }
        for key in self.keys_that_go().chain(self.keys_to.iter().flat_map(|_| KEYS)) {
            document.remove(file, name, key)?;
        }
        Ok(if document.as_bytes() == before { Document::parse(before) } else { document })
    }

    /// The credentials file.
    pub(super) fn edit_credentials(&self, document: Document) -> Result<Document, config::Error> {
        let mut document = document;
        let (file, name) = (FileKind::Credentials, &self.profile);
        for key in self.keys_that_go().chain(["credential_process"]) {
            document.remove(file, name, key)?;
        }
        if let Some(aside) = &self.keys_to {
            for section in document.sections(file, SectionKind::Profile, name) {
                document.rename_section(section, aside)?;
            }
            for (key, value) in &self.in_config {
                document.set(file, aside, key, value)?;
            }
        }
        Ok(document)
    }

    fn keys_that_go(&self) -> impl Iterator<Item = &'static str> {
        // Go's SDK refuses a profile that has source_profile and no role_arn
        FLAGS.iter().filter_map(|(_, key)| *key).filter(|key| self.names_role || *key == "source_profile")
    }
}

fn free_name(files: &Files, name: &str) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| files.profile(name).is_none()).expect("there are numbers enough")
}
