//! A command still to be changed, one that runs, and what came of it.

use super::sandbox::Watch;
#[cfg(unix)]
use super::{
    launch::{self, Launched},
    pty::Pty,
};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; what hangs still ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command in a sandbox.
#[derive(Debug)]
#[must_use]
pub(crate) struct Command {
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) vars: BTreeMap<OsString, OsString>,
    pub(super) folder: PathBuf,
    pub(super) stdin: Stdin,
    pub(super) watched: Watched,
    pub(super) patience: Duration,
    pub(super) late: Option<Duration>,
}

#[derive(Debug)]
pub(super) enum Stdin {
    /// Nothing; on a terminal, the terminal.
    Default,
    Text(Vec<u8>),
    /// A pipe that nobody writes to and nobody closes.
    LeftOpen,
}

/// Whether and where planted secrets are looked for.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) watch: Watch,
    pub(super) may_print: bool,
    pub(super) name: String,
}

impl Command {
    pub(super) fn new(program: &OsStr, vars: &BTreeMap<OsString, OsString>, folder: &Path, watch: Watch) -> Self {
        let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            vars: vars.clone(),
            folder: folder.to_owned(),
            stdin: Stdin::Default,
            watched: Watched { watch, may_print: false, name },
            patience: PATIENCE,
            late: None,
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.vars.insert(name.into(), value.as_ref().to_owned());
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.vars.remove(OsStr::new(name));
        self
    }

    /// A pipe with this in it, then closed. Without it, stdin is empty, or the terminal.
    pub(crate) fn stdin(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdin = Stdin::Text(text.as_ref().to_owned());
        self
    }

    /// A pipe that stays open and empty, as the Java and JavaScript SDKs leave it: who reads it hangs.
    pub(crate) fn stdin_left_open(mut self) -> Self {
        self.stdin = Stdin::LeftOpen;
        self
    }

    pub(crate) fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = folder.as_ref().to_owned();
        self
    }

    /// For commands whose job is to print a session.
    pub(crate) fn may_print_secrets(mut self) -> Self {
        self.watched.may_print = true;
        self
    }

    /// How long it may take before the test fails.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// It runs in the background for this long before it is given the terminal, as fish starts a job.
    pub(crate) fn terminal_comes_late(mut self, late: Duration) -> Self {
        self.late = Some(late);
        self
    }

    /// Runs it to its end, without a terminal.
    pub(crate) fn run(self) -> Run {
        self.start().wait()
    }

    /// Starts it without a terminal.
    pub(crate) fn start(self) -> Running {
        let (stdin, feed) = self.stdin_stream();
        let (stdout, stdout_end) = Captured::pipe();
        let (stderr, stderr_end) = Captured::pipe();
        #[cfg(unix)]
        let process = {
            let words = launch::words(&self.program, &self.args);
            launch::launch(&words, &self.vars, &self.folder, [stdin, stdout_end, stderr_end], None, None)
        };
        #[cfg(windows)]
        let process = Launched {
            child: std::process::Command::new(&self.program)
                .args(&self.args)
                .env_clear()
                .envs(&self.vars)
                .current_dir(&self.folder)
                .stdin(stdin)
                .stdout(stdout_end)
                .stderr(stderr_end)
                .spawn()
                .expect("it starts"),
            started: Instant::now(),
        };
        Running { process, stdout, stderr, watched: self.watched, patience: self.patience, _feed: feed }
    }

    /// Starts it at a terminal; stdout and stderr are pipes, as an SDK has them.
    #[cfg(unix)]
    pub(crate) fn on_terminal(self) -> Pty {
        Pty::start(self, false)
    }

    /// Starts it with stdout and stderr on the terminal too, as a person does.
    #[cfg(unix)]
    pub(crate) fn all_on_terminal(self) -> Pty {
        Pty::start(self, true)
    }

    /// What to give as stdin, and what has to be kept so that it stays open.
    pub(super) fn stdin_stream(&self) -> (Stream, Option<std::io::PipeWriter>) {
        if let Stdin::Default = self.stdin {
            let null = if cfg!(windows) { "NUL" } else { "/dev/null" };
            return (std::fs::File::open(null).expect("nothing").into(), None);
        }
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let Stdin::Text(text) = &self.stdin else { return (reader.into(), Some(writer)) };
        let text = text.clone();
        std::thread::spawn(move || writer.write_all(&text));
        (reader.into(), None)
    }
}

#[cfg(unix)]
pub(super) type Stream = std::os::fd::OwnedFd;
#[cfg(windows)]
pub(super) type Stream = std::os::windows::io::OwnedHandle;

#[cfg(windows)]
#[derive(Debug)]
struct Launched {
    child: std::process::Child,
    started: Instant,
}

/// A command that runs without a terminal.
#[derive(Debug)]
#[must_use]
pub(crate) struct Running {
    process: Launched,
    stdout: Captured,
    stderr: Captured,
    watched: Watched,
    patience: Duration,
    _feed: Option<std::io::PipeWriter>,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// SIGKILL, to it alone.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.child.kill();
    }

    /// What it printed so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.child.try_wait().expect("its state").is_none()
    }

    /// Waits for its end; fails the test where that takes too long.
    pub(crate) fn wait(mut self) -> Run {
        let started = self.process.started;
        let mut pause = Duration::from_micros(200);
        let status = loop {
            if let Some(status) = self.process.child.try_wait().expect("its state") {
                break status;
            }
            if started.elapsed() > self.patience {
                self.end();
                let (out, err) = (self.stdout.text(), self.stderr.text());
                panic!("{} runs for more than {:?}\nstdout: {out}\nstderr: {err}", self.watched.name, self.patience);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        };
        let elapsed = started.elapsed();
        for stream in [&self.stdout, &self.stderr] {
            assert!(
                stream.closed(Duration::from_secs(5)),
                "{} ended, but something it started holds its output",
                self.watched.name
            );
        }
        Run::new(&self.watched, status, elapsed, &[&self.stdout, &self.stderr], None)
    }

    fn end(&mut self) {
        #[cfg(unix)]
        launch::kill_session(self.process.child.id());
        let _ = self.process.child.kill();
        let _ = self.process.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.process.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.end();
        }
    }
}

/// How a command ended and what it printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What the terminal showed, typed text included; empty without one.
    pub(crate) screen: String,
    pub(crate) elapsed: Duration,
    name: String,
}

impl Run {
    /// Looks for planted secrets on the way. `screen` comes with what the test typed.
    pub(super) fn new(
        watched: &Watched,
        status: ExitStatus,
        elapsed: Duration,
        streams: &[&Captured],
        screen: Option<(&Captured, &[u8])>,
    ) -> Self {
        let take = |name: &str, stream: Option<&Captured>, typed: &[u8]| {
            let bytes = stream.map(Captured::bytes).unwrap_or_default();
            if !watched.may_print {
                watched.watch.look_at(&format!("{name} of {}", watched.name), &bytes, typed);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self {
            status,
            stdout: take("stdout", streams.first().copied(), &[]),
            stderr: take("stderr", streams.get(1).copied(), &[]),
            screen: take("the screen", screen.map(|(screen, _)| screen), screen.map_or(&[], |(_, typed)| typed)),
            elapsed,
            name: watched.name.clone(),
        }
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    #[cfg(unix)]
    pub(crate) fn signal(&self) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&self.status)
    }

    /// Fails the test, with all that was printed, unless it ended with this exit code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert!(self.code() == Some(code), "expected exit code {code}\n{}", self.report());
        self
    }

    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.expect_code(0)
    }

    /// Fails the test unless it ended with this exit code, an empty stdout, and `error:` with at most a cause and a hint.
    #[track_caller]
    pub(crate) fn error(self, code: i32) -> Self {
        let run = self.expect_code(code);
        let count = |start: &str| run.stderr.lines().filter(|line| line.starts_with(start)).count();
        let shape = (count("error: "), count("caused by: ") <= 1, count("hint: ") <= 1);
        assert!(shape == (1, true, true) && run.stdout.is_empty(), "no proper error\n{}", run.report());
        run
    }

    /// Fails the test unless stderr holds all of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "stderr does not say `{part}`\n{}", self.report());
        }
        self
    }

    /// All of it, for a failing test.
    pub(crate) fn report(&self) -> String {
        let mut report = format!("{}: {} after {:?}", self.name, self.status, self.elapsed);
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr), ("screen", &self.screen)] {
            if !text.is_empty() {
                let _ = write!(report, "\n--- {name}\n{}", text.trim_end());
            }
        }
        report
    }
}

/// What a stream brought so far, filled by a thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Captured(Arc<(Mutex<Collected>, Condvar)>);

#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) bytes: Vec<u8>,
    pub(super) closed: bool,
}

impl Captured {
    /// A pipe, read until its last writer closes it.
    pub(super) fn pipe() -> (Self, Stream) {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let captured = Self::default();
        let filled = captured.clone();
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                filled.add(&chunk[..count]);
            }
            filled.close();
        });
        (captured, writer.into())
    }

    pub(super) fn add(&self, bytes: &[u8]) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).bytes.extend_from_slice(bytes);
        self.0.1.notify_all();
    }

    pub(super) fn close(&self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.0.1.notify_all();
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).bytes.clone()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    pub(super) fn closed(&self, patience: Duration) -> bool {
        self.wait_for(patience, |collected| collected.closed.then_some(())).is_some()
    }

    /// Waits until `found` finds something.
    pub(super) fn wait_for<T>(&self, patience: Duration, mut found: impl FnMut(&Collected) -> Option<T>) -> Option<T> {
        let until = Instant::now() + patience;
        let mut collected = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = found(&collected) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            collected = self.0.1.wait_timeout(collected, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
