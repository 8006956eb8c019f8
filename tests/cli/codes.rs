//! Token codes: typed, given, printed by a program; wrong, used before, not digits.

use crate::support::World;
use fake_aws::TokenCode;

const AGAIN: &str = "AWS refused that code: wrong, or used before. The next code comes in ";

#[test]
fn a_wrong_code_is_asked_for_again() {
    let world = World::with_one_role();
    let mut terminal = world.process("admin").on_terminal();
    terminal.expect(&world.prompt("admin")).send_line(&world.aws.wrong_code(&world.alice.mfa_serial));
    terminal.expect(AGAIN).expect(&world.prompt("admin")).send_line("hunter2").expect("An MFA code is six digits.");
    terminal.expect(&world.prompt("admin")).send_line(&world.code());
    let run = terminal.wait().success();
    assert_eq!(run.stderr, "");
    assert_eq!(world.codes_used(), 2, "what is no code never reached AWS");
}

#[test]
fn a_code_is_good_once() {
    let world = World::with_one_role();
    let code = world.code();
    world.run(["login", "-p", "admin", "--token-code", &code]).success();
    let mut terminal = world.process("admin").arg("--refresh").on_terminal();
    terminal.expect(&world.prompt("admin")).send_line(&code);
    terminal.expect(AGAIN).expect(&world.prompt("admin")).send_line(&world.code());
    terminal.wait().success();
    let given = ["login", "-p", "admin", "--refresh", "--token-code", &code];
    world.run(given).error(4).says(&["invalid MFA one time pass code", "hint: a code works once"]);
}

#[test]
fn three_wrong_codes_are_enough() {
    let world = World::with_one_role();
    let mut terminal = world.command(["-p", "admin", "--", "true"]).on_terminal();
    for _ in 0..3 {
        terminal.expect(&world.prompt("admin")).send_line(&world.aws.wrong_code(&world.alice.mfa_serial));
    }
    let run = terminal.wait().error(4).says(&["invalid MFA one time pass code", "hint: "]);
    assert_eq!(run.screen.matches(AGAIN).count(), 2);
    assert_eq!(world.codes_used(), 3);
}

#[test]
fn a_given_code_that_is_none_is_echoed_nowhere() {
    let world = World::with_one_role();
    for bad in ["abcdef", "12345", "1234567", "12345x", "١٢٣٤٥٦"] {
        let run = world.run(["--debug", "credential-process", "-p", "admin", "--token-code", bad]).error(2);
        assert!(!run.stderr.contains(bad), "{}", run.report());
    }
    for bad in ["", "\n", "abcdef\n", "12345\n67\n", &"1".repeat(1_000_000)] {
        let run = world.process("admin").args(["--debug", "--token-code", "-"]).stdin(bad).run().error(2);
        assert!(bad.trim().is_empty() || !run.stderr.contains(bad.trim()), "{}", run.report());
    }
    assert_eq!(world.calls(), "");
}

#[test]
fn a_code_on_stdin_is_taken() {
    let world = World::with_one_role();
    let code = world.code();
    let split = format!("{} {}\r\nfor others", &code[..3], &code[3..]);
    world.process("admin").args(["--token-code", "-"]).stdin(split).run().success();
    assert_eq!(world.codes_used(), 1);
}

#[test]
fn nobody_is_asked_where_that_is_forbidden() {
    let world = World::with_one_role();
    for (args, variable) in [(&["--no-prompt"][..], "auto"), (&[], "never")] {
        let mut terminal = world.process("admin").args(args).env("MFA_RUN_PROMPT", variable).on_terminal();
        let run =
            terminal.wait().error(3).says(&["prompts are turned off", "hint: in a terminal: mfa-run login -p admin"]);
        assert_eq!(run.screen, "");
    }
    world.process("admin").env("MFA_RUN_PROMPT", "popup").run().error(2).says(&["popup", "auto, tty"]);
    assert_eq!(world.calls(), "");
}

/// A world whose profile `admin` has an `mfa_process`.
fn with_process(line: &str, included: bool) -> World {
    let world = World::with_one_role();
    let profile = world.role_profile("admin");
    world.write_config(&if included {
        format!("{profile}include_profile = common\n[profile common]\nmfa_process = {line}\n")
    } else {
        format!("{profile}mfa_process = {line}\n")
    });
    world
}

#[test]
fn a_program_gives_the_code() {
    for included in [false, true] {
        let world = with_process("authenticator --secret hunter2", included);
        world.program("authenticator", &format!("echo {}", world.code()));
        let run = world.process("admin").arg("--no-prompt").run().success();
        assert_eq!(run.stderr, "");
        assert_eq!(world.codes_used(), 1);
    }
}

#[test]
fn a_program_that_gives_none_is_named_without_its_arguments() {
    let world = with_process("authenticator --secret hunter2", false);
    for (script, says) in [
        (
            "echo 'vault is locked' >&2; echo 123456; exit 3",
            &["`authenticator` failed: exit status: 3", "vault is locked"][..],
        ),
        ("echo hunter2", &["what authenticator gave is not a six-digit MFA code"]),
        ("", &["what authenticator gave is not a six-digit MFA code"]),
    ] {
        world.program("authenticator", script);
        let run = world.process("admin").arg("--debug").run();
        let code = run.code().unwrap();
        let run = run.error(code).says(says).says(&["hint: run the command of mfa_process by hand"]);
        assert!(code == 1 && !run.stderr.contains("hunter2"), "{}", run.report());
    }
    assert_eq!(world.calls(), "", "no code, no call");
}

/// Waits for the turn of the window, for real.
#[test]
fn a_program_that_gives_a_spent_code_is_run_again_in_the_next_window() {
    let world = with_process("authenticator", false);
    world.write("first", world.code());
    world.log_in("admin");
    world.write("second", world.code());
    world.program("authenticator", "cat first; mv second first 2>/dev/null; :");
    let mut terminal = world.process("admin").arg("--refresh").on_terminal();
    terminal.expect("waiting").expect(" s for the next code");
    terminal.wait().success();
    let codes: Vec<_> = world.aws.log().iter().filter_map(|call| call.token_code).collect();
    assert!(
        matches!(codes[..], [TokenCode::Accepted { .. }, TokenCode::Refused, TokenCode::Accepted { .. }]),
        "{codes:?}"
    );
}

#[test]
fn another_device_is_taken_once_by_option_and_for_good_by_configure() {
    let world = World::with_one_role();
    let phone = world.alice.mfa_serial.replace("alice", "phone");
    world.aws.add_device("alice", &phone);
    let prompt = format!("MFA code for {phone} (profile admin): ");
    let mut once = world.process("admin").args(["--mfa-serial", &phone]).on_terminal();
    once.expect(&prompt).send_line(&world.aws.fresh_code(&phone));
    once.wait().success();
    world.run(["logout", "--all"]).success();
    world.process("admin").on_terminal().expect(&world.prompt("admin"));

    world.run(["configure", "-p", "admin", "--mfa-serial", &phone]).success();
    let mut since = world.process("admin").on_terminal();
    world.aws.advance(31);
    since.expect(&prompt).send_line(&world.aws.fresh_code(&phone));
    since.wait().success();
}
