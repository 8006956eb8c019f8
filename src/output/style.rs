//! How stdout takes a table: with colours or without, how wide, and with which characters. Colours only on a terminal, and
//! not where `NO_COLOR`, `CLICOLOR=0` or `TERM=dumb` ask for none.

use crate::env::Env;
use std::io::{IsTerminal, stdout};
use unicode_width::UnicodeWidthStr;

/// How stdout takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether to colour.
    pub colours: bool,
    /// Columns of the terminal, or of `COLUMNS`; `None` in a pipe, where nothing is cut.
    pub width: Option<usize>,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

/// What a word is to the reader; a colour where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading.
    Heading,
    /// Fine.
    Good,
    /// Soon to be dealt with.
    Soon,
    /// Wrong.
    Bad,
    /// There to be looked past.
    Faint,
}

impl Style {
    /// Of this process's stdout.
    pub fn of_stdout(env: &Env) -> Self {
        let terminal = stdout().is_terminal();
        let columns = env.var("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
        let width = terminal.then(|| terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0)));
        Self {
            colours: colours(env, terminal) && (!terminal || takes_colours()),
            width: columns.or(width),
            unicode: unicode(env, terminal),
        }
    }

    /// Of a prompt: what is printed goes through a shell to a terminal.
    pub fn of_prompt(env: &Env) -> Self {
        Self { colours: colours(env, true), width: None, unicode: false }
    }

    /// The text in the colour of its tone.
    pub fn paint(&self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Soon => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        if self.colours && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The text in lines that fit, all but the first indented; words longer than a line stay whole.
    pub fn wrap(&self, text: &str, indent: usize) -> String {
        let Some(room) = self.width else { return text.to_owned() };
        let mut lines = String::new();
        let mut used = 0;
        for word in text.split_inclusive(' ') {
            if used > indent && used + word.trim_end().width() > room {
                lines.truncate(lines.trim_end().len());
                lines += "\n";
                lines += &" ".repeat(indent);
                used = indent;
            }
            lines += word;
            used += word.width();
        }
        lines
    }

    /// What stands for text that was cut off.
    pub fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "~" }
    }

    /// A bar of six cells for how much of a whole is left.
    pub fn bar(&self, left: i64, whole: i64) -> String {
        const CELLS: i64 = 6;
        let full = (left.clamp(0, whole.max(1)) * CELLS + whole.max(1) - 1) / whole.max(1);
        let (on, off) = if self.unicode { ("█", "░") } else { ("#", "-") };
        (0..CELLS).map(|cell| if cell < full { on } else { off }).collect()
    }
}

/// <https://no-color.org>, <https://bixense.com/clicolors>
fn colours(env: &Env, terminal: bool) -> bool {
    let forced = env.var("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let wanted = env.var("TERM") != Some("dumb") && env.var("CLICOLOR") != Some("0");
    env.var_os("NO_COLOR").is_none() && (forced || (terminal && wanted))
}

/// An old console of Windows has to be told, and is.
fn takes_colours() -> bool {
    !cfg!(windows) || dialoguer::console::Term::stdout().features().colors_supported()
}

/// What a pipe's other end on Windows takes bytes for, nobody knows.
fn unicode(env: &Env, terminal: bool) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.var(name));
    let utf8 = |locale: &str| ["utf-8", "utf8"].iter().any(|name| locale.to_ascii_lowercase().contains(name));
    cfg!(target_os = "macos") || (cfg!(windows) && terminal) || locale.is_some_and(utf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let on = |vars: &[(&str, &str)], terminal| colours(&Env::fixed(vars, DateTime::UNIX_EPOCH), terminal);
        assert!(on(&[("TERM", "xterm")], true) && !on(&[("TERM", "xterm")], false));
        for off in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
            assert!(!on(&[off], true), "{off:?}");
        }
        assert!(on(&[("CLICOLOR_FORCE", "1")], false));
        assert!(!on(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
    }

    #[test]
    fn a_sentence_is_as_wide_as_the_terminal() {
        let at = |width| Style { width, ..Style::default() }.wrap("  because a session is cached", 4);
        assert_eq!(at(None), "  because a session is cached");
        assert_eq!(at(Some(29)), "  because a session is cached");
        assert_eq!(at(Some(20)), "  because a session\n    is cached");
        assert_eq!(at(Some(3)), "  because\n    a\n    session\n    is\n    cached");
    }

    #[test]
    fn a_bar_is_empty_only_where_nothing_is_left() {
        let style = Style::default();
        for (left, bar) in [(0, "------"), (1, "#-----"), (21_600, "###---"), (43_200, "######"), (50_000, "######")] {
            assert_eq!(style.bar(left, 43_200), bar);
        }
        assert_eq!(style.bar(10, 0), "######");
    }
}
