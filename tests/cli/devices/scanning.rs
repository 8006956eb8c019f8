//! The QR code as a phone's camera has it: a real terminal's window, and a decoder that looks at it.

use super::{arn, without_device};
use crate::support::{Tool, World};
use std::time::{Duration, Instant};

/// The seed of alice's new device.
pub(super) fn seed(world: &World) -> String {
    world.aws.seed(&arn("/alice"))
}

pub(super) fn uri(world: &World, name: &str) -> String {
    format!("otpauth://totp/AWS:{name}@123456789012?secret={}&issuer=AWS", seed(world))
}

/// A counted skip, or a failure where it was installed.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
pub(super) fn tool(name: &str) -> Option<Tool> {
    let found = Tool::find(name);
    let required = std::env::var_os("MFA_RUN_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(found.is_some() || !required, "no {name}, and .ci/run installs it");
    found
}

/// An xterm on a screen of its own runs the enrolment; what zbarimg reads from a picture of that screen.
fn scanned(xterm_options: &[&str], variables: &[(&str, &str)]) -> Option<(String, String)> {
    let tools = ["Xvfb", "xterm", "zbarimg"].map(tool);
    let [Some(xvfb), Some(xterm), Some(zbarimg)] = tools else { return None };
    let mut world = without_device();
    world.set("TERM", "xterm-256color");
    let screen = ["-displayfd", "1", "-screen", "0", "1200x1000x24", "-nolisten", "tcp", "-fbdir", "tmp"];
    let mut server = world.tool(&xvfb, screen).start();
    let until = Instant::now() + Duration::from_secs(20);
    while !server.stdout().contains('\n') {
        assert!(server.is_running() && Instant::now() < until, "no screen: {}", server.stdout());
        std::thread::sleep(Duration::from_millis(20));
    }
    let display = format!(":{}", server.stdout().trim());
    // not of xterm's own environment: it takes COLORFGBG away
    let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
    let program = ["mfa-run", "device", "enroll", "-p", "base"].map(str::to_owned);
    let program = ["-e".to_owned(), "env".to_owned()].into_iter().chain(variables).chain(program);
    let font = ["-display", &display, "-fa", "DejaVu Sans Mono", "-fs", "9", "-geometry", "100x48+0+0"];
    let mut window = world.tool(&xterm, font).args(xterm_options).args(program).start();
    let mut read = String::new();
    while !read.starts_with("otpauth:") {
        assert!(window.is_running(), "xterm ended");
        assert!(Instant::now() < until, "nothing to be read on the screen");
        std::thread::sleep(Duration::from_millis(200));
        let decode = world.tool(&zbarimg, ["--raw", "-q", "-Sdisable", "-Sqrcode.enable", "xwd:tmp/Xvfb_screen0"]);
        read = decode.may_print_secrets().run().stdout;
    }
    let expected = uri(&world, "alice");
    window.kill();
    let _ = window.wait();
    server.kill();
    let _ = server.wait();
    Some((read.trim_end().to_owned(), expected))
}

#[test]
fn it_is_read_from_a_dark_terminal() {
    if let Some((read, expected)) = scanned(&["-bg", "black", "-fg", "white"], &[]) {
        assert_eq!(read, expected);
    }
}

#[test]
fn it_is_read_from_a_light_terminal() {
    if let Some((read, expected)) = scanned(&["-bg", "white", "-fg", "black"], &[]) {
        assert_eq!(read, expected);
    }
}

/// A theme that makes its sixteen colours what it likes.
#[test]
fn it_is_read_from_a_terminal_with_a_theme() {
    let theme = ["-bg", "#fdf6e3", "-fg", "#657b83", "-xrm", "*color0: #eee8d5", "-xrm", "*color15: #002b36"];
    if let Some((read, expected)) = scanned(&theme, &[]) {
        assert_eq!(read, expected);
    }
}

#[test]
fn it_is_read_without_colours() {
    if let Some((read, expected)) = scanned(&["-bg", "black", "-fg", "grey80"], &[("NO_COLOR", "1")]) {
        assert_eq!(read, expected);
    }
    let light = [("NO_COLOR", "1"), ("COLORFGBG", "0;15")];
    if let Some((read, expected)) = scanned(&["-bg", "white", "-fg", "black"], &light) {
        assert_eq!(read, expected);
    }
}

#[test]
fn it_is_complete_on_a_small_terminal_and_in_words_on_a_smaller_one() {
    let sized = |rows: u32, columns: u32| {
        let world = without_device();
        let script = format!("stty rows {rows} cols {columns}; exec mfa-run device enroll -p base");
        let mut terminal = world.other("sh", ["-c", &script]).may_print_secrets().all_on_terminal();
        terminal.expect("First code: ").end_of_file();
        (terminal.wait().screen, world)
    };
    let (screen, _) = sized(24, 80);
    let rows = screen.lines().filter(|line| line.contains(['█', '▀', '▄'])).count();
    assert!((15..=21).contains(&rows), "{rows} of 24 rows:\n{screen}");
    assert!(!screen.contains("otpauth://"));

    let (screen, _) = sized(20, 80);
    assert!(screen.contains("does not fit this terminal (make it larger, or use --png FILE)"), "{screen}");
    assert!(screen.contains("  otpauth://totp/AWS:alice@123456789012?secret=") && !screen.contains('█'), "{screen}");
    assert!(sized(50, 30).0.contains("otpauth://"));

    // a terminal that shows ASCII
    let world = without_device();
    let mut latin =
        world.command(["device", "enroll", "-p", "base"]).env("LANG", "de_DE.ISO-8859-1").may_print_secrets();
    latin = latin.env_remove("LC_ALL");
    let mut terminal = latin.all_on_terminal();
    terminal.expect("otpauth://").expect("First code: ").end_of_file();
    terminal.wait();
}
