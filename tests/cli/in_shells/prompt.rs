//! The segment of a prompt, in a prompt.

use crate::support::{Pty, Tool, World};

/// A logged-in world that counts how often the program is run.
fn world() -> World {
    let world = World::new();
    world.log_in("admin");
    let program = env!("CARGO_BIN_EXE_mfa-run");
    world.program("mfa-run", &format!("echo \"$1\" >> \"$HOME/runs\"; exec '{program}' \"$@\""));
    world
}

fn runs(world: &World) -> String {
    let runs = world.read("runs").replace('\n', " ");
    world.write("runs", "");
    runs
}

const SOON: &str = "\u{1b}[31madmin ";
const LATE: &str = "\u{1b}[32madmin ";

/// In five minutes, for the shell's own variable.
#[expect(clippy::disallowed_methods, reason = "the shells have the real clock")]
fn soon() -> String {
    (chrono::Utc::now() + chrono::Duration::minutes(5)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Starts it, takes a session, lets it run out, takes it away: `set` sets the expiration.
fn draw(world: &World, mut terminal: Pty, load: &str, set: &str) {
    let mark = "]ps1> ";
    for line in [load, load, "echo rea''dy"] {
        terminal.send_line(line);
    }
    terminal.expect("ready").expect(mark);
    terminal.send_line("false").expect(mark).send_line("true").expect(mark);
    assert_eq!(runs(world), "init init ", "once at the start, and not at a prompt that has nothing to show");

    terminal.send_line("mfa admin").expect(LATE).expect("m").expect("\u{1b}[0m").expect(mark);
    terminal.send_line("false").expect(LATE).expect("[1]ps1> ");
    assert_eq!(runs(world), "mfa status status ", "one program a prompt");
    terminal.send_line(set).expect(SOON).expect(mark);
    terminal.send_line("mfa -u; echo go''ne").expect("gone").expect(mark);
    runs(world);
    terminal.send_line("true").expect(mark);
    assert_eq!(runs(world), "");
    let screen = terminal.screen();
    assert!(!screen.contains(['\u{1}', '\u{2}']) && !screen.contains("%{"), "marks are for the shell: {screen:?}");
}

#[test]
fn bash_shows_it() {
    let Some(tool) = Tool::find("bash") else { return };
    let world = world();
    let terminal = world
        .tool(&tool, ["--norc", "--noprofile", "-i"])
        .env("TERM", "xterm")
        .env("PS1", "[$?]ps1> ")
        .may_print_secrets()
        .all_on_terminal();
    let set = format!("export AWS_CREDENTIAL_EXPIRATION={}; false", soon());
    draw(&world, terminal, "eval \"$(mfa-run init bash --prompt)\"", &set);
}

#[test]
fn zsh_shows_it() {
    let Some(tool) = Tool::find("zsh") else { return };
    let world = world();
    let terminal = world
        .tool(&tool, ["-f", "-i"])
        .env("TERM", "xterm")
        .env("PS1", "[%?]ps1> ")
        .may_print_secrets()
        .all_on_terminal();
    let set = format!("export AWS_CREDENTIAL_EXPIRATION={}; false", soon());
    draw(&world, terminal, "eval \"$(mfa-run init zsh --prompt)\"", &set);
}

#[test]
fn fish_shows_it() {
    let Some(tool) = Tool::find("fish") else { return };
    let world = world();
    let terminal = world.tool(&tool, ["--no-config", "-i"]).env("TERM", "xterm").may_print_secrets().all_on_terminal();
    let set = format!("set -x AWS_CREDENTIAL_EXPIRATION {}; false", soon());
    let mut terminal = terminal;
    terminal.send_line("function fish_prompt; printf '[%s]ps1> ' $status; end");
    draw(&world, terminal, "mfa-run init fish --prompt | source", &set);
}

#[test]
fn nu_shows_it() {
    let Some(tool) = Tool::find("nu") else { return };
    let world = world();
    world.write("mfa.nu", world.run(["init", "nu", "--prompt"]).success().stdout);
    let script = format!(
        "$env.PROMPT_COMMAND = {{|| 'before> '}}; source mfa.nu; source mfa.nu; print (do $env.PROMPT_COMMAND); mfa admin; print (do $env.PROMPT_COMMAND)
         $env.AWS_CREDENTIAL_EXPIRATION = '{}'; print (do $env.PROMPT_COMMAND); mfa -u; print (do $env.PROMPT_COMMAND)",
        soon()
    );
    let run =
        world.tool(&tool, ["--no-config-file", "-c", &script]).env("TERM", "xterm").may_print_secrets().run().success();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines.len() == 4 && lines[0] == "before> " && lines[3] == lines[0], "{}", run.report());
    assert!(
        lines[1].starts_with(LATE) && lines[1].ends_with(" before> ") && lines[2].starts_with(SOON),
        "{}",
        run.report()
    );
    assert_eq!(runs(&world), "mfa status status mfa ", "one program a prompt, and none without a session");
}

/// The lines of the README.
#[test]
fn tmux_shows_it() {
    let Some(tool) = Tool::find("tmux") else { return };
    let world = world();
    let readme = include_str!("../../../README.md");
    let snippet = readme
        .split_once("```tmux\n")
        .expect("the block")
        .1
        .split_once("```")
        .unwrap()
        .0
        .replace("-p admin", "-p 'admin'");
    world.write(".tmux.conf", snippet);
    let mut terminal = world
        .tool(&tool, ["-S", "run/tmux", "new-session", "sh"])
        .env("TERM", "xterm-256color")
        .env("SHELL", "/bin/sh")
        .all_on_terminal();
    let seen = terminal.expect("admin ").shows_within("m", std::time::Duration::from_secs(5));
    let screen = terminal.screen();
    world.tool(&tool, ["-S", "run/tmux", "kill-server"]).run().success();
    assert!(seen && screen.contains("\u{1b}[32m") && !screen.contains("#["), "{screen:?}");
}

/// Debian has no starship: its TOML is read, and its commands are run as it would run them.
#[test]
fn starship_is_given_what_it_shows() {
    let Some(python) = Tool::find("python3") else { return };
    let readme = include_str!("../../../README.md");
    let snippet = readme.split_once("```toml\n").expect("the block").1.split_once("```").unwrap().0;
    let world = world();
    world.write("starship.toml", snippet);
    let script =
        "import json, tomllib; print(json.dumps(tomllib.load(open('starship.toml', 'rb'))['custom']['mfa_run']))";
    let read = world.tool(&python, ["-c", script]).run().success().stdout;
    let module: serde_json::Value = serde_json::from_str(&read).unwrap();
    let said = |key: &str, profile: &str| {
        let sh = world.other("sh", ["-c", module[key].as_str().unwrap()]).env("MFA_RUN_PROFILE", profile);
        sh.env("AWS_CREDENTIAL_EXPIRATION", if profile.is_empty() { String::new() } else { soon() }).run()
    };
    assert_eq!(said("when", "").code(), Some(1));
    said("when", "admin").success();
    let line = said("command", "admin").success().stdout;
    assert!(line == "admin 4m\n" || line == "admin 5m\n", "{line:?}");
}
