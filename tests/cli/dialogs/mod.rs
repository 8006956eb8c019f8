//! Dialogs: the real pinentry-curses, the real zenity, and the others by programs that note what they were given.

mod pinentry;
mod zenity;

use crate::prompt::{SERIAL, ask, sandbox};
use crate::support::{Run, Sandbox};
use std::time::Duration;

/// A profile that every dialog's markup, and every shell, would read as something else.
const HOSTILE: &str = "a_b \\n <b>&amp;</b> %0A \"$(touch pwned)\" '; touch pwned; ` -e $env:PATH";

/// A program that notes what it is given, and then does this.
fn fake(sandbox: &Sandbox, name: &str, then: &str) {
    sandbox.program(name, &format!("printf '[%s]\\n' \"$@\" >>given; env >>seen; ls -l /proc/self/fd >>fds; {then}"));
}

/// Asks with that dialog, without a terminal.
fn ask_with(sandbox: &Sandbox, prompt: &str) -> Run {
    ask(sandbox)
        .env("MFA_RUN_PROMPT", prompt)
        .env("DISPLAY", ":none")
        .env("MFA_RUN_PASSPHRASE", "planted-passphrase")
        .env("AWS_SECRET_ACCESS_KEY", "planted-secret")
        .stdin_left_open()
        .run()
}

#[test]
fn each_takes_its_question_as_text_and_nothing_else() {
    let title = "mfa-run";
    let question = format!("MFA code for {SERIAL} (profile {HOSTILE}):");
    let script = |line: &str| line.to_owned();
    for (prompt, program, expected) in [
        (
            "zenity",
            "zenity",
            vec![
                script("--entry"),
                format!("--title={title}"),
                format!("--text={}", question.replace('\\', "\\\\").replace('_', "__")),
            ],
        ),
        (
            "kdialog",
            "kdialog",
            vec![
                script("--title"),
                script(title),
                script("--inputbox"),
                format!("<qt>{}</qt>", question.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")),
                String::new(),
            ],
        ),
        ("osascript", "osascript", vec![question.clone(), script(title)]),
        ("windows", "powershell", vec![]),
    ] {
        let sandbox = sandbox();
        fake(&sandbox, program, "echo 123456");
        let run = ask(&sandbox).env("ASK_PROFILE", HOSTILE).env("MFA_RUN_PROMPT", prompt).env("DISPLAY", ":none").run();
        let run = run.success();
        assert!(run.stdout.contains("got a code") && run.stderr.is_empty(), "{}", run.report());
        let given = sandbox.read("given");
        match prompt {
            "osascript" => {
                assert!(given.starts_with("[-e]\n[on run argv]\n[-e]\n"), "{given}");
                assert!(given.ends_with(&format!("[end run]\n[{}]\n[{}]\n", expected[0], expected[1])), "{given}");
            }
            "windows" => {
                assert!(given.contains("[-NonInteractive]\n[-Command]\n[Add-Type "), "{given}");
                assert!(!given.contains("profile") && !given.contains("touch"), "{given}");
                assert!(sandbox.read("seen").contains(&format!("MFA_DIALOG_TEXT={question}\n")));
            }
            _ => assert_eq!(given, expected.iter().map(|word| format!("[{word}]\n")).collect::<String>()),
        }
        assert!(!sandbox.home().join("pwned").exists());
    }
}

#[test]
fn they_inherit_no_secret_and_no_open_file() {
    for (prompt, program) in [("zenity", "zenity"), ("pinentry", "pinentry"), ("windows", "powershell")] {
        let sandbox = sandbox();
        let assuan =
            "echo OK; while read -r line; do case $line in GETPIN) echo 'D 123456'; echo OK;; *) echo OK;; esac; done";
        fake(&sandbox, program, if program == "pinentry" { assuan } else { "echo 123456" });
        ask_with(&sandbox, prompt).success();
        let seen = sandbox.read("seen");
        assert!(seen.contains("HOME=") && !seen.contains("planted"), "{seen}");
        // what the tests were started with is inherited by everything
        let before = sandbox.other("sh", ["-c", "ls -l /proc/self/fd >>fds-before"]).stdin_left_open().run();
        before.success();
        let open = |file: &str| sandbox.read(file).lines().filter(|line| line.contains(" -> ")).count();
        assert_eq!(open("fds"), open("fds-before"), "{}", sandbox.read("fds"));
    }
}

#[test]
fn a_code_typed_wrongly_is_asked_for_again_and_never_without_end() {
    let sandbox = sandbox();
    fake(&sandbox, "zenity", "echo again >>times; test $(wc -l <times) = 3 && echo 123 456 || echo hunter2");
    ask_with(&sandbox, "zenity").success();
    let given = sandbox.read("given");
    assert_eq!(given.matches("[--text=An MFA code is six digits.\nMFA code for ").count(), 2, "{given}");

    fake(&sandbox, "zenity", "echo hunter2");
    let run = ask_with(&sandbox, "zenity").expect_code(3);
    assert!(
        run.stdout.contains("zenity cannot ask for the MFA code: what it gave was never six digits"),
        "{}",
        run.report()
    );
    assert!(!run.stdout.contains("hunter2"), "{}", run.report());
}

#[test]
fn why_it_is_asked_again_is_said() {
    let sandbox = sandbox();
    for (prompt, program) in [("zenity", "zenity"), ("osascript", "osascript")] {
        fake(&sandbox, program, "echo 123456");
        let notice = "AWS refused that code\u{1b}";
        ask(&sandbox).env("MFA_RUN_PROMPT", prompt).env("DISPLAY", ":none").env("ASK_NOTICE", notice).run().success();
    }
    let given = sandbox.read("given");
    assert!(given.contains("--text=AWS refused that code\\\\u{1b}\nMFA code for "), "{given}");
    assert!(given.contains("[AWS refused that code\\u{1b}\nMFA code for "), "{given}");
}

#[test]
fn left_is_cancelled_and_not_shown_is_nobody_asked() {
    for (prompt, program, then, code) in [
        ("zenity", "zenity", "exit 1", 130),
        ("zenity", "zenity", "echo 'Gtk-WARNING: some theme' >&2; exit 1", 130),
        ("zenity", "zenity", "echo '(zenity:1): Gtk-WARNING **: cannot open display: :none' >&2; exit 1", 3),
        ("zenity", "zenity", "exit 255", 3),
        ("zenity", "zenity", "kill -TERM $$", 3),
        ("kdialog", "kdialog", "exit 1", 130),
        ("kdialog", "kdialog", "echo 'qt.qpa.xcb: could not connect to display :none' >&2; kill -ABRT $$", 3),
        ("osascript", "osascript", "echo 'execution error: User canceled. (-128)' >&2; exit 1", 130),
        ("osascript", "osascript", "echo 'execution error: No user interaction allowed. (-1713)' >&2; exit 1", 3),
        ("windows", "powershell", ":", 130),
        ("windows", "powershell", "exit 1", 3),
        ("pinentry", "pinentry", "exit 0", 3),
    ] {
        let sandbox = sandbox();
        fake(&sandbox, program, then);
        let run = ask_with(&sandbox, prompt).expect_code(code);
        let says = if code == 130 { "error: cancelled" } else { "cannot ask for the MFA code: " };
        assert!(run.stdout.contains(says), "{then}: {}", run.report());
    }
}

#[test]
fn the_deadline_ends_the_dialog() {
    for (prompt, program) in [("zenity", "zenity"), ("pinentry", "pinentry")] {
        let sandbox = sandbox();
        fake(&sandbox, program, "echo $$ >pid; exec sleep 20");
        let run = ask(&sandbox).env("MFA_RUN_PROMPT", prompt).env("DISPLAY", ":none").env("ASK_DEADLINE", "700").run();
        let run = run.expect_code(1);
        assert!(run.stdout.contains("no MFA code for profile admin came in time"), "{}", run.report());
        assert!(run.elapsed < Duration::from_millis(2500), "{:?}", run.elapsed);
        let pid = sandbox.read("pid");
        assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists(), "it is still there");
    }
}

#[test]
fn auto_takes_a_dialog_only_where_there_is_a_display_and_no_terminal() {
    let sandbox = sandbox();
    fake(&sandbox, "zenity", "echo 123456");
    let nobody = ask(&sandbox).run().expect_code(3);
    assert!(nobody.stdout.contains("nobody can be asked: there is no terminal"), "{}", nobody.report());
    for display in ["DISPLAY", "WAYLAND_DISPLAY"] {
        ask(&sandbox).env(display, ":none").run().success();
    }
    assert_eq!(sandbox.read("given").matches("[--entry]").count(), 2);
    ask(&sandbox).env("DISPLAY", ":none").env("MFA_RUN_PROMPT", "tty").run().expect_code(3);
    let never = ask(&sandbox).env("DISPLAY", ":none").env("MFA_RUN_PROMPT", "never").run().expect_code(3);
    assert!(never.stdout.contains("prompts are turned off"), "{}", never.report());
    let mut terminal = ask(&sandbox).env("DISPLAY", ":none").on_terminal();
    terminal.expect("(profile admin): ").send_line("123456").wait().success();
    assert_eq!(sandbox.read("given").matches("[--entry]").count(), 2, "the terminal comes first");

    // one that cannot be shown is no dead end
    fake(&sandbox, "zenity", "exit 255");
    fake(&sandbox, "kdialog", "echo 123456");
    ask(&sandbox).env("DISPLAY", ":none").run().success();
    fake(&sandbox, "zenity", "echo 123456");
    let kde = ask(&sandbox).env("DISPLAY", ":none").env("XDG_CURRENT_DESKTOP", "KDE");
    kde.run().success();
    assert_eq!(sandbox.read("given").matches("[--inputbox]").count(), 2, "a desktop's own comes first");
}

#[test]
fn one_that_is_not_there_is_named() {
    let sandbox = sandbox();
    for (prompt, says) in [
        ("kdialog", "nobody can be asked: there is no kdialog on the PATH"),
        ("osascript", "nobody can be asked: there is no osascript on the PATH"),
        ("windows", "nobody can be asked: there is no powershell on the PATH"),
    ] {
        let run = ask_with(&sandbox, prompt).expect_code(3);
        assert!(run.stdout.contains(says), "{}", run.report());
        assert!(run.elapsed < Duration::from_secs(1), "{:?}", run.elapsed);
    }
    for (prompt, says) in [("zenity", "there is no display"), ("pinentry", "there is no terminal")] {
        let run = ask(&sandbox).env("MFA_RUN_PROMPT", prompt).run().expect_code(3);
        assert!(run.stdout.contains(says), "{}", run.report());
    }
}
