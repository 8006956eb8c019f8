//! A private HOME, a cleared environment, and a watch over planted secrets: in what commands print, and in files.

#[cfg(unix)]
use super::Pty;
use super::run::Command;
use super::{Run, Tool};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_mfa-run");

#[derive(Debug)]
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    vars: BTreeMap<OsString, OsString>,
    watch: Watch,
}

impl Sandbox {
    /// An empty HOME. Sessions go to a sealed file with a key of its own, never to the keyring of who runs the tests.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mfa-run-test-").tempdir().expect("a temporary folder");
        // Some paths of the test are compared with what programs print: no symlink on the way. On Windows there is none, and
        // the path would come back in a form that cmd does not read.
        let own =
            if cfg!(windows) { folder.path().to_owned() } else { folder.path().canonicalize().expect("its path") };
        let home = own.join("home");
        let mut sandbox = Self { folder, vars: BTreeMap::new(), watch: Watch::default() };
        for inside in [".aws", "bin", ".local/share", ".cache", "run", "tmp"] {
            std::fs::create_dir_all(home.join(inside)).expect("folders in HOME");
        }
        sandbox.set("HOME", home.clone());
        for (name, inside) in [
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
            ("MFA_RUN_KEY_FILE", ".key"),
        ] {
            sandbox.set(name, home.join(inside));
        }
        if cfg!(windows) {
            sandbox.set("LOCALAPPDATA", home.join(".local/share"));
            sandbox.set("USERPROFILE", home.clone());
            sandbox.set("TEMP", home.join("tmp"));
            sandbox.set("SystemRoot", r"C:\windows");
            sandbox.set("PATHEXT", ".COM;.EXE;.BAT;.CMD");
            // what Unix has as programs
            for (name, script) in [("true", "exit /b 0"), ("echo", "echo %*"), ("env", "set")] {
                sandbox.write(&format!("bin/{name}.cmd"), format!("@{script}\r\n"));
            }
        }
        for (name, value) in [
            ("TERM", "dumb"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
            ("MFA_RUN_KEYCHAIN", "file"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ] {
            sandbox.set(name, value);
        }
        sandbox.set("PATH", search_path(&home.join("bin")));
        sandbox.write(".key", "a key of the tests: thirty-two b");
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, symlink};
            std::fs::set_permissions(home.join("run"), PermissionsExt::from_mode(0o700)).expect("a private folder");
            symlink(PROGRAM, home.join("bin/mfa-run")).expect("mfa-run on the PATH");
        }
        sandbox
    }

    pub(crate) fn home(&self) -> PathBuf {
        PathBuf::from(&self.vars[OsStr::new("HOME")])
    }

    /// A variable for every command from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.vars.insert(name.into(), value.into());
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.vars.remove(OsStr::new(name));
    }

    pub(crate) fn write_config(&self, text: &str) {
        self.write(".aws/config", text);
    }

    pub(crate) fn write_credentials(&self, text: &str) {
        self.write(".aws/credentials", text);
    }

    /// A file below HOME, private. The secrets the test itself writes there are allowed there.
    #[expect(clippy::disallowed_methods, reason = "tests write their own files")]
    pub(crate) fn write(&self, inside: &str, text: impl AsRef<[u8]>) {
        let path = self.home().join(inside);
        std::fs::create_dir_all(path.parent().expect("below HOME")).expect("its folder");
        std::fs::write(&path, &text).expect(inside);
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect(inside);
        self.watch.written(path, text.as_ref());
    }

    pub(crate) fn read(&self, inside: &str) -> String {
        std::fs::read_to_string(self.home().join(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"))
    }

    /// A fake program on the private PATH, a script for `sh`. Its path.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let inside = format!("bin/{name}");
        // Written beside and renamed: another thread's fork may hold the new file open for writing, and exec would say ETXTBSY.
        self.write(&format!("{inside}.new"), format!("#!/bin/sh\n{script}\n"));
        let path = self.home().join(&inside);
        let new = path.with_file_name(format!("{name}.new"));
        std::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect(name);
        std::fs::rename(new, &path).expect(name);
        self.watch.written(path.clone(), script.as_bytes());
        path
    }

    /// Plants a secret: from now on whatever a command prints and any file below HOME that holds it fails the test.
    /// Not meant are files the test wrote it to, and calls with `may_print_secrets()`.
    pub(crate) fn secret(&self, secret: &str) {
        assert!(secret.len() >= 6, "too short to be found for certain");
        self.watch.lock().secrets.push(secret.to_owned());
    }

    /// `mfa-run ARGS` without a terminal, as cron and SDKs in services start it.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        self.command(args).run()
    }

    /// `mfa-run ARGS`, still to be changed.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        self.other(PROGRAM, args)
    }

    /// Another program in the same environment.
    pub(crate) fn other<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = A>,
    ) -> Command {
        Command::new(program.as_ref(), &self.vars, &self.home(), self.watch.clone()).args(args)
    }

    /// A real tool in the same environment.
    pub(crate) fn tool<A: AsRef<OsStr>>(&self, tool: &Tool, args: impl IntoIterator<Item = A>) -> Command {
        self.other(&tool.path, args)
    }

    /// `mfa-run ARGS` at a terminal, its stdout and stderr being pipes, as an SDK starts it in front of a person.
    #[cfg(unix)]
    pub(crate) fn on_terminal<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Pty {
        self.command(args).on_terminal()
    }

    /// `SHELL -c SCRIPT`, everything on the terminal; with an empty script an interactive shell without start-up files.
    #[cfg(unix)]
    pub(crate) fn shell_on_terminal(&self, shell: &str, script: &str) -> Pty {
        let args = match (script, shell) {
            ("", "bash") => vec!["--norc", "--noprofile", "--noediting", "-i"],
            ("", "zsh") => vec!["-f", "-i", "+Z"],
            ("", _) => vec!["-i"],
            (script, _) => vec!["-c", script],
        };
        self.other(shell, args).all_on_terminal()
    }

    /// What the watch has seen so far: outputs of commands, and files as they are now.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let mut leaks = self.watch.lock().leaks.clone();
        self.watch.look_at_files(self.folder.path(), &mut leaks);
        leaks
    }
}

impl Drop for Sandbox {
    #[expect(clippy::print_stderr, reason = "a second panic would hide the first")]
    fn drop(&mut self) {
        let leaks = self.leaks();
        if leaks.is_empty() {
            return;
        }
        let leaks = format!("a planted secret got out:\n  {}", leaks.join("\n  "));
        if std::thread::panicking() {
            eprintln!("{leaks}");
        } else {
            panic!("{leaks}");
        }
    }
}

/// The private folder of fake programs first, then only what every system has.
fn search_path(private: &Path) -> OsString {
    let system: &[&str] =
        if cfg!(windows) { &[r"C:\windows\system32", r"C:\windows"] } else { &["/usr/local/bin", "/usr/bin", "/bin"] };
    std::env::join_paths(std::iter::once(private).chain(system.iter().map(Path::new))).expect("a PATH")
}

/// Planted secrets, and where they were seen. Shared by the sandbox and its running commands.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    secrets: Vec<String>,
    leaks: Vec<String>,
    /// What the test itself wrote.
    written: BTreeMap<PathBuf, Vec<u8>>,
}

impl Watch {
    fn lock(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self, path: PathBuf, text: &[u8]) {
        self.lock().written.insert(path, text.to_owned());
    }

    /// Notes every secret in what a command printed. What the test itself typed is echoed by the terminal: `typed`.
    pub(super) fn look_at(&self, what: &str, output: &[u8], typed: &[u8]) {
        let mut watched = self.lock();
        let seen: Vec<_> = watched
            .secrets
            .iter()
            .filter(|secret| holds(output, secret) && !holds(typed, secret))
            .map(|s| shown(s))
            .collect();
        watched.leaks.extend(seen.into_iter().map(|secret| format!("{what} holds {secret}")));
    }

    fn look_at_files(&self, folder: &Path, leaks: &mut Vec<String>) {
        let watched = self.lock();
        if watched.secrets.is_empty() {
            return;
        }
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type());
                if kind.as_ref().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if kind.is_ok_and(|kind| kind.is_file()) {
                    let text = std::fs::read(&path).unwrap_or_default();
                    let ours = watched.written.get(&path).map_or(&[][..], Vec::as_slice);
                    let name = path.as_os_str().as_encoded_bytes();
                    for secret in &watched.secrets {
                        if (holds(&text, secret) && !holds(ours, secret)) || holds(name, secret) {
                            leaks.push(format!("{} holds {}", path.display(), shown(secret)));
                        }
                    }
                }
            }
        }
    }
}

/// Whether the secret is in there as it is, or percent-encoded as in a request's body.
fn holds(text: &[u8], secret: &str) -> bool {
    let encoded: String = secret
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let has = |secret: &[u8]| text.windows(secret.len()).any(|window| window == secret);
    has(secret.as_bytes()) || (encoded != secret && has(encoded.as_bytes()))
}

/// Enough of a planted secret to know which one it is.
fn shown(secret: &str) -> String {
    format!("`{}…` ({} bytes)", secret.chars().take(6).collect::<String>(), secret.len())
}
