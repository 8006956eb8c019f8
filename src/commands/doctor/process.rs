//! The command line of `credential_process`: whether every SDK can run it. Python's SDK runs it without a shell, from
//! whatever folder the tool was started in; programs with windows have another PATH than shells.

use super::finding::{Finding, Report, Severity};
use super::fix::{Edit, Fix};
use super::{Scene, Seen, profiles};
use crate::commands::{own_program, quoted_word};
use crate::config::Value;
use crate::env::Env;
use crate::profile::request::split_command_line;
use std::path::{Path, PathBuf};

pub(super) fn check(scene: &Scene<'_>, seen: &Seen<'_>, report: &mut Report) {
    if let Some(line) = seen.profile.get("mfa_process").filter(|line| !line.text.is_empty()) {
        mfa_process(scene, seen, line, report);
    }
    let Some(line) = seen.profile.get("credential_process").filter(|line| !line.text.is_empty()) else { return };
    let (place, name) = (scene.place(line.origin), seen.name());
    let ours = profiles::own_line(seen).is_some();
    let mut find = |severity, id, what: String, why: &str| {
        let fix = ours.then(|| with_our_path(scene, line)).flatten();
        let mend = match &fix {
            Some((value, _)) => format!("edit {place}: credential_process = {value}"),
            None => format!("edit {place}: the program's path in full, as `command -v PROGRAM` prints it"),
        };
        let fix = fix.map(|(value, file)| Fix::Edit {
            profile: name.to_owned(),
            file,
            edit: Edit::Set { key: "credential_process", old: line.text.to_owned(), value },
        });
        report.findings.push(Finding::new(severity, id, format!("{place}: {what}"), why, mend).of(name).fix(fix));
    };
    let Some(words) = split_command_line(line.text).filter(|words| !words.is_empty()) else {
        let what = "the quotes of credential_process are not balanced".into();
        return find(Severity::Error, "process-unreadable", what, "no SDK can split the line");
    };
    let program = &words[0];
    if !is_shell(program) && words.iter().any(|word| needs_a_shell(word)) {
        // Security: the word itself could be a secret's
        let what = "credential_process has what only a shell understands".into();
        let why = "the AWS CLI and boto3 run it without a shell: ~, $NAME and pipes stay as they are";
        return find(Severity::Error, "process-needs-shell", what, why);
    }
    let path = Path::new(program);
    if !program.contains(['/', '\\']) {
        match on_path(scene.env, program) {
            None => find(
                Severity::Error,
                "process-missing",
                format!("the program of credential_process, {program}, is not on the PATH"),
                "every tool that uses the profile fails",
            ),
            Some(_) => find(
                Severity::Note,
                "process-relative",
                format!("credential_process names {program} without its path"),
                "programs with windows, and services, have another PATH and may not find it",
            ),
        }
    } else if path.is_relative() {
        let what = format!("credential_process names {program}, a path from wherever the tool is started");
        find(Severity::Error, "process-relative", what, "it is found from one folder and not from any other");
    } else if !is_executable(path) {
        let what = format!("the program of credential_process, {program}, is not there");
        find(Severity::Error, "process-missing", what, "every tool that uses the profile fails");
    }
    let found = if path.is_absolute() { Some(path.to_owned()) } else { on_path(scene.env, program) };
    let real = |path: PathBuf| path.canonicalize().ok();
    let (found, own) = (found.and_then(real), std::env::current_exe().ok().and_then(real));
    if ours && found.is_some() && own.is_some() && found != own {
        let what = format!("credential_process runs another mfa-run than this one: {program}");
        find(Severity::Note, "process-other", what, "what you see here may not be what your tools do");
    }
}

fn mfa_process(scene: &Scene<'_>, seen: &Seen<'_>, line: Value<'_>, report: &mut Report) {
    let word = line.text.split_whitespace().next().unwrap_or_default();
    let plain = word.chars().all(|c| c.is_alphanumeric() || "/._-+".contains(c));
    let there = if word.contains('/') { is_executable(Path::new(word)) } else { on_path(scene.env, word).is_some() };
    // what the shell has by itself: `echo`, `cat file | ...` is found, `if` is not
    if !plain || there || ["command", "exec", "eval", "if", "set", "."].contains(&word) {
        return;
    }
    let place = scene.place(line.origin);
    let what = format!("{place}: the program of mfa_process, {word}, is not there");
    let mend = format!("edit {place}: the program's path in full, as `command -v PROGRAM` prints it");
    let why = "no code comes from it, and nobody is asked instead";
    report.findings.push(Finding::new(Severity::Error, "mfa-process-missing", what, why, mend).of(seen.name()));
}

/// Our own line with this program's path, the rest of it as it stands.
fn with_our_path(scene: &Scene<'_>, line: Value<'_>) -> Option<(String, crate::config::FileKind)> {
    let program = own_program(scene.env).and_then(|program| quoted_word(&program)).ok()?;
    let rest = line.text.split_once(" credential-process").map(|(_, rest)| rest)?;
    Some((format!("{program} credential-process{rest}"), line.origin.file))
}

fn on_path(env: &Env, program: &str) -> Option<PathBuf> {
    let folders = env.var_os("PATH").map(std::env::split_paths).into_iter().flatten();
    let names = [program.to_owned(), format!("{program}{}", std::env::consts::EXE_SUFFIX)];
    let mut candidates = folders.flat_map(|folder| names.clone().map(|name| folder.join(name)));
    candidates.find(|path| path.is_absolute() && is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

fn is_shell(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe");
    ["sh", "bash", "zsh", "dash", "fish", "pwsh", "powershell", "cmd", "env", "wsl"].contains(&name)
}

fn needs_a_shell(word: &str) -> bool {
    let variable =
        word.find('$').is_some_and(|at| word[at + 1..].starts_with(|c: char| c.is_alphabetic() || "{(_".contains(c)));
    word == "~" || word.starts_with("~/") || variable || ["|", "||", "&&", ";", ">", "2>", "<", "&"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_change_is_found() {
        for word in ["~/bin/x", "$HOME/bin/x", "${HOME}", "a$(id)", "|", "2>"] {
            assert!(needs_a_shell(word), "{word}");
        }
        for word in ["/bin/x", "a~b", "cost=5$", "$", "arn:aws:iam::1:role/x", "a|b"] {
            assert!(!needs_a_shell(word), "{word}");
        }
    }
}
