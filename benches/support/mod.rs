//! A private HOME, the stand-in for AWS and an empty program; timing of whole processes.

use fake_aws::{FakeAws, Options};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_mfa-run"))
}

pub(crate) struct Bench {
    home: tempfile::TempDir,
    aws: FakeAws,
}

pub(crate) struct Sample {
    pub(crate) min: Duration,
    pub(crate) median: Duration,
    pub(crate) empty_median: Duration,
    peak_kb: Option<u64>,
}

impl Sample {
    pub(crate) fn peak_mb(&self) -> String {
        self.peak_kb.map_or_else(|| "-".into(), |kb| format!("{:.1}", kb as f64 / 1024.0))
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes its own files")]
impl Bench {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let aws = FakeAws::start(Options::default());
        std::fs::create_dir_all(home.path().join(".aws")).expect("a folder");
        let alice = aws.alice();
        let key = format!(
            "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            alice.access_key_id, alice.secret_access_key
        );
        std::fs::write(home.path().join(".aws/credentials"), key).expect("the credentials file");
        std::fs::write(home.path().join("key"), "a key of the bench: thirty-two b").expect("the key file");
        #[cfg(unix)]
        std::fs::set_permissions(home.path().join("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("private");
        let bench = Self { home, aws };
        for profiles in [3, 300] {
            let mut text = String::new();
            for i in 2..profiles {
                let serial = &alice.mfa_serial;
                let _ = write!(
                    text,
                    "[profile team-{i}]\nrole_arn = arn:aws:iam::123456789012:role/team/role-{i}\nsource_profile = base\nmfa_serial = {serial}\nregion = eu-west-1\noutput = json\n\n"
                );
            }
            let admin = bench.aws.role_arn("admin");
            let _ = write!(
                text,
                "[profile base]\nregion = eu-west-1\n\n[profile admin]\nrole_arn = {admin}\nsource_profile = base\nmfa_serial = {}\n",
                alice.mfa_serial
            );
            std::fs::write(bench.config(&profiles.to_string()), text).expect("the config file");
        }
        bench
    }

    /// Builds an empty program as the release profile builds ours.
    pub(crate) fn empty_program(&self) -> PathBuf {
        let (source, program) = (self.home.path().join("empty.rs"), self.home.path().join("empty"));
        std::fs::write(&source, "fn main() {}\n").expect("its source");
        let flags = ["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1", "-Cpanic=abort", "-Cstrip=symbols", "-o"];
        let built = Command::new("rustc").args(flags).arg(&program).arg(&source).status().expect("rustc");
        assert!(built.success(), "rustc builds an empty program");
        program
    }

    pub(crate) fn config(&self, profiles: &str) -> String {
        self.home.path().join(format!("config{profiles}")).display().to_string()
    }

    /// One call with a code, so that the next is warm.
    pub(crate) fn log_in(&self, store: (&str, &str), profiles: &str) {
        let code = self.aws.fresh_code(&self.aws.alice().mfa_serial);
        self.aws.advance(60);
        let mut command =
            self.command(&program(), &["credential-process", "-p", "admin", "--token-code", &code], &[store]);
        command.env("AWS_CONFIG_FILE", self.config(profiles));
        assert!(command.status().expect("it runs").success(), "log in with {store:?}");
    }

    pub(crate) fn has_keyring(&self) -> bool {
        let code = self.aws.fresh_code(&self.aws.alice().mfa_serial);
        let arguments = ["login", "-p", "admin", "--token-code", &code];
        let mut command = self.command(
            &program(),
            &arguments,
            &[("MFA_RUN_KEYCHAIN", "keyutils"), ("AWS_CONFIG_FILE", &self.config("3"))],
        );
        let run = command.stderr(Stdio::piped()).output().expect("it runs");
        let used = run.status.success() && !String::from_utf8_lossy(&run.stderr).contains("warning");
        self.command(&program(), &["logout", "--all"], &[("MFA_RUN_KEYCHAIN", "keyutils")]).status().expect("it runs");
        self.aws.advance(60);
        used
    }

    pub(crate) fn command(&self, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8");
        command
            .env("XDG_DATA_HOME", self.home.path().join("data"))
            .env("MFA_RUN_KEY_FILE", self.home.path().join("key"));
        command.env("AWS_ENDPOINT_URL_STS", self.aws.endpoint()).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs the program and the empty one in turn.
    pub(crate) fn time(
        &self,
        empty: &Path,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        runs: usize,
    ) -> Sample {
        let run = |program: &Path, arguments: &[&str]| {
            let mut command = self.command(program, arguments, variables);
            let start = Instant::now();
            let status = command.status().expect("it runs");
            let time = start.elapsed();
            assert!(status.success(), "{} {arguments:?}: {status}", program.display());
            time
        };
        run(program, arguments);
        let (mut times, mut empties): (Vec<_>, Vec<_>) =
            (0..runs).map(|_| (run(program, arguments), run(empty, &[]))).unzip();
        times.sort();
        empties.sort();
        let peak_kb = self.peak_kb(program, arguments, variables);
        Sample { min: times[0], median: times[runs / 2], empty_median: empties[runs / 2], peak_kb }
    }

    /// Peak memory, by GNU time where it is installed.
    fn peak_kb(&self, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Option<u64> {
        let mut words = vec!["-f", "%M", program.to_str()?];
        words.extend(arguments);
        let run = self.command(Path::new("/usr/bin/time"), &words, variables).stderr(Stdio::piped()).output().ok()?;
        String::from_utf8_lossy(&run.stderr).trim().lines().last()?.parse().ok()
    }

    /// From nothing to a session, the code given and the user's name known: one AssumeRole.
    pub(crate) fn cold(&self, program: &Path, store: (&str, &str), runs: usize) -> Sample {
        let config = self.config("3");
        let mut times: Vec<_> = (0..runs)
            .map(|_| {
                self.aws.advance(30);
                let code = self.aws.fresh_code(&self.aws.alice().mfa_serial);
                let arguments = ["credential-process", "-p", "admin", "--refresh", "--token-code", &code];
                let mut command = self.command(program, &arguments, &[store, ("AWS_CONFIG_FILE", &config)]);
                let start = Instant::now();
                assert!(command.status().expect("it runs").success(), "cold");
                start.elapsed()
            })
            .collect();
        times.sort();
        Sample { min: times[0], median: times[runs / 2], empty_median: times[0], peak_kb: None }
    }

    /// The stand-in's own answer time to the smallest request.
    pub(crate) fn round_trip(&self) -> Duration {
        let address = self.aws.endpoint().replace("http://", "");
        let mut stream = TcpStream::connect(&address).expect("it listens");
        let mut best = Duration::MAX;
        for _ in 0..20 {
            let start = Instant::now();
            write!(stream, "GET /_fake/clock HTTP/1.1\r\nhost: {address}\r\n\r\n").expect("it reads");
            let read = stream.read(&mut [0; 4096]).expect("it answers");
            assert!(read > 0);
            best = best.min(start.elapsed());
        }
        best
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for store in ["keyutils", "file"] {
            let _ = self.command(&program(), &["logout", "--all"], &[("MFA_RUN_KEYCHAIN", store)]).status();
        }
    }
}
