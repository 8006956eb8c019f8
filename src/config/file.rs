//! One of the two files: its lines, and what its headers mean.

use super::document::{Document, LineKind, is_space, trim};
use super::{Error, FileKind, Origin, Section, SectionKind, name};
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

/// One of the two files.
pub(super) struct File {
    pub(super) kind: FileKind,
    pub(super) path: PathBuf,
    pub(super) document: Document,
    /// One for each header of the document.
    pub(super) sections: Vec<Named>,
    /// The sections `[DEFAULT]`.
    pub(super) defaults: Vec<usize>,
    /// Names that don't stand in the file as they are.
    pub(super) names: Vec<String>,
    /// Values that go on over several lines, by their first line; `None` for one that is not UTF-8.
    pub(super) joined: Vec<(usize, Option<String>)>,
}

pub(super) struct Named {
    pub(super) kind: SectionKind,
    pub(super) name: Name,
}

#[derive(Clone, Copy)]
pub(super) enum Name {
    At { start: usize, end: usize },
    Kept(usize),
}

impl std::fmt::Debug for File {
    // Security: the lines hold secret access keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("path", &self.path).finish_non_exhaustive()
    }
}

impl File {
    pub(super) fn read(kind: FileKind, path: PathBuf) -> Result<Self, Error> {
        // A folder is no file: botocore takes it for a file that is not there. (Docker makes one where a mount has no source.)
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Vec::new(),
            Err(_) if path.is_dir() || path.as_os_str().is_empty() => Vec::new(),
            Err(source) => return Err(Error::Unreadable { path, source }),
        };
        Ok(Self::parse(kind, path, bytes))
    }

    pub(super) fn parse(kind: FileKind, path: PathBuf, bytes: Vec<u8>) -> Self {
        let document = Document::parse(bytes);
        let mut sections = Vec::with_capacity(document.headers().len());
        let (mut names, mut defaults) = (Vec::new(), Vec::new());
        for &line in document.headers() {
            let header = document.header(line);
            let (kind, name) = name::interpret(kind, header);
            let name = match name {
                Cow::Borrowed("") => Name::At { start: 0, end: 0 },
                Cow::Borrowed(name) => {
                    let start = name.as_ptr() as usize - document.as_bytes().as_ptr() as usize;
                    Name::At { start, end: start + name.len() }
                }
                Cow::Owned(name) => {
                    names.push(name);
                    Name::Kept(names.len() - 1)
                }
            };
            if kind == SectionKind::Defaults {
                defaults.push(sections.len());
            }
            sections.push(Named { kind, name });
        }
        let mut file = Self { kind, path, document, sections, defaults, names, joined: Vec::new() };
        file.joined = file.document.continued().iter().filter_map(|&line| file.join(line)).collect();
        file
    }

    /// The whole text of a value that goes on over indented lines; `None` where it is a block.
    fn join(&self, property: usize) -> Option<(usize, Option<String>)> {
        let (_, first) = self.document.property(property)?;
        if first.is_empty() {
            return None;
        }
        let mut whole = first.to_vec();
        for line in self.document.continuation(property) {
            if self.document.kind(line) != LineKind::Comment {
                whole.push(b'\n');
                whole.extend(trim(self.document.line(line)));
            }
        }
        Some((property, String::from_utf8(whole).ok()))
    }

    /// The last section of that name.
    pub(super) fn section(&self, kind: SectionKind, name: &str) -> Option<Section<'_>> {
        let bytes = self.document.as_bytes();
        let named = |section: &Named| {
            section.kind == kind
                && match section.name {
                    Name::At { start, end } => end - start == name.len() && bytes[start..end] == *name.as_bytes(),
                    Name::Kept(kept) => self.names[kept] == name,
                }
        };
        let index = self.sections.iter().rposition(named)?;
        Some(Section { file: self, index, repeated: self.sections[..index].iter().any(named) })
    }

    pub(super) fn text(&self, name: Name) -> &str {
        match name {
            Name::At { start, end } => {
                let bytes = self.document.as_bytes();
                std::str::from_utf8(&bytes[start..end]).unwrap_or_default()
            }
            Name::Kept(name) => &self.names[name],
        }
    }

    pub(super) fn origin(&self, line: usize) -> Origin {
        Origin { file: self.kind, line: line + 1 }
    }

    pub(super) fn value(&self, line: usize) -> Option<&str> {
        if self.document.continued().binary_search(&line).is_ok() {
            let joined = self.joined.binary_search_by_key(&line, |(line, _)| *line).ok()?;
            return self.joined[joined].1.as_deref();
        }
        let (_, value) = self.document.property(line)?;
        std::str::from_utf8(value).ok()
    }

    /// Lines of blocks that are no `key = value`, with the key of their block.
    pub(super) fn bare_nested_lines(&self) -> Vec<(usize, String)> {
        let mut bare = Vec::new();
        for &owner in self.document.continued() {
            let Some((key, b"")) = self.document.property(owner) else { continue };
            for line in self.document.continuation(owner) {
                let text = String::from_utf8_lossy(self.document.line(line));
                let is_bare = |part: &str| !part.trim_matches(is_space).is_empty() && !part.contains('=');
                if self.document.kind(line) == LineKind::Nested && text.split(is_line_boundary).any(is_bare) {
                    bare.push((line, String::from_utf8_lossy(key).to_lowercase()));
                }
            }
        }
        bare
    }

    /// Line, key and value of each line of a block; nothing where the property is none.
    pub(super) fn block(&self, property: usize) -> impl Iterator<Item = (usize, &str, &str)> {
        let is_block = self.document.property(property).is_some_and(|(_, value)| value.is_empty());
        let lines = if is_block { self.document.continuation(property) } else { 0..0 };
        let nested = lines.filter(|&line| self.document.kind(line) == LineKind::Nested);
        nested.flat_map(move |line| {
            let text = std::str::from_utf8(self.document.line(line)).unwrap_or_default();
            let pairs = text.split(is_line_boundary).filter_map(|part| part.split_once('='));
            pairs.map(move |(key, value)| (line, key.trim_matches(is_space), value.trim_matches(is_space)))
        })
    }
}

/// Where Python's `str.splitlines` ends a line; botocore splits blocks with it.
fn is_line_boundary(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
