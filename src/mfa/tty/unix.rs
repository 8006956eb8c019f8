//! `/dev/tty`. Opened non-blocking, so that a look that comes too late never blocks us in a read.

use super::{Line, Why};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long one look at the terminal lasts.
const LOOK: Duration = Duration::from_millis(100);
/// A look that took this much longer: we were stopped, and the shell wrote over the prompt.
const STOPPED: Duration = Duration::from_millis(400);
/// How long another job may have the terminal before we stop waiting for it.
const AWAY: Duration = Duration::from_secs(1);
/// Some shells start a job first and hand it the terminal a moment later.
const HANDED_OVER: Duration = Duration::from_millis(50);
/// More than a terminal takes in one line.
const LONGEST_LINE: usize = 4096;

#[derive(Debug)]
pub(in crate::mfa) struct Terminal {
    device: File,
}

/// Whose the terminal is.
#[derive(PartialEq, Eq)]
enum Owner {
    Us,
    AnotherJob,
    Nobody,
}

/// The process that started us; changes when it ends.
pub(super) fn caller() -> Option<Pid> {
    rustix::process::getppid()
}

impl Terminal {
    /// The terminal, where our job is in its foreground.
    pub(in crate::mfa) fn open() -> Result<Self, Why> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let device = rustix::fs::open("/dev/tty", flags, Mode::empty()).map_err(|_| Why::NoTerminal)?;
        let terminal = Self { device: device.into() };
        let until = Instant::now() + HANDED_OVER;
        loop {
            match terminal.owner() {
                Owner::Us => return Ok(terminal),
                Owner::Nobody => return Err(Why::NoTerminal),
                Owner::AnotherJob if Instant::now() >= until => return Err(Why::Background),
                Owner::AnotherJob => sleep(HANDED_OVER / 10),
            }
        }
    }

    /// The device opened anew, blocking: programs expect that.
    pub(super) fn for_child(&self) -> io::Result<(Stdio, Stdio)> {
        let device = File::options().read(true).write(true).open("/dev/tty")?;
        Ok((device.try_clone()?.into(), device.into()))
    }

    /// Columns and rows.
    pub(in crate::mfa) fn size(&self) -> Option<(usize, usize)> {
        let size = rustix::termios::tcgetwinsize(&self.device).ok()?;
        (size.ws_col > 0 && size.ws_row > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
    }

    fn owner(&self) -> Owner {
        match tcgetpgrp(&self.device) {
            Ok(group) if group == rustix::process::getpgrp() => Owner::Us,
            // A foreground job outside our PID namespace has no number here.
            Ok(_) | Err(Errno::OPNOTSUPP) => Owner::AnotherJob,
            Err(_) => Owner::Nobody,
        }
    }

    /// Keys pressed before the prompt was there answer something else. No mode is changed by this.
    pub(super) fn discard_typed_ahead(&self) {
        if self.owner() == Owner::Us {
            let _ = tcflush(&self.device, QueueSelector::IFlush);
        }
    }

    /// Writes, or says why it can't. Looks whose the terminal is first: under `stty tostop` the write would stop us.
    pub(super) fn write(&self, text: &str, deadline: Option<Instant>) -> Result<(), io::Result<Line>> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match self.owner() {
                Owner::Us => {}
                Owner::AnotherJob => return Err(Ok(Line::Background)),
                Owner::Nobody => return Err(Ok(Line::Closed)),
            }
            match (&self.device).write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Held with Ctrl-S.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if passed(deadline) {
                        return Err(Ok(Line::DeadlinePassed));
                    }
                    sleep(LOOK / 5);
                }
                Err(error) => return Err(Err(error)),
            }
        }
        Ok(())
    }

    /// Waits for a line. Shows `prompt`, which was shown at `shown`, again when we come back to the foreground.
    pub(super) fn read_line(&self, prompt: &str, shown: Instant, deadline: Option<Instant>) -> io::Result<Line> {
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        let mut away: Option<Instant> = None;
        let mut look = shown;
        loop {
            if passed(deadline) {
                return Ok(Line::DeadlinePassed);
            }
            self.wait_for_input(deadline);
            let stopped = look.elapsed() > LOOK + STOPPED;
            look = Instant::now();
            match self.owner() {
                Owner::Us => {}
                Owner::Nobody => return Ok(Line::Closed),
                Owner::AnotherJob => {
                    let since = *away.get_or_insert_with(Instant::now);
                    if since.elapsed() > AWAY {
                        return Ok(Line::Background);
                    }
                    // What is typed now is for the other job, and would end each look at once.
                    sleep(LOOK / 2);
                    continue;
                }
            }
            if (away.take().is_some() || stopped)
                && let Err(stuck) = self.write(&format!("\r{prompt}"), deadline)
            {
                return stuck;
            }
            let mut chunk = Zeroizing::new([0_u8; 256]);
            match (&self.device).read(&mut chunk[..]) {
                Ok(0) if self.owner() != Owner::Us => return Ok(Line::Closed),
                Ok(0) if line.is_empty() => return Ok(Line::End),
                Ok(0) => return Ok(Line::Text(text(&line))),
                Ok(count) => line.extend_from_slice(&chunk[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => return Ok(Line::Closed),
                Err(error) => return Err(error),
            }
            // A program before us may have left the terminal raw: Enter is then a carriage return, Ctrl-C and Ctrl-D are bytes.
            if line.iter().any(|byte| matches!(byte, 0x03 | 0x04)) {
                return Ok(Line::End);
            }
            if line.len() > LONGEST_LINE || line.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
                return Ok(Line::Text(text(&line)));
            }
        }
    }

    #[cfg(not(target_vendor = "apple"))]
    fn wait_for_input(&self, deadline: Option<Instant>) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let left = deadline.map_or(LOOK, |deadline| deadline.saturating_duration_since(Instant::now()).min(LOOK));
        let left = Timespec::try_from(left).unwrap_or_default();
        let _ = poll(&mut [PollFd::new(&self.device, PollFlags::IN)], Some(&left));
    }

    /// macOS's poll() refuses /dev/tty, and select() can't be called without `unsafe`.
    #[cfg(target_vendor = "apple")]
    fn wait_for_input(&self, deadline: Option<Instant>) {
        let left = deadline.map_or(LOOK, |deadline| deadline.saturating_duration_since(Instant::now()));
        sleep(left.min(LOOK / 4));
    }
}

fn passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

fn text(line: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(std::str::from_utf8(line).unwrap_or_default().to_owned())
}
