//! pinentry-curses, the real one, on a real terminal.

use crate::support::{Pty, Tool, World};
use std::time::Duration;

/// `credential-process -p PROFILE` asking by pinentry-curses; `None` where there is none.
fn start(world: &World, profile: &str) -> Option<Pty> {
    let pinentry = Tool::find("pinentry-curses")?;
    world.program("pinentry", &format!("exec '{}' \"$@\"", pinentry.path.display()));
    Some(world.process(profile).env("MFA_RUN_PROMPT", "pinentry").env("TERM", "xterm").on_terminal())
}

#[test]
fn it_is_answered_and_asks_again() {
    let world = World::with_one_role();
    let Some(mut terminal) = start(&world, "admin") else { return };
    let before = terminal.stty();
    terminal.expect("MFA code for ").expect("Code:").send_line("hunter2");
    terminal.expect("six digits").expect("Code:").send_line(&world.aws.wrong_code(&world.alice.mfa_serial));
    terminal.expect("AWS refused that code").expect("Code:").send_line(&world.code());
    let run = terminal.wait().success();
    assert_eq!(run.stderr, "");
    assert_eq!(world.codes_used(), 2);
    assert_eq!(terminal.stty(), before);
}

#[test]
fn its_cancel_button_cancels() {
    let world = World::with_one_role();
    let Some(mut terminal) = start(&world, "admin") else { return };
    terminal.expect("Code:").send("\t\t\r");
    terminal.wait().error(130).says(&["error: cancelled"]);
    assert_eq!(world.calls(), "GetCallerIdentity");
}

#[test]
fn ctrl_c_and_the_deadline_leave_the_terminal_as_it_was() {
    let world = World::with_one_role();
    let Some(mut terminal) = start(&world, "admin") else { return };
    let before = terminal.stty();
    terminal.expect("Code:").interrupt();
    let run = terminal.wait();
    assert!(run.signal() == Some(2) || run.code() == Some(130), "{}", run.report());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(terminal.stty(), before);

    let sandbox = super::sandbox();
    let pinentry = Tool::find("pinentry-curses").unwrap();
    sandbox.program("pinentry", &format!("exec '{}' \"$@\"", pinentry.path.display()));
    let asking = super::ask(&sandbox).env("MFA_RUN_PROMPT", "pinentry").env("TERM", "xterm");
    let mut terminal = asking.env("ASK_DEADLINE", "3000").on_terminal();
    terminal.expect("Code:");
    let run = terminal.wait().expect_code(1);
    assert!(run.stdout.contains("came in time") && run.elapsed < Duration::from_secs(5), "{}", run.report());
    assert_eq!(terminal.stty(), before);
}

#[test]
fn a_hostile_profile_is_shown_as_it_is() {
    let world = World::with_one_role();
    let name = "a%0AGETPIN \\n<b>";
    world.write_config(&world.role_profile("admin").replace("[profile admin]", &format!("[profile \"{name}\"]")));
    let Some(mut terminal) = start(&world, name) else { return };
    terminal.expect("a%0AGETPIN \\n<b>").expect("Code:").send_line(&world.code());
    terminal.wait().success();
}
