//! What a section header means: `[default]`, `[profile x]`, `[sso-session x]`, `[services x]` in the config file, any
//! name as it stands in the credentials file. Headers are split as botocore splits them, with Python's `shlex`.

use super::FileKind;
use std::borrow::Cow;

/// What the section under a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// A profile.
    Profile,
    /// `[sso-session x]`
    SsoSession,
    /// `[services x]`
    Services,
    /// `[DEFAULT]`, exactly so: Python's parser, and with it botocore, takes its keys for every section of the file.
    Defaults,
    /// Nothing an SDK reads: `[profile-x]`, `[profile two words]`, `[profile "x]`, a name that is not UTF-8.
    Ignored,
}

/// Kind and name of the section under a header.
pub(super) fn interpret(file: FileKind, header: &[u8]) -> (SectionKind, Cow<'_, str>) {
    let ignored = (SectionKind::Ignored, Cow::Borrowed(""));
    // Nearly every header there is; the rest of this function says the same of it, slowly.
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if file == FileKind::Config
        && let Some(name) = header.strip_prefix(b"profile ")
        && !name.is_empty()
        && name.iter().all(plain)
        && let Ok(name) = std::str::from_utf8(name)
    {
        return (SectionKind::Profile, name.into());
    }
    let Ok(text) = std::str::from_utf8(header) else { return ignored };
    match file {
        _ if text == "DEFAULT" => (SectionKind::Defaults, text.into()),
        FileKind::Credentials => (SectionKind::Profile, text.into()),
        FileKind::Config if text == "default" => (SectionKind::Profile, text.into()),
        FileKind::Config => {
            // Not a typing error: botocore looks at how the header begins, so that `[profiles x]` is profile x.
            let kinds = [
                ("profile", SectionKind::Profile),
                ("sso-session", SectionKind::SsoSession),
                ("services", SectionKind::Services),
            ];
            let kind = kinds.iter().find(|(prefix, _)| text.starts_with(prefix)).map(|(_, kind)| *kind);
            kind.zip(second_of_two(text)).unwrap_or(ignored)
        }
    }
}

/// The header that makes this profile, as botocore and the SDKs read it; `None` where no header does.
pub fn header_of(file: FileKind, profile: &str) -> Option<String> {
    let quoted = profile.contains([' ', '\t', '\'', '"', '\\']) || profile.is_empty();
    let header = match file {
        FileKind::Config if profile == "default" => profile.to_owned(),
        FileKind::Config if quoted => format!("profile \"{}\"", profile.replace('\\', r"\\").replace('"', "\\\"")),
        FileKind::Config => format!("profile {profile}"),
        FileKind::Credentials => profile.to_owned(),
    };
    let read = interpret(file, header.as_bytes());
    let one_line = !header.is_empty() && !header.contains(['\n', '\r']);
    (one_line && read.0 == SectionKind::Profile && read.1 == profile).then_some(header)
}

/// The second of exactly two words of `shlex.split`; `None` for another count or an open quote.
fn second_of_two(text: &str) -> Option<Cow<'_, str>> {
    const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
    if !text.contains(['"', '\'', '\\']) {
        let mut words = text.split(SPACE).filter(|word| !word.is_empty());
        let second = words.nth(1)?;
        return words.next().is_none().then_some(second.into());
    }
    let mut words = shell_words(text)?;
    (words.len() == 2).then(|| words.swap_remove(1).into())
}

/// `shlex.split(text)` of Python: quotes, and backslashes that are eaten. The crate `shlex` differs: it knows comments,
/// and lets more than quotes and backslashes be escaped between double quotes.
fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\\' if c == '"' => match chars.next()? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SectionKind::{Defaults, Ignored, Profile, Services, SsoSession};

    #[test]
    fn headers_mean_what_botocore_takes_them_for() {
        for (header, kind, name) in [
            ("default", Profile, "default"),
            ("profile default", Profile, "default"),
            ("profile x", Profile, "x"),
            ("profile\tx", Profile, "x"),
            ("profile   x  ", Profile, "x"),
            ("profile \"two words\"", Profile, "two words"),
            ("profile 'two words'", Profile, "two words"),
            ("profile two\\ words", Profile, "two words"),
            ("profile a\"b c\"d", Profile, "ab cd"),
            ("profile \"a\\\"b\\x\"", Profile, "a\"b\\x"),
            ("profile a\\b", Profile, "ab"),
            ("profile #x", Profile, "#x"),
            ("profile \"\"", Profile, ""),
            ("profiles x", Profile, "x"),
            ("\"profile\" x", Ignored, ""),
            ("prof\"ile\" x", Ignored, ""),
            ("profile\" \"x y", Profile, "y"),
            ("profile two words", Ignored, ""),
            ("profile a \"b\"", Ignored, ""),
            ("profile \"x", Ignored, ""),
            ("profile x\\", Ignored, ""),
            ("profile", Ignored, ""),
            ("profile-x", Ignored, ""),
            (" profile x", Ignored, ""),
            (" default ", Ignored, ""),
            ("x", Ignored, ""),
            ("sso-session s", SsoSession, "s"),
            ("services s", Services, "s"),
            ("DEFAULT", Defaults, "DEFAULT"),
        ] {
            assert_eq!(interpret(FileKind::Config, header.as_bytes()), (kind, name.into()), "[{header}]");
        }
        for name in ["default", "two words", " x ", "profile x", "sso-session s"] {
            assert_eq!(interpret(FileKind::Credentials, name.as_bytes()), (Profile, name.into()));
        }
        assert_eq!(interpret(FileKind::Config, b"profile \xe4").0, Ignored);
    }

    #[test]
    fn a_header_is_made_so_that_it_is_read_back() {
        for name in ["default", "x", "two words", "it's", "a\"b", "a\\b", "", "#x", "ä", "\u{a0}"] {
            let header = header_of(FileKind::Config, name).expect(name);
            assert_eq!(interpret(FileKind::Config, header.as_bytes()), (Profile, name.into()), "{header}");
        }
        assert_eq!(header_of(FileKind::Config, "x").unwrap(), "profile x");
        for (file, name) in [
            (FileKind::Config, "a\nb"),
            (FileKind::Credentials, ""),
            (FileKind::Credentials, "DEFAULT"),
            (FileKind::Credentials, "a\rb"),
        ] {
            assert_eq!(header_of(file, name), None, "{name:?}");
        }
    }
}
