//! The harness itself: that it catches what it is there to catch.
#![cfg(unix)]

use crate::support::{Sandbox, Tool};
use std::time::{Duration, Instant};

const PLANTED: &str = "wJalrXUtnFEMI/planted";

/// The leaks that a sandbox would fail its test for, taken out of it.
fn leaks_of(sandbox: Sandbox) -> Vec<String> {
    let leaks = sandbox.leaks();
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(sandbox)));
    assert_eq!(dropped.is_err(), !leaks.is_empty(), "a leak fails the test on drop, and nothing else does");
    leaks
}

#[test]
fn a_secret_printed_fails_the_test() {
    for (script, where_seen) in
        [("echo $PLANTED", "stdout"), ("echo $PLANTED >&2", "stderr"), ("echo wJalrXUtnFEMI%2Fplanted >&2", "stderr")]
    {
        let sandbox = Sandbox::new();
        sandbox.secret(PLANTED);
        sandbox.other("sh", ["-c", script]).env("PLANTED", PLANTED).run();
        let leaks = leaks_of(sandbox);
        assert!(matches!(&leaks[..], [leak] if leak.contains(where_seen)), "{script}: {leaks:?}");
        assert!(!leaks[0].contains(PLANTED), "the report itself repeats no secret: {leaks:?}");
    }
}

#[test]
fn a_secret_in_a_file_fails_the_test() {
    for path in ["$HOME/.cache/deep/x", "$TMPDIR/x"] {
        let sandbox = Sandbox::new();
        sandbox.secret(PLANTED);
        let script = format!("mkdir -p \"$(dirname {path})\"; echo $PLANTED > {path}");
        sandbox.other("sh", ["-c", &script]).env("PLANTED", PLANTED).run().success();
        let leaks = leaks_of(sandbox);
        assert!(matches!(&leaks[..], [leak] if leak.contains("/x holds")), "{leaks:?}");
    }
}

#[test]
fn a_secret_where_it_belongs_is_no_leak() {
    let sandbox = Sandbox::new();
    sandbox.secret(PLANTED);
    sandbox.write_credentials(&format!("[default]\naws_secret_access_key = {PLANTED}\n"));
    sandbox.other("cat", [".aws/credentials"]).may_print_secrets().run().success();
    assert_eq!(leaks_of(sandbox), [""; 0]);
}

#[test]
fn nothing_of_the_test_run_gets_in() {
    let sandbox = Sandbox::new();
    let run = sandbox.other("env", [""; 0]).run().success();
    for line in run.stdout.lines() {
        let name = line.split('=').next().unwrap();
        let known = name.starts_with("XDG_")
            || ["HOME", "PATH", "TERM", "LANG", "TZ", "TMPDIR", "AWS_EC2_METADATA_DISABLED"].contains(&name)
            || ["MFA_RUN_KEYCHAIN", "MFA_RUN_KEY_FILE"].contains(&name);
        assert!(known, "{line}");
    }
    let run = sandbox.other("sh", ["-c", ": </dev/tty && echo terminal"]).run();
    assert!(!run.status.success() && run.stdout.is_empty(), "there is no terminal: {}", run.report());
}

#[test]
fn a_command_ends_as_it_ended() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.other("sh", ["-c", "exit 37"]).run().code(), Some(37));
    assert_eq!(sandbox.other("cat", [""; 0]).stdin("typed").run().stdout, "typed");
    assert_eq!(sandbox.other("sh", ["-c", "kill -TERM $$"]).run().signal(), Some(15));
    let mut running = sandbox.other("cat", [""; 0]).stdin_left_open().start();
    std::thread::sleep(Duration::from_millis(100));
    assert!(running.is_running());
    running.kill();
    assert_eq!(running.wait().code(), None);
}

#[test]
fn what_hangs_fails_the_test() {
    let sandbox = Sandbox::new();
    let hangs = || sandbox.other("sleep", ["30"]).patience(Duration::from_millis(100)).run();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(hangs)).is_err());
}

#[test]
fn a_missing_tool_is_no_tool() {
    assert!(Tool::find_quietly("no-such-tool-anywhere").is_none());
    assert!(Tool::find_quietly("cargo").is_some());
}

mod terminal {
    use super::*;

    #[test]
    fn is_one_and_is_in_the_foreground() {
        let sandbox = Sandbox::new();
        let script =
            "test -t 0 && ! test -t 1 && ! test -t 2 && printf 'who? ' >/dev/tty && read name && echo \"hello $name\"";
        let mut terminal = sandbox.other("sh", ["-c", script]).on_terminal();
        terminal.expect("who? ").send_line("ann");
        let run = terminal.wait().success();
        assert_eq!((run.stdout.as_str(), run.screen.as_str()), ("hello ann\n", "who? ann\r\n"));
    }

    #[test]
    fn stays_after_the_program_and_keeps_its_modes() {
        let sandbox = Sandbox::new();
        let mut terminal = sandbox.other("sh", ["-c", "stty -echo; kill -KILL $$"]).on_terminal();
        let before = terminal.stty();
        assert_eq!(terminal.wait().signal(), Some(9));
        assert!(before.contains(" echo ") || before.contains(" -echo "), "{before}");
        assert!(terminal.stty().contains(" -echo "), "a program that leaves the terminal broken is noticed");
    }

    #[test]
    fn interrupts_and_suspends() {
        let sandbox = Sandbox::new();
        let mut terminal = sandbox.other("sh", ["-c", "echo ready; exec sleep 30"]).all_on_terminal();
        terminal.expect("ready").suspend();
        assert!(terminal.stops_within(Duration::from_secs(5)));
        terminal.kill(rustix::process::Signal::CONT);
        terminal.interrupt();
        assert_eq!(terminal.wait().signal(), Some(2));
    }

    #[test]
    fn shows_no_planted_secret_but_what_was_typed() {
        let sandbox = Sandbox::new();
        sandbox.secret("735208");
        let mut terminal = sandbox.other("sh", ["-c", "read code"]).on_terminal();
        terminal.send_line("735208").wait().success();
        assert_eq!(leaks_of(sandbox), [""; 0]);

        let sandbox = Sandbox::new();
        sandbox.secret(PLANTED);
        let script = format!("echo {PLANTED} >/dev/tty");
        sandbox.other("sh", ["-c", &script]).on_terminal().wait().success();
        assert_eq!(leaks_of(sandbox).len(), 1);
    }

    #[test]
    fn output_is_whole_to_the_last_byte() {
        let sandbox = Sandbox::new();
        for _ in 0..20 {
            let run = sandbox.other("seq", ["3000"]).all_on_terminal().wait().success();
            assert!(run.screen.ends_with("2999\r\n3000\r\n"), "{}", run.report());
        }
    }

    #[test]
    fn takes_its_whole_session_with_it() {
        let sandbox = Sandbox::new();
        let mut terminal = sandbox.shell_on_terminal("bash", "");
        terminal.send_line("trap '' HUP; sleep 300 & echo pi''d $! .").expect("pid ");
        assert!(terminal.shows_within(" .\r\n", Duration::from_secs(5)));
        let screen = terminal.screen();
        let pid = screen.split("pid ").nth(1).and_then(|rest| rest.split(' ').next()).expect("its pid").to_owned();
        drop(terminal);
        // Killed is not gone yet; a hang-up alone would never do it here.
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let gone = || state().is_empty() || state().contains(") Z ");
        let until = Instant::now() + Duration::from_secs(5);
        while !gone() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(gone(), "it lives on: {}", state());
    }
}
