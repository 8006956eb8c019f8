//! What is wrong with the files, for `doctor`: what some SDK refuses, drops without a word, or reads in another way than
//! the others do.

use super::document::{LineKind, leading_space, trim};
use super::file::File;
use super::{Document, FileKind, Files, Origin, SectionKind, header_of};
use crate::terminal::escape;
use std::collections::HashMap;
use std::fmt;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it stands.
    pub origin: Origin,
    /// What it is.
    pub kind: WarningKind,
}

/// What can be wrong. Security: keys and headers only, never a value or a line that could hold one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarningKind {
    /// `[profile-x]`, `[x]`, `[profile two words]`, `[profile "x]`: no SDK takes it for a profile, none says so.
    HeaderIgnored {
        /// What stands between the brackets.
        header: String,
    },
    /// `[profile x]` in the credentials file is a profile named `profile x` to botocore, and nothing to the others.
    PrefixInCredentials {
        /// What stands between the brackets.
        header: String,
    },
    /// A name with characters that only botocore allows.
    NameOnlyForBotocore {
        /// The profile.
        name: String,
    },
    /// Two headers make the same name (`[default]` and `[profile default]`); botocore takes the later one, Rust's and
    /// Java's SDK take `[profile default]`.
    TwoHeaders {
        /// The name.
        name: String,
    },
    /// The same header again.
    DuplicateSection {
        /// What stands between the brackets.
        header: String,
        /// The line of the first, from 1.
        first: usize,
    },
    /// The same key again in one section.
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the first, from 1.
        first: usize,
    },
    /// `[DEFAULT]`: to botocore, its keys are in every section of the file.
    PythonDefaults,
    /// Neither header nor `key = value`.
    BareLine,
    /// Text before the first section.
    Stray,
    /// A line of a block that is no `key = value`.
    BareNestedLine {
        /// The block.
        key: String,
    },
    /// Bytes that are not UTF-8: a file in latin-1.
    NotUtf8,
    /// A byte order mark at the begin of the file.
    ByteOrderMark,
    /// A file in UTF-16, as PowerShell's `>` writes it.
    Utf16,
    /// ` #` or ` ;` in a value: a comment to some SDKs, a part of the value to botocore.
    InlineComment {
        /// The key.
        key: String,
    },
    /// Indented lines below a value are more of it.
    ContinuedValue {
        /// The key.
        key: String,
    },
    /// An indented header or key: to botocore it is one, the others take it for more of what is above.
    Indented,
    /// A carriage return without a line feed ends a line for botocore only.
    LoneReturn,
    /// An indented comment: Rust's SDK takes it for more of what is above, or refuses the whole file.
    IndentedComment,
    /// `key: value`, which only botocore reads.
    Colon {
        /// The key.
        key: String,
    },
}

impl Warning {
    /// Whether botocore, and with it the AWS CLI, refuses the whole file for it.
    pub fn is_refused_by_botocore(&self) -> bool {
        use WarningKind::*;
        matches!(
            self.kind,
            DuplicateSection { .. }
                | DuplicateKey { .. }
                | BareLine
                | Stray
                | BareNestedLine { .. }
                | NotUtf8
                | ByteOrderMark
                | Utf16
        )
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use WarningKind::*;
        match &self.kind {
            HeaderIgnored { header } => write!(f, "no SDK takes [{}] for a profile", escape(header))?,
            PrefixInCredentials { header } => {
                write!(f, "in the credentials file, [{}] has to stand without a prefix", escape(header))?;
            }
            NameOnlyForBotocore { name } => {
                write!(f, "only Python's SDK finds the profile `{}`: other SDKs allow no such name", escape(name))?;
            }
            TwoHeaders { name } => {
                write!(f, "`{}` is there under two headers, SDKs disagree which counts", escape(name))?
            }
            DuplicateSection { header, first } => {
                write!(f, "[{}] is there twice, first in line {first}", escape(header))?;
            }
            DuplicateKey { key, first } => write!(f, "{} is there twice, first in line {first}", escape(key))?,
            PythonDefaults => f.write_str("Python's SDK takes the keys of [DEFAULT] for every section of the file")?,
            BareLine => f.write_str("neither `[header]` nor `key = value`")?,
            Stray => f.write_str("text before the first section")?,
            BareNestedLine { key } => write!(f, "in the block {}: not `key = value`", escape(key))?,
            NotUtf8 => f.write_str("not UTF-8; what stands here can't be read")?,
            ByteOrderMark => f.write_str("the file begins with a byte order mark")?,
            Utf16 => f.write_str("the file is in UTF-16; it has to be UTF-8")?,
            InlineComment { key } => {
                write!(f, "SDKs disagree whether the `#` or `;` in the value of {} begins a comment", escape(key))?;
            }
            ContinuedValue { key } => write!(f, "the indented lines below are taken for more of {}", escape(key))?,
            Indented => f.write_str("indented: SDKs disagree what it belongs to")?,
            LoneReturn => f.write_str("only Python's SDK takes a carriage return alone for the end of a line")?,
            IndentedComment => f.write_str("an indented comment: to some SDKs it is none, and they refuse the file")?,
            Colon { key } => write!(f, "only Python's SDK reads {} with a colon", escape(key))?,
        }
        if self.is_refused_by_botocore() {
            f.write_str("; Python's SDK and the AWS CLI refuse the whole file for it")?;
        }
        Ok(())
    }
}

impl Files {
    /// Everything that is wrong with the two files, in their order.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for file in [&self.config, &self.credentials] {
            let found = warnings.len();
            look(file, &mut |line, kind| warnings.push(Warning { origin: file.origin(line), kind }));
            warnings[found..].sort_by_key(|warning| warning.origin.line);
        }
        warnings
    }
}

fn look(file: &File, warn: &mut impl FnMut(usize, WarningKind)) {
    let document = &file.document;
    if document.as_bytes().starts_with(b"\xff\xfe") || document.as_bytes().starts_with(b"\xfe\xff") {
        return warn(0, WarningKind::Utf16);
    }
    if document.has_bom() {
        warn(0, WarningKind::ByteOrderMark);
    }
    headers(file, warn);
    let mut keys: HashMap<(&[u8], String), usize> = HashMap::new();
    let mut header: &[u8] = b"";
    for line in 0..document.line_count() {
        let bytes = document.line(line);
        if std::str::from_utf8(bytes).is_err() {
            warn(line, WarningKind::NotUtf8);
        }
        if bytes.ends_with(b"\r") {
            warn(line, WarningKind::LoneReturn);
        }
        match document.kind(line) {
            LineKind::Stray => warn(line, WarningKind::Stray),
            LineKind::Header => header = document.header(line),
            LineKind::Property => match document.property(line) {
                Some((key, value)) => {
                    let key = String::from_utf8_lossy(key).to_lowercase();
                    if let Some(first) = keys.insert((header, key.clone()), line + 1) {
                        warn(line, WarningKind::DuplicateKey { key: key.clone(), first });
                    }
                    property(document, line, value, &key, warn);
                }
                None => warn(line, WarningKind::BareLine),
            },
            LineKind::Comment if leading_space(bytes).0 > 0 => warn(line, WarningKind::IndentedComment),
            LineKind::Blank | LineKind::Comment | LineKind::Nested => (),
        }
        if matches!(document.kind(line), LineKind::Header | LineKind::Property) && leading_space(bytes).0 > 0 {
            warn(line, WarningKind::Indented);
        }
    }
    for (line, key) in file.bare_nested_lines() {
        warn(line, WarningKind::BareNestedLine { key });
    }
}

fn property(document: &Document, line: usize, value: &[u8], key: &str, warn: &mut impl FnMut(usize, WarningKind)) {
    let key = || key.to_owned();
    let delimiter = trim(document.line(line)).iter().find(|byte| matches!(byte, b'=' | b':'));
    if delimiter == Some(&b':') {
        warn(line, WarningKind::Colon { key: key() });
    }
    let comment = |pair: &[u8]| matches!(pair, [b' ' | b'\t', b'#' | b';']);
    if value.windows(2).any(comment) {
        warn(line, WarningKind::InlineComment { key: key() });
    }
    if !value.is_empty() && !document.continuation(line).is_empty() {
        warn(line, WarningKind::ContinuedValue { key: key() });
    }
}

/// Sections of the AWS CLI that are neither profiles nor typing errors.
const OTHER_SECTIONS: [&[u8]; 2] = [b"plugins", b"preview"];

fn headers(file: &File, warn: &mut impl FnMut(usize, WarningKind)) {
    let document = &file.document;
    let mut headers: HashMap<&[u8], usize> = HashMap::new();
    let mut names: HashMap<(SectionKind, &str), &[u8]> = HashMap::new();
    for (section, &line) in document.headers().iter().enumerate() {
        let header = document.header(line);
        let text = || String::from_utf8_lossy(header).into_owned();
        let first = *headers.entry(header).or_insert(line + 1);
        let (kind, name) = (file.sections[section].kind, file.text(file.sections[section].name));
        if first != line + 1 && kind != SectionKind::Defaults {
            warn(line, WarningKind::DuplicateSection { header: text(), first });
        }
        if kind != SectionKind::Ignored && *names.entry((kind, name)).or_insert(header) != header {
            warn(line, WarningKind::TwoHeaders { name: name.to_owned() });
        }
        match kind {
            SectionKind::Defaults => warn(line, WarningKind::PythonDefaults),
            SectionKind::Ignored if !OTHER_SECTIONS.contains(&header) => {
                warn(line, WarningKind::HeaderIgnored { header: text() });
            }
            SectionKind::Profile if file.kind == FileKind::Credentials && has_prefix(name) => {
                warn(line, WarningKind::PrefixInCredentials { header: text() });
            }
            SectionKind::Profile if !is_identifier(name) || header_of(file.kind, name).is_none() => {
                warn(line, WarningKind::NameOnlyForBotocore { name: name.to_owned() });
            }
            _ => (),
        }
    }
}

fn has_prefix(name: &str) -> bool {
    ["profile ", "sso-session ", "services "].iter().any(|prefix| name.starts_with(prefix))
}

/// What Rust's, Java's and other SDKs take for the name of a profile.
fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/.%@:+".contains(&byte))
}
