//! Words for people: to stderr, or to the terminal device where a caller reads our stderr. Text that came from elsewhere
//! (AWS, a profile name, a child) is escaped before it meets a terminal.

mod modes;

pub use modes::{Modes, guarded};
#[cfg(unix)]
pub use modes::{hand_signals_over, ignored_signals};

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static DEBUG: AtomicBool = AtomicBool::new(false);

/// Turns `--debug` on.
pub fn enable_debug() {
    DEBUG.store(true, Ordering::Relaxed);
}

/// A line on stderr where `--debug` was given. Security: callers pass names, never a secret.
pub fn debug(line: impl FnOnce() -> String) {
    if DEBUG.load(Ordering::Relaxed) {
        say(&format!("debug: {}", line()));
    }
}

/// Whether a person can be led through a dialog: they see stderr and type into stdin.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A line on stderr. A closed stderr is no reason to fail.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A line on stderr that says what is waited for, and is gone when this is dropped. On a terminal only.
#[derive(Debug, Default)]
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// In place of what it said before.
    pub fn show(&mut self, line: &str) {
        if std::io::stderr().is_terminal() {
            self.shown = true;
            let _ = write!(std::io::stderr(), "\r\u{1b}[K{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            self.show("");
        }
    }
}

/// Foreign text with control characters (colours, cursor moves, bidi overrides, line ends) shown as escapes.
pub fn escape(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if harmless(c) { c.to_string() } else { c.escape_unicode().to_string() }).collect())
}

/// One word as the shell of a person takes it, for what they are told to type. On Windows in quotes that PowerShell and cmd
/// both know.
pub fn quote(word: &str) -> Cow<'_, str> {
    if cfg!(windows) {
        let plain = |c: char| c.is_alphanumeric() || "\\/:._-+=@~".contains(c);
        return if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("\"{word}\"").into() };
    }
    // a NUL can be in no argument
    shlex::try_quote(word).unwrap_or_default()
}

/// How a person sets a variable: in a POSIX shell, or in PowerShell.
pub fn set_variable(name: &str, value: &str) -> String {
    if cfg!(windows) { format!("$Env:{name} = '{value}'") } else { format!("export {name}={value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_are_told_to_type_is_quoted_for_their_shell() {
        let (words, path) = if cfg!(windows) { ("\"two words\"", r"C:\x-y") } else { ("'two words'", "/x-y") };
        assert_eq!(quote("two words"), words);
        assert_eq!(quote(path), path);
        assert_eq!(quote("").len(), 2);
        assert!(set_variable("AWS_REGION", "x").contains("AWS_REGION"));
    }

    #[test]
    fn foreign_text_cannot_move_the_cursor() {
        assert_eq!(escape("prod\u{1b}[2Jx\u{202e}"), "prod\\u{1b}[2Jx\\u{202e}");
        assert!(matches!(escape("plain – text"), Cow::Borrowed(_)));
    }
}
