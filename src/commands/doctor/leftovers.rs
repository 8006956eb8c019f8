//! What other tools left behind: sessions in plain text that are over or that nobody renews any more, and lines of shells
//! that still call them.

use super::finding::{Finding, Report, Severity};
use super::fix::{Edit, Fix};
use super::{Scene, show};
use crate::config::managed::{self, Holder};
use crate::config::{FileKind, SectionKind};
use chrono::{DateTime, Local, NaiveDateTime, Utc};
use std::path::{Path, PathBuf};

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    if scene.only.is_none() {
        caches(scene, report);
        aliases(scene, report);
    }
    sections(scene, report);
}

fn sections(scene: &Scene<'_>, report: &mut Report) {
    let document = scene.files.document(FileKind::Credentials);
    for seen in &scene.profiles {
        let name = seen.name();
        let (whose, expires) = match managed::holder(document, name) {
            Holder::AwsMfa => ("aws-mfa", utc(document, name)),
            Holder::Ours { .. } => ("mfa-run write", utc(document, name)),
            Holder::Awsume => ("awsume", local(document, name)),
            _ => {
                long_term(scene, name, report);
                continue;
            }
        };
        let Some(origin) = seen.profile.section(FileKind::Credentials).map(|section| section.origin()) else {
            continue;
        };
        let daemon = whose == "awsume" && managed::value(document, name, "autoawsume").is_some();
        let over = expires.is_some_and(|expires| expires <= scene.env.now());
        if !over && !daemon {
            continue;
        }
        let place = scene.place(origin);
        let what = match over {
            true => format!("{place}: the session of {whose} in [{name}] is over"),
            false => format!("{place}: [{name}] is what awsume's daemon renews"),
        };
        let why = match over {
            true => "tools that use the profile take it, and AWS refuses it",
            false => "without the daemon it ends, and until then it lies there in plain text",
        };
        let fix = Fix::Edit { profile: name.to_owned(), file: FileKind::Credentials, edit: Edit::TakeSession };
        let mend = format!("mfa-run doctor --fix -p {}", super::quoted(name));
        let id = if over { "old-session" } else { "awsume-daemon" };
        report.findings.push(Finding::new(Severity::Warning, id, what, why, mend).of(name).fix(fix));
    }
}

/// aws-mfa's layout works as it is; this tells the way on from it.
fn long_term(scene: &Scene<'_>, name: &str, report: &mut Report) {
    let document = scene.files.document(FileKind::Credentials);
    let Some(short) =
        name.strip_suffix("-long-term").filter(|_| managed::value(document, name, "aws_mfa_device").is_some())
    else {
        return;
    };
    if scene.files.profile(short).is_some_and(|profile| profile.get("credential_process").is_some()) {
        return;
    }
    let sections = document.sections(FileKind::Credentials, SectionKind::Profile, name);
    let line = sections.last().map_or(1, |section| document.headers()[*section] + 1);
    let place = format!("{}:{line}", scene.short(scene.files.path(FileKind::Credentials)));
    let what = format!("{place}: [{name}] is aws-mfa's layout");
    let why = format!("it works as it is; with credential_process tools get sessions of {short} by themselves");
    let mend = format!("mfa-run configure -p {}", super::quoted(short));
    report.findings.push(Finding::new(Severity::Note, "aws-mfa-layout", what, why, mend).of(name));
}

fn utc(document: &crate::config::Document, name: &str) -> Option<DateTime<Utc>> {
    Some(naive(document, name)?.and_utc())
}

/// awsume writes the time of the machine, and no zone.
fn local(document: &crate::config::Document, name: &str) -> Option<DateTime<Utc>> {
    Some(naive(document, name)?.and_local_timezone(Local).earliest()?.to_utc())
}

fn naive(document: &crate::config::Document, name: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(managed::value(document, name, "expiration")?, "%Y-%m-%d %H:%M:%S").ok()
}

/// Sessions that other tools keep in plain text.
fn caches(scene: &Scene<'_>, report: &mut Report) {
    let Some(home) = scene.env.home() else { return };
    let cache = scene
        .env
        .var_os("XDG_CACHE_HOME")
        .map_or_else(|| home.join(".awsume/cache"), |c| PathBuf::from(c).join("awsume"));
    for (id, whose, folder, why) in [
        (
            "aws-cli-cache",
            "the AWS CLI",
            home.join(".aws/cli/cache"),
            "roles that it assumes by itself; those that mfa-run gives it are not there",
        ),
        ("awsume-cache", "awsume", cache, "shared MFA sessions of twelve hours"),
    ] {
        let files = files_in(&folder);
        if files > 0 {
            let what =
                format!("{} holds {} of {whose} in plain text", scene.short(&folder), show::count(files, "session"));
            report.note(id, what, why, format!("rm -r {}", scene.typed(&folder)));
        }
    }
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_file()).count()
}

/// Where awsume's installer writes `alias awsume=". awsume"`.
const RC_FILES: [(&str, &str); 8] = [
    (".bashrc", "bash"),
    (".bash_profile", "bash"),
    (".bash_aliases", "bash"),
    (".profile", "bash"),
    (".zshrc", "zsh"),
    (".zshenv", "zsh"),
    (".zprofile", "zsh"),
    (".config/fish/config.fish", "fish"),
];

fn aliases(scene: &Scene<'_>, report: &mut Report) {
    let Some(home) = scene.env.home() else { return };
    for (name, shell) in RC_FILES {
        let path = home.join(name);
        let Ok(text) = std::fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&text);
        let alias =
            |line: &str| ["alias awsume=", "alias awsume "].iter().any(|start| line.trim_start().starts_with(start));
        let Some(line) = text.lines().position(alias) else { continue };
        // the function that takes its place
        if text.contains("mfa-run init") && text.contains("--awsume") {
            continue;
        }
        let what = format!("{}:{} has awsume's alias", scene.short(&path), line + 1);
        let init = match shell {
            "fish" => "mfa-run init fish --awsume | source".to_owned(),
            shell => format!("eval \"$(mfa-run init {shell} --awsume)\""),
        };
        let why = "it calls awsume; mfa-run has a function of that name with the same flags";
        report.note("awsume-alias", what, why, format!("edit {}: {init}", scene.short(&path)));
    }
}
