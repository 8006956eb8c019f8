use super::*;
use crate::cli::Cli;
use chrono::DateTime;

const BREAKS: &str = " \t\n\"'@><=;|&(:";

/// Without AWS files.
fn nobody() -> Env {
    Env::fixed(&[("HOME", "/nonexistent")], DateTime::UNIX_EPOCH)
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|&word| word.to_owned()).collect()
}

/// What stands in the lines of zsh's answer.
fn values_at(line: &[&str]) -> Vec<String> {
    let answer = answer(Shell::Zsh, &words(line), Cli::grammar, &nobody());
    let mut lines = answer.lines();
    assert_eq!(lines.next(), Some("values"), "{line:?}");
    lines.map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn wanted(line: &[&str]) -> &'static str {
    let line = words(line);
    let root = Cli::grammar(&line[0]);
    match Place::find(&root, &line[1..line.len() - 1], line.last().unwrap()).wanted {
        Wanted::Profile => "profile",
        Wanted::Files => "files",
        Wanted::Command => "command",
        Wanted::OneOf(candidates) if candidates.is_empty() => "nothing",
        Wanted::OneOf(candidates) if candidates.iter().all(|candidate| candidate.value.starts_with('-')) => "options",
        Wanted::OneOf(_) => "values",
    }
}

#[test]
fn the_cursor_is_found() {
    for (line, what) in [
        (&["mfa-run", ""][..], "values"),
        (&["mfa-run", "--debug", ""], "values"),
        (&["mfa-run", "-p", ""], "profile"),
        (&["mfa-run", "-padm"], "profile"),
        (&["mfa-run", "--profile=adm"], "profile"),
        (&["mfa-run", "--source-profile", "x"], "profile"),
        (&["mfa-run", "export", "--refresh", "-p", "adm"], "profile"),
        (&["mfa-run", "configure", "-yp", ""], "profile"),
        (&["mfa-run", "write", "--to", ""], "profile"),
        (&["mfa-run", "-p", "admin", ""], "options"),
        (&["mfa-run", "-p", "-p", ""], "options"),
        (&["mfa-run", "--policy", ""], "files"),
        (&["mfa-run", "--policy=x"], "files"),
        (&["mfa-run", "configure", "--program", "/"], "files"),
        (&["mfa-run", "--duration", ""], "nothing"),
        (&["mfa-run", "--token", "--refresh"], "nothing"),
        (&["mfa-run", "-p", "admin", "--", ""], "command"),
        (&["mfa-run", "--", "ls", "-p", ""], "command"),
        (&["mfa-run", "nothing", ""], "nothing"),
        (&["mfa-run", "export", "word", ""], "nothing"),
        (&["mfa-run", "export", ""], "options"),
        (&["mfa-run", "init", ""], "values"),
        (&["mfa-run", "init", "bash", ""], "options"),
        (&["mfa-run", "status", "--prompt", ""], "options"),
        (&["mfa-run", "list", "prod", ""], "nothing"),
        (&["mfa", ""], "profile"),
        (&["mfa", "admin", ""], "options"),
        (&["mfa", "--source-profile", ""], "profile"),
        (&["awsume", ""], "profile"),
        (&["awsume", "-l", ""], "profile"),
        (&["an-alias", "export", "--format", ""], "values"),
    ] {
        assert_eq!(wanted(line), what, "{line:?}");
    }
}

#[test]
fn what_is_offered_can_be_typed() {
    let commands = values_at(&["mfa-run", ""]);
    assert!(["export", "status", "completions"].iter().all(|name| commands.contains(&(*name).into())), "{commands:?}");
    assert!(
        !["awsume", "complete", "mfa"].iter().any(|name| commands.contains(&(*name).into())),
        "hidden: {commands:?}"
    );
    let options = values_at(&["mfa-run", "export", "--unset", "--tag", "a=b", "-"]);
    assert!(!options.contains(&"--unset".into()), "{options:?}");
    assert!(["--tag", "--debug", "--help", "--profile"].iter().all(|name| options.contains(&(*name).into())));
    assert!(values_at(&["mfa-run", "-p", "x", "-"]).contains(&"--".into()));
    assert!(!options.contains(&"--".into()));
    assert_eq!(values_at(&["mfa-run", "configure", "--mfa-session", ""]), ["shared", "role"]);
    assert!(values_at(&["mfa-run", "status", "--prompt="]).contains(&"--prompt=tmux".into()));
    assert_eq!(values_at(&["mfa-run", "status", "-p"]), ["-p"]);
    assert_eq!(values_at(&["mfa-run", "export", "-p", ""]), [""; 0], "no files, no profiles, no complaint");
}

/// Each command and each option of the program has a name that the cursor is found behind.
#[test]
fn the_whole_tree_can_be_walked() {
    fn walk(command: &Command, path: &mut Vec<String>) {
        for option in command.get_arguments().filter(|arg| arg.get_long().is_some() && !arg.is_hide_set()) {
            let mut line = path.clone();
            line.push("--".into());
            let answer = answer(Shell::Fish, &line, Cli::grammar, &nobody());
            let long = format!("\n--{}\t", option.get_long().unwrap());
            assert!(answer.contains(&long), "{long:?} of {path:?}: {answer}");
        }
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            path.push(sub.get_name().into());
            walk(sub, path);
            path.pop();
        }
    }
    walk(&Cli::grammar("mfa-run"), &mut vec!["mfa-run".into()]);
}

#[test]
fn bash_is_given_what_goes_behind_what_stands_there() {
    for (line, words, word, inserted) in [
        ("mfa-run -p ", &["mfa-run", "-p", ""][..], "two words", "two\\ words"),
        ("mfa-run -p two\\ w", &["mfa-run", "-p", "two w"], "two words", "two\\ words"),
        ("mfa-run -p \"two w", &["mfa-run", "-p", "two w"], "two $x\"!", "two \\$x\\\"\"'!'\"\""),
        ("mfa-run -p 'two w", &["mfa-run", "-p", "two w"], "two it's", "two it'\\''s"),
        ("mfa-run -p 'two", &["mfa-run", "-p", "two"], "two'", "two'\\'''"),
        ("mfa-run -p tw\"o w", &["mfa-run", "-p", "two w"], "two words", "o words"),
        ("mfa-run -p \"two\" a", &["mfa-run", "-p", "two", "a"], "a", "a"),
        ("mfa-run -p a:b:c", &["mfa-run", "-p", "a:b:c"], "a:b:cd", "cd"),
        ("mfa-run -p 'a:b", &["mfa-run", "-p", "a:b"], "a:b:cd", "a:b:cd"),
        ("mfa-run -p a\\:b", &["mfa-run", "-p", "a:b"], "a:bc", "a:bc"),
        ("mfa-run --profile=ü", &["mfa-run", "--profile=ü"], "--profile=üb ~#", "üb\\ ~#"),
        ("mfa-run  -p\tx", &["mfa-run", "-p", "x"], "x", "x"),
        ("mfa-run -p ", &["mfa-run", "-p", ""], "~#*", "\\~#\\*"),
        ("mfa-run \"\\x\\\\", &["mfa-run", "\\x\\"], "\\x\\", "\\\\x\\\\"),
    ] {
        let read = bash::Line::read(line, BREAKS);
        assert_eq!(read.words, words, "{line}");
        assert_eq!(read.insert(word), inserted, "{line}");
    }
}

#[test]
fn nu_and_powershell_are_given_words_in_quotes() {
    for (word, nu, powershell) in [
        ("admin", "admin", "admin"),
        ("team:prod", "team:prod", "team:prod"),
        ("", "\"\"", "''"),
        ("it's \"x\" \\", "\"it's \\\"x\\\" \\\\\"", "'it''s \"x\" \\'"),
        ("‘a’", "\"‘a’\"", "'‘‘a’’'"),
        ("$x", "\"$x\"", "'$x'"),
    ] {
        assert_eq!((in_quotes_of_nu(word), in_quotes_of_powershell(word)), (nu.into(), powershell.into()), "{word}");
    }
    let asked = answer(Shell::PowerShell, &words(&["mfa-run", "init", "="]), Cli::grammar, &nobody());
    assert!(asked.starts_with("values\nbash\tbash\tbash\n"), "{asked}");
    assert_eq!(answer(Shell::Nu, &words(&["mfa-run", "--policy", "x"]), Cli::grammar, &nobody()), "null\n");
}

#[test]
fn a_profile_is_shown_with_what_it_leads_to() {
    let files = Files::from_bytes(
        b"[profile role]\nrole_arn = arn:aws:iam::123456789012:role/team/ops\n\
          [profile ours]\ncredential_process = mfa-run credential-process --role-arn 123456789012:admin --source-profile x\n\
          [profile other]\ncredential_process = other\n[profile sso]\nsso_role_name = r\nsso_account_id = 1\n\
          [profile mfa]\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n[profile token]\nmfa_serial = GAHT12345678\n\
          [profile broken]\nrole_arn = nonsense\n",
        b"[x-long-term]\naws_mfa_device = arn:aws:iam::123456789012:mfa/bob\nassume_role = arn:aws:iam::123456789012:role/r\n",
    );
    let shown: Vec<_> =
        profiles::candidates(&files).into_iter().map(|found| format!("{}: {}", found.value, found.help)).collect();
    assert_eq!(
        shown,
        [
            "role: team/ops in 123456789012",
            "ours: admin in 123456789012",
            "other: ",
            "sso: r in 1, by SSO",
            "mfa: MFA alice in 123456789012",
            "token: MFA GAHT12345678",
            "broken: ",
            "x-long-term: r in 123456789012",
        ]
    );
}
