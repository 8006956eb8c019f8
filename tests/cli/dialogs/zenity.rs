//! zenity, the real one, on an X server without a screen; xdotool is the person.

use crate::support::{Command, Display, Run, Sandbox, Tool};
use std::time::{Duration, Instant};

const TITLE: &str = "^mfa-run$";

fn display() -> Option<Display> {
    Tool::find("zenity")?;
    Display::start()
}

fn asking(sandbox: &Sandbox, display: &Display) -> Command {
    let zenity = Tool::find("zenity").expect("it was found before");
    sandbox.program("zenity", &format!("echo dialog >>started; exec '{}' \"$@\"", zenity.path.display()));
    super::ask(sandbox).env("DISPLAY", &display.name).env("GDK_BACKEND", "x11").env("NO_AT_BRIDGE", "1")
}

fn got(run: Run) {
    let run = run.success();
    assert!(run.stdout.contains("got a code"), "{}", run.report());
}

#[test]
fn a_person_types_the_code_and_presses_enter() {
    let Some(display) = display() else { return };
    let sandbox = super::sandbox();
    let running = asking(&sandbox, &display).start();
    display.dialog(TITLE);
    display.keys(&["1", "2", "Return"]);
    // not six digits: another dialog
    let until = Instant::now() + Duration::from_secs(20);
    while sandbox.read("started") != "dialog\ndialog\n" {
        assert!(Instant::now() < until, "it does not ask again");
        std::thread::sleep(Duration::from_millis(50));
    }
    display.dialog(TITLE);
    display.keys(&["1", "2", "3", "4", "5", "6", "Return"]);
    got(running.wait());
}

#[test]
fn escape_cancels_and_the_deadline_takes_it_away() {
    let Some(display) = display() else { return };
    let sandbox = super::sandbox();
    let running = asking(&sandbox, &display).start();
    display.dialog(TITLE);
    display.keys(&["Escape"]);
    let run = running.wait().expect_code(130);
    assert!(run.stdout.contains("error: cancelled"), "{}", run.report());

    let running = asking(&sandbox, &display).env("ASK_DEADLINE", "3000").start();
    display.dialog(TITLE);
    running.wait().expect_code(1);
    assert_eq!(display.window(TITLE), None, "the dialog is still there");
}

#[test]
fn a_display_that_is_not_there_is_no_cancelled_dialog() {
    let Some(display) = display() else { return };
    let sandbox = super::sandbox();
    let command = asking(&sandbox, &display).env("DISPLAY", ":987").env("MFA_RUN_PROMPT", "zenity");
    let run = command.run().expect_code(3);
    assert!(run.stdout.contains("zenity cannot ask for the MFA code: "), "{}", run.report());
}
