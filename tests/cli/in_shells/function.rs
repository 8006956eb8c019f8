//! The function `mfa`, by its own shell.

use crate::support::{Tool, World, skip};

/// A logged-in world with a profile that has to be quoted.
fn world() -> World {
    let world = World::new();
    let spaced = world.role_profile("readonly").replace("profile readonly", "profile \"it's a $test\"");
    world.write_config(&(world.read(".aws/config") + &spaced));
    world.log_in("admin");
    world.program("show-it", "printf '%s|' \"$AWS_ACCESS_KEY_ID\" \"$MFA_RUN_PROFILE\" \"$AWS_REGION\" \"$AWS_PROFILE\" \"$AWS_SECURITY_TOKEN\"; echo");
    world
}

/// What `show` says after each step; an access key is shown by its kind alone.
#[track_caller]
fn is_as_it_should_be(shown: &str, report: &str) {
    let lines: Vec<String> = shown
        .lines()
        .filter(|line| line.contains('|') || line.starts_with("status") || line.starts_with("Put"))
        .map(|line| {
            line.split_once('|')
                .filter(|(id, _)| id.starts_with("ASIA"))
                .map_or(line.to_owned(), |(_, rest)| format!("ASIA|{rest}"))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "ASIA|admin|eu-west-1|||",
            "ASIA|it's a $test|us-west-2|||",
            "status 2",
            "ASIA|it's a $test|us-west-2|||",
            // and not the Region of before
            "ASIA|admin|eu-west-1|||",
            "status 2",
            "status 2",
            "Put a session of an AWS profile into this shell",
            "|||||",
        ],
        "{report}"
    );
}

#[test]
fn bash_zsh_and_fish_have_it() {
    for (shell, load) in [
        ("bash", "eval \"$(mfa-run init bash --prompt)\""),
        ("zsh", "eval \"$(mfa-run init zsh --prompt)\""),
        ("fish", "mfa-run init fish --prompt | source"),
    ] {
        let Some(tool) = Tool::find(shell) else { continue };
        let world = world();
        let (strict, status) = match shell {
            "fish" => ("alias mfa 'echo an alias'", "$status"),
            "bash" => ("shopt -s expand_aliases; alias mfa='echo an alias'; set -u", "$?"),
            _ => ("alias mfa='echo an alias'; set -u", "$?"),
        };
        let script = format!(
            "{strict}\n{load}\n{load}\nexport AWS_PROFILE=before AWS_SECURITY_TOKEN=before\n\
             mfa admin\nshow-it\nmfa \"it's a \\$test\" --region us-west-2\nshow-it\n\
             mfa nowhere\necho status {status}\nshow-it\nmfa admin\nshow-it\nmfa --nonsense\necho status {status}\nmfa\necho status {status}\n\
             mfa --help | head -n 1\nmfa -u\nshow-it\n"
        );
        let run = world.tool(&tool, ["-c", &script]).may_print_secrets().run();
        is_as_it_should_be(&run.stdout, &run.report());
    }
}

#[test]
fn nushell_has_it() {
    let Some(tool) = Tool::find("nu") else { return };
    let world = world();
    world.write("mfa.nu", world.run(["init", "nu", "--prompt"]).success().stdout);
    let script = "source mfa.nu; source mfa.nu; $env.AWS_PROFILE = 'before'; $env.AWS_SECURITY_TOKEN = 'before'
        mfa admin; show-it; mfa \"it's a $test\" --region us-west-2; show-it
        try { mfa nowhere } catch { print $'status ($env.LAST_EXIT_CODE)' }; show-it; mfa admin; show-it
        try { mfa --nonsense } catch { print $'status ($env.LAST_EXIT_CODE)' }
        try { mfa } catch { print $'status ($env.LAST_EXIT_CODE)' }
        mfa --help; mfa -u; show-it";
    let run = world.tool(&tool, ["--no-config-file", "-c", script]).may_print_secrets().run();
    is_as_it_should_be(&run.stdout, &run.report());
}

#[test]
fn elvish_has_it() {
    let Some(tool) = Tool::find("elvish") else { return };
    let world = world();
    let mut terminal = world
        .tool(&tool, ["-norc"])
        .env("TERM", "xterm")
        .env("AWS_PROFILE", "before")
        .may_print_secrets()
        .all_on_terminal();
    for line in [
        "eval (mfa-run init elvish --prompt | slurp)",
        "eval (mfa-run init elvish --prompt | slurp)",
        "mfa admin; show-it",
    ] {
        terminal.send_line(line);
    }
    terminal.expect("|admin|eu-west-1|||").expect("\u{1b}[0;32madmin ");
    terminal.send_line("set-env AWS_CREDENTIAL_EXPIRATION 2020-01-01T00:00:00Z").expect("\u{1b}[0;31madmin expired");
    terminal.send_line("mfa 'it''s a $test' --region us-west-2; show-it").expect("|it's a $test|us-west-2|||");
    terminal.send_line("try { mfa nowhere } catch e { echo status $e[reason][exit-status] }; show-it");
    terminal.expect("status 2").expect("|it's a $test|us-west-2|||");
    terminal.send_line("mfa --help").expect("Put a session of an AWS profile into this shell");
    terminal.send_line("mfa -u; show-it").expect("|||||");
}

#[test]
fn powershell_has_it() {
    let world = world();
    let Some(tool) = Tool::find_quietly("pwsh") else { return skip("no `pwsh` here") };
    let load = "mfa-run init powershell --prompt | Out-String | Invoke-Expression";
    let script = format!(
        "{load}; {load}; $Env:AWS_PROFILE = 'before'; $Env:AWS_SECURITY_TOKEN = 'before'; mfa admin; show-it; \
         mfa 'it''s a $test' --region us-west-2; show-it; mfa nowhere; \"status $LASTEXITCODE\"; show-it; mfa admin; show-it; \
         mfa --nonsense; \"status $LASTEXITCODE\"; mfa; \"status $LASTEXITCODE\"; mfa --help; mfa -u; show-it"
    );
    let run = world.tool(&tool, ["-NoProfile", "-Command", &script]).may_print_secrets().run();
    is_as_it_should_be(&run.stdout, &run.report());
}

#[test]
fn alone_it_lets_a_person_pick_and_asks_for_the_code() {
    let Some(tool) = Tool::find("bash") else { return };
    let world = World::new();
    let mut terminal = world
        .tool(
            &tool,
            ["-c", "eval \"$(mfa-run init bash)\"; export AWS_PROFILE=readonly; mfa; echo \"it is $MFA_RUN_PROFILE\""],
        )
        .env("NO_COLOR", "1")
        .may_print_secrets()
        .all_on_terminal();
    // what the environment names is only where the picker begins
    terminal.expect("Profile").expect("> readonly");
    terminal.send("admin\r").expect(&world.prompt("admin")).send_line(&world.code());
    terminal.expect("it is admin");
    terminal.wait().success();
}
