//! bash hands a completion the raw line, and replaces what readline takes for the word: everything since the last of
//! `COMP_WORDBREAKS`, or since a quote that is still open. So the line is split here, and a candidate is cut and quoted for
//! the place where it goes.

/// The line up to the cursor.
#[derive(Debug)]
pub(super) struct Line {
    /// Its words without their quotes; the last is the one at the cursor, and may be empty.
    pub(super) words: Vec<String>,
    /// How much of the last word, as it is without quotes, readline leaves alone.
    kept: usize,
    quote: Option<char>,
}

impl Line {
    pub(super) fn read(line: &str, breaks: &str) -> Self {
        let mut words = Vec::new();
        let (mut word, mut started, mut kept, mut kept_before) = (String::new(), false, 0, 0);
        let mut quote = None;
        let mut rest = line.chars();
        while let Some(c) = rest.next() {
            match (quote, c) {
                (None, ' ' | '\t' | '\n') => {
                    if started {
                        words.push(std::mem::take(&mut word));
                    }
                    (started, kept) = (false, 0);
                    continue;
                }
                (None, '\'' | '"') => {
                    quote = Some(c);
                    (kept_before, kept) = (kept, word.len());
                }
                (Some(open), c) if open == c => {
                    quote = None;
                    kept = kept_before;
                }
                (None, '\\') => word.extend(rest.next()),
                (Some('"'), '\\') => match rest.next() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                    other => word.extend(['\\'].into_iter().chain(other)),
                },
                (None, c) if breaks.contains(c) => {
                    word.push(c);
                    kept = word.len();
                }
                (_, c) => word.push(c),
            }
            started = true;
        }
        words.push(word);
        Self { words, kept, quote }
    }

    /// The rest of a word that begins as the last one does, quoted as it has to be behind what stands there.
    pub(super) fn insert(&self, word: &str) -> String {
        let rest = word.get(self.kept..).unwrap_or_default();
        let mut quoted = String::new();
        for (at, c) in rest.char_indices() {
            match (self.quote, c) {
                (Some('\''), '\'') => quoted.push_str("'\\''"),
                (Some('\''), c) => quoted.push(c),
                // nothing but other quotes keeps `!` from being history
                (Some(_), '!') => quoted.push_str("\"'!'\""),
                (Some(_), '"' | '\\' | '$' | '`') => quoted.extend(['\\', c]),
                (Some(_), c) => quoted.push(c),
                (None, '~' | '#') if at + self.kept > 0 => quoted.push(c),
                (None, c) if c.is_alphanumeric() || "-_./:@+=,%^".contains(c) => quoted.push(c),
                (None, c) if !c.is_ascii() => quoted.push(c),
                (None, c) => quoted.extend(['\\', c]),
            }
        }
        // readline closes a quote, but not behind a character that looks as if it did
        quoted.extend(self.quote.filter(|&quote| quoted.ends_with(quote)));
        quoted
    }
}
