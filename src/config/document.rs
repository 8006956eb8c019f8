//! An AWS file as lines over its own bytes: `parse(bytes).as_bytes()` is `bytes`, whatever they are. Lines are told apart
//! as botocore's parser (Python's `configparser`) tells them; what that parser refuses is kept and passed over.
//! Nothing is copied and no key is looked at before somebody asks for it: this is on the way of every AWS command.

use memchr::memchr;
use std::ops::Range;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing but white space.
    Blank,
    /// `#` or `;` first, indented or not.
    Comment,
    /// `[…]`
    Header,
    /// `key = value`, or a bare line that should have been one.
    Property,
    /// Deeper indented than the property above: more of its value, or a line of its block.
    Nested,
    /// Text before the first section.
    Stray,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    kind: LineKind,
}

/// A whole file. A line is named by its index, a section by the index of its header in [`Document::headers`].
#[derive(Clone, Default)]
pub struct Document {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    headers: Vec<usize>,
    continued: Vec<usize>,
    pub(super) edits: Vec<super::undo::Edit>,
}

impl std::fmt::Debug for Document {
    // Security: the lines hold secret access keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("lines", &self.lines.len()).finish_non_exhaustive()
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Document {
    /// Never fails: every byte string is a document.
    pub fn parse(bytes: Vec<u8>) -> Self {
        let mut document = Self {
            lines: Vec::with_capacity(bytes.len() / 24 + 4),
            headers: Vec::with_capacity(bytes.len() / 128 + 4),
            continued: Vec::new(),
            edits: Vec::new(),
            bytes,
        };
        let bytes = &document.bytes;
        // A byte order mark belongs to no line: no edit touches it.
        let mut start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        let returns = memchr(b'\r', bytes).is_some();
        // The indentation of the last header or property; `None` before the first property of a section.
        let mut property: Option<(usize, usize)> = None;
        while start < bytes.len() {
            let end = start + line_length(&bytes[start..], returns);
            let line = &bytes[start..end];
            let (indent, columns) = leading_space(line);
            let content = &line[indent..];
            let kind = match content.first() {
                None => LineKind::Blank,
                Some(b'#' | b';') => LineKind::Comment,
                Some(_) if property.is_some_and(|(_, above)| columns > above) => {
                    let owner = property.map_or(0, |(owner, _)| owner);
                    if document.continued.last() != Some(&owner) {
                        document.continued.push(owner);
                    }
                    LineKind::Nested
                }
                Some(b'[') if header_text(content).is_some() => {
                    property = None;
                    document.headers.push(document.lines.len());
                    LineKind::Header
                }
                Some(_) if document.headers.is_empty() => LineKind::Stray,
                Some(_) => {
                    property = Some((document.lines.len(), columns));
                    LineKind::Property
                }
            };
            document.lines.push(Line { start, kind });
            start = end;
        }
        document
    }

    /// The file as it is.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file as it is.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether the file begins with a UTF-8 byte order mark.
    pub fn has_bom(&self) -> bool {
        self.bytes.starts_with(BOM)
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// What the line is.
    pub fn kind(&self, line: usize) -> LineKind {
        self.lines[line].kind
    }

    /// The line's bytes with its line ending. One past the last line is the end of the file.
    pub fn line(&self, line: usize) -> &[u8] {
        &self.bytes[self.start(line)..self.start(line + 1)]
    }

    /// Where the line begins in the file.
    pub fn start(&self, line: usize) -> usize {
        self.lines.get(line).map_or(self.bytes.len(), |line| line.start)
    }

    /// The header lines, in order.
    pub fn headers(&self) -> &[usize] {
        &self.headers
    }

    /// What stands between the brackets of a header line, spaces included.
    pub fn header(&self, line: usize) -> &[u8] {
        let line = self.line(line);
        header_text(&line[leading_space(line).0..]).unwrap_or_default()
    }

    /// The lines of the section below its header.
    pub fn body(&self, section: usize) -> Range<usize> {
        self.headers[section] + 1..self.headers.get(section + 1).copied().unwrap_or(self.lines.len())
    }

    /// The property lines of the section, in order.
    pub fn properties(&self, section: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.body(section).filter(|&line| self.lines[line].kind == LineKind::Property)
    }

    /// The last property line of the section with this key, which counts where a key is there twice.
    pub fn find(&self, section: usize, key: &str) -> Option<usize> {
        self.properties(section).rev().find(|&line| self.has_key(line, key))
    }

    /// Whether the property line has this key; keys are compared without regard to case.
    pub fn has_key(&self, line: usize, key: &str) -> bool {
        let line = self.line(line);
        // Most lines are told by their first letter, before anything else is looked for.
        line.first().is_some_and(|first| !first.is_ascii_alphabetic() || first.eq_ignore_ascii_case(&first_byte(key)))
            && split(line).is_some_and(|(found, _)| found.eq_ignore_ascii_case(key.as_bytes()))
    }

    /// Key and value of a property line, trimmed; `None` for a bare line. The key as it is written.
    pub fn property(&self, line: usize) -> Option<(&[u8], &[u8])> {
        split(self.line(line))
    }

    /// The lines of this property after its first: nested, blank and comment lines up to its last nested line.
    pub fn continuation(&self, property: usize) -> Range<usize> {
        let mut end = property + 1;
        if self.continued.binary_search(&property).is_ok() {
            let below =
                |line: &usize| matches!(self.lines[*line].kind, LineKind::Blank | LineKind::Comment | LineKind::Nested);
            for line in (end..self.lines.len()).take_while(below) {
                if self.lines[line].kind == LineKind::Nested {
                    end = line + 1;
                }
            }
        }
        property + 1..end
    }

    /// The property lines that have nested lines below, in order.
    pub fn continued(&self) -> &[usize] {
        &self.continued
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

fn first_byte(key: &str) -> u8 {
    key.as_bytes().first().copied().unwrap_or_default()
}

/// The length of the first line with its ending: LF, CRLF, or a CR alone, as Python's universal newlines have it.
fn line_length(bytes: &[u8], returns: bool) -> usize {
    let length = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    match returns.then(|| memchr(b'\r', &bytes[..length])).flatten() {
        Some(at) if bytes.get(at + 1) != Some(&b'\n') => at + 1,
        _ => length,
    }
}

/// The text between the first bracket and the last, if there is any; whatever follows does not count.
fn header_text(content: &[u8]) -> Option<&[u8]> {
    let end = content.iter().rposition(|&byte| byte == b']')?;
    (content[0] == b'[' && end > 1).then(|| &content[1..end])
}

/// Key and value around the first `=` or `:`, trimmed.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|&byte| byte == b'=' || byte == b':')?;
    let (key, value) = (trim(&line[..at]), trim(&line[at + 1..]));
    (!key.is_empty()).then_some((key, value))
}

/// Whether Python's `str.strip` takes the character away. Rust's white space has all of these but U+001C to U+001F.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// How many bytes, and how many characters, of white space a line begins with.
pub(super) fn leading_space(line: &[u8]) -> (usize, usize) {
    if line.first().is_some_and(u8::is_ascii_graphic) {
        return (0, 0);
    }
    let ascii = line.iter().position(|&byte| !is_space(char::from(byte)) || byte >= 0x80).unwrap_or(line.len());
    if line.get(ascii).is_none_or(|byte| *byte < 0x80) {
        return (ascii, ascii);
    }
    let text = valid_prefix(&line[ascii..]);
    let (mut bytes, mut columns) = (ascii, ascii);
    for c in text.chars().take_while(|c| is_space(*c)) {
        bytes += c.len_utf8();
        columns += 1;
    }
    (bytes, columns)
}

fn valid_prefix(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Without white space on both sides.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[leading_space(bytes).0..];
    let end = bytes.iter().rposition(|&byte| byte >= 0x80 || !is_space(char::from(byte))).map_or(0, |last| last + 1);
    if bytes[..end].last().is_none_or(|byte| *byte < 0x80) {
        return &bytes[..end];
    }
    match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => text.trim_end_matches(is_space).as_bytes(),
        Err(_) => &bytes[..end],
    }
}
