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
    let caller = system::caller();
    let mut before = notice.map(|notice| format!("{}\n", escape(notice)));
    loop {
        terminal.discard_typed_ahead();
        let asked = format!("{}{prompt}", before.take().unwrap_or_default());
        let shown = Instant::now();
        let line = match terminal.write(&asked, deadline) {
            Ok(()) => terminal.read_line(&prompt, shown, deadline).map_err(Error::Terminal)?,
            Err(stuck) => stuck.map_err(Error::Terminal)?,
        };
        match line {
            Line::Text(text) => match TokenCode::parse(&text) {
                Some(code) => {
                    if system::caller() != caller {
                        terminal.tell("The program that asked is gone; its next try will find the session.\n");
                    }
                    return Ok(code);
                }
                None => before = Some("An MFA code is six digits.\n".into()),
            },
            Line::End => {
                terminal.tell("\n");
                return Err(Error::Cancelled);
            }
            Line::DeadlinePassed => {
                terminal.tell("\nToo late: the program that asked waits no longer.\n");
                return Err(Error::too_late(device));
            }
            Line::Background => return Err(Error::nobody(device, Why::Background)),
            Line::Closed => return Err(Error::TerminalClosed),
        }
    }
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
    /// Writes what nobody has to answer. Output held with Ctrl-S must not hold us up.
    fn tell(&self, text: &str) {
        let _ = self.write(text, Some(Instant::now() + Duration::from_millis(100)));
    }
}
