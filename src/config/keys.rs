//! Long-lived access keys in the AWS files: which profile has one in plain text, which names one in the keychain, and the
//! edits that put one in the place of the other:
//! ```ini
//! [base]
//! mfa_run_access_key_id = AKIA…
//! ```
//! An edit that would have to guess, because a key stands there twice and says two things, is refused.

use super::{Document, Error, FileKind, Files, SectionKind};
use std::fmt;
use zeroize::Zeroizing;

/// The key that names an access key in the keychain. SDKs pass over it.
pub const KEPT: &str = "mfa_run_access_key_id";

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// An access key in plain text, as a profile has it.
#[derive(Clone, PartialEq)]
pub struct Plain {
    /// The profile.
    pub profile: String,
    /// Access key ID.
    pub id: String,
    /// The file that the secret stands in.
    pub file: FileKind,
    /// Its secret, as it stands in the file.
    pub secret: Zeroizing<String>,
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").field("profile", &self.profile).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether it is the ID of a long-lived access key: `AKIA` and capitals and digits.
pub fn is_long_lived(id: &str) -> bool {
    let rest = id.strip_prefix("AKIA").unwrap_or_default();
    (12..=124).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Every profile with a long-lived access key in plain text, both halves in one file, as SDKs want it. A session, which has
/// a token beside it, is none.
pub fn plain(files: &Files) -> Vec<Plain> {
    let found = files.profiles().filter_map(|profile| {
        let value = |key| profile.get(key).filter(|value| !value.text.is_empty());
        let (id, secret) = (value(ID)?, value(SECRET)?);
        let session = value("aws_session_token").or_else(|| value("aws_security_token")).is_some();
        let is_one = !session && is_long_lived(id.text) && id.origin.file == secret.origin.file;
        is_one.then(|| Plain {
            profile: profile.name().to_owned(),
            id: id.text.to_owned(),
            file: secret.origin.file,
            secret: Zeroizing::new(secret.text.to_owned()),
        })
    });
    found.collect()
}

/// Every profile that names an access key in the keychain, and the ID.
pub fn kept(files: &Files) -> Vec<(String, String)> {
    let named = |profile: super::Profile<'_>| {
        let id = profile.get(KEPT).filter(|value| !value.text.is_empty())?;
        Some((profile.name().to_owned(), id.text.to_owned()))
    };
    files.profiles().filter_map(named).collect()
}

/// Names the key in the keychain where the profile has it in plain text, in the same place, and takes its secret away.
pub fn name_kept(document: &mut Document, file: FileKind, key: &Plain) -> Result<(), Error> {
    check(document, file, key)?;
    for section in document.sections(file, SectionKind::Profile, &key.profile) {
        if document.find(section, KEPT).is_none() {
            document.rename_in(section, ID, KEPT)?;
        } else if document.find(section, ID).is_some() {
            document.set_in(section, KEPT, &key.id)?;
        }
        document.remove_in(section, ID)?;
        document.remove_in(section, SECRET)?;
    }
    Ok(())
}

/// Puts a new access key where the old one stands in plain text, whoever has it. A section of which another run has made the
/// new one is left alone.
pub fn replace_plain(
    document: &mut Document,
    old_id: &str,
    old_secret: Option<&str>,
    new_id: &str,
    new_secret: &str,
) -> Result<(), Error> {
    for section in 0..document.headers().len() {
        let says = |key, value: &str| {
            let line = document.find(section, key)?;
            Some(document.property(line).is_some_and(|(_, found)| found == value.as_bytes()))
        };
        let has_id = says(ID, old_id) == Some(true);
        let has_secret = document.find(section, SECRET).is_some()
            && (has_id || old_secret.is_some_and(|old| says(SECRET, old) == Some(true)));
        if has_id {
            document.set_in(section, ID, new_id)?;
        }
        if has_secret {
            document.set_in(section, SECRET, new_secret)?;
        }
    }
    Ok(())
}

/// Names another key in the keychain, wherever the old one is named.
pub fn rename_kept(document: &mut Document, old_id: &str, new_id: &str) -> Result<(), Error> {
    for section in 0..document.headers().len() {
        let is_old = |line| document.property(line).is_some_and(|(_, value)| value == old_id.as_bytes());
        if document.find(section, KEPT).is_some_and(is_old) {
            document.set_in(section, KEPT, new_id)?;
        }
    }
    Ok(())
}

/// Every line of the profile that could be its key is this key.
fn check(document: &Document, file: FileKind, key: &Plain) -> Result<(), Error> {
    for section in document.sections(file, SectionKind::Profile, &key.profile) {
        for line in document.properties(section) {
            let says = |value: &str| document.property(line).is_some_and(|(_, found)| found == value.as_bytes());
            let same = (!document.has_key(line, ID) || says(&key.id))
                && (!document.has_key(line, SECRET) || says(&key.secret));
            if !same {
                return Err(Error::TwoKeys { profile: key.profile.clone(), file, line: line + 1 });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AKIAAAAAAAAAAAAAAAAA";
    const TWO: &str = "AKIABBBBBBBBBBBBBBBB";

    fn files(config: &str, credentials: &str) -> Files {
        Files::from_bytes(config.as_bytes(), credentials.as_bytes())
    }

    fn edited(text: &str, edit: impl FnOnce(&mut Document) -> Result<(), Error>) -> String {
        let mut document = Document::parse(text.as_bytes().to_vec());
        edit(&mut document).unwrap();
        String::from_utf8(document.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_session_or_somebody_elses_key_is_no_long_lived_one() {
        let credentials = format!(
            "[a]\naws_access_key_id = {ONE}\naws_secret_access_key = s1\n[b]\naws_access_key_id = ASIAAAAAAAAAAAAAAAAA\n\
             aws_secret_access_key = s2\naws_session_token = t\n[c]\naws_access_key_id = test\naws_secret_access_key = s3\n\
             [d]\naws_access_key_id = {TWO}\naws_secret_access_key = s4\naws_session_token = t\n[e]\n{KEPT} = {TWO}\n"
        );
        let files =
            files(&format!("[profile f]\naws_access_key_id = {TWO}\naws_secret_access_key = s5\n"), &credentials);
        let mut found: Vec<_> = plain(&files).into_iter().map(|key| (key.profile, key.id, key.file)).collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = [("a".into(), ONE.into(), FileKind::Credentials), ("f".into(), TWO.into(), FileKind::Config)];
        assert_eq!(found, expected);
        assert_eq!(kept(&files), [("e".into(), TWO.into())]);
        assert!(!format!("{:?}", plain(&files)).contains("s1"));
    }

    #[test]
    fn the_name_stands_where_the_key_stood_and_all_else_stays() {
        let text = format!(
            "# mine\r\n[a]\r\nregion=x\r\naws_access_key_id={ONE}\r\n; why\r\naws_secret_access_key=s1\r\noutput=json"
        );
        let key = plain(&files("", &text)).remove(0);
        let after = edited(&text, |document| name_kept(document, FileKind::Credentials, &key));
        assert_eq!(after, format!("# mine\r\n[a]\r\nregion=x\r\n{KEPT}={ONE}\r\n; why\r\noutput=json"));
        let rotated = edited(&after, |document| rename_kept(document, ONE, TWO));
        assert_eq!(rotated, after.replace(ONE, TWO));
        let replaced = edited(&text, |document| replace_plain(document, ONE, Some("s1"), TWO, "s2"));
        assert_eq!(replaced, text.replace(ONE, TWO).replace("s1", "s2"));
    }

    #[test]
    fn what_stands_there_twice_goes_twice_and_two_keys_are_refused() {
        let text = format!("[a]\naws_access_key_id = {ONE}\naws_secret_access_key = s1\n");
        let twice = format!("{text}[b]\nx = 1\n{text}");
        let key = plain(&files("", &twice)).remove(0);
        let after = edited(&twice, |document| name_kept(document, FileKind::Credentials, &key));
        assert_eq!(after, format!("[a]\n{KEPT} = {ONE}\n[b]\nx = 1\n[a]\n{KEPT} = {ONE}\n"));
        let other = format!("{text}aws_secret_access_key = s2\n");
        let key = plain(&files("", &other)).remove(0);
        let mut document = Document::parse(other.clone().into_bytes());
        let refused = name_kept(&mut document, FileKind::Credentials, &key);
        assert!(matches!(refused, Err(Error::TwoKeys { line: 3, .. })), "{refused:?}");
        assert_eq!(document.as_bytes(), other.as_bytes());
    }
}
