//! The prompt on the terminal device: seen, answered, interrupted, in the background, without a terminal.
//!
//! What runs here is `mfa::token_code` alone, in this test binary started again as [`asker`]; the commands that use it
//! have tests of their own.

use crate::support::{Command, Pty, Sandbox};
use mfa_run::env::Env;
use mfa_run::mfa::{self, Asking, Device, Error};
use rustix::process::Signal;
use std::io::Write;
use std::time::Duration;

pub(crate) const SERIAL: &str = "arn:aws:iam::111122223333:mfa/ann";
const PROMPT: &str = "MFA code for arn:aws:iam::111122223333:mfa/ann (profile admin): ";
const AGAIN: &str = "An MFA code is six digits.";
const MOMENT: Duration = Duration::from_millis(400);

/// Not a test but what the tests here run. Its exit code is that of `mfa-run`.
#[test]
#[expect(clippy::exit, reason = "libtest has exit codes of its own")]
fn asker() {
    let env = Env::capture();
    if env.var("ASK").is_none() {
        return;
    }
    let profile = env.var("ASK_PROFILE").unwrap_or("admin");
    let device = Device { serial: env.var("ASK_SERIAL").unwrap_or(SERIAL), profile, login: profile };
    let deadline =
        env.var("ASK_DEADLINE").map(|millis| env.since_start(Duration::from_millis(millis.parse().unwrap())));
    let asking = Asking { mfa_process: env.var("ASK_PROCESS"), deadline, ..Asking::new(&env) };
    if let Some(line) = env.var("ASK_TELL") {
        mfa::tell_terminal(&env, line);
        std::process::exit(0);
    }
    let error =
        match mfa::can_ask(&device, &asking).and_then(|_| mfa::token_code(&device, &asking, env.var("ASK_NOTICE"))) {
            Ok(_) => {
                let _ = writeln!(std::io::stdout(), "got a code");
                std::process::exit(0)
            }
            Err(error) => error,
        };
    let _ = writeln!(std::io::stdout(), "error: {error}");
    std::process::exit(match error {
        Error::NobodyToAsk { .. } | Error::DialogFailed { .. } => 3,
        Error::Cancelled => 130,
        _ => 1,
    })
}

/// A sandbox with `ask` on its PATH.
pub(crate) fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let program = std::env::current_exe().unwrap();
    sandbox.program("ask", &format!("exec '{}' --exact prompt::asker --nocapture --test-threads=1", program.display()));
    sandbox.set("ASK", "1");
    sandbox
}

pub(crate) fn ask(sandbox: &Sandbox) -> Command {
    sandbox.other("ask", [""; 0])
}

fn sh(sandbox: &Sandbox, script: &str) -> Command {
    sandbox.other("sh", ["-c", script])
}

/// An interactive bash with job control, ready.
fn bash(sandbox: &Sandbox) -> Pty {
    let mut terminal = sandbox.shell_on_terminal("bash", "");
    terminal.send_line("PS1='> '; echo rea''dy").expect("ready\r\n").expect("> ");
    terminal
}

#[test]
fn shows_and_is_answered_whatever_the_streams_are() {
    let sandbox = sandbox();
    for stdin_is_a_pipe in [true, false] {
        let command = if stdin_is_a_pipe { ask(&sandbox).stdin("111111\n") } else { ask(&sandbox) };
        let mut terminal = command.on_terminal();
        terminal.expect(PROMPT).send_line("123 456");
        let run = terminal.wait().success();
        assert!(run.stdout.contains("got a code") && !run.stdout.contains("MFA code for"), "{}", run.report());
        assert_eq!(run.stderr, "");
        assert_eq!(run.screen, format!("{PROMPT}123 456\r\n"));
    }
    let mut terminal = sh(&sandbox, "echo 111111 | ask | cat").all_on_terminal();
    terminal.expect(PROMPT).send_line("123456").expect("got a code").wait().success();
}

#[test]
fn never_reads_stdin() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).stdin_left_open().on_terminal();
    terminal.expect(PROMPT).send_line("123456").wait().success();
    let mut terminal = sh(&sandbox, "ask >/dev/null; cat").stdin("left for others").on_terminal();
    terminal.expect(PROMPT).send_line("123456");
    assert_eq!(terminal.wait().success().stdout, "left for others");
}

#[test]
fn takes_nothing_typed_before_it() {
    let sandbox = sandbox();
    let mut terminal = sh(&sandbox, "printf wait >/dev/tty; sleep 0.5; exec ask").on_terminal();
    terminal.expect("wait").send("111111\r22").expect(PROMPT);
    assert!(!terminal.shows_within(AGAIN, MOMENT), "took part of it: {}", terminal.screen());
    assert!(!terminal.stdout().contains("got a code"), "took the code typed before");
    terminal.send_line("333333").wait().success();
    assert!(!terminal.screen().contains(AGAIN), "the rest of it stayed: {}", terminal.screen());
}

#[test]
fn asks_again_for_what_is_no_code() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).env("ASK_NOTICE", "AWS refused that code\u{1b}[2J").on_terminal();
    terminal.expect("AWS refused that code\\u{1b}[2J\r\n").expect(PROMPT);
    for wrong in ["12345", "", "1234567", "hunter2"] {
        terminal.send_line(wrong).expect(AGAIN).expect(PROMPT);
    }
    terminal.send_line("123456");
    let run = terminal.wait().success();
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{}", run.report());
    assert_eq!(run.screen.matches("hunter2").count(), 1, "only the terminal's own echo: {}", run.report());
}

#[test]
fn ctrl_d_cancels() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).on_terminal();
    terminal.expect(PROMPT).end_of_file();
    let run = terminal.wait().expect_code(130);
    assert!(run.stdout.contains("error: cancelled"), "{}", run.report());
}

#[test]
fn foreign_text_reaches_the_terminal_escaped() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).env("ASK_SERIAL", "\u{1b}]0;owned\u{7}").on_terminal();
    terminal.expect("MFA code for \\u{1b}]0;owned\\u{7} (profile admin): ").end_of_file();
    assert!(!terminal.wait().screen.contains('\u{1b}'));
}

#[test]
fn ctrl_c_is_death_by_sigint_and_stops_shell_loops() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).on_terminal();
    let before = terminal.stty();
    terminal.expect(PROMPT).interrupt();
    assert_eq!(terminal.wait().signal(), Some(2));
    assert_eq!(terminal.stty(), before);

    for shell in ["sh", "bash"] {
        let mut terminal = sandbox.shell_on_terminal(shell, "for i in 1 2 3; do ask; echo round $i; done");
        terminal.expect(PROMPT).interrupt();
        let run = terminal.wait();
        assert_eq!(run.signal(), Some(2), "{shell}: {}", run.report());
        assert!(!run.screen.contains("round"), "{shell}: {}", run.report());
        assert_eq!(terminal.stty(), before);
    }
}

#[test]
fn sigkill_leaves_the_terminal_as_it_was() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).on_terminal();
    let before = terminal.stty();
    terminal.expect(PROMPT);
    assert_eq!(terminal.stty(), before, "it changes no mode while it waits either");
    terminal.kill(Signal::KILL);
    assert_eq!(terminal.wait().signal(), Some(9));
    assert_eq!(terminal.stty(), before);
}

#[test]
fn ctrl_z_and_fg_ask_again() {
    let sandbox = sandbox();
    let mut terminal = bash(&sandbox);
    let before = terminal.stty();
    terminal.send_line("ask").expect(PROMPT).suspend().expect("Stopped").expect("> ");
    assert_eq!(terminal.stty(), before);
    std::thread::sleep(Duration::from_secs(1));
    terminal.send_line("fg").expect(PROMPT).send_line("123456").expect("got a code").expect("> ");
    assert_eq!(terminal.stty(), before);
    terminal.send_line("exit").wait().success();
}

#[test]
fn ctrl_z_and_bg_end_it_unstopped() {
    let sandbox = sandbox();
    let mut terminal = bash(&sandbox);
    terminal.send_line("ask").expect(PROMPT).suspend().expect("Stopped").expect("> ");
    terminal.send_line("bg; wait %1; echo en''ded $?").expect("ended 3\r\n");
    assert_eq!(terminal.screen().matches(PROMPT).count(), 1, "{}", terminal.screen());
}

#[test]
fn a_background_job_ends_at_once_and_is_not_stopped() {
    let sandbox = sandbox();
    for tostop in ["-tostop", "tostop"] {
        let mut terminal = bash(&sandbox);
        terminal.send_line(&format!("stty {tostop}; ask >out & wait -n; echo en''ded $?; jobs; echo jo''bs"));
        terminal.expect("ended 3\r\n").expect("jobs\r\n");
        assert!(!terminal.screen().contains("Stopped"), "{}", terminal.screen());
        assert!(!terminal.screen().contains(PROMPT), "{}", terminal.screen());
        assert!(sandbox.read("out").contains("nobody can be asked: this runs in the background"));

        terminal.send_line("ASK_TELL='waits for another' ask >out & wait -n; echo to''ld $?").expect("told 0\r\n");
        let told = terminal.screen().replace("ASK_TELL='waits for another'", "");
        assert!(!told.contains("waits for another"), "{told}");
    }
}

#[test]
fn a_shell_may_hand_the_terminal_over_late() {
    let sandbox = sandbox();
    // Five tries: on a busy machine this test may itself be later than it means to be.
    let asked = (0..5).any(|_| {
        let mut terminal = ask(&sandbox).terminal_comes_late(Duration::from_millis(40)).on_terminal();
        terminal.shows_within(PROMPT, Duration::from_secs(2))
    });
    assert!(asked, "it took the start of a foreground job for a background job");
}

#[test]
fn a_person_who_waits_is_told_on_the_terminal() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).env("ASK_TELL", "waits for\u{7} another").on_terminal();
    let run = terminal.wait().success();
    assert_eq!((run.screen.as_str(), run.stderr.as_str()), ("waits for\\u{7} another\r\n", ""));
    let run = ask(&sandbox).env("ASK_TELL", "waits").env("MFA_RUN_PROMPT", "never").on_terminal().wait().success();
    assert_eq!(run.screen, "");
    assert_eq!(ask(&sandbox).env("ASK_TELL", "waits").run().success().stderr, "");
}

#[test]
fn without_a_terminal_it_ends_at_once() {
    let sandbox = sandbox();
    let runs: Vec<_> = (0..5).map(|_| ask(&sandbox).stdin_left_open().run().expect_code(3)).collect();
    assert!(runs[0].stdout.contains("there is no terminal"), "{}", runs[0].report());
    assert_eq!(runs[0].stderr, "");
    let fastest = runs.iter().map(|run| run.elapsed).min().unwrap();
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
}

#[test]
fn the_deadline_ends_it_and_says_so() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).env("ASK_DEADLINE", "700").on_terminal();
    terminal.expect(PROMPT).send("12").expect("Too late");
    let run = terminal.wait().expect_code(1);
    assert!(run.stdout.contains("no MFA code for profile admin came in time"), "{}", run.report());
    assert!((500..2500).contains(&run.elapsed.as_millis()), "{:?}", run.elapsed);

    // Output held with Ctrl-S blocks a write; it must not hold up the deadline.
    let mut terminal =
        sh(&sandbox, "printf wait >/dev/tty; sleep 0.3; exec ask").env("ASK_DEADLINE", "700").on_terminal();
    terminal.expect("wait").send("\x13");
    let run = terminal.wait().expect_code(1);
    assert!(run.elapsed < Duration::from_secs(3), "{:?}", run.elapsed);
}

#[test]
fn a_closed_terminal_ends_it() {
    let sandbox = sandbox();
    let mut terminal = ask(&sandbox).on_terminal();
    terminal.expect(PROMPT);
    assert!(terminal.hang_up(Duration::from_secs(5)), "it outlives its terminal");

    let mut terminal = sh(&sandbox, "trap '' HUP; exec ask").on_terminal();
    terminal.expect(PROMPT);
    assert!(terminal.hang_up(Duration::from_secs(5)), "it lives on where SIGHUP is ignored");
    assert!(terminal.stdout().contains("the terminal was closed"), "{}", terminal.stdout());
}

#[test]
fn goes_on_when_the_caller_is_gone() {
    let sandbox = sandbox();
    // `&` without job control: the same process group, so still in the foreground. Go's SDK kills `sh` like this.
    let mut terminal = sh(&sandbox, "ask & wait").on_terminal();
    terminal.expect(PROMPT).kill(Signal::KILL);
    std::thread::sleep(MOMENT);
    terminal.send_line("123456").expect("The program that asked is gone");
    let run = terminal.wait();
    assert!(run.stdout.contains("got a code"), "{}", run.report());
}

#[test]
fn works_at_a_terminal_that_was_left_raw() {
    let sandbox = sandbox();
    let mut terminal = sh(&sandbox, "stty raw -echo </dev/tty; exec ask").on_terminal();
    terminal.expect(PROMPT).send("123").send("456\r").wait().success();
    let mut terminal = sh(&sandbox, "stty raw -echo </dev/tty; exec ask").on_terminal();
    terminal.expect(PROMPT).send("12\x03").wait().expect_code(130);
}

#[test]
fn mfa_process_talks_to_the_person() {
    let sandbox = sandbox();
    let script = "printf 'PIN: ' >&2; read pin; test \"$pin\" = 4711 && echo 123456";
    let mut terminal = ask(&sandbox).env("ASK_PROCESS", script).stdin("0000\n").on_terminal();
    terminal.expect("PIN: ").send_line("4711");
    let run = terminal.wait().success();
    assert_eq!(run.stderr, "");

    let mut terminal = ask(&sandbox).env("ASK_PROCESS", script).on_terminal();
    terminal.expect("PIN: ").interrupt();
    assert_eq!(terminal.wait().signal(), Some(2));

    let mut terminal = ask(&sandbox).env("ASK_PROCESS", script).env("ASK_DEADLINE", "500").on_terminal();
    let run = terminal.wait().expect_code(1);
    assert!(run.stdout.contains("came in time"), "{}", run.report());
}

/// As `ykman oath accounts code -s`, `op item get --otp` and `pass otp` (whose pinentry wants GPG_TTY) talk to people.
#[test]
fn what_mfa_process_programs_do_at_a_terminal_works() {
    let sandbox = sandbox();
    let ykman = "echo 'Touch your YubiKey...' >&2; sleep 0.3; echo 123456";
    let op = "stty -echo </dev/tty; printf 'Password: ' >/dev/tty; read -r word </dev/tty; stty echo </dev/tty; \
              test \"$word\" = hunter2 && echo 123456";
    let pass = "GPG_TTY=$(tty) && printf 'PIN: ' >\"$GPG_TTY\" && read -r pin <\"$GPG_TTY\" && test \"$pin\" = 4711 && echo 123 456";
    for (script, shows, types) in
        [(ykman, "Touch your YubiKey...", ""), (op, "Password: ", "hunter2"), (pass, "PIN: ", "4711")]
    {
        let mut terminal = ask(&sandbox).env("ASK_PROCESS", script).stdin_left_open().on_terminal();
        terminal.expect(shows);
        if !types.is_empty() {
            terminal.send_line(types);
        }
        let run = terminal.wait().success();
        assert!(run.stdout.contains("got a code") && run.stderr.is_empty(), "{}", run.report());
        assert!(terminal.stty().contains(" echo "));
    }
}

#[test]
fn mfa_process_in_the_background_is_not_stopped() {
    let sandbox = sandbox();
    let mut terminal = bash(&sandbox);
    let script = "read pin; echo asked >&2; echo 123456";
    terminal
        .send_line(&format!("ASK_PROCESS='{script}' ask >out 2>err & wait -n; echo en''ded $?"))
        .expect("ended 0\r\n");
    assert!(sandbox.read("out").contains("got a code"));
    assert_eq!(sandbox.read("err"), "", "nothing on stderr when it succeeds");
}
