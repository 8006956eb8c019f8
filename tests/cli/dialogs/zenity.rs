//! zenity, the real one, on an X server without a screen; xdotool is the person.

use crate::support::{Command, Run, Sandbox, Tool};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// An X server, and what types on it. Ends with the test.
struct Display {
    server: Child,
    name: String,
    xdotool: Tool,
}

impl Display {
    fn start() -> Option<Self> {
        let (server, xdotool, _) = (Tool::find("Xvfb")?, Tool::find("xdotool")?, Tool::find("zenity")?);
        let mut server = std::process::Command::new(server.path)
            .args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("an X server");
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("its stdout")).read_line(&mut number).expect("its number");
        Some(Self { server, name: format!(":{}", number.trim()), xdotool })
    }

    fn xdotool(&self, args: &[&str]) -> String {
        let mut command = std::process::Command::new(&self.xdotool.path);
        let output = command.args(args).env("DISPLAY", &self.name).output().expect("xdotool");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits for the dialog, and gives it the keyboard.
    fn dialog(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.xdotool(&["search", "--onlyvisible", "--name", "^mfa-run$"]);
            if let Some(window) = found.lines().next() {
                self.xdotool(&["windowfocus", "--sync", window]);
                return;
            }
            assert!(Instant::now() < until, "no dialog comes up");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn keys(&self, keys: &[&str]) {
        self.xdotool(&[&["key", "--delay", "30"], keys].concat());
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
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
    let Some(display) = Display::start() else { return };
    let sandbox = super::sandbox();
    let running = asking(&sandbox, &display).start();
    display.dialog();
    display.keys(&["1", "2", "Return"]);
    // not six digits: another dialog
    let until = Instant::now() + Duration::from_secs(20);
    while sandbox.read("started") != "dialog\ndialog\n" {
        assert!(Instant::now() < until, "it does not ask again");
        std::thread::sleep(Duration::from_millis(50));
    }
    display.dialog();
    display.keys(&["1", "2", "3", "4", "5", "6", "Return"]);
    got(running.wait());
}

#[test]
fn escape_cancels_and_the_deadline_takes_it_away() {
    let Some(display) = Display::start() else { return };
    let sandbox = super::sandbox();
    let running = asking(&sandbox, &display).start();
    display.dialog();
    display.keys(&["Escape"]);
    let run = running.wait().expect_code(130);
    assert!(run.stdout.contains("error: cancelled"), "{}", run.report());

    let running = asking(&sandbox, &display).env("ASK_DEADLINE", "3000").start();
    display.dialog();
    running.wait().expect_code(1);
    assert_eq!(display.xdotool(&["search", "--onlyvisible", "--name", "^mfa-run$"]), "", "the dialog is still there");
}

#[test]
fn a_display_that_is_not_there_is_no_cancelled_dialog() {
    let Some(display) = Display::start() else { return };
    let sandbox = super::sandbox();
    let command = asking(&sandbox, &display).env("DISPLAY", ":987").env("MFA_RUN_PROMPT", "zenity");
    let run = command.run().expect_code(3);
    assert!(run.stdout.contains("zenity cannot ask for the MFA code: "), "{}", run.report());
}
