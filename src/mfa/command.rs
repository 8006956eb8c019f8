//! `mfa_process`: a command that prints the code (`ykman`, `op`, `pass otp`).
//!
//! It talks to the person on the terminal while we take its stdout. Neither what it printed nor its arguments ever
//! appear in an error.

use super::{Asking, Device, Error, Prompt, tty};
use crate::credentials::TokenCode;
use crate::env::Env;
use crate::terminal::{escape, say};
use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// More than any program prints around six digits.
const LONGEST_OUTPUT: u64 = 64 * 1024;
/// A program told to end may have to put the terminal right first.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Runs the command and takes the one line it prints.
pub(super) fn run(line: &str, device: &Device<'_>, asking: &Asking<'_>) -> Result<TokenCode, Error> {
    let may_talk = asking.may_prompt && Prompt::from_env(asking.env)? != Prompt::Never;
    let terminal = may_talk.then(tty::for_child).flatten();
    let own_group = terminal.is_none();
    let (stdin, stderr) = terminal.unwrap_or_else(|| (Stdio::null(), Stdio::piped()));

    let mut command = shell(line);
    command.env_clear().envs(without_secrets(asking.env)).stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
    // With the terminal it stays in our process group: another one would be a background job there, stopped as soon as it reads.
    #[cfg(unix)]
    if own_group {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command.spawn().map_err(|error| Error::ProcessNotStarted { command: program_name(line), error })?;

    let printed = child.stdout.take().map(read_all);
    let complaint = child.stderr.take().map(read_all);
    let Some((printed, status)) = wait(&mut child, printed, asking.deadline) else {
        end(&mut child, own_group);
        return Err(Error::too_late(device));
    };
    if !status.success() {
        let complaint = complaint.and_then(|complaint| complaint.recv_timeout(LAST_WORDS).ok()).unwrap_or_default();
        for line in String::from_utf8_lossy(&complaint).lines() {
            say(&escape(line));
        }
        return Err(Error::ProcessFailed { command: program_name(line), status });
    }
    std::str::from_utf8(&printed)
        .ok()
        .and_then(TokenCode::parse)
        .ok_or_else(|| Error::NotSixDigits { origin: program_name(line) })
}

fn shell(line: &str) -> Command {
    #[cfg(windows)]
    {
        let mut command = Command::new("cmd");
        std::os::windows::process::CommandExt::raw_arg(command.arg("/C"), line);
        command
    }
    #[cfg(not(windows))]
    {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }
}

/// The environment without what a program that prints a code has no use for: keys, sessions, and the passphrase that
/// opens our own files.
fn without_secrets(env: &Env) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    const SECRET: [&str; 5] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ];
    env.vars().filter(|(name, _)| {
        let name = name.to_string_lossy();
        !SECRET.contains(&&*name) && !name.starts_with("AWS_BEARER_TOKEN") && !name.starts_with("MFA_RUN_PASSPHRASE")
    })
}

/// The program's name, for errors. Security: the words behind it, and assignments before it, may hold a secret.
fn program_name(line: &str) -> String {
    let words = shlex::split(line).unwrap_or_default();
    words.into_iter().find(|word| !word.contains('=')).unwrap_or_else(|| "sh".into())
}

fn read_all(from: impl Read + Send + 'static) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Zeroizing::new(Vec::with_capacity(4096));
        let mut from = from.take(LONGEST_OUTPUT);
        let _ = from.read_to_end(&mut all);
        let _ = sender.send(all);
    });
    receiver
}

/// What it printed and how it ended; `None` where the deadline passes first.
fn wait(
    child: &mut Child,
    printed: Option<Receiver<Zeroizing<Vec<u8>>>>,
    deadline: Option<Instant>,
) -> Option<(Zeroizing<Vec<u8>>, ExitStatus)> {
    let printed = printed?;
    let Some(deadline) = deadline else {
        return Some((printed.recv().ok()?, child.wait().ok()?));
    };
    let printed = printed.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?;
    Some((printed, wait_until(child, deadline)?))
}

fn wait_until(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends it and, where it has a process group of its own, all that it started.
fn end(child: &mut Child, own_group: bool) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process, kill_process_group};
        let pid = Pid::from_child(child);
        let kill = |signal| if own_group { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
        let _ = kill(Signal::TERM);
        let _ = wait_until(child, Instant::now() + LAST_WORDS);
        if own_group {
            let _ = kill(Signal::KILL);
        }
    }
    let _ = own_group;
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use chrono::DateTime;

    const DEVICE: Device<'_> = Device { serial: "GAHT12345678", profile: "admin", login: "admin" };

    fn run_with(line: &str, vars: &[(&str, &str)], deadline: Option<Duration>) -> Result<TokenCode, Error> {
        let mut all = vec![("PATH", "/usr/bin:/bin")];
        all.extend(vars);
        let env = Env::fixed(&all, DateTime::UNIX_EPOCH);
        // `may_prompt: false`: the outcome must not depend on whether `cargo test` has a terminal.
        let deadline = deadline.map(|after| Instant::now() + after);
        run(line, &DEVICE, &Asking { may_prompt: false, deadline, ..Asking::new(&env) })
    }

    #[test]
    fn takes_the_six_digits_it_prints() {
        for line in ["echo 123456", "printf '123 456'", "echo 123 456 | cat", "X=1 sh -c 'echo 123456'"] {
            assert_eq!(run_with(line, &[], None).expect(line).expose_secret(), "123456");
        }
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        for line in ["echo 12345", "echo 123456; echo 654321", "echo name 123456", "true"] {
            let error = run_with(line, &[], None).unwrap_err();
            assert!(matches!(error, Error::NotSixDigits { .. }), "{line}: {error}");
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("12345"), "{error:?}");
        }
    }

    #[test]
    fn a_failure_names_the_program_and_nothing_behind_it() {
        let error = run_with("TOKEN=hush sh -c 'echo 123456; exit 3' planted", &[], None).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert_eq!(error.to_string(), "mfa_process `sh` failed: exit status: 3");
        assert!(!shown.contains("hush") && !shown.contains("planted") && !shown.contains("123456"), "{shown}");
    }

    #[test]
    fn it_gets_no_secret_of_ours() {
        let secrets = [
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_SESSION_TOKEN", "x"),
            ("MFA_RUN_PASSPHRASE", "x"),
            ("MFA_RUN_PASSPHRASE_COMMAND", "x"),
        ];
        let none = "test -z \"$AWS_ACCESS_KEY_ID$AWS_SECRET_ACCESS_KEY$AWS_SESSION_TOKEN$MFA_RUN_PASSPHRASE$MFA_RUN_PASSPHRASE_COMMAND\"";
        run_with(&format!("{none} && echo 123456"), &secrets, None).unwrap();
        run_with("test \"$OTP_ITEM\" = aws && echo 123456", &[("OTP_ITEM", "aws")], None).unwrap();
    }

    #[test]
    fn the_deadline_ends_it_and_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (pid, late) = (folder.path().join("pid"), folder.path().join("late"));
        let line = format!("(sleep 1.5; touch {}) & echo $! > {}; sleep 20", late.display(), pid.display());
        let started = Instant::now();
        let error = run_with(&line, &[], Some(Duration::from_millis(500))).unwrap_err();
        assert!(matches!(error, Error::DeadlinePassed { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_millis(1400), "{:?}", started.elapsed());
        assert!(pid.exists(), "it had started something");
        std::thread::sleep(Duration::from_millis(1600));
        assert!(!late.exists(), "and that outlived it");
    }
}
