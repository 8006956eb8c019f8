//! What Tab makes of a line.

use super::{NAMES, completes, home, shown};
use crate::support::{Pty, Sandbox, Tool, skip};

/// The first letters of each name, up to what is special.
fn start(name: &str) -> &str {
    let plain = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(3);
    &name[..plain.min(name.char_indices().nth(2).unwrap().0)]
}

/// A shell at a terminal that has read these lines.
fn shell(sandbox: &Sandbox, name: &str, arguments: &[&str], lines: &str) -> Option<Pty> {
    Tool::find(name)?;
    let mut terminal = sandbox.other(name, arguments).env("TERM", "xterm").env("PS1", "> ").all_on_terminal();
    for line in lines.lines() {
        terminal.send_line(line);
    }
    terminal.send_line("show-words rea''dy").expect("<ready>");
    Some(terminal)
}

/// Packages install the files of the folder.
#[test]
fn the_files_are_what_the_program_prints() {
    let sandbox = home();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let mut there: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for (shell, file) in [
        ("bash", "mfa-run.bash"),
        ("zsh", "_mfa-run"),
        ("fish", "mfa-run.fish"),
        ("powershell", "mfa-run.ps1"),
        ("nu", "mfa-run.nu"),
        ("elvish", "mfa-run.elv"),
    ] {
        let printed = sandbox.run(["completions", shell]).success().stdout;
        assert_eq!(printed, std::fs::read_to_string(folder.join(file)).unwrap(), "{file}");
        assert!(sandbox.run(["init", shell]).success().stdout.starts_with(&printed));
        there.retain(|name| name != file);
    }
    assert!(there.is_empty(), "{there:?}");
}

/// A Tab is no place for complaints, and no reason to touch a keychain.
#[test]
fn nothing_is_said_whatever_is_wrong() {
    let sandbox = home();
    let ask = |sandbox: &Sandbox, words: &[&str]| {
        let run =
            sandbox.command(["complete", "zsh", "--"]).args(words).env("MFA_RUN_KEYCHAIN", "nonsense").run().success();
        assert!(run.stderr.is_empty(), "{}", run.report());
        run.stdout
    };
    assert!(ask(&sandbox, &["mfa-run", "-p", ""]).starts_with("values\nadmin\t"));
    sandbox.write_config(
        "[profile a\n[[]\nrole_arn\n=\n[profile b]\nrole_arn = x\n\u{1b}[profile \u{1b}[2J]\n[profile \"t\tab\"]\n",
    );
    assert_eq!(ask(&sandbox, &["mfa-run", "-p", ""]), "values\nb\t\n");
    sandbox.write(".aws/config", [0xff, 0xfe, b'[', 0, b'\n']);
    assert_eq!(ask(&sandbox, &["mfa-run", "-p", ""]), "values\n");
    std::fs::remove_file(sandbox.home().join(".aws/config")).unwrap();
    assert_eq!(ask(&sandbox, &["mfa-run", "-p", ""]), "values\n");
    for line in [
        &[][..],
        &["zsh"],
        &["nonsense", "--", "mfa-run", ""],
        &["bash", "--", "mfa-run"],
        &["zsh", "--"],
        &["zsh", "--", "mfa-run"],
    ] {
        let run = sandbox.command(["complete"]).args(line).run().success();
        assert!(run.stderr.is_empty() && run.stdout.lines().count() < 2, "{line:?}: {}", run.report());
    }
}

#[test]
fn bash_completes() {
    let sandbox = home();
    let load = "eval \"$(mfa-run completions bash)\"";
    let Some(mut terminal) = shell(&sandbox, "bash", &["--norc", "--noprofile", "-i"], load) else { return };
    for name in NAMES {
        completes(&mut terminal, &format!("mfa-run export -p {}", start(name)), &["mfa-run", "export", "-p", name]);
        completes(
            &mut terminal,
            &format!("mfa-run export --profile={}", start(name)),
            &["mfa-run", "export", &format!("--profile={name}")],
        );
        completes(&mut terminal, &format!("mfa {}", start(name)), &["mfa", name]);
        for quote in ["'", "\""] {
            completes(&mut terminal, &format!("mfa-run -p {quote}{}", start(name)), &["mfa-run", "-p", name]);
        }
    }
    sandbox.write("file with space.json", "{}");
    for (typed, words) in [
        ("mfa-run expo", &["mfa-run", "export"][..]),
        ("mfa-run export --form", &["mfa-run", "export", "--format"]),
        ("mfa-run export --format=pow", &["mfa-run", "export", "--format=powershell"]),
        ("mfa-run write --to adm", &["mfa-run", "write", "--to", "admin"]),
        ("mfa-run export -padm", &["mfa-run", "export", "-padmin"]),
        ("mfa-run export -p blue\\ m", &["mfa-run", "export", "-p", "blue moon  two"]),
        (
            "mfa-run export -p 'blue moon' -p \"blue moon  t",
            &["mfa-run", "export", "-p", "blue moon", "-p", "blue moon  two"],
        ),
        ("mfa-run export -p colon:pr", &["mfa-run", "export", "-p", "colon:prod:eu"]),
        ("mfa-run export -p 'colon:pr", &["mfa-run", "export", "-p", "colon:prod:eu"]),
        ("mfa-run export --profile='eq=", &["mfa-run", "export", "--profile=eq=ual"]),
        ("mfa-run export -p ünï", &["mfa-run", "export", "-p", "ünïcödé 日本"]),
        ("mfa-run export -p nobo", &["mfa-run", "export", "-p", "nobo"]),
        ("mfa-run export --policy fil", &["mfa-run", "export", "--policy", "file with space.json"]),
        ("mfa-run export --policy=fil", &["mfa-run", "export", "--policy=file with space.json"]),
        ("mfa-run -p admin -- show-w", &["mfa-run", "-p", "admin", "--", "show-words"]),
        ("mfa-run -p admin -- show-words fil", &["mfa-run", "-p", "admin", "--", "show-words", "file with space.json"]),
        ("mfa --ref", &["mfa", "--refresh"]),
    ] {
        completes(&mut terminal, typed, words);
    }
}

#[test]
fn bash_hands_the_wrapped_command_to_bash_completion() {
    if !std::path::Path::new("/usr/share/bash-completion/bash_completion").exists() {
        return missing("bash-completion");
    }
    let sandbox = home();
    let load = "source /usr/share/bash-completion/bash_completion\neval \"$(mfa-run completions bash)\"\ncomplete -W 'alpha beta' show-words";
    let Some(mut terminal) = shell(&sandbox, "bash", &["--norc", "--noprofile", "-i"], load) else { return };
    completes(
        &mut terminal,
        "mfa-run --profile=admin -- show-words al",
        &["mfa-run", "--profile=admin", "--", "show-words", "alpha"],
    );
    completes(&mut terminal, "mfa-run export -p col", &["mfa-run", "export", "-p", "colon:prod:eu"]);
}

/// With the function comes its completion.
#[test]
fn awsume_is_completed_too() {
    let sandbox = home();
    for (name, arguments, load) in [
        ("bash", &["--norc", "--noprofile", "-i"][..], "eval \"$(mfa-run init bash --awsume)\""),
        ("zsh", &["-f", "-i"], "autoload -Uz compinit; compinit -u -D\neval \"$(mfa-run init zsh --awsume)\""),
        ("fish", &["--no-config", "-i"], "mfa-run init fish --awsume | source"),
    ] {
        let Some(mut terminal) = shell(&sandbox, name, arguments, load) else { continue };
        completes(&mut terminal, "awsume colon:p", &["awsume", "colon:prod:eu"]);
        completes(&mut terminal, "awsume --role-d", &["awsume", "--role-duration"]);
    }
}

/// What all but bash leave to the shell's own quoting.
fn in_other_shells(terminal: &mut Pty) {
    for name in NAMES {
        completes(terminal, &format!("mfa-run export -p {}", start(name)), &["mfa-run", "export", "-p", name]);
        completes(
            terminal,
            &format!("mfa-run export --profile={}", start(name)),
            &["mfa-run", "export", &format!("--profile={name}")],
        );
        completes(terminal, &format!("mfa {}", start(name)), &["mfa", name]);
    }
    for (typed, words) in [
        ("mfa-run expo", &["mfa-run", "export"][..]),
        ("mfa-run export --form", &["mfa-run", "export", "--format"]),
        ("mfa-run export --format=pow", &["mfa-run", "export", "--format=powershell"]),
        ("mfa-run export -p colon:pr", &["mfa-run", "export", "-p", "colon:prod:eu"]),
        ("mfa-run export -p ünï", &["mfa-run", "export", "-p", "ünïcödé 日本"]),
        ("mfa-run export --policy fil", &["mfa-run", "export", "--policy", "file with space.json"]),
        ("mfa-run -p admin -- show-w", &["mfa-run", "-p", "admin", "--", "show-words"]),
        ("mfa-run -p admin -- show-words fil", &["mfa-run", "-p", "admin", "--", "show-words", "file with space.json"]),
        ("mfa --ref", &["mfa", "--refresh"]),
    ] {
        completes(terminal, typed, words);
    }
}

#[test]
fn zsh_completes() {
    let sandbox = home();
    sandbox.write("file with space.json", "{}");
    let load = "autoload -Uz compinit; compinit -u -D\neval \"$(mfa-run completions zsh)\"";
    let Some(mut terminal) = shell(&sandbox, "zsh", &["-f", "-i"], load) else { return };
    in_other_shells(&mut terminal);
    for quote in ["'", "\""] {
        completes(&mut terminal, &format!("mfa-run -p {quote}blue m"), &["mfa-run", "-p", "blue moon  two"]);
    }
    completes(&mut terminal, "mfa-run export --policy=fil", &["mfa-run", "export", "--policy=file with space.json"]);
    // with what each is
    terminal.send("mfa-run -p \t").expect("admin  -- role-0 in 000000000001");
}

#[test]
fn zsh_finds_the_file_of_a_package() {
    let sandbox = home();
    let load =
        format!("fpath=({}/completions $fpath); autoload -Uz compinit; compinit -u -D", env!("CARGO_MANIFEST_DIR"));
    let Some(mut terminal) = shell(&sandbox, "zsh", &["-f", "-i"], &load) else { return };
    completes(&mut terminal, "mfa-run export -p col", &["mfa-run", "export", "-p", "colon:prod:eu"]);
    completes(&mut terminal, "mfa-run export -p blu", &["mfa-run", "export", "-p", "blue moon  two"]);
}

#[test]
fn fish_completes() {
    let sandbox = home();
    sandbox.write("file with space.json", "{}");
    let Some(mut terminal) = shell(&sandbox, "fish", &["--no-config", "-i"], "mfa-run completions fish | source")
    else {
        return;
    };
    in_other_shells(&mut terminal);
    for quote in ["'", "\""] {
        completes(&mut terminal, &format!("mfa-run -p {quote}blue m"), &["mfa-run", "-p", "blue moon  two"]);
    }
    completes(&mut terminal, "mfa-run export --policy=fil", &["mfa-run", "export", "--policy=file with space.json"]);
    let listed = sandbox
        .other("fish", ["--no-config", "-c", "mfa-run completions fish | source; complete -C 'mfa-run -p '"])
        .run()
        .success();
    assert!(listed.stdout.starts_with("admin\trole-0 in 000000000001\n"), "{}", listed.report());
}

/// elvish inserts what begins as the word does, and shows a list where that would have to be quoted.
#[test]
fn elvish_completes() {
    let sandbox = home();
    sandbox.write("file with space.json", "{}");
    let load = "set edit:insert:binding[Ctrl-A] = $edit:move-dot-sol~\neval (mfa-run completions elvish | slurp)";
    let Some(mut terminal) = shell(&sandbox, "elvish", &["-norc"], load) else { return };
    let mut check = |typed: &str, words: &[&str], listed: bool| {
        terminal.send(&format!("{typed}\t"));
        if listed {
            terminal.expect("COMPLETING").send("\r");
        }
        terminal.send("\u{1}show-words \r").expect(&shown(words));
    };
    for name in NAMES {
        let plain = name.chars().all(|c| c.is_alphanumeric() || c == ':' || c == '\\');
        check(&format!("mfa-run export -p {}", start(name)), &["mfa-run", "export", "-p", name], !plain);
    }
    check("mfa-run expo", &["mfa-run", "export"], false);
    check("mfa-run export --form", &["mfa-run", "export", "--format"], false);
    check("mfa-run export --policy fil", &["mfa-run", "export", "--policy", "file with space.json"], true);
    check("mfa-run -p admin -- show-w", &["mfa-run", "-p", "admin", "--", "show-words"], false);
    check("mfa --ref", &["mfa", "--refresh"], false);
}

/// What nu would insert, by its own account, and what it makes of that.
#[test]
fn nu_completes() {
    let sandbox = home();
    let Some(nu) = Tool::find("nu") else { return };
    let script = sandbox.run(["completions", "nu"]).success().stdout;
    let completions = |typed: &str| -> Vec<String> {
        let text = format!("{script}\n{typed}");
        sandbox.write("line.nu", &text);
        let at = text.len().to_string();
        let run = sandbox.tool(&nu, ["--no-config-file", "--ide-complete", &at, "line.nu"]).run().success();
        // no JSON: it does not escape what is in the strings
        let list = run
            .stdout
            .trim()
            .strip_prefix("{\"completions\": [")
            .and_then(|list| list.strip_suffix("]}"))
            .expect("a list");
        let list = list.strip_prefix('"').and_then(|list| list.strip_suffix('"'));
        list.map_or_else(Vec::new, |list| list.split("\", \"").map(str::to_owned).collect())
    };
    let of_profiles = completions("mfa-run export -p ");
    assert_eq!(of_profiles.len(), NAMES.len(), "{of_profiles:?}");
    for (inserted, name) in of_profiles.iter().zip(NAMES) {
        let line = format!("{script}\n^show-words mfa-run {inserted}");
        let run = sandbox.tool(&nu, ["--no-config-file", "-c", &line]).run().success();
        assert_eq!(run.stdout.trim_end_matches('\n'), shown(&["mfa-run", name]), "{inserted}");
    }
    assert_eq!(completions("mfa-run export --profile=colo"), ["--profile=colon:prod:eu"]);
    assert_eq!(completions("mfa-run expo"), ["export"]);
    assert_eq!(completions("mfa-run export --form"), ["--format"]);
    assert_eq!(completions("mfa-run nothing -p"), [""; 0]);
    // nu knows the program by its name from then on, and has to take every option as it is
    let line = format!("{script}\nmfa-run export --unset --format=json --profile admin");
    sandbox.tool(&nu, ["--no-config-file", "-c", &line]).run().error(2).says(&["json has no way"]);
}

/// No package registry has it.
#[test]
fn powershell_completes() {
    let sandbox = home();
    let Some(tool) = Tool::find_quietly("pwsh") else { return skip("no `pwsh` here") };
    for name in NAMES {
        let line = format!("mfa-run export -p {}", start(name));
        let script = format!(
            "mfa-run completions powershell | Out-String | Invoke-Expression; \
             $word = (TabExpansion2 -inputScript '{line}' -cursorColumn {}).CompletionMatches[0].CompletionText; \
             Invoke-Expression \"show-words $word\"",
            line.len()
        );
        let run = sandbox.tool(&tool, ["-NoProfile", "-Command", &script]).run().success();
        assert_eq!(run.stdout.trim_end(), shown(&[name]));
    }
}

fn missing(tool: &str) {
    let required = variable("MFA_RUN_REQUIRE_TOOLS") == "1";
    assert!(!required, "no {tool}, which .ci/run installs");
    skip(&format!("no {tool}"));
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test run")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
