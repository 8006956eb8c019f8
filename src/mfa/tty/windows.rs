//! `CONIN$` and `CONOUT$`, in the modes they are in: line input with echo, Ctrl-C ends the process.

use super::{Line, Why};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;
use zeroize::Zeroizing;

#[derive(Debug)]
pub(in crate::mfa) struct Terminal {
    input: File,
    output: File,
}

/// Windows does not tell when a parent ends.
pub(super) fn caller() -> Option<u32> {
    None
}

impl Terminal {
    pub(in crate::mfa) fn open() -> Result<Self, Why> {
        let open = |name| OpenOptions::new().read(true).write(true).open(name).map_err(|_| Why::NoTerminal);
        Ok(Self { input: open("CONIN$")?, output: open("CONOUT$")? })
    }

    pub(super) fn for_child(&self) -> io::Result<(Stdio, Stdio)> {
        Ok((self.input.try_clone()?.into(), self.output.try_clone()?.into()))
    }

    /// Columns and rows.
    pub(in crate::mfa) fn size(&self) -> Option<(usize, usize)> {
        let (columns, rows) = terminal_size::terminal_size_of(&self.output)?;
        Some((columns.0.into(), rows.0.into()))
    }

    /// Needs FlushConsoleInputBuffer, which std does not have.
    pub(super) fn discard_typed_ahead(&self) {}

    pub(super) fn write(&self, text: &str, _deadline: Option<Instant>) -> Result<(), io::Result<Line>> {
        (&self.output).write_all(text.as_bytes()).map_err(Err)
    }

    /// A console can't be polled with std: a thread reads, and is left behind when the deadline passes.
    pub(super) fn read_line(&self, _prompt: &str, _shown: Instant, deadline: Option<Instant>) -> io::Result<Line> {
        let input = self.input.try_clone()?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // bytes, because a console has a code page of its own; digits are the same in all of them
            let mut line = Zeroizing::new(Vec::with_capacity(256));
            let read = BufReader::with_capacity(256, input).read_until(b'\n', &mut line);
            let text = Zeroizing::new(std::str::from_utf8(&line).unwrap_or_default().to_owned());
            let _ = sender.send(read.map(|count| if count == 0 { Line::End } else { Line::Text(text) }));
        });
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match left.map_or_else(|| receiver.recv().map_err(Into::into), |left| receiver.recv_timeout(left)) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => Ok(Line::DeadlinePassed),
            Err(RecvTimeoutError::Disconnected) => Ok(Line::Closed),
        }
    }
}
