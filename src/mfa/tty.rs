//! The prompt, on the terminal device whatever stdin, stdout and stderr are.
//!
//! It never changes the terminal's modes: echo stays on (a code dies within 30 seconds), so that nothing is left to put
//! right after Ctrl-C, Ctrl-Z or SIGKILL, and Ctrl-C ends the programs that called us too. It installs no signal
//! handler, and it neither reads nor writes where the terminal belongs to another job: that would stop us.

#[cfg(unix)]
#[path = "tty/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "tty/windows.rs"]
mod system;

use super::{Device, Error, Prompt, Why};
use crate::credentials::TokenCode;
use crate::env::Env;
use crate::terminal::escape;
use std::process::Stdio;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

pub(super) use system::Terminal;

/// What waiting for a line came to.
enum Line {
    Text(Zeroizing<String>),
    /// Ctrl-D.
    End,
    DeadlinePassed,
    /// The shell took the terminal back, and did not return it.
    #[cfg_attr(windows, allow(dead_code, reason = "a console knows no jobs"))]
    Background,
    /// Hung up.
    Closed,
}

/// Asks until six digits come; anything else never reaches AWS, which would show it in its error.
pub(super) fn ask(device: &Device<'_>, notice: Option<&str>, deadline: Option<Instant>) -> Result<TokenCode, Error> {
    let terminal = Terminal::open().map_err(|why| Error::nobody(device, why))?;
    let prompt = format!("MFA code for {} (profile {}): ", escape(device.serial), escape(device.profile));
    terminal.ask(&prompt, notice, deadline).map_err(|no_code| match no_code {
        NoCode::DeadlinePassed => {
            terminal.tell("\nToo late: the program that asked waits no longer.\n");
            Error::too_late(device)
        }
        NoCode::Background => Error::nobody(device, Why::Background),
        NoCode::Error(error) => error,
    })
}

/// Why a question was not answered.
pub(super) enum NoCode {
    DeadlinePassed,
    Background,
    Error(Error),
}

/// stdin and stderr for a child that talks to the person, where there is a terminal to do it on.
pub(super) fn for_child() -> Option<(Stdio, Stdio)> {
    Terminal::open().ok()?.for_child().ok()
}

/// A line for the person who waits, where stderr has to stay empty. Nothing where there is no terminal, where it belongs
/// to another job, or under `MFA_RUN_PROMPT=never`.
pub fn tell_terminal(env: &Env, line: &str) {
    if matches!(Prompt::from_env(env), Ok(Prompt::Never)) {
        return;
    }
    if let Ok(terminal) = Terminal::open() {
        terminal.tell(&format!("{}\n", escape(line)));
    }
}

impl Terminal {
    /// Shows the prompt below the notice until six digits are typed.
    pub(super) fn ask(
        &self,
        prompt: &str,
        notice: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<TokenCode, NoCode> {
        let failed = |error| NoCode::Error(Error::Terminal(error));
        let caller = system::caller();
        let mut before = notice.map(|notice| format!("{}\n", escape(notice)));
        loop {
            self.discard_typed_ahead();
            let asked = format!("{}{prompt}", before.take().unwrap_or_default());
            let shown = Instant::now();
            let line = match self.write(&asked, deadline) {
                Ok(()) => self.read_line(prompt, shown, deadline).map_err(failed)?,
                Err(stuck) => stuck.map_err(failed)?,
            };
            match line {
                Line::Text(text) => match TokenCode::parse(&text) {
                    Some(code) => {
                        if system::caller() != caller {
                            self.tell("The program that asked is gone; its next try will find the session.\n");
                        }
                        return Ok(code);
                    }
                    None => before = Some("An MFA code is six digits.\n".into()),
                },
                Line::End => {
                    self.tell("\n");
                    return Err(NoCode::Error(Error::Cancelled));
                }
                Line::DeadlinePassed => return Err(NoCode::DeadlinePassed),
                Line::Background => return Err(NoCode::Background),
                Line::Closed => return Err(NoCode::Error(Error::TerminalClosed)),
            }
        }
    }

    /// Writes what has to be seen, however long the terminal is held with Ctrl-S.
    pub(super) fn show(&self, text: &str) -> Result<(), Error> {
        self.write(text, None).map_err(|stuck| match stuck {
            Ok(_) => Error::TerminalClosed,
            Err(error) => Error::Terminal(error),
        })
    }

    /// Writes what nobody has to answer. Output held with Ctrl-S must not hold us up.
    fn tell(&self, text: &str) {
        let _ = self.write(text, Some(Instant::now() + Duration::from_millis(100)));
    }
}
