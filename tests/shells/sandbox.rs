//! A shell in an empty environment, with a stand-in for `mfa-run` on its path that prints what the test says.

use mfa_run::output::shell::Format;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Whether `.ci/run` installs a tool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Installed {
    ByCi,
    Elsewhere,
}

/// The tool's path. None: a skip, printed past the test runner's capture; or a failure, where CI installed it.
#[expect(clippy::disallowed_methods, reason = "a test's own switches")]
pub(crate) fn find(tool: &str, installed: Installed) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var_os("MFA_RUN_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(!required || installed == Installed::Elsewhere, "no {tool}, which .ci/run installs");
        let _ = writeln!(std::io::stderr(), "SKIP: no {tool}");
    }
    found
}

pub(crate) struct Shell {
    program: PathBuf,
    arguments: &'static [&'static str],
    folder: TempDir,
    path: String,
}

impl Shell {
    pub(crate) fn find(format: Format) -> Option<Self> {
        use Installed::{ByCi, Elsewhere};
        let (program, installed, arguments): (_, _, &[&str]) = match format {
            Format::Bash => ("bash", ByCi, &["--norc", "--noprofile", "-euc"]),
            Format::Zsh => ("zsh", ByCi, &["-f", "-euc"]),
            Format::Sh => ("dash", ByCi, &["-euc"]),
            Format::Fish => ("fish", ByCi, &["--no-config", "-c"]),
            Format::PowerShell => ("pwsh", Elsewhere, &["-NoProfile", "-NonInteractive", "-Command"]),
            Format::Nu => ("nu", ByCi, &["--no-config-file", "--no-std-lib", "-c"]),
            Format::Elvish => ("elvish", ByCi, &["-norc", "-c"]),
            format => unreachable!("{format:?} has no shell"),
        };
        let program = find(program, installed)?;
        let folder = tempfile::tempdir().unwrap();
        let stand_in = "#!/bin/sh\ncase $2 in --unset) exec cat unset;; *) exec cat export;; esac\n";
        executable(&folder.path().join("bin/mfa-run"), stand_in);
        let path = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", folder.path().display());
        Some(Self { program, arguments, folder, path })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the stand-in prints from now on.
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    pub(crate) fn prints(&self, export: &str, unset: &str) {
        std::fs::write(self.folder().join("export"), export).unwrap();
        std::fs::write(self.folder().join("unset"), unset).unwrap();
    }

    /// The environment that a command gets after these lines.
    pub(crate) fn environment_after(&self, lines: &[&str], before: &[(&str, &str)]) -> BTreeMap<String, String> {
        let script: String = lines.iter().chain(&["/usr/bin/env -0"]).flat_map(|line| [*line, "\n"]).collect();
        let output = output(
            Command::new(&self.program)
                .args(self.arguments)
                .arg(&script)
                .current_dir(self.folder())
                .env_clear()
                .env("PATH", &self.path)
                .env("HOME", self.folder())
                .envs(before.iter().copied()),
        );
        // What lines before it print is not part of it: the test runner's own report has no NUL.
        let text = String::from_utf8(output.stdout).unwrap();
        let variable = |entry: &str| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.split_terminator('\0').filter_map(variable).collect()
    }
}

/// What `export` sets and removes, out of an environment; `LEFT`-overs of other tools included.
pub(crate) fn variables(environment: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let ours = |name: &str| name.starts_with("AWS") || name.starts_with("MFA_RUN_");
    environment.iter().filter(|(name, _)| ours(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub(crate) struct Cmd {
    wine: PathBuf,
    prefix: TempDir,
}

/// Windows' cmd as Wine has it, in a prefix of its own.
pub(crate) fn find_wine() -> Option<Cmd> {
    let wine = PathBuf::from("/usr/lib/wine/wine64");
    let wine = if wine.is_file() { wine } else { find("wine64", Installed::Elsewhere)? };
    Some(Cmd { wine, prefix: tempfile::tempdir().unwrap() })
}

impl Cmd {
    /// The variables of ours after these lines, run as a batch file: Wine's cmd does not run what `for /f` reads.
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    pub(crate) fn variables_after(&self, lines: &str) -> Vec<(String, String)> {
        let folder = self.prefix.path();
        std::fs::write(folder.join("lines.bat"), format!("@echo off\n{lines}set\n").replace('\n', "\r\n")).unwrap();
        let output = Command::new(&self.wine)
            .args(["cmd", "/c", "lines.bat"])
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder)
            .env("WINEPREFIX", folder.join("prefix"))
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=")
            .envs([("AWS_PROFILE", "other"), ("AWS_VAULT", "other")])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let variable = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        variables(&text.split("\r\n").filter_map(variable).collect())
    }
}

impl Drop for Cmd {
    /// Ends the processes Wine leaves behind.
    fn drop(&mut self) {
        let server = self.wine.with_file_name("wineserver64");
        let server = if server.is_file() { server } else { "wineserver".into() };
        let prefix = self.prefix.path().join("prefix");
        let _ = Command::new(server).arg("-k").arg("-w").env("WINEPREFIX", prefix).status();
    }
}

/// What it prints, where it succeeds without a word on stderr.
pub(crate) fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{command:?}: {}\n{said}", output.status);
    output
}

#[expect(clippy::disallowed_methods, reason = "a test's own files")]
fn executable(file: &Path, text: impl AsRef<OsStr>) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text.as_ref().as_encoded_bytes()).unwrap();
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
}
