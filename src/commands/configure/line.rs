//! The value of `credential_process`: our own command line, read back, changed and quoted.

use crate::commands::quoted_word;
use crate::config::{Files, Profile};
use crate::error::Error;
use crate::profile::{Request, request};

/// Flags of a line that take a value, in the order they are written, with the profile's key that says the same.
pub(super) const FLAGS: [(&str, Option<&str>); 12] = [
    ("--role-arn", Some("role_arn")),
    ("--source-profile", Some("source_profile")),
    ("--mfa-serial", Some("mfa_serial")),
    ("--external-id", Some("external_id")),
    ("--role-session-name", Some("role_session_name")),
    ("--source-identity", Some("source_identity")),
    ("--duration", Some("duration_seconds")),
    ("--tag", Some("session_tags")),
    ("--transitive-tag", Some("transitive_session_tags")),
    ("--policy-arn", Some("policy_arns")),
    ("--policy", None),
    ("--min-ttl", None),
];

/// Flags that may be there several times; the profile's key has a list.
const LISTS: [&str; 3] = ["--tag", "--transitive-tag", "--policy-arn"];

/// What the line says, without the program and the profile.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    flags: Vec<(String, String)>,
    /// Words without a value: `--no-prompt`.
    switches: Vec<String>,
}

impl Line {
    /// What the profile says now: its own command line, or its keys.
    pub(super) fn of(files: &Files, profile: &Profile<'_>) -> Self {
        let own = profile.get("credential_process").map(|value| value.text);
        if let Some(words) = own.and_then(request::own_arguments) {
            let mut line = Self::parse(&words);
            // `-p` with the profile's own name reads its keys, and its flags come before them
            let request = own.and_then(|own| Request::from_credential_process(own)?.ok());
            let reads_itself =
                request.is_some_and(|r| r.profile.as_deref() == Some(profile.name()) && r.role_arn.is_none());
            if reads_itself {
                let keys = Self::of_keys(files, profile);
                let more = keys.flags.into_iter().filter(|(flag, _)| line.value(flag).is_none()).collect::<Vec<_>>();
                line.flags.extend(more);
                line.sort();
            }
            return line;
        }
        Self::of_keys(files, profile)
    }

    fn of_keys(files: &Files, profile: &Profile<'_>) -> Self {
        let mut line = Self::default();
        if lookup(files, profile, "role_arn").is_none() {
            return line;
        }
        for (flag, key) in FLAGS {
            let Some(value) = key.and_then(|key| lookup(files, profile, key)) else { continue };
            if LISTS.contains(&flag) {
                line.flags.extend(items(value).map(|item| (flag.to_owned(), item.to_owned())));
            } else {
                line.flags.push((flag.to_owned(), value.to_owned()));
            }
        }
        line
    }

    fn parse(words: &[String]) -> Self {
        let mut line = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            if ["-p", "--profile"].contains(&flag) {
                drop(value.or_else(|| words.next().cloned()));
            } else if FLAGS.iter().any(|(known, _)| *known == flag) || flag == "--region" {
                let value = value.or_else(|| words.next().cloned()).unwrap_or_default();
                line.flags.push((flag.to_owned(), value));
            } else if flag.starts_with("--") || !flag.starts_with("-p") {
                line.switches.push(word.clone());
            }
        }
        line
    }

    pub(super) fn value(&self, flag: &str) -> Option<&str> {
        self.flags.iter().find(|(known, _)| known == flag).map(|(_, value)| value.as_str())
    }

    /// Puts these values in place of those the flag had; none: the flag goes.
    pub(super) fn put(&mut self, flag: &str, values: Vec<String>) {
        self.flags.retain(|(known, _)| known != flag);
        self.flags.extend(values.into_iter().map(|value| (flag.to_owned(), value)));
        self.sort();
    }

    fn sort(&mut self) {
        let rank = |flag: &str| FLAGS.iter().position(|(known, _)| *known == flag).unwrap_or(FLAGS.len());
        self.flags.sort_by_key(|(flag, _)| rank(flag));
    }

    /// The value for the AWS file. Errors: a word that not every SDK would read alike.
    pub(super) fn render(&self, program: &str, profile: &str) -> Result<String, Error> {
        let mut words = vec![program, "credential-process", "-p", profile];
        for (flag, value) in &self.flags {
            words.extend([flag.as_str(), value]);
        }
        words.extend(self.switches.iter().map(String::as_str));
        let quoted: Result<Vec<_>, _> = words.into_iter().map(quoted_word).collect();
        Ok(quoted?.join(" "))
    }
}

/// The value of a key, also from a profile that this one includes.
pub(super) fn lookup<'f>(files: &'f Files, profile: &Profile<'f>, key: &str) -> Option<&'f str> {
    let mut profile = *profile;
    for _ in 0..10 {
        if let Some(value) = profile.get(key).filter(|value| !value.text.is_empty()) {
            return Some(value.text);
        }
        profile = files.profile(profile.get("include_profile")?.text)?;
    }
    None
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let mut line = Line::default();
        line.put("--mfa-serial", vec!["arn:aws:iam::111122223333:mfa/ann".into()]);
        line.put("--tag", vec!["team=a b".into(), "it's=$HOME".into()]);
        line.put("--role-arn", vec!["arn:aws:iam::111122223333:role/admin".into()]);
        let text = line.render("/opt/my tools/mfa-run", "two words").unwrap();
        let words = if cfg!(windows) { "\"two words\"" } else { "'two words'" };
        assert!(text.contains(&format!(" -p {words} --role-arn arn:aws")), "{text}");
        assert_eq!(Line::parse(&request::own_arguments(&text).unwrap()), line);
        line.put("--tag", vec![]);
        assert_eq!(line.value("--tag"), None);
    }

    #[test]
    fn switches_stay_and_the_profile_is_not_taken_twice() {
        let words = ["--profile=x", "--duration=2h", "--no-prompt", "-p", "y", "-pz"].map(str::to_owned);
        let line = Line::parse(&words);
        assert_eq!(line.value("--duration"), Some("2h"));
        assert_eq!(
            line.render("/bin/mfa-run", "x").unwrap(),
            "/bin/mfa-run credential-process -p x --duration 2h --no-prompt"
        );
    }
}
