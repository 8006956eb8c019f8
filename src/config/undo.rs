//! The record of a change: enough to take it back byte for byte, whatever was changed elsewhere in the file since, and
//! too little to know a secret. It holds the lines that were replaced, and only digests of what was written and of the
//! lines around. It refuses when its own lines were changed meanwhile.
//!
//! Security: the value of a secret (`aws_secret_access_key`, `aws_session_token`, …) is never recorded, so that a change
//! that removed one is not undone by its record alone: whoever kept the secret elsewhere hands it to [`Change::undo`].

use super::Error;
use super::document::{Document, LineKind, leading_space};
use super::edit::split_ending;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// The edits of a document, to be kept until they are taken back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    edits: Vec<Edit>,
}

impl Change {
    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Header and key of each secret that the change removed and the record does not hold; the key is empty where the
    /// line was none that could be given back.
    pub fn withheld(&self) -> impl Iterator<Item = (&str, &str)> {
        self.edits.iter().flat_map(|edit| &edit.before).filter_map(|kept| match kept {
            Kept::Line { .. } => None,
            Kept::Secret { section, key, .. } => Some((section.as_str(), key.as_str())),
            Kept::Nothing => Some(("", "")),
        })
    }

    /// Takes the change back, all of it or nothing. `secret` is asked for each withheld value, by header and key.
    pub fn undo(
        &self,
        document: Document,
        secret: &mut dyn FnMut(&str, &str) -> Option<SecretString>,
    ) -> Result<Document, Error> {
        self.edits.iter().rev().try_fold(document, |document, edit| edit.take_back(document, secret))
    }
}

impl Document {
    /// The edits made since the document was parsed.
    pub fn change(&self) -> Change {
        Change { edits: self.edits.clone() }
    }
}

/// One edit: these lines were replaced by those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Edit {
    /// The header above.
    section: Option<Text>,
    above: Mark,
    below: Mark,
    /// How many lines below the header, and how many such headers are before that one; tells lines apart that are alike.
    place: (usize, usize),
    /// What was there.
    before: Vec<Kept>,
    /// What was written.
    after: Vec<Hash>,
    /// Whether a header is among the lines, so that they are found by themselves and not by their section.
    heading: bool,
    /// Whether what was there was there twice.
    doubled: bool,
    /// The line ending which the line above lost when it became the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ending_above: Option<Text>,
}

/// What a neighbouring line is known by: by no more than it takes, so that its value may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Mark {
    /// The begin or end of the file.
    Edge,
    Header(Text),
    Key(String),
    Other(Hash),
}

/// A line that was replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kept {
    Line {
        text: Text,
        ending: Text,
    },
    /// All but the value.
    Secret {
        section: String,
        key: String,
        head: Text,
        tail: Text,
        ending: Text,
    },
    /// May hold a secret nobody knows the place of.
    Nothing,
}

/// Bytes that mostly are text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Bytes(Vec<u8>),
}

impl Text {
    fn new(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes).map_or_else(|_| Self::Bytes(bytes.to_vec()), |text| Self::Utf8(text.to_owned()))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// 128 bits of SHA-256 over a line without its ending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hash(String);

impl Hash {
    fn of(line: &[u8]) -> Self {
        Self(Sha256::digest(split_ending(line).0).iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Edit {
    pub(super) fn record(old: &Document, lines: Range<usize>, new: &Document, written: Range<usize>) -> Self {
        let has_header = |document: &Document, lines: Range<usize>| {
            lines.into_iter().any(|line| document.kind(line) == LineKind::Header)
        };
        let ending_above = lines.start.checked_sub(1).and_then(|above| {
            let (was, is) = (split_ending(old.line(above)).1, split_ending(new.line(above)).1);
            (!was.is_empty() && was != is).then(|| Text::new(was))
        });
        Self {
            section: section_of(old, lines.start).map(Text::new),
            above: mark_above(old, lines.start),
            below: mark(old, lines.end),
            place: place(old, lines.start),
            before: lines.clone().map(|line| keep(old, line)).collect(),
            after: written.clone().map(|line| Hash::of(new.line(line))).collect(),
            heading: has_header(old, lines.clone()) || has_header(new, written),
            doubled: is_doubled(old, lines),
            ending_above,
        }
    }

    fn take_back(
        &self,
        mut document: Document,
        secret: &mut dyn FnMut(&str, &str) -> Option<SecretString>,
    ) -> Result<Document, Error> {
        let lines = self.locate(&document).ok_or_else(|| self.changed())?;
        let ending = document.line_ending();
        let mut text = Vec::new();
        let mut open = false;
        for kept in &self.before {
            let own = match kept {
                Kept::Line { text: line, ending } => {
                    text.extend(line.bytes());
                    ending
                }
                Kept::Secret { section, key, head, tail, ending } => {
                    let value = secret(section, key).ok_or_else(|| Error::Withheld { key: key.clone() })?;
                    text.extend([head.bytes(), value.expose_secret().as_bytes(), tail.bytes()].concat());
                    ending
                }
                Kept::Nothing => return Err(Error::Withheld { key: "a line that may hold a secret".into() }),
            };
            open = own.bytes().is_empty();
            text.extend(if open { ending } else { own.bytes() });
        }
        let mut first = lines.start;
        if let Some(ending_above) = &self.ending_above
            && mark_above(&document, first) == self.above
        {
            first -= 1;
            let above = split_ending(document.line(first)).0;
            text = [above, ending_above.bytes(), &text].concat();
        }
        let last = lines.end == document.line_count();
        document.replace_lines(first..lines.end, &text)?;
        if open && last && !document.is_open() {
            document = document.without_last_ending();
        }
        if !self.doubled && is_doubled(&document, lines.start..lines.start + self.before.len()) {
            return Err(self.changed());
        }
        Ok(document)
    }

    fn changed(&self) -> Error {
        Error::Changed { section: self.section.as_ref().map(|s| String::from_utf8_lossy(s.bytes()).into_owned()) }
    }

    /// Where the written lines stand now, or where the removed ones belong.
    fn locate(&self, document: &Document) -> Option<Range<usize>> {
        let count = self.after.len();
        let in_section = |at: &usize| section_of(document, *at) == self.section.as_ref().map(Text::bytes);
        let below_above = |at: &usize| mark_above(document, *at) == self.above;
        let above_below = |at: &usize| mark(document, *at + count) == self.below;
        let in_doubt = |places: &mut Vec<usize>, test: &dyn Fn(&usize) -> bool| {
            if places.len() > 1 && places.iter().any(test) {
                places.retain(test);
            }
        };
        let at_offset = |at: &usize| place(document, *at).0 == self.place.0;
        let at_place = |at: &usize| place(document, *at) == self.place;
        if count == 0 {
            let all: Vec<usize> = (0..=document.line_count()).filter(|at| self.heading || in_section(at)).collect();
            let find = |test: &dyn Fn(&usize) -> bool| {
                let mut places: Vec<usize> = all.iter().copied().filter(test).collect();
                in_doubt(&mut places, &in_section);
                in_doubt(&mut places, &at_offset);
                in_doubt(&mut places, &at_place);
                only(&places)
            };
            // One of the two neighbours may have gone.
            let place = find(&|at| below_above(at) && above_below(at))
                .or_else(|| find(&|at| self.above != Mark::Edge && in_section(at) && below_above(at)))
                .or_else(|| find(&above_below));
            return place.map(|at| at..at);
        }
        let hashes: Vec<Hash> = (0..document.line_count()).map(|line| Hash::of(document.line(line))).collect();
        let mut places: Vec<usize> = (0..(hashes.len() + 1).saturating_sub(count))
            .filter(|&at| hashes[at..at + count] == self.after)
            .filter(|at| self.heading || in_section(at))
            .collect();
        let tests: [&dyn Fn(&usize) -> bool; 5] = [&in_section, &below_above, &above_below, &at_offset, &at_place];
        for test in tests {
            in_doubt(&mut places, test);
        }
        only(&places).map(|at| at..at + count)
    }
}

fn only(places: &[usize]) -> Option<usize> {
    places.first().copied().filter(|_| places.len() == 1)
}

/// How many lines the line is below its header, and how many headers before that one say the same.
fn place(document: &Document, line: usize) -> (usize, usize) {
    let headers = document.headers();
    let Some(section) = headers.partition_point(|&header| header < line).checked_sub(1) else { return (line, 0) };
    let same = |other: &&usize| document.header(**other) == document.header(headers[section]);
    (line - headers[section], headers[..section].iter().filter(same).count())
}

/// The header above the line.
fn section_of(document: &Document, line: usize) -> Option<&[u8]> {
    let section = document.headers().partition_point(|&header| header < line).checked_sub(1)?;
    Some(document.header(document.headers()[section]))
}

fn mark_above(document: &Document, line: usize) -> Mark {
    line.checked_sub(1).map_or(Mark::Edge, |above| mark(document, above))
}

fn mark(document: &Document, line: usize) -> Mark {
    if line >= document.line_count() {
        return Mark::Edge;
    }
    match document.kind(line) {
        LineKind::Header => Mark::Header(Text::new(document.header(line))),
        LineKind::Property => match plain_key(document, line) {
            Some(key) => Mark::Key(key),
            None => Mark::Other(Hash::of(document.line(line))),
        },
        _ => Mark::Other(Hash::of(document.line(line))),
    }
}

fn keep(document: &Document, line: usize) -> Kept {
    let (text, ending) = split_ending(document.line(line));
    let whole = Kept::Line { text: Text::new(text), ending: Text::new(ending) };
    match document.kind(line) {
        LineKind::Blank | LineKind::Header => whole,
        LineKind::Property => match plain_key(document, line) {
            Some(key) if is_secret(&key) => withhold(document, line, key),
            Some(_) => whole,
            None => Kept::Nothing,
        },
        LineKind::Comment | LineKind::Nested => {
            let owner = document.continued().iter().rfind(|owner| **owner < line).copied();
            let owner = owner.filter(|&owner| document.continuation(owner).contains(&line));
            let harmless = owner.is_none_or(|owner| plain_key(document, owner).is_some_and(|key| !is_secret(&key)));
            let harmless = harmless && !is_secret(&String::from_utf8_lossy(text).to_ascii_lowercase());
            if harmless { whole } else { Kept::Nothing }
        }
        LineKind::Stray => Kept::Nothing,
    }
}

fn withhold(document: &Document, line: usize, key: String) -> Kept {
    let (text, ending) = split_ending(document.line(line));
    let (Some((_, value)), Some(delimiter)) =
        (document.property(line), text.iter().position(|byte| matches!(byte, b'=' | b':')))
    else {
        return Kept::Nothing;
    };
    let start = delimiter + 1 + leading_space(&text[delimiter + 1..]).0;
    // An empty value is no secret, and no place to put one.
    let (start, end) = if value.is_empty() { (text.len(), text.len()) } else { (start, start + value.len()) };
    if value.is_empty() {
        return Kept::Line { text: Text::new(text), ending: Text::new(ending) };
    }
    Kept::Secret {
        section: section_of(document, line)
            .map(|header| String::from_utf8_lossy(header).into_owned())
            .unwrap_or_default(),
        key,
        head: Text::new(&text[..start]),
        tail: Text::new(&text[end..]),
        ending: Text::new(ending),
    }
}

/// The key in lower case, where it is one that an SDK may know. Anything else may be the end of a secret that was broken
/// over two lines.
fn plain_key(document: &Document, line: usize) -> Option<String> {
    let (key, _) = document.property(line)?;
    let plain = key.len() <= 64 && key.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    plain.then(|| String::from_utf8_lossy(key).to_ascii_lowercase())
}

fn is_secret(text: &str) -> bool {
    ["secret", "_token", "passphrase", "password", "seed"].iter().any(|word| text.contains(word))
}

/// Whether one of the lines is a header or property that stands a second time where it would count.
fn is_doubled(document: &Document, lines: Range<usize>) -> bool {
    lines.into_iter().any(|line| match document.kind(line) {
        LineKind::Header => {
            document.headers().iter().filter(|h| document.header(**h) == document.header(line)).count() > 1
        }
        LineKind::Property => document.property(line).is_some_and(|(key, _)| {
            let section = document.headers().partition_point(|&header| header < line) - 1;
            let same = |other: &usize| document.property(*other).is_some_and(|(o, _)| o.eq_ignore_ascii_case(key));
            document.properties(section).filter(same).count() > 1
        }),
        _ => false,
    })
}
