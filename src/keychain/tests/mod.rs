//! The stores as they are used: real kernel keyring, real files, real processes. What a machine lacks is a printed skip.

mod choice;
#[cfg(target_os = "linux")]
mod failures;
#[cfg(target_os = "linux")]
mod keyring;
mod keys;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(windows)]
mod native;
mod passphrase;
mod sealed;
#[cfg(target_os = "linux")]
mod secret_service;

use super::*;
use chacha20poly1305::aead::Generate;
use chrono::TimeDelta;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(target_os = "linux")]
fn skip(reason: &str) {
    terminal::say(&format!("SKIP: {reason}"));
}

#[cfg(target_os = "linux")]
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[cfg(any(target_os = "linux", windows))]
fn random() -> String {
    u64::generate().to_string()
}

fn nobody() -> std::iter::Empty<String> {
    std::iter::empty()
}

/// A private data folder and what is set in it.
struct Sandbox {
    folder: tempfile::TempDir,
    vars: Vec<(String, String)>,
    now: DateTime<Utc>,
}

impl Sandbox {
    /// `MFA_RUN_KEYCHAIN=file` with a key file.
    fn sealed() -> Self {
        let sandbox = Self::of("file");
        let key = sandbox.folder.path().join("key");
        crate::fsio::write_private(&key, &<[u8; 32]>::generate()).unwrap();
        sandbox.with("MFA_RUN_KEY_FILE", key.to_str().unwrap())
    }

    fn of(keychain: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap().to_owned();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Self { folder, vars: Vec::new(), now }
            .with("XDG_DATA_HOME", &data)
            .with("HOME", &data)
            .with("LOCALAPPDATA", &data)
            .with("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .with("MFA_RUN_KEYCHAIN", keychain)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.retain(|(other, _)| other != name);
        self.vars.push((name.into(), value.into()));
        self
    }

    fn env(&self) -> Env {
        let vars: Vec<_> = self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Env::fixed(&vars, self.now)
    }

    fn sealed_folder(&self) -> PathBuf {
        self.env().data_folder().unwrap().join("sealed")
    }

    fn item(&self, name: &str) -> PathBuf {
        self.sealed_folder().join(name)
    }

    fn hour(&self) -> DateTime<Utc> {
        self.now + TimeDelta::hours(1)
    }

    /// This test binary as another process that does one [`task`] in this sandbox, with words before it (`strace …`).
    fn child(&self, before: &[&str], task: &str) -> Command {
        let exe = std::env::current_exe().unwrap();
        let words: Vec<&OsStr> = before.iter().map(OsStr::new).chain([exe.as_os_str()]).collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["--exact", "keychain::tests::task", "--nocapture", "--test-threads=1"])
            .env_clear()
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .env("MFA_RUN_TEST_TASK", task)
            .env("MFA_RUN_TEST_NOW", self.now.timestamp().to_string());
        command
    }

    /// What the task says in that process.
    #[cfg(target_os = "linux")]
    fn says(&self, before: &[&str], task: &str) -> String {
        said(&self.child(before, task).output().unwrap())
    }
}

fn said(output: &std::process::Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    match stdout.split_once("SAID:").and_then(|(_, rest)| rest.split_once(":END")) {
        Some((said, _)) => said.into(),
        None => panic!("no answer: {output:?}"),
    }
}

/// What a child does: `get NAME`, `put NAME SECRET SECONDS`, `fill`, `spill`; then says how it went. No test by itself.
#[test]
fn task() {
    let captured = Env::capture();
    let Some(task) = captured.var("MFA_RUN_TEST_TASK") else { return };
    let now = captured.var("MFA_RUN_TEST_NOW").and_then(|now| now.parse().ok()).unwrap();
    let vars: Vec<_> = captured.vars().map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap())).collect();
    let env = Env::fixed(&vars, DateTime::from_timestamp(now, 0).unwrap());
    let may_ask = env.var("MFA_RUN_TEST_ASK").is_some();
    let keychain = Keychain::choose(&env, env.var("MFA_RUN_TEST_CONTAINER").is_some()).unwrap().may_ask(may_ask);
    let mark = |name: &str| drop(std::fs::metadata(format!("/mark-{name}")));
    mark("first"); // std looks once whether the kernel has statx
    mark("begin");
    let words: Vec<_> = task.split(' ').collect();
    let said = match words[..] {
        ["get", name] => match keychain.get(name) {
            Ok(Some(secret)) => String::from_utf8_lossy(&secret).into_owned(),
            other => format!("{other:?}"),
        },
        ["put", name, secret, seconds] => {
            let expires = env.now() + TimeDelta::seconds(seconds.parse().unwrap());
            format!("{:?}", keychain.put(name, secret.as_bytes(), expires, &mut nobody()))
        }
        #[cfg(target_os = "linux")]
        ["fill"] => keyring::fill(&env, &keychain),
        #[cfg(target_os = "linux")]
        ["spill"] => keyring::spill(&env, &keychain),
        _ => "unknown task".into(),
    };
    mark("end");
    let _ = writeln!(std::io::stdout(), "SAID:{said}:END");
}

#[test]
fn debug_and_errors_show_no_secret() {
    let secret = "planted-secret-planted-secret-32";
    let sandbox = Sandbox::of("file")
        .with("MFA_RUN_PASSPHRASE", secret)
        .with("MFA_RUN_PASSPHRASE_COMMAND", &format!("echo {secret} >/dev/null; exit 3"));
    let env = sandbox.env();
    let keychain = Keychain::choose(&env, true).unwrap();
    let key = seal::Key::from_slice(secret.as_bytes()).unwrap();
    let command = if cfg!(windows) { format!("set x={secret}& exit 3") } else { format!(": {secret}; exit 3") };
    let failed = super::passphrase::from_command(&env, OsStr::new(&command), None).unwrap_err();
    let shown = format!("{keychain:?} {} {key:?} {failed:?} {failed} {}", keychain.description(), failed.hint());
    assert!(!shown.contains("planted") && !shown.contains("112, 108, 97"), "{shown}");
    assert!(shown.contains("Key(******)") && shown.contains("failed (exit ") && shown.contains(": 3)"), "{shown}");
}

#[test]
fn every_error_reads_well_and_says_what_to_type() {
    let path = || PathBuf::from("/home/a b/key");
    let io = || std::io::ErrorKind::PermissionDenied.into();
    for error in [
        Error::UnknownStore { value: "x\u{1b}[2J".into() },
        Error::UnknownKind { kind: "x".into() },
        Error::NoFolder,
        Error::TooLong { size: 40_000 },
        Error::KeyringBlocked { reason: "EPERM" },
        Error::KeyringFull,
        Error::Keyring { reason: "x".into() },
        Error::StoreAbsent { store: "Secret Service", reason: "x" },
        Error::StoreLocked { store: "Secret Service" },
        Error::StoreSilent { store: "Secret Service" },
        Error::NoCollection,
        Error::Store { store: "Secret Service", reason: "x".into() },
        Error::File { action: "read", path: path(), source: io() },
        Error::KeyFileExposed { path: path(), mode: 0o644 },
        Error::KeyFileFormat { path: path() },
        Error::NoKey,
        Error::WrongPassphrase { from: PassphraseSource::Variable },
        Error::PassphraseCommand { reason: "x".into() },
        Error::Stretching { path: path(), reason: "damaged" },
        Error::Busy,
    ] {
        let text = error.to_string();
        assert!(!text.ends_with('.') && !text.contains('\u{1b}') && !text.contains('\n'), "{text}");
        assert!(text.starts_with("MFA_RUN_") || !text.starts_with(char::is_uppercase), "{text}");
        assert!(!error.hint().is_empty() && !error.hint().ends_with('.'), "{error:?}");
    }
    let exposed = Error::KeyFileExposed { path: path(), mode: 0o644 };
    #[cfg(unix)]
    assert_eq!(exposed.hint(), "chmod 600 '/home/a b/key'");
    assert_eq!(exposed.to_string(), "MFA_RUN_KEY_FILE: others can read /home/a b/key (mode 0644)");
    for way in ["MFA_RUN_KEY_FILE ", "MFA_RUN_PASSPHRASE_COMMAND ", "or MFA_RUN_PASSPHRASE"] {
        assert!(Error::NoKey.hint().contains(way), "{}", Error::NoKey.hint());
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}
