//! Every export format evaluated by its own shell, with the line `--help` tells people to type, and the variables read
//! back byte for byte from what the shell hands to a command. A missing shell is a printed `SKIP: no …`, and a failure
//! where `MFA_RUN_REQUIRE_TOOLS` says that it was installed.
#![cfg(unix)]

mod files;
mod sandbox;

use clap::ValueEnum;
use mfa_run::credentials::Session;
use mfa_run::output::shell::{Error, Format, export, unset};
use sandbox::{Shell, variables};

/// Values that break what quotes them wrongly.
const HOSTILE: [&str; 40] = [
    "plain",
    "two words",
    "  leading and trailing  ",
    "it's",
    "'",
    "''",
    "'\\''",
    "\"double\"",
    "\"",
    "$HOME ${HOME} $(echo no) $((1+1))",
    "`echo no`",
    "back\\slash\\",
    "\\",
    "\\\\",
    "\\'",
    "\\n\\t\\x41 \\u0041 \\u{41}",
    "line\nfeed",
    "\n",
    "trailing line end\n",
    "'quoted\n'lines'\n",
    "carriage\rreturn\r\n",
    "%PATH% %% %~dp0 %",
    "!history !! ! ^^",
    "tab\ttab",
    "~/x ~root",
    "*?[a]{b,c}",
    "#comment ; & | < > ( ) && ||",
    "; touch pwned; '; touch pwned; \"; touch pwned; #",
    "-n --help",
    "=x=y",
    "{a: 1} [1 2] null true 12",
    "$env.PATH ($env.PATH) $E:PATH $Env:PATH",
    "@splat @{x='y'}",
    "AWS_PROFILE=x\nAWS_PROFILE=x",
    "ünïcödé 日本語 🦀",
    "‘smart’ “quotes” ‚‛„",
    "\u{a0}\u{2028}\u{2029}\u{202e}\u{feff}",
    "\u{1b}[2J\u{1}\u{7f}\u{8}",
    "<<EOF\nEOF\nx<<y",
    "EOF",
];

/// What other tools left in the environment, some of which would win over the session.
const LEFT: [(&str, &str); 8] = [
    ("AWS_PROFILE", "other"),
    ("AWS_DEFAULT_PROFILE", "other"),
    ("AWS_SECURITY_TOKEN", "old"),
    ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/"),
    ("AWSUME_PROFILE", "other"),
    ("AWS_VAULT", "other"),
];

fn session(id: &str, secret: &str, token: &str) -> Session {
    Session {
        access_key_id: id.into(),
        secret_access_key: secret.into(),
        session_token: token.into(),
        expiration: chrono::DateTime::from_timestamp(1_795_365_239, 0).unwrap(),
        account_id: None,
    }
}

/// Five hostile values at a time, each once in every place a value can stand.
fn cases() -> Vec<[&'static str; 5]> {
    (0..HOSTILE.len()).map(|at| [0, 1, 2, 3, 4].map(|place| HOSTILE[(at + 7 * place) % HOSTILE.len()])).collect()
}

fn expected([id, secret, token, region, profile]: [&str; 5]) -> Vec<(String, String)> {
    [
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_CREDENTIAL_EXPIRATION", "2026-11-22T16:33:59Z"),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_REGION", region),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", token),
        ("MFA_RUN_PROFILE", profile),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The line to type, from the format's own help, and the same with `--unset`.
fn lines_to_type(format: Format) -> (String, String) {
    let value = format.to_possible_value().unwrap();
    let help = value.get_help().unwrap().to_string();
    let line = help.split(": ").next().unwrap().to_owned();
    assert!(line.contains("mfa-run export --format "), "{line}");
    let unset = line.replace("mfa-run export", "mfa-run export --unset");
    (line, unset)
}

fn run(format: Format) {
    let Some(shell) = Shell::find(format) else { return };
    let (set_line, unset_line) = lines_to_type(format);
    let untouched = shell.environment_after(&[], &[]);
    for values @ [id, secret, token, region, profile] in cases() {
        let lines = export(&session(id, secret, token), Some(region), profile, format).unwrap();
        shell.prints(&lines, &unset(format).unwrap());

        let after = shell.environment_after(&[&set_line], &LEFT);
        assert_eq!(variables(&after), expected(values), "{}: {}", format.name(), *lines);

        let after = shell.environment_after(&[&set_line, &unset_line], &[]);
        assert_eq!(after, untouched, "{}: set and taken away", format.name());

        let after = shell.environment_after(&[&unset_line], &[]);
        assert_eq!(after, untouched, "{}: nothing to take away", format.name());
    }
    let lines = export(&session("ASIA", "s", "t"), None, "p", format).unwrap();
    shell.prints(&lines, "");
    let after = variables(&shell.environment_after(&[&set_line], &[("AWS_REGION", "stays")]));
    assert!(after.contains(&("AWS_REGION".to_owned(), "stays".to_owned())), "{}", format.name());
    assert!(!after.iter().any(|(name, _)| name == "AWS_DEFAULT_REGION"), "{}", format.name());
    assert!(!shell.folder().join("pwned").exists(), "{}: a value was run", format.name());
}

#[test]
fn bash_reads_it() {
    run(Format::Bash);
}

#[test]
fn zsh_reads_it() {
    run(Format::Zsh);
}

#[test]
fn dash_reads_it() {
    run(Format::Sh);
}

#[test]
fn fish_reads_it() {
    run(Format::Fish);
}

#[test]
fn powershell_reads_it() {
    run(Format::PowerShell);
}

#[test]
fn nushell_reads_it() {
    run(Format::Nu);
}

#[test]
fn elvish_reads_it() {
    run(Format::Elvish);
}

/// People leave the quotes out; a value without line ends survives it.
#[test]
fn posix_shells_read_it_without_quotes_round_the_substitution() {
    for format in [Format::Bash, Format::Sh, Format::Fish] {
        let Some(shell) = Shell::find(format) else { continue };
        let line = match format {
            Format::Fish => "eval (mfa-run export --format fish)",
            _ => "eval $(mfa-run export)",
        };
        let values = ["ASIA", "a/b+c", "it's; $HOME", "eu-west-1", "100% `x` \"y\""];
        let [id, secret, token, region, profile] = values;
        shell.prints(&export(&session(id, secret, token), Some(region), profile, format).unwrap(), "");
        assert_eq!(variables(&shell.environment_after(&[line], &LEFT)), expected(values), "{line}");
    }
}

#[test]
fn cmd_reads_it() {
    let Some(cmd) = sandbox::find_wine() else { return };
    for values @ [id, secret, token, region, profile] in
        [["ASIA", "a/b+c==", "t^&|<>", "eu-west-1", "it's (x)"], ["ASIA", "s$`", "\\", "!x! ^^", " two words "]]
    {
        let lines = export(&session(id, secret, token), Some(region), profile, Format::Cmd).unwrap();
        assert_eq!(cmd.variables_after(&lines), expected(values), "{}", *lines);
        assert_eq!(cmd.variables_after(&format!("{}{}", *lines, unset(Format::Cmd).unwrap())), []);
    }
}

#[test]
fn a_file_for_docker_is_read_back() {
    let docker = sandbox::find("docker", sandbox::Installed::Elsewhere);
    for values @ [id, secret, token, region, profile] in cases() {
        match export(&session(id, secret, token), Some(region), profile, Format::EnvFile) {
            Ok(text) => {
                assert_eq!(files::as_docker_reads(&text), expected(values), "{}", *text);
                if let Some(docker) = &docker {
                    assert_eq!(files::as_docker_sends(docker, &text), expected(values), "{}", *text);
                }
            }
            Err(Error::NotCarried { .. }) => assert!(values.iter().any(|value| value.contains(['\n', '\r']))),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_file_for_github_is_read_back() {
    for values @ [id, secret, token, region, profile] in cases() {
        match export(&session(id, secret, token), Some(region), profile, Format::Github) {
            Ok(text) => assert_eq!(files::as_github_reads(&text), expected(values), "{}", *text),
            Err(Error::NotCarried { .. }) => assert!(values.iter().any(|value| value.contains('\r'))),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Not a test of its own: what [`the_calling_shell_is_recognised`] has each shell start.
#[cfg(target_os = "linux")]
#[test]
fn prints_the_calling_shell() {
    let env = mfa_run::env::Env::capture();
    if let Some(file) = env.var_os("PRINT_CALLING_SHELL_TO") {
        let name = mfa_run::output::shell::calling_shell(&env).name();
        mfa_run::fsio::write_private(file.as_ref(), name.as_bytes()).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_calling_shell_is_recognised() {
    let us = std::env::current_exe().unwrap();
    let command = format!("{} --exact prints_the_calling_shell", us.display());
    for format in [Format::Bash, Format::Zsh, Format::Sh, Format::Fish, Format::PowerShell, Format::Nu, Format::Elvish]
    {
        let Some(shell) = Shell::find(format) else { continue };
        let file = shell.folder().join("calling-shell");
        for command in [command.clone(), format!("timeout 60 {command}"), format!("sh -c 'exec {command}'")] {
            shell.environment_after(
                &[&command],
                &[("PRINT_CALLING_SHELL_TO", file.to_str().unwrap()), ("SHELL", "/bin/tcsh")],
            );
            assert_eq!(std::fs::read_to_string(&file).unwrap(), format.name(), "{command}");
            std::fs::remove_file(&file).unwrap();
        }
    }
}
