//! The only place that reads environment variables and the clock. Everything else gets an [`Env`], so that a test can
//! hand in another one.

use chrono::{DateTime, Utc};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroize;

/// The profile that stands for the endpoint of `--serve` in the environment it gives a command.
pub const SERVED_PROFILE: &str = "mfa-run-serve";

/// Environment, folders and clock, captured once at start.
#[derive(Debug, Clone)]
pub struct Env {
    vars: Vec<(OsString, OsString)>,
    started: Instant,
    clock: Clock,
}

/// The clock alone, for who outlives the environment.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Option<DateTime<Utc>>);

impl Clock {
    /// Now, UTC.
    #[expect(clippy::disallowed_methods, reason = "the one look at the clock")]
    pub fn now(self) -> DateTime<Utc> {
        self.0.unwrap_or_else(Utc::now)
    }
}

/// Security: the copies of secret variables that were made at the start are wiped at the end. The system's own copy stays.
impl Drop for Env {
    fn drop(&mut self) {
        for (_, value) in self.vars.iter_mut().filter(|(name, _)| is_secret(name)) {
            std::mem::take(value).into_encoded_bytes().zeroize();
        }
    }
}

fn is_passphrase(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"MFA_RUN_PASSPHRASE")
}

fn is_secret(name: &OsStr) -> bool {
    const SECRET: [&str; 5] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ];
    let bytes = name.as_encoded_bytes();
    is_passphrase(name) || SECRET.iter().any(|secret| name == *secret) || bytes.starts_with(b"AWS_BEARER_TOKEN")
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    let mode = |found: std::fs::Metadata| std::os::unix::fs::PermissionsExt::mode(&found.permissions());
    file.metadata().is_ok_and(|found| found.is_file() && mode(found) & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

impl Env {
    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one capture of the environment")]
    pub fn capture() -> Self {
        // Windows takes a name in any case, and so do the programs that look for `AWS_PROFILE` there.
        let one_case = |name: OsString| if cfg!(windows) { name.to_ascii_uppercase() } else { name };
        let vars = std::env::vars_os().map(|(name, value)| (one_case(name), value)).collect();
        Self { vars, started: Instant::now(), clock: Clock(None) }
    }

    /// An environment made up by a test; its clock stands still at `now`.
    pub fn fixed(vars: &[(&str, &str)], now: DateTime<Utc>) -> Self {
        let vars = vars.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
        Self { vars, started: Instant::now(), clock: Clock(Some(now)) }
    }

    /// The variable's value; `None` also where it is empty or not UTF-8, as the AWS SDKs take it.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name)?.to_str()
    }

    /// The variable's value as the system has it; `None` also where it is empty.
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.vars.iter().find(|(key, _)| is(key, name))?;
        (!value.is_empty()).then_some(value)
    }

    /// The profile that the environment names. Inside `mfa-run -p admin -- bash` that is admin, with `--serve` too.
    pub fn profile_variable(&self) -> Option<(&'static str, &str)> {
        ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "MFA_RUN_PROFILE"]
            .into_iter()
            .find_map(|name| Some((name, self.var(name).filter(|profile| *profile != SERVED_PROFILE)?)))
    }

    /// This environment with another value for one variable; an empty one is an unset one.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.retain(|(key, _)| !is(key, name));
        self.vars.push((name.into(), value.into()));
        self
    }

    /// Every variable, set or empty.
    pub fn vars(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars.iter().map(|(k, v)| (k.as_os_str(), v.as_os_str()))
    }

    /// Every variable but what opens our own files: the environment of a program that AWS's variables may concern.
    pub fn vars_without_passphrase(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars().filter(|(name, _)| !is_passphrase(name))
    }

    /// Every variable but those that hold secrets, ours and AWS's: the environment of a program that has no use for them.
    pub fn vars_without_secrets(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars().filter(|(name, _)| !is_secret(name))
    }

    /// The names of the variables that no child gets.
    pub fn passphrase_variables(&self) -> impl Iterator<Item = &OsStr> {
        self.vars().map(|(name, _)| name).filter(|name| is_passphrase(name))
    }

    /// A program of that name on the `PATH`, by its whole path. Folders that are not absolute are not looked into: what is
    /// there depends on where we were started.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.var_os("PATH").unwrap_or(OsStr::new("/usr/bin:/bin"));
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let mut found =
            std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(&file));
        found.find(|file| is_executable(file))
    }

    /// Now, UTC.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The clock alone.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The moment `after` the process started.
    pub fn since_start(&self, after: Duration) -> Instant {
        self.started + after
    }

    /// The user's home folder: `$HOME`, on Windows `%USERPROFILE%`, where the AWS CLI looks too.
    pub fn home(&self) -> Option<PathBuf> {
        let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.var_os(variable).map(PathBuf::from).or_else(dirs::home_dir)
    }

    /// Where this program keeps its index, locks and sealed files: `~/.local/share/mfa-run` or what the system has for it.
    pub fn data_folder(&self) -> Option<PathBuf> {
        let absolute = |v: &OsStr| Some(PathBuf::from(v)).filter(|p| p.is_absolute());
        let base = if cfg!(target_os = "linux") {
            self.var_os("XDG_DATA_HOME").and_then(absolute).or_else(|| Some(self.home()?.join(".local/share")))
        } else if cfg!(target_os = "macos") {
            self.home().map(|home| home.join("Library/Application Support"))
        } else {
            self.var_os("LOCALAPPDATA").and_then(absolute).or_else(dirs::data_local_dir)
        };
        base.map(|base| base.join("mfa-run"))
    }

    /// Where files live that are of use only while this process runs: in memory, where the system has such a folder.
    pub fn runtime_folder(&self) -> Option<PathBuf> {
        let absolute = |v: &OsStr| Some(PathBuf::from(v)).filter(|p| p.is_absolute());
        let runtime = self.var_os("XDG_RUNTIME_DIR").and_then(absolute).map(|folder| folder.join("mfa-run"));
        runtime.or_else(|| Some(self.data_folder()?.join("run")))
    }

    /// Whether we run in a container, where the kernel keyring is shared with every tenant that has the same uid on the host.
    pub fn in_container(&self) -> bool {
        self.var_os("KUBERNETES_SERVICE_HOST").is_some()
            || ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| std::path::Path::new(mark).exists())
    }

    /// `~` and `~/…` at the start of a path, as botocore and the SDKs expand it.
    pub fn expand_home(&self, path: &OsStr) -> PathBuf {
        match (path.to_str().and_then(|p| p.strip_prefix('~')), self.home()) {
            (Some(""), Some(home)) => home,
            (Some(rest), Some(home)) if rest.starts_with(['/', '\\']) => home.join(&rest[1..]),
            _ => PathBuf::from(path),
        }
    }
}

/// Whether this is the variable's name: on Windows in any case.
fn is(key: &OsStr, name: &str) -> bool {
    key == name || (cfg!(windows) && key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        let env = Env::fixed(&[("AWS_PROFILE", ""), ("AWS_REGION", "eu-west-1")], DateTime::UNIX_EPOCH);
        assert_eq!(env.var("AWS_PROFILE"), None);
        assert_eq!(env.var("AWS_REGION"), Some("eu-west-1"));
    }

    #[test]
    fn windows_takes_a_name_in_any_case_and_home_from_its_own_variable() {
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let env = Env::fixed(&[("Aws_Profile", "x"), (home, "there")], DateTime::UNIX_EPOCH);
        assert_eq!(env.var("AWS_PROFILE"), cfg!(windows).then_some("x"));
        assert_eq!(env.clone().with("AWS_PROFILE", "y").vars().count(), if cfg!(windows) { 2 } else { 3 });
        assert_eq!(env.expand_home("~/.aws".as_ref()), PathBuf::from("there").join(".aws"));
    }
}
