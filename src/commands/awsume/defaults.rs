//! `region`, `role-duration`, `role-session-name` and the two files of awsume's config.yaml. A strict reader of flat keys and no
//! YAML crate: the file has five keys that mean something here, `serde_yaml` is no longer kept, and what this reader does
//! not understand (lists, blocks, anchors) belongs to keys that mfa-run does not know.

use crate::env::Env;
use crate::terminal::{escape, say};

/// What the file says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Defaults {
    pub(super) region: Option<String>,
    pub(super) role_duration: Option<String>,
    pub(super) role_session_name: Option<String>,
    pub(super) config_file: Option<String>,
    pub(super) credentials_file: Option<String>,
}

impl Defaults {
    /// Reads `$XDG_CONFIG_HOME/awsume/config.yaml`, else `~/.awsume/config.yaml`. One that is not there says nothing.
    pub(super) fn load(env: &Env) -> Self {
        let path = match env.var_os("XDG_CONFIG_HOME") {
            Some(folder) => Some(std::path::PathBuf::from(folder).join("awsume")),
            None => env.home().map(|home| home.join(".awsume")),
        };
        let text = path.and_then(|folder| std::fs::read_to_string(folder.join("config.yaml")).ok());
        text.map_or_else(Self::default, |text| Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut defaults = Self::default();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let place = match key {
                "region" => &mut defaults.region,
                "role-duration" => &mut defaults.role_duration,
                "role-session-name" => &mut defaults.role_session_name,
                "config-file" => &mut defaults.config_file,
                "credentials-file" => &mut defaults.credentials_file,
                _ => continue,
            };
            match scalar(value) {
                Some(value) => *place = Some(value).filter(|value| !value.is_empty()),
                None => {
                    say(&format!("warning: awsume's config.yaml: {} is not understood, and passed over", escape(key)))
                }
            }
        }
        defaults
    }
}

/// A plain or quoted value on one line; empty for null. `None` for anything with a meaning of its own in YAML.
fn scalar(text: &str) -> Option<String> {
    let text = text.trim();
    for quote in ['\'', '"'] {
        if let Some(rest) = text.strip_prefix(quote) {
            let (inner, after) = rest.split_once(quote)?;
            let after = after.trim_start();
            let clean = !inner.contains('\\') && (after.is_empty() || after.starts_with('#'));
            return clean.then(|| inner.to_owned());
        }
    }
    let plain = text.split(" #").next().unwrap_or_default().trim_end();
    if plain.starts_with('#') || matches!(plain, "" | "null" | "~" | "Null" | "NULL") {
        return Some(String::new());
    }
    (!plain.starts_with(['[', '{', '&', '*', '!', '|', '>', '%', '@', '`'])).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_keys_are_read_and_blocks_are_not() {
        let text = "colors: true\nconsole:\n  region: no\nfuzzy-match: false\nregion: 'eu-west-1'  # mine\n\
                    role-duration: 7200\nrole-session-name: \"jo\"\nconfig-file: null\ncredentials-file: [a]\n";
        let read = Defaults::parse(text);
        assert_eq!(read.region.as_deref(), Some("eu-west-1"));
        assert_eq!(read.role_duration.as_deref(), Some("7200"));
        assert_eq!(read.role_session_name.as_deref(), Some("jo"));
        assert_eq!((read.config_file, read.credentials_file), (None, None));
    }
}
