//! Edits of a document. Each touches its own lines only, writes with the file's line ending and its neighbours' spacing
//! around `=`, leaves a missing last line ending missing, and is refused where it would change how another line is read.
//! Each leaves a record to take it back, see [`super::undo`].

use super::document::{Document, LineKind, leading_space, trim};
use super::undo::Edit;
use super::{Error, FileKind, SectionKind, header_of, name};
use std::ops::Range;

impl Document {
    /// The sections of that name, in the file's order.
    pub fn sections(&self, file: FileKind, kind: SectionKind, name: &str) -> Vec<usize> {
        let named = |&section: &usize| {
            let (found, text) = name::interpret(file, self.header(self.headers()[section]));
            found == kind && text == name
        };
        (0..self.headers().len()).filter(named).collect()
    }

    /// Sets a key of a profile, where the value that counts stands; adds the section where there is none.
    pub fn set(&mut self, file: FileKind, profile: &str, key: &str, value: &str) -> Result<(), Error> {
        let sections = self.counting(file, profile);
        let Some(&last) = sections.first() else {
            let header = header_of(file, profile).ok_or_else(|| Error::NoHeader { header: profile.to_owned() })?;
            return self.add_section(&header, &[(key, value)]);
        };
        let section = sections.iter().copied().find(|&section| self.find(section, key).is_some());
        self.set_in(section.unwrap_or(last), key, value)
    }

    /// Removes a key of a profile with its nested lines, every time it is there. Whether it was there.
    pub fn remove(&mut self, file: FileKind, profile: &str, key: &str) -> Result<bool, Error> {
        let mut removed = false;
        for section in self.counting(file, profile) {
            removed |= self.remove_in(section, key)?;
        }
        Ok(removed)
    }

    /// Sets a key of one section.
    pub fn set_in(&mut self, section: usize, key: &str, value: &str) -> Result<(), Error> {
        writable(key, value)?;
        let Some(property) = self.find(section, key) else {
            let last = self.properties(section).last();
            let at = last.map_or(self.headers()[section] + 1, |last| self.continuation(last).end);
            let mut line = self.indentation(last, at);
            line.extend(key.bytes());
            line.extend(self.spacing(section));
            line.extend(value.bytes());
            line.extend(self.line_ending());
            return self.replace_lines(at..at, &line);
        };
        let line = self.line(property).to_vec();
        let (content, ending) = split_ending(&line);
        let (_, old) = self.property(property).unwrap_or_default();
        // An empty value has no place of its own: the new one goes behind the delimiter, a space between.
        let delimiter = content.iter().position(|byte| matches!(byte, b'=' | b':')).map_or(content.len(), |at| at + 1);
        let after = &content[delimiter..];
        let mut new = content[..delimiter].to_vec();
        if old.is_empty() {
            let spaced = content[..delimiter - 1].last().is_some_and(u8::is_ascii_whitespace);
            new.extend(if after.is_empty() && spaced { b" " } else { after });
            new.extend(value.bytes());
        } else {
            let start = leading_space(after).0;
            new.extend([&after[..start], value.as_bytes(), &after[start + old.len()..]].concat());
        }
        new.extend(if ending.is_empty() { self.line_ending() } else { ending });
        self.replace_lines(property..self.continuation(property).end, &new)
    }

    /// Gives a key of one section another name, where it counts; its value and what stands around them stay.
    pub fn rename_in(&mut self, section: usize, key: &str, name: &str) -> Result<(), Error> {
        writable(name, "")?;
        let Some(property) = self.find(section, key) else { return Ok(()) };
        let mut line = self.line(property).to_vec();
        let start = leading_space(&line).0;
        line.splice(start..start + key.len(), name.bytes());
        if split_ending(&line).1.is_empty() {
            line.extend(self.line_ending());
        }
        self.replace_lines(property..property + 1, &line)
    }

    /// Removes a key of one section with its nested lines, every time it is there. Whether it was there.
    pub fn remove_in(&mut self, section: usize, key: &str) -> Result<bool, Error> {
        let mut removed = false;
        while let Some(property) = self.find(section, key) {
            self.replace_lines(property..self.continuation(property).end, b"")?;
            removed = true;
        }
        Ok(removed)
    }

    /// Adds a section at the end of the file, a blank line above it.
    pub fn add_section(&mut self, header: &str, properties: &[(&str, &str)]) -> Result<(), Error> {
        headable(header)?;
        let ending = self.line_ending();
        let lines = self.line_count();
        let mut text = Vec::new();
        if lines > 0 && self.kind(lines - 1) != LineKind::Blank {
            text.extend(ending);
        }
        text.extend([b"[", header.as_bytes(), b"]", ending].concat());
        let spacing = self.headers().len().checked_sub(1).map_or_else(|| b" = ".to_vec(), |last| self.spacing(last));
        for (key, value) in properties {
            writable(key, value)?;
            text.extend([key.as_bytes(), &spacing, value.as_bytes(), ending].concat());
        }
        self.replace_lines(lines..lines, &text)
    }

    /// Removes every section of that name. Comments below the last property of one stay. Whether there was one.
    pub fn remove_section(&mut self, file: FileKind, kind: SectionKind, name: &str) -> Result<bool, Error> {
        let sections = self.sections(file, kind, name);
        for &section in sections.iter().rev() {
            self.replace_lines(self.own_lines(section), b"")?;
        }
        Ok(!sections.is_empty())
    }

    /// Gives one section another header; what stands around the brackets stays.
    pub fn rename_section(&mut self, section: usize, header: &str) -> Result<(), Error> {
        headable(header)?;
        let at = self.headers()[section];
        let line = self.line(at).to_vec();
        let old = self.header(at);
        let start = leading_space(&line).0 + 1;
        let mut new = [&line[..start], header.as_bytes(), &line[start + old.len()..]].concat();
        if split_ending(&new).1.is_empty() {
            new.extend(self.line_ending());
        }
        self.replace_lines(at..at + 1, &new)
    }

    /// The line ending that most lines have.
    pub fn line_ending(&self) -> &'static [u8] {
        let mut counts = [(0, b"\n".as_slice()), (0, b"\r\n"), (0, b"\r")];
        for line in 0..self.line_count() {
            let ending = split_ending(self.line(line)).1;
            if let Some(found) = counts.iter_mut().find(|(_, known)| *known == ending) {
                found.0 += 1;
            }
        }
        counts.iter().rev().max_by_key(|(count, _)| *count).map_or(b"\n", |(_, ending)| ending)
    }

    /// Whether the last line lacks its line ending.
    pub fn is_open(&self) -> bool {
        self.line_count() > 0 && split_ending(self.line(self.line_count() - 1)).1.is_empty()
    }

    /// The sections whose keys make the profile, the one that wins first.
    fn counting(&self, file: FileKind, profile: &str) -> Vec<usize> {
        let mut sections = self.sections(file, SectionKind::Profile, profile);
        sections.reverse();
        let header = |section: usize| self.header(self.headers()[section]);
        if let Some(&last) = sections.first() {
            sections.retain(|&section| header(section) == header(last));
        }
        sections
    }

    /// Header to last property, the blank lines below, and the blank line above where nothing else follows.
    fn own_lines(&self, section: usize) -> Range<usize> {
        let header = self.headers()[section];
        let last = self.properties(section).last();
        let mut end = last.map_or(header + 1, |last| self.continuation(last).end);
        while end < self.line_count() && self.kind(end) == LineKind::Blank {
            end += 1;
        }
        let alone = end == self.line_count() && header > 0 && self.kind(header - 1) == LineKind::Blank;
        header - usize::from(alone)..end
    }

    /// What a new property begins with, so that it is no nested line of the property above it, and the next header is
    /// none of its own.
    fn indentation(&self, above: Option<usize>, at: usize) -> Vec<u8> {
        let passed = |line: &usize| !matches!(self.kind(*line), LineKind::Blank | LineKind::Comment);
        let like = above.or_else(|| (at..self.line_count()).find(passed));
        like.map_or_else(Vec::new, |like| {
            let line = self.line(like);
            line[..leading_space(line).0].to_vec()
        })
    }

    /// `=` with the white space that the properties of the section, or else of the file, have around it.
    fn spacing(&self, section: usize) -> Vec<u8> {
        let all = (0..self.headers().len()).rev().flat_map(|other| self.properties(other).rev());
        for line in self.properties(section).rev().chain(all) {
            let line = split_ending(self.line(line)).0;
            let Some(at) = line.iter().position(|byte| matches!(byte, b'=' | b':')) else { continue };
            if line[at] == b'=' && !trim(&line[..at]).is_empty() && !trim(&line[at + 1..]).is_empty() {
                // Columns are not kept up: one space stands for many.
                let before: &[u8] = if line[at - 1].is_ascii_whitespace() { b" " } else { b"" };
                let after = &line[at + 1..at + 1 + leading_space(&line[at + 1..]).0];
                return [before, b"=", if after.is_empty() { b"" } else { b" " }].concat();
            }
        }
        b" = ".to_vec()
    }

    /// Replaces whole lines, each of the new ones with its ending, and records how to take that back. Refused where any
    /// other line would become another kind of line.
    pub(super) fn replace_lines(&mut self, lines: Range<usize>, text: &[u8]) -> Result<(), Error> {
        let bytes = self.with_lines(lines.clone(), text);
        if bytes == self.as_bytes() {
            return Ok(());
        }
        let after = Self::parse(bytes);
        let below = self.line_count() - lines.end;
        let tail = after.line_count().checked_sub(below).filter(|tail| *tail >= lines.start);
        let tail = tail.ok_or(Error::Misread { line: lines.end + 1 })?;
        let others = (0..lines.start).map(|line| (line, line)).chain((0..below).map(|n| (lines.end + n, tail + n)));
        for (ours, theirs) in others {
            if self.kind(ours) != after.kind(theirs) {
                return Err(Error::Misread { line: ours + 1 });
            }
        }
        let edit = Edit::record(self, lines.clone(), &after, lines.start..tail);
        let edits = std::mem::take(&mut self.edits);
        *self = after;
        self.edits = edits;
        self.edits.push(edit);
        Ok(())
    }

    /// The file with other lines in place of these. Where the last line lacked its ending, the new last line does.
    pub(super) fn with_lines(&self, lines: Range<usize>, text: &[u8]) -> Vec<u8> {
        let (bytes, open) = (self.as_bytes(), self.is_open());
        let mut new = bytes[..self.start(lines.start)].to_vec();
        if open && lines.start == self.line_count() && !text.is_empty() {
            new.extend(self.line_ending());
        }
        new.extend(text);
        new.extend(&bytes[self.start(lines.end)..]);
        if open && lines.end == self.line_count() && !(lines.is_empty() && text.is_empty()) {
            strip_last_ending(&mut new);
        }
        new
    }

    /// The same without its last line ending.
    pub(super) fn without_last_ending(self) -> Self {
        let mut bytes = self.as_bytes().to_vec();
        strip_last_ending(&mut bytes);
        let mut document = Self::parse(bytes);
        document.edits = self.edits;
        document
    }
}

fn strip_last_ending(bytes: &mut Vec<u8>) {
    let (content, ending) = split_ending(bytes);
    // A blank line without an ending would be no line at all.
    if !content.is_empty() && !content.ends_with(b"\n") && !content.ends_with(b"\r") {
        bytes.truncate(bytes.len() - ending.len());
    }
}

/// A line without its ending, and the ending.
pub(super) fn split_ending(line: &[u8]) -> (&[u8], &[u8]) {
    let content = line.strip_suffix(b"\n").unwrap_or(line);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    line.split_at(content.len())
}

fn headable(header: &str) -> Result<(), Error> {
    if header.is_empty() || header.contains(['\n', '\r']) {
        return Err(Error::NoHeader { header: header.to_owned() });
    }
    Ok(())
}

fn writable(key: &str, value: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if key.is_empty() || !key.bytes().all(plain) {
        return Err(Error::NoKey { key: key.to_owned() });
    }
    if value.contains(['\n', '\r']) || trim(value.as_bytes()).len() != value.len() {
        return Err(Error::NoValue { key: key.to_owned() });
    }
    Ok(())
}
