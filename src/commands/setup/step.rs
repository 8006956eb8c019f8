//! A step: the command is shown, a person agrees, this program runs itself.

use crate::commands::{dialog, theme};
use crate::env::Env;
use crate::error::Error;
use crate::terminal::{quote, say};
use dialoguer::Confirm;
use std::io::Write;
use std::process::{Command, Stdio};

/// What came of a step.
pub(super) enum Outcome {
    Done,
    /// There was nothing to do, and why.
    Already(String),
    Skipped,
    /// The exit code of the command.
    Failed(u8),
}

/// How steps are run.
pub(super) struct Steps<'e> {
    pub(super) env: &'e Env,
    /// Nothing is asked before a step, and the steps themselves ask for nothing but codes.
    pub(super) yes: bool,
}

impl Steps<'_> {
    /// Runs the command, if that is wanted.
    pub(super) fn offer(&self, words: &[&str]) -> Result<Outcome, Error> {
        let mut words = words.to_vec();
        if self.yes && !words.contains(&"--yes") {
            words.push("--yes");
        }
        if !self.agree(&format!("Run `{}`?", line(&words)))? {
            return Ok(Outcome::Skipped);
        }
        self.run(&words)
    }

    /// A yes, which is the default.
    pub(super) fn agree(&self, question: &str) -> Result<bool, Error> {
        if self.yes {
            return Ok(true);
        }
        let confirm = Confirm::with_theme(theme(self.env)).with_prompt(question).default(true);
        dialog(|| confirm.interact_opt())?.ok_or_else(Error::cancelled)
    }

    /// Runs the command at the same terminal.
    pub(super) fn run(&self, words: &[&str]) -> Result<Outcome, Error> {
        self.spawn(words, None)
    }

    /// The same, with this on its stdin.
    pub(super) fn run_with(&self, words: &[&str], stdin: &[u8]) -> Result<Outcome, Error> {
        self.spawn(words, Some(stdin))
    }

    fn spawn(&self, words: &[&str], given: Option<&[u8]>) -> Result<Outcome, Error> {
        let failed = |error: std::io::Error| Error::command("mfa-run", &error);
        say(&format!("$ {}", line(words)));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(words).stdin(if given.is_some() { Stdio::piped() } else { Stdio::inherit() });
        let mut child = command.spawn().map_err(failed)?;
        if let (Some(given), Some(mut stdin)) = (given, child.stdin.take()) {
            // whoever does not read it says why by its exit code
            let _ = stdin.write_all(given);
        }
        let status = child.wait().map_err(Error::wait)?;
        Ok(match status.code() {
            Some(0) => Outcome::Done,
            code => Outcome::Failed(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        })
    }
}

/// As it is typed.
fn line(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| quote(word)).collect();
    format!("mfa-run {}", words.join(" "))
}
