//! A table of what can be wrong on this machine.

use super::{CLEAN, clean, filled, findings, ids};
use crate::support::World;
use clap::{CommandFactory, Parser};
use mfa_run::cli::Cli;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

/// What is planted, and the ids of what is found: the first is the one the row is for.
struct Row {
    ids: &'static [&'static str],
    /// Added to the config file, or in the place of it where it begins with `=`.
    config: &'static str,
    credentials: &'static str,
    vars: &'static [(&'static str, &'static str)],
    also: fn(&World),
}

const NOTHING: Row = Row { ids: &[], config: "", credentials: "", vars: &[], also: |_| () };

const KEY: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n";
const OURS: &str = "{HOME}/bin/mfa-run credential-process -p x --role-arn {ACCOUNT}:admin --source-profile base";

macro_rules! config {
    ($id:literal, $config:expr) => {
        Row { ids: &[$id], config: $config, ..NOTHING }
    };
}

macro_rules! variables {
    ($id:literal, $($name:literal = $value:literal),+) => {
        Row { ids: &[$id], vars: &[$(($name, $value)),+], ..NOTHING }
    };
}

const ROWS: &[Row] = &[
    // lines
    config!("header-ignored", "[profile-x]\nregion = x\n"),
    Row { ids: &["header-prefix"], credentials: "[profile x]\nregion = eu-west-1\n", ..NOTHING },
    config!("name-for-python-only", "[profile \"two words\"]\nregion = x\n"),
    config!("two-headers", "[profile default]\noutput = json\n"),
    config!("section-twice", "[profile x]\nregion = a\n[profile x]\noutput = json\n"),
    config!("key-twice", "[profile x]\nregion = a\nregion = b\n"),
    config!("python-defaults", "[DEFAULT]\noutput = json\n"),
    config!("bare-line", "[profile x]\nregion\n"),
    config!("stray-line", "=region = a\n[profile x]\nregion = a\n"),
    config!("bare-nested-line", "[profile x]\ns3 =\n  addressing_style\n"),
    config!("byte-order-mark", "=\u{feff}[profile x]\nregion = a\n"),
    config!("inline-comment", "[profile x]\nregion = a # b\n"),
    config!("continued-value", "[profile x]\nregion = a\n  b\n"),
    config!("lone-return", "[profile x]\rregion = a\n"),
    config!("indented-comment", "[profile x]\nregion = a\n  # b\n"),
    config!("colon", "[profile x]\nregion: a\n"),
    Row { ids: &["not-utf8"], also: |world| world.write(".aws/config", b"[profile x]\nregion = \xe4\n"), ..NOTHING },
    Row { ids: &["utf-16"], also: |world| world.write(".aws/config", b"\xff\xfe[\0x\0]\0"), ..NOTHING },
    config!("indented", "[profile x]\n region = a\n"),
    variables!("file-missing", "AWS_SHARED_CREDENTIALS_FILE" = "/nowhere/credentials"),
    Row { ids: &["file-unreadable"], also: |world| make_loop(world), ..NOTHING },
    // permissions
    Row {
        ids: &["file-mode", "plain-key"],
        credentials: "[x]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n",
        also: |world| mode(world, ".aws/credentials", 0o640),
        ..NOTHING
    },
    Row { ids: &["file-mode"], also: |world| mode(world, ".aws/config", 0o620), ..NOTHING },
    Row { ids: &["folder-mode"], also: |world| mode(world, ".aws", 0o775), ..NOTHING },
    Row { ids: &["data-mode"], also: |world| mode(world, ".local/share/mfa-run", 0o755), ..NOTHING },
    // profiles
    config!("profile-broken", "[profile x]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = gone\n"),
    Row {
        ids: &["key-beside-process", "plain-key"],
        config: "[profile x]\ncredential_process = {OURS}\n",
        credentials: "[x]\n{KEY}",
        ..NOTHING
    },
    Row {
        ids: &["key-beside-process"],
        config: "[profile x]\ncredential_process = {OURS}\n",
        credentials: "[x]\naws_access_key_id = ASIAX\naws_secret_access_key = wJalrXUtnFEMI\naws_session_token = t\n",
        ..NOTHING
    },
    Row {
        ids: &["key-beside-process", "plain-key"],
        config: "[profile x]\ncredential_process = /bin/true\n",
        credentials: "[x]\n{KEY}",
        ..NOTHING
    },
    config!(
        "role-beside-process",
        "[profile x]\ncredential_process = {OURS}\nrole_arn = arn:aws:iam::123456789012:role/x\n"
    ),
    config!(
        "role-beside-process",
        "[profile x]\ncredential_process = /bin/true\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = base\n"
    ),
    Row { ids: &["security-token", "plain-key"], credentials: "[x]\n{KEY}aws_security_token = left over\n", ..NOTHING },
    config!(
        "mfa-twice",
        "[profile x]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/x\nsource_profile = mfa\nmfa_serial = {SERIAL}\n"
    ),
    Row {
        ids: &["duration-refused"],
        config: "[profile x]\nrole_arn = {ACCOUNT}:short\nsource_profile = base\nduration_seconds = 7200\n",
        also: |world| {
            let index = filled(world, "{\"refused_durations\":{\"arn:aws:iam::{ACCOUNT}:role/short\":7200}}");
            world.write(".local/share/mfa-run/index.json", index);
        },
        ..NOTHING
    },
    Row { ids: &["plain-key"], credentials: "[x]\n{KEY}", ..NOTHING },
    config!("plain-key", "[profile x]\n{KEY}"),
    // credential_process
    config!("process-unreadable", "[profile x]\ncredential_process = /bin/true 'x\n"),
    config!("process-needs-shell", "[profile x]\ncredential_process = ~/bin/creds\n"),
    config!("process-needs-shell", "[profile x]\ncredential_process = /bin/cat file | /usr/bin/jq .\n"),
    config!("process-missing", "[profile x]\ncredential_process = /opt/gone/creds x\n"),
    config!("process-missing", "[profile x]\ncredential_process = no-such-program x\n"),
    config!("process-relative", "[profile x]\ncredential_process = bin/true x\n"),
    config!("process-relative", "[profile x]\ncredential_process = mfa-run credential-process -p base\n"),
    Row {
        ids: &["process-other"],
        config: "[profile x]\ncredential_process = {HOME}/old/mfa-run credential-process -p base\n",
        also: |world| {
            world.write("old/mfa-run", "#!/bin/sh\n");
            mode(world, "old/mfa-run", 0o700);
        },
        ..NOTHING
    },
    config!("mfa-process-missing", "[profile x]\nmfa_process = no-such-authenticator code\nregion = x\n"),
    // environment
    variables!("profile-not-there", "AWS_PROFILE" = "admni"),
    variables!("two-profile-variables", "AWS_PROFILE" = "admin", "AWS_DEFAULT_PROFILE" = "mfa"),
    variables!("key-in-environment", "AWS_ACCESS_KEY_ID" = "AKIAX", "AWS_SECRET_ACCESS_KEY" = "wJalrXUtnFEMI"),
    variables!(
        "key-with-token",
        "AWS_ACCESS_KEY_ID" = "AKIAX",
        "AWS_SECRET_ACCESS_KEY" = "wJalrXUtnFEMI",
        "AWS_SESSION_TOKEN" = "planted-token"
    ),
    variables!(
        "session-in-environment",
        "AWS_ACCESS_KEY_ID" = "ASIAX",
        "AWS_SECRET_ACCESS_KEY" = "wJalrXUtnFEMI",
        "AWS_SESSION_TOKEN" = "planted-token"
    ),
    variables!("token-alone", "AWS_SESSION_TOKEN" = "planted-token"),
    variables!("half-a-key", "AWS_ACCESS_KEY_ID" = "AKIAX"),
    variables!(
        "security-token-variable",
        "MFA_RUN_PROFILE" = "admin",
        "AWS_ACCESS_KEY_ID" = "ASIAX",
        "AWS_SECRET_ACCESS_KEY" = "wJalrXUtnFEMI",
        "AWS_SESSION_TOKEN" = "planted-token",
        "AWS_SECURITY_TOKEN" = "planted-old-token"
    ),
    variables!("session-over", "AWS_CREDENTIAL_EXPIRATION" = "2024-01-31T13:37:00Z"),
    variables!("expiration-unreadable", "AWS_CREDENTIAL_EXPIRATION" = "tomorrow"),
    variables!("endpoint-gone", "AWS_CONTAINER_CREDENTIALS_FULL_URI" = "http://127.0.0.1:1/credentials"),
    variables!("ca-bundle", "AWS_CA_BUNDLE" = "/nowhere/ca.pem"),
    config!("ca-bundle", "[profile x]\nca_bundle = {HOME}/.key\n"),
    // keychain and prompt
    Row { ids: &["keychain-setting"], vars: &[("MFA_RUN_KEYCHAIN", "sesame")], ..NOTHING },
    Row { ids: &["no-store", "key-not-kept"], also: |world| mode(world, ".key", 0o644), ..NOTHING },
    Row { ids: &["no-store", "key-locked"], vars: &[("MFA_RUN_KEY_FILE", "")], ..NOTHING },
    Row {
        ids: &["no-store", "key-not-kept"],
        vars: &[("MFA_RUN_KEY_FILE", "")],
        also: |world| world.write(".local/share/mfa-run/sealed/kdf.json", "{"),
        ..NOTHING
    },
    config!("key-not-kept", "[profile x]\nmfa_run_access_key_id = AKIAIOSFODNN7EXAMPLE\nmfa_serial = {SERIAL}\n"),
    variables!("prompt-setting", "MFA_RUN_PROMPT" = "popup"),
    variables!("prompt-missing", "MFA_RUN_PROMPT" = "zenity"),
    // leftovers
    Row {
        ids: &["old-session"],
        credentials: "[x]\nassumed_role = False\naws_access_key_id = ASIAX\naws_secret_access_key = wJalrXUtnFEMI\n\
                      aws_session_token = t\naws_security_token = t\nexpiration = 2024-01-31 13:37:00\n",
        ..NOTHING
    },
    Row {
        ids: &["old-session"],
        credentials: "[x]\nmanager = awsume\naws_access_key_id = ASIAX\naws_secret_access_key = wJalrXUtnFEMI\n\
                      aws_session_token = t\nexpiration = 2024-01-31 13:37:00\n",
        ..NOTHING
    },
    Row {
        ids: &["awsume-daemon"],
        credentials: "[autoawsume-x]\nmanager = awsume\nautoawsume = true\naws_access_key_id = ASIAX\n\
                      aws_secret_access_key = wJalrXUtnFEMI\naws_session_token = t\nexpiration = 2124-01-31 13:37:00\n",
        ..NOTHING
    },
    Row {
        ids: &["aws-mfa-layout", "plain-key"],
        credentials: "[x-long-term]\n{KEY}aws_mfa_device = {SERIAL}\n",
        ..NOTHING
    },
    Row { ids: &["aws-cli-cache"], also: |world| world.write(".aws/cli/cache/0.json", "{}"), ..NOTHING },
    Row { ids: &["awsume-cache"], also: |world| world.write(".cache/awsume/aws-credentials-AKIAX", "{}"), ..NOTHING },
    Row { ids: &["awsume-alias"], also: |world| world.write(".bashrc", "x=1\nalias awsume=\". awsume\"\n"), ..NOTHING },
];

/// Those that take AWS to find: see `aws`.
pub(super) const OF_AWS: [&str; 12] = [
    "clock",
    "device-unknown",
    "duration-over-maximum",
    "fido-only",
    "key-refused",
    "key-without-mfa",
    "mfa-serial-missing",
    "no-answer",
    "no-device",
    "old-key",
    "role-without-mfa",
    "root-key",
];

fn mode(world: &World, inside: &str, mode: u32) {
    std::fs::set_permissions(world.home().join(inside), PermissionsExt::from_mode(mode)).unwrap();
}

/// Whoever runs the tests may be root, who can read everything but this.
fn make_loop(world: &World) {
    let path = world.home().join(".aws/config");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("config", path).unwrap();
}

fn planted(row: &Row) -> World {
    let world = clean();
    let fill = |text: &str| filled(&world, &text.replace("{OURS}", OURS).replace("{KEY}", KEY));
    match row.config.strip_prefix('=') {
        Some(config) => world.write_config(&fill(config)),
        None => world.write_config(&fill(&format!("{CLEAN}\n{}", row.config))),
    }
    world.write_credentials(&fill(row.credentials));
    (row.also)(&world);
    world.secret("wJalrXUtnFEMI");
    world.secret("planted-token");
    world.secret("planted-old-token");
    world
}

#[test]
fn what_is_in_order_has_no_finding() {
    let world = clean();
    let (found, run) = findings(world.command(["doctor"]));
    assert_eq!((ids(&found), run.code(), run.stderr.as_str()), (vec![], Some(0), ""), "{}", run.stdout);
    let run = world.run(["doctor"]).success();
    assert!(run.stdout.ends_with("\nnothing is wrong\n"), "{}", run.stdout);
}

#[test]
fn what_is_planted_is_found_and_nothing_else_is() {
    for row in ROWS {
        let world = planted(row);
        let mut command = world.command(["doctor", "--offline"]);
        for (name, value) in row.vars {
            command = command.env(name, value);
        }
        let (found, run) = findings(command);
        let mut wanted: Vec<&str> = row.ids.to_vec();
        wanted.sort_unstable();
        assert_eq!(ids(&found), wanted, "{}{}{}", row.config, row.credentials, run.report());
        let wrong = found.iter().any(|finding| finding["severity"] != "note");
        assert_eq!((run.code(), run.stderr.as_str()), (Some(i32::from(wrong)), ""), "{}", run.report());
        found.iter().for_each(holds_up);
    }
}

/// What it says can be used: words in every field, and a command of ours that parses.
pub(super) fn holds_up(finding: &serde_json::Value) {
    let keys: Vec<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 7, "{finding}");
    for key in ["id", "severity", "what", "why", "mend"] {
        let text = finding[key].as_str().unwrap_or_else(|| panic!("{key} of {finding}"));
        assert!(!text.is_empty() && !text.ends_with('.') && !text.contains('\n'), "{key} of {finding}");
    }
    assert!(finding["fixed"].is_boolean());
    let mend = finding["mend"].as_str().unwrap();
    // not in the middle of an edit: there it is a path
    let Some(at) = mend.find("mfa-run ").filter(|at| *at == 0 || mend[..*at].ends_with(['(', ' '])) else { return };
    if mend.starts_with("edit ") {
        return;
    }
    let line = mend[at..].split([')', '|']).next().unwrap().trim_end_matches('"').trim();
    let words = shlex::split(line).unwrap_or_else(|| panic!("{mend}"));
    if Cli::command().find_subcommand(&words[1]).is_none() && ["key", "device"].contains(&words[1].as_str()) {
        return;
    }
    if let Err(error) = Cli::try_parse_from(&words) {
        panic!("{mend}\n{error}");
    }
}

#[test]
fn each_id_of_the_source_is_planted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/commands/doctor");
    let mut there = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = text.split("\n#[cfg(test)]").next().unwrap();
        let words = code.split('"').filter(|word| {
            word.contains('-') && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        });
        there.extend(words.filter(|word| !word.starts_with('-') && *word != "aws-mfa").map(str::to_owned));
    }
    let planted = ROWS.iter().flat_map(|row| row.ids).chain(&OF_AWS);
    // the two that are one word, and what is no id
    there.extend(["clock", "colon", "indented"].map(str::to_owned));
    assert_eq!(there, planted.map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(), "in the source, planted");
}
