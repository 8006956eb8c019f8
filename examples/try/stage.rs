//! The stage: the program, built; the stand-in for AWS; a private HOME, and a caretaker who removes it even after Ctrl-C.

use super::screen::Screen;
use super::{Outcome, whoami};
use chacha20poly1305::aead::Generate;
use fake_aws::{FakeAws, Options, TokenCode, UserKeys, totp};
use mfa_run::env::Env;
use mfa_run::fsio;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How this program is started to wait for our end.
pub(crate) const CARETAKER: &str = "--remove-when-stdin-ends";

pub(crate) struct Stage {
    aws: Arc<FakeAws>,
    alice: UserKeys,
    folder: PathBuf,
    vars: Vec<(OsString, OsString)>,
    has_aws_cli: bool,
    caretaker: Child,
}

/// What became of a command.
pub(crate) struct Run {
    line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
}

impl Stage {
    pub(crate) fn set(env: &Env, screen: &Screen) -> Outcome<Self> {
        let own = std::env::current_exe().map_err(words)?;
        let program = build(env, screen, &own)?;
        let folder = tempfile::Builder::new().prefix("mfa-run-try-").tempdir().map_err(words)?;
        let caretaker = hire_caretaker(&own, folder.path())?;
        let folder = folder.keep();
        let aws = Arc::new(FakeAws::start(Options::default()));
        let alice = aws.alice();
        let mut stage = Self { vars: variables(env, &folder, &aws), aws, alice, folder, has_aws_cli: false, caretaker };
        stage.furnish(&program, &own)?;
        stage.has_aws_cli = stage.finds_aws_cli();
        let (aws, serial) = (Arc::clone(&stage.aws), stage.alice.mfa_serial.clone());
        screen.show_device(move || {
            let left = totp::STEP_SECONDS - aws.now().rem_euclid(totp::STEP_SECONDS);
            // the next one, where the one of this window is spent: nobody has to wait
            let code = aws.fresh_code(&serial);
            format!(" alice's MFA device    {} {}    next code in {left:2} s ", &code[..3], &code[3..])
        });
        Ok(stage)
    }

    /// Programs and files below HOME.
    fn furnish(&self, program: &Path, own: &Path) -> Outcome {
        for inside in ["bin", ".aws", "tmp"] {
            fsio::create_private_folder(&self.folder.join(inside)).map_err(words)?;
        }
        for (target, name) in [(program, "mfa-run"), (own, whoami::NAME)] {
            place(target, &self.folder.join(format!("bin/{name}{}", std::env::consts::EXE_SUFFIX))).map_err(words)?;
        }
        let UserKeys { access_key_id, secret_access_key, .. } = &self.alice;
        let config = format!(
            "{}\n\n[profile demo-cli]\ncredential_process = mfa-run credential-process -p demo-admin\n",
            self.config()
        );
        let keys =
            format!("[demo]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n");
        let seal = chacha20poly1305::Key::generate();
        for (inside, bytes) in
            [(".aws/config", config.as_bytes()), (".aws/credentials", keys.as_bytes()), ("seal.key", &seal[..])]
        {
            fsio::write_private(&self.folder.join(inside), bytes).map_err(words)?;
        }
        Ok(())
    }

    /// What `~/.aws/config` says of the two roles.
    pub(crate) fn config(&self) -> String {
        let profile = |name: &str| {
            let (arn, serial) = (self.aws.role_arn(name), &self.alice.mfa_serial);
            format!("[profile demo-{name}]\nrole_arn = {arn}\nsource_profile = demo\nmfa_serial = {serial}")
        };
        format!("{}\n\n{}", profile("admin"), profile("readonly"))
    }

    /// Runs `mfa-run` as the person would type it, and shows what was typed.
    pub(crate) fn run(&self, screen: &Screen, args: &[&str]) -> Run {
        self.run_other(screen, "mfa-run", args)
    }

    /// The same for another program. It has the terminal where somebody sits there; stdout and stderr come back.
    pub(crate) fn run_other(&self, screen: &Screen, program: &str, args: &[&str]) -> Run {
        let line = [&[program], args].concat().join(" ");
        screen.command(&line);
        let stdin = if screen.is_interactive() { Stdio::inherit() } else { Stdio::null() };
        let started = Instant::now();
        let output = self.command(program, args).stdin(stdin).output();
        let elapsed = started.elapsed();
        match output {
            Ok(output) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
                Run { line, code: output.status.code(), stdout, stderr, elapsed }
            }
            Err(error) => Run { line, code: None, stdout: String::new(), stderr: error.to_string(), elapsed },
        }
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let ours = self.folder.join(format!("bin/{program}{}", std::env::consts::EXE_SUFFIX));
        let mut command = if ours.exists() { Command::new(ours) } else { Command::new(program) };
        command.args(args).env_clear().envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A code that AWS would take now.
    pub(crate) fn code(&self) -> String {
        self.aws.fresh_code(&self.alice.mfa_serial)
    }

    /// How many calls had a code that AWS took.
    pub(crate) fn codes_spent(&self) -> usize {
        self.spent_steps().len()
    }

    /// The code that AWS took last.
    pub(crate) fn used_code(&self) -> Outcome<String> {
        let last = *self.spent_steps().last().ok_or("no code was used")?;
        Ok(self.aws.code_at(&self.alice.mfa_serial, last - self.aws.now().div_euclid(totp::STEP_SECONDS)))
    }

    fn spent_steps(&self) -> Vec<i64> {
        let codes = self.aws.log().into_iter().filter_map(|call| call.token_code);
        codes.filter_map(|code| if let TokenCode::Accepted { step } = code { Some(step) } else { None }).collect()
    }

    pub(crate) fn has_aws_cli(&self) -> bool {
        self.has_aws_cli
    }

    /// An AWS CLI that works, and is not too old to be sent to another endpoint by `AWS_ENDPOINT_URL_STS`.
    fn finds_aws_cli(&self) -> bool {
        let Ok(output) = self.command("aws", &["--version"]).stdin(Stdio::null()).output() else { return false };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.strip_prefix("aws-cli/").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        match (numbers.next(), numbers.next()) {
            (Some(1), Some(minor)) => minor >= 29,
            (Some(2), Some(minor)) => minor >= 13,
            _ => false,
        }
    }

    /// The end: nothing stays behind.
    pub(crate) fn strike(mut self) -> Outcome {
        drop(self.caretaker.stdin.take());
        self.caretaker.wait().map_err(words)?;
        if self.folder.exists() { Err(format!("{} is still there", self.folder.display())) } else { Ok(()) }
    }
}

impl Run {
    /// It ended with this exit code.
    pub(crate) fn expect(&self, code: i32) -> Outcome<&Self> {
        if self.code == Some(code) {
            return Ok(self);
        }
        let ended = self.code.map_or("could not run".into(), |code| format!("ended with {code}"));
        Err(format!("`{}` {ended}, not with {code}\n{}", self.line, self.stderr))
    }

    /// It printed this, on either stream.
    pub(crate) fn says(&self, text: &str) -> Outcome<&Self> {
        if self.stdout.contains(text) || self.stderr.contains(text) {
            return Ok(self);
        }
        Err(format!("`{}` does not say `{text}`\n{}", self.line, self.stderr))
    }
}

/// The program beside this one. Where cargo started us it is brought up to date first, together with this example, so that
/// cargo takes the dependencies it has just built.
fn build(env: &Env, screen: &Screen, own: &Path) -> Outcome<PathBuf> {
    let folder = own.parent().and_then(Path::parent).ok_or("this program is nowhere")?;
    let program = folder.join(format!("mfa-run{}", std::env::consts::EXE_SUFFIX));
    if let (Some(cargo), Some(package)) = (env.var_os("CARGO"), env.var_os("CARGO_MANIFEST_DIR")) {
        screen.say("Building mfa-run ...");
        let target = folder.parent().ok_or("this program is nowhere")?;
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--bin", "mfa-run", "--example", "try", "--manifest-path"]);
        command.arg(Path::new(package).join("Cargo.toml")).arg("--target-dir").arg(target);
        match folder.file_name().and_then(|name| name.to_str()) {
            None | Some("debug") => {}
            Some(profile) => drop(command.args(["--profile", profile])),
        }
        // what cargo tells us about this package would tell build scripts that something has changed
        for (name, _) in env.vars().filter(|(name, _)| is_about_this_package(name)) {
            command.env_remove(name);
        }
        let status = command.stdin(Stdio::null()).status().map_err(words)?;
        if !status.success() {
            return Err(format!("cargo build ended with {status}"));
        }
    }
    if program.exists() { Ok(program) } else { Err("there is no mfa-run: cargo run --example try".into()) }
}

fn is_about_this_package(variable: &OsStr) -> bool {
    let prefixes = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    prefixes.iter().any(|prefix| variable.to_string_lossy().starts_with(prefix))
}

/// Nothing of the person's own environment that AWS tools read: where to find programs, how to show text, and the stage.
fn variables(env: &Env, home: &Path, aws: &FakeAws) -> Vec<(OsString, OsString)> {
    let kept = ["TERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SystemRoot", "PATHEXT", "ComSpec"];
    let mut vars: Vec<(OsString, OsString)> =
        kept.iter().filter_map(|name| Some((name.into(), env.var_os(name)?.to_owned()))).collect();
    let path = env.var_os("PATH").map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(home.join("bin")).chain(path)).unwrap_or_default();
    let inside = |path: &str| home.join(path).into_os_string();
    for (name, value) in [
        ("PATH", path),
        ("HOME", home.into()),
        ("USERPROFILE", home.into()),
        ("LOCALAPPDATA", inside("data")),
        ("TMPDIR", inside("tmp")),
        ("AWS_CONFIG_FILE", inside(".aws/config")),
        ("AWS_SHARED_CREDENTIALS_FILE", inside(".aws/credentials")),
        ("AWS_ENDPOINT_URL_STS", aws.endpoint().into()),
        ("AWS_DEFAULT_REGION", "us-east-1".into()),
        ("AWS_PAGER", "".into()),
        // works everywhere, containers too; the key goes with the folder
        ("MFA_RUN_KEYCHAIN", "file".into()),
        ("MFA_RUN_KEY_FILE", inside("seal.key")),
    ] {
        vars.push((name.into(), value));
    }
    vars
}

/// Starts this program once more, out of reach of Ctrl-C, to remove the folder when we are gone, however we went.
fn hire_caretaker(own: &Path, folder: &Path) -> Outcome<Child> {
    let mut command = Command::new(own);
    command.arg(CARETAKER).arg(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, 0x200); // CREATE_NEW_PROCESS_GROUP
    command.spawn().map_err(words)
}

/// What the caretaker does.
pub(crate) fn caretaker(folder: Option<String>) -> ExitCode {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    let Some(folder) = folder.filter(|folder| folder.contains("mfa-run-try-")) else { return ExitCode::FAILURE };
    // a command of the demo may write its last file just now
    for _ in 0..20 {
        if std::fs::remove_dir_all(&folder).is_ok() || !Path::new(&folder).exists() {
            return ExitCode::SUCCESS;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    ExitCode::FAILURE
}

#[cfg(unix)]
fn place(target: &Path, name: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, name)
}

#[cfg(not(unix))]
fn place(target: &Path, name: &Path) -> std::io::Result<()> {
    std::fs::copy(target, name).map(drop)
}

fn words(error: impl Display) -> String {
    error.to_string()
}
