//! Who may read and write the files: the two AWS files, which hold access keys and name programs that are run, and our own
//! folder.

use super::Scene;
use super::finding::{Finding, Report, Severity};
use super::fix::Fix;
use crate::config::FileKind;
use std::path::Path;

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    for kind in [FileKind::Config, FileKind::Credentials] {
        let path = scene.files.path(kind);
        let Some(mode) = mode(path).filter(|_| path.is_file()) else { continue };
        let holds_secrets = scene.files.profiles().any(|profile| {
            let has = |key| profile.get_in(kind, key).is_some_and(|value| !value.text.is_empty());
            has("aws_secret_access_key") || has("aws_session_token")
        });
        let (who, why) = match mode {
            mode if mode & 0o022 != 0 => ("write", "whoever writes there has programs run as you: credential_process"),
            mode if mode & 0o077 != 0 && holds_secrets => ("read", "whoever reads them has your access keys"),
            _ => continue,
        };
        report.findings.push(open(scene, "file-mode", path, mode, who, why, 0o600));
    }
    if let Some(folder) = scene.files.path(FileKind::Config).parent()
        && let Some(mode) = mode(folder).filter(|mode| mode & 0o022 != 0 && mode & 0o1000 == 0)
    {
        let why = "whoever writes there can put another file in the place of yours";
        report.findings.push(open(scene, "folder-mode", folder, mode, "write", why, 0o700));
    }
    if let Some(folder) = scene.env.data_folder()
        && let Some(mode) = mode(&folder).filter(|mode| mode & 0o077 != 0)
    {
        let why = "it says which sessions you have, and holds the sealed files";
        report.findings.push(open(scene, "data-mode", &folder, mode, "look into", why, 0o700));
    }
}

fn open(scene: &Scene<'_>, id: &'static str, path: &Path, mode: u32, verb: &str, why: &str, wanted: u32) -> Finding {
    let what = format!("others can {verb} {} (mode {mode:04o})", scene.short(path));
    let mend = format!("chmod {wanted:o} {}", scene.typed(path));
    let fix = Fix::Mode { path: path.to_owned(), mode: wanted };
    Finding::new(Severity::Error, id, what, why, mend).fix(fix)
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777)
}

/// On Windows a user's profile is the user's own.
#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}
