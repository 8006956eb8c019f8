//! Where a passphrase comes from when no variable holds one: a command, or a person at the terminal device.

use super::Error;
use crate::child::{self, Finished};
use crate::env::Env;
use crate::terminal::guarded;
use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::Instant;
use zeroize::{Zeroize, Zeroizing};

/// Longer than any passphrase; one page.
const LONGEST: usize = 4096;

pub(super) type Passphrase = Zeroizing<Vec<u8>>;

/// What `MFA_RUN_PASSPHRASE_COMMAND` prints, without one line end. The command may talk to the person itself, so it gets
/// the terminal as its stdin (ours may be a pipe that never ends) and our stderr.
pub(super) fn from_command(env: &Env, command: &OsStr, deadline: Option<Instant>) -> Result<Passphrase, Error> {
    let refuse = |reason: String| Err(Error::PassphraseCommand { reason });
    let terminal = terminal_input();
    // With the terminal it stays in our process group: another one would be a background job there.
    let own_group = terminal.is_none();
    let mut command = shell(command);
    command
        .env_clear()
        .envs(env.vars_without_passphrase())
        .stdin(terminal.unwrap_or_else(Stdio::null))
        .stdout(Stdio::piped());
    #[cfg(unix)]
    if own_group {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return refuse(format!("the shell does not start: {error}")),
    };
    let Some(Finished { mut printed, status, .. }) = child::finish(child, deadline, own_group) else {
        return refuse("did not end in time".into());
    };
    if printed.len() > LONGEST + 1 {
        return refuse(format!("prints more than {LONGEST} bytes"));
    }
    if !status.success() {
        return refuse(format!("failed ({status})"));
    }
    if printed.ends_with(b"\n") {
        printed.pop();
        if cfg!(windows) && printed.ends_with(b"\r") {
            printed.pop();
        }
    }
    if printed.is_empty() { refuse("printed nothing".into()) } else { Ok(printed) }
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
fn terminal_input() -> Option<Stdio> {
    std::fs::File::open("/dev/tty").ok().map(Stdio::from)
}

#[cfg(windows)]
fn terminal_input() -> Option<Stdio> {
    std::fs::File::open("CONIN$").ok().map(Stdio::from)
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
