//! A command that runs beside us because we have to stay: `--serve`. To the shell before us and to the command behind us
//! it should look as if there were one process.
//!
//! Both are in one process group: Ctrl-C, Ctrl-Z and a new window size reach the command from the terminal itself. What is
//! sent to our process alone is handed on, and the command's end is ours, down to the signal.

use crate::env::Env;
use crate::terminal::{hand_signals_over, ignored_signals};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, setrlimit, waitid, waitpid,
};
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A stop of the whole group that cannot be caught (SIGSTOP) reaches us within this, and so does the end of it.
const TOGETHER: Duration = Duration::from_millis(10);

/// The command, looked for along PATH when it is started.
pub(super) fn command(program: &OsStr, _: &Env) -> Command {
    Command::new(program)
}

/// This process becomes the command. Comes back only where it can't be run.
pub(super) fn become_command(mut command: Command) -> io::Result<ExitCode> {
    Err(command.exec())
}

/// What we do while a command runs, prepared before it is started: a signal that comes first would end us alone.
#[derive(Debug)]
pub(super) struct Companion(Signals);

/// What a shell sets to be ignored: `nohup`, and jobs in the background of a script.
const OFTEN_IGNORED: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTSTP];

impl Companion {
    /// Catches what is to be handed on. What was ignored when we were started stays ignored, here and in the command: a
    /// signal that is caught is reset to its default by exec, one that is ignored is not.
    pub(super) fn prepare() -> io::Result<Self> {
        hand_signals_over();
        let all = [SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2];
        let ignored = ignored_signals();
        let now = all.iter().filter(|signal| match ignored {
            Some(ignored) => ignored >> (**signal - 1) & 1 == 0,
            None => !OFTEN_IGNORED.contains(signal),
        });
        Signals::new(now).map(Self)
    }

    /// Waits for the command's end, and ends as it ended: there is no way back where that was a signal. Errors: the system
    /// refuses to tell.
    pub(super) fn accompany(mut self, child: &mut Child, at_its_end: impl FnOnce()) -> io::Result<ExitCode> {
        if ignored_signals().is_none() {
            // the system does not tell: caught only now that the command has inherited them as they were
            OFTEN_IGNORED.iter().try_for_each(|signal| self.0.add_signal(*signal))?;
        }
        let pid = Pid::from_child(child);
        let running = Arc::new(Mutex::new(Some(pid)));
        let target = Arc::clone(&running);
        std::thread::Builder::new().name("signals".into()).spawn(move || hand_on(&mut self.0, &target))?;
        wait(pid, &running, at_its_end)
    }
}

fn hand_on(signals: &mut Signals, target: &Mutex<Option<Pid>>) {
    for signal in signals.forever() {
        // from the terminal it has reached the command already, and who counts them (Terraform) would give up
        if matches!(signal, SIGINT | SIGQUIT | SIGTSTP) && in_foreground() {
            continue;
        }
        let running = target.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(pid), Some(signal)) = (*running, Signal::from_named_raw(signal)) {
            let _ = kill_process(pid, signal);
        }
    }
}

fn wait(pid: Pid, running: &Mutex<Option<Pid>>, at_its_end: impl FnOnce()) -> io::Result<ExitCode> {
    loop {
        // looked at first and reaped after, so that no signal goes to a process that took over its number
        let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        let Some(status) = retry(|| waitid(WaitId::Pid(pid), options))? else { continue };
        if status.stopped() {
            retry(|| waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG))?;
            stop_with(pid);
            continue;
        }
        *running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let Some((_, status)) = retry(|| waitpid(Some(pid), WaitOptions::empty()))? else { continue };
        at_its_end();
        return Ok(match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)),
            (None, Some(signal)) => die_of(signal),
            (None, None) => ExitCode::FAILURE,
        });
    }
}

/// The command is stopped, by Ctrl-Z or by itself: now we stop, or the shell would go on waiting for us. Not before: an editor
/// puts the terminal right first, and a command that takes no notice of Ctrl-Z goes on, and so do we.
fn stop_with(pid: Pid) {
    // both may have been stopped by a signal that cannot be caught, and go on together
    std::thread::sleep(TOGETHER);
    let continued = waitid(WaitId::Pid(pid), WaitIdOptions::CONTINUED | WaitIdOptions::NOHANG);
    if !matches!(continued, Ok(Some(_))) {
        // we go on with SIGCONT, which is handed on
        let _ = kill_process(rustix::process::getpid(), Signal::STOP);
    }
}

/// Ends this process by the signal that ended the command: a shell loop stops at Ctrl-C only if it sees that.
fn die_of(signal: i32) -> ExitCode {
    // Security: a core file of ours would hold the session; what the command leaves is its own affair.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}

/// Whether the terminal sends its Ctrl-C to our process group.
fn in_foreground() -> bool {
    let terminal = File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp()))
}

fn retry<T>(call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    Ok(rustix::io::retry_on_intr(call)?)
}
