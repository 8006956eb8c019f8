//! What a person is shown and asked while a device is set up. It all goes to the terminal device, and to nothing else: a seed
//! that went to stdout or stderr would be in whatever file or log those lead to.

use super::tty::{NoCode, Terminal};
use super::{Error, Prompt, Why};
use crate::credentials::TokenCode;
use crate::env::Env;
use std::thread::sleep;
use std::time::Duration;

/// The terminal, with a person at it.
#[derive(Debug)]
pub struct Conversation<'e> {
    terminal: Terminal,
    env: &'e Env,
}

impl<'e> Conversation<'e> {
    /// Errors: why there is nobody.
    pub fn open(env: &'e Env) -> Result<Self, Why> {
        if matches!(Prompt::from_env(env), Ok(Prompt::Never)) {
            return Err(Why::Forbidden);
        }
        Ok(Self { terminal: Terminal::open()?, env })
    }

    /// Columns and rows, where the terminal says.
    pub fn size(&self) -> Option<(usize, usize)> {
        self.terminal.size()
    }

    /// Shows lines of ours, as they are: control sequences too.
    pub fn show(&self, lines: &str) -> Result<(), Error> {
        self.terminal.show(lines)
    }

    /// Asks for a code, with a line before it.
    pub fn code(&self, prompt: &str, notice: Option<&str>) -> Result<TokenCode, Error> {
        self.terminal.ask(prompt, notice, None).map_err(|no_code| match no_code {
            NoCode::Error(error) => error,
            NoCode::Background => Error::InBackground,
            // there is none
            NoCode::DeadlinePassed => Error::TerminalClosed,
        })
    }

    /// Waits for that second of the clock, and shows how long it still takes.
    pub fn count_down(&self, what: &str, second: i64) -> Result<(), Error> {
        loop {
            let left = second - self.env.now().timestamp();
            if left <= 0 {
                return self.show(&format!("\r{}\r", " ".repeat(what.len() + 8)));
            }
            self.show(&format!("\r{what} {left} s "))?;
            let part = self.env.now().timestamp_subsec_millis() % 1000;
            sleep(Duration::from_millis(1000 - u64::from(part)));
        }
    }
}
