//! Where a passphrase comes from when no variable holds one: a command, or a person at the terminal device.

use super::Error;
use crate::env::Env;
use crate::terminal::guarded;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use zeroize::{Zeroize, Zeroizing};

/// Longer than any passphrase; one page.
const LONGEST: usize = 4096;

pub(super) type Passphrase = Zeroizing<Vec<u8>>;

/// What `MFA_RUN_PASSPHRASE_COMMAND` prints, without one line end. The command may talk to the person itself, so it gets
/// the terminal as its stdin (ours may be a pipe that never ends) and our stderr.
pub(super) fn from_command(env: &Env, command: &OsStr) -> Result<Passphrase, Error> {
    let failed = |what: &'static str| move |e: io::Error| Error::PassphraseCommand { reason: format!("{what}: {e}") };
    let mut child = shell(command)
        .env_clear()
        .envs(env.vars_without_passphrase())
        .stdin(terminal_input())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed("the shell does not start"))?;
    // One buffer that never grows: growing would leave a copy behind that nobody wipes.
    let mut buffer = Zeroizing::new(vec![0; LONGEST + 2]);
    let mut size = 0;
    let read = child.stdout.take().map_or(Ok(()), |mut stdout| {
        while size < buffer.len() {
            match stdout.read(&mut buffer[size..]) {
                Ok(0) => break,
                Ok(more) => size += more,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    });
    if size == buffer.len() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed("no exit status"))?;
    read.map_err(failed("cannot read its output"))?;
    let refuse = |reason: String| Err(Error::PassphraseCommand { reason });
    if size == buffer.len() {
        return refuse(format!("prints more than {LONGEST} bytes"));
    }
    if !status.success() {
        return refuse(format!("failed ({status})"));
    }
    buffer.truncate(size);
    if buffer.ends_with(b"\n") {
        buffer.truncate(size - 1);
        if cfg!(windows) && buffer.ends_with(b"\r") {
            buffer.truncate(size - 2);
        }
    }
    if buffer.is_empty() { refuse("printed nothing".into()) } else { Ok(buffer) }
}

#[cfg(unix)]
fn shell(command: &OsStr) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &OsStr) -> Command {
    let mut shell = Command::new("cmd");
    std::os::windows::process::CommandExt::raw_arg(shell.arg("/C"), command);
    shell
}

#[cfg(unix)]
fn terminal_input() -> Stdio {
    std::fs::File::open("/dev/tty").map_or_else(|_| Stdio::null(), Stdio::from)
}

#[cfg(windows)]
fn terminal_input() -> Stdio {
    std::fs::File::open("CONIN$").map_or_else(|_| Stdio::null(), Stdio::from)
}

/// Asks on the terminal device, twice where the passphrase is new. `None` where nobody can be asked or nothing was
/// typed. The echo is off while we wait, as for any password: Ctrl-C turns it on again, a SIGKILL leaves it off.
pub(super) fn ask(new: bool) -> Option<Passphrase> {
    let prompt = dialoguer::Password::new().report(false).allow_empty_password(true);
    let prompt = if new {
        prompt
            .with_prompt("New passphrase for the sealed files of mfa-run")
            .with_confirmation("The same again", "They differ")
    } else {
        prompt.with_prompt("Passphrase for the sealed files of mfa-run")
    };
    let terminal = terminal()?;
    let mut typed = guarded(false, || prompt.interact_on(&terminal)).ok()?.into_bytes();
    if typed.len() > LONGEST {
        typed.zeroize();
    }
    Some(Zeroizing::new(typed)).filter(|typed| !typed.is_empty())
}

/// The terminal device, whatever stdin, stdout and stderr are; not from a background process group, which the kernel
/// would stop (SIGTTIN).
#[cfg(unix)]
fn terminal() -> Option<dialoguer::console::Term> {
    let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    if rustix::termios::tcgetpgrp(&device).ok()? != rustix::process::getpgrp() {
        return None;
    }
    Some(dialoguer::console::Term::read_write_pair(device.try_clone().ok()?, device))
}

#[cfg(windows)]
fn terminal() -> Option<dialoguer::console::Term> {
    Some(dialoguer::console::Term::stderr()).filter(dialoguer::console::Term::is_term)
}
