//! A command that runs beside us because we have to stay: `--serve`. To the shell before us and to the command behind us
//! it should look as if there were one process.
//!
//! Both are in one process group: Ctrl-C, Ctrl-Z and a new window size reach the command from the terminal itself. What is
//! sent to our process alone is handed on, and the command's end is ours, down to the signal.

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, setrlimit, waitid, waitpid,
};
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use std::fs::File;
use std::io;
use std::process::{Child, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A stop of the whole group reaches us within this, and so does the end of it.
const TOGETHER: Duration = Duration::from_millis(50);

/// Waits for the command's end, and ends as it ended: there is no way back where that was a signal. Errors: the system
/// refuses to tell.
///
/// It is called after the command was started, not before: a signal that was ignored when we were started (`nohup`) then
/// is ignored in the command too, where our handlers would have been reset to the default.
pub(super) fn accompany(child: &Child, at_its_end: impl FnOnce()) -> io::Result<ExitCode> {
    let pid = Pid::from_child(child);
    let running = Arc::new(Mutex::new(Some(pid)));
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])?;
    let target = Arc::clone(&running);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            // from the terminal it has reached the command already, and who counts them (Terraform) would give up
            if matches!(signal, SIGINT | SIGQUIT) && in_foreground() {
                continue;
            }
            if let (Some(pid), Some(signal)) =
                (*target.lock().unwrap_or_else(PoisonError::into_inner), Signal::from_named_raw(signal))
            {
                let _ = kill_process(pid, signal);
            }
        }
    })?;
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

/// The command stopped itself (an editor's Ctrl-Z): we stop too, or the shell would go on waiting for us.
fn stop_with(pid: Pid) {
    // Where the terminal stopped the whole group we are stopped here, and both go on together.
    std::thread::sleep(TOGETHER);
    let continued = waitid(WaitId::Pid(pid), WaitIdOptions::CONTINUED | WaitIdOptions::NOHANG);
    if matches!(continued, Ok(Some(_))) {
        return;
    }
    let _ = kill_process(rustix::process::getpid(), Signal::STOP);
    let _ = kill_process(pid, Signal::CONT);
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
