//! `mfa_process`: a command that prints the code (`ykman`, `op`, `pass otp`).
//!
//! It talks to the person on the terminal while we take its stdout. Neither what it printed nor its arguments ever
//! appear in an error.

use super::{Asking, Device, Error, Prompt, tty};
use crate::child;
use crate::credentials::TokenCode;
use crate::terminal::{escape, say};
use std::process::{Command, Stdio};

/// Runs the command and takes the one line it prints.
pub(super) fn run(line: &str, device: &Device<'_>, asking: &Asking<'_>) -> Result<TokenCode, Error> {
    let may_talk = asking.may_prompt && Prompt::from_env(asking.env)? != Prompt::Never;
    let terminal = may_talk.then(tty::for_child).flatten();
    let own_group = terminal.is_none();
    let (stdin, stderr) = terminal.unwrap_or_else(|| (Stdio::null(), Stdio::piped()));

    let mut command = shell(line);
    command.env_clear().envs(asking.env.vars_without_secrets()).stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
    // With the terminal it stays in our process group: another one would be a background job there, stopped as soon as it reads.
    #[cfg(unix)]
    if own_group {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let child = command.spawn().map_err(|error| Error::ProcessNotStarted { command: program_name(line), error })?;
    let Some(finished) = child::finish(child, asking.deadline, own_group) else {
        return Err(Error::too_late(device));
    };
    let status = finished.status;
    if !status.success() {
        for line in String::from_utf8_lossy(&finished.complaint).lines() {
            say(&escape(line));
        }
        return Err(Error::ProcessFailed { command: program_name(line), status });
    }
    std::str::from_utf8(&finished.printed)
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

/// The program's name, for errors. Security: the words behind it, and assignments before it, may hold a secret.
fn program_name(line: &str) -> String {
    let words = shlex::split(line).unwrap_or_default();
    words.into_iter().find(|word| !word.contains('=')).unwrap_or_else(|| "sh".into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::env::Env;
    use chrono::DateTime;
    use std::time::{Duration, Instant};

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
    fn what_it_leaves_behind_is_not_waited_for() {
        for deadline in [None, Some(Duration::from_secs(10))] {
            let started = Instant::now();
            let code = run_with("sleep 20 & echo 123456", &[], deadline);
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
            assert_eq!(code.unwrap().expose_secret(), "123456");
        }
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
