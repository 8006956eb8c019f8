//! Starts a program in a session of its own, with a terminal or without one.
//!
//! Becoming a session leader and taking a terminal happens between fork and exec, where only `unsafe` code can run. So
//! the test binary starts itself as a launcher: [`launcher`] is a test that does nothing unless it is started that way.
//! It gets the program's stdin, stdout, stderr and terminal over a socket. Without a terminal it becomes the program.
//! With one it stays, as a shell does: the program is a foreground job, and the terminal outlives it and can be looked at
//! (the kernel resets a terminal's modes when its session leader ends; a test of them would pass whatever happened).
#![cfg(unix)]

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MARK: &str = "MFA_RUN_TEST_LAUNCHER";

#[cfg(target_os = "linux")]
const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const RECEIVE: RecvFlags = RecvFlags::empty();

/// A launched program, seen from the test.
#[derive(Debug)]
pub(super) struct Launched {
    /// The launcher; without a terminal the program itself.
    pub(super) child: Child,
    pub(super) pid: u32,
    pub(super) started: Instant,
    messages: BufReader<UnixStream>,
}

/// What the launcher tells of a program on a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Stopped,
    /// As waitpid has it.
    Ended(i32),
}

/// `streams` are stdin, stdout and stderr. `late` is how long the program runs before it is given the terminal; fish
/// starts its jobs like that.
pub(super) fn launch<'v>(
    program: &[OsString],
    vars: impl IntoIterator<Item = (&'v OsString, &'v OsString)>,
    folder: &Path,
    streams: [OwnedFd; 3],
    terminal: Option<&OwnedFd>,
    late: Option<Duration>,
) -> Launched {
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    let child = Command::new(std::env::current_exe().expect("the test binary"))
        .args(["--exact", "support::launch::launcher", "--nocapture", "--test-threads=1"])
        .env_clear()
        .envs(vars)
        .env(MARK, late.unwrap_or_default().as_millis().to_string())
        .current_dir(folder)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the launcher starts");

    let words = program.iter().map(|word| word.as_bytes()).collect::<Vec<_>>().join(&0);
    let mut descriptors: Vec<_> = streams.iter().map(AsFd::as_fd).collect();
    descriptors.extend(terminal.map(AsFd::as_fd));
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let length = u32::try_from(words.len()).expect("a command line").to_ne_bytes();
    sendmsg(&ours, &[IoSlice::new(&length)], &mut control, SendFlags::empty()).expect("its streams are sent");
    (&ours).write_all(&words).expect("its words are sent");

    ours.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    let mut messages = BufReader::new(ours);
    let word = line(&mut messages).unwrap_or_else(|| panic!("the launcher did not start {program:?}"));
    let pid = word.strip_prefix("pid ").unwrap_or_else(|| panic!("the launcher can't start {program:?}: {word}"));
    Launched { child, pid: pid.parse().expect("a number"), started: Instant::now(), messages }
}

impl Launched {
    /// The next thing that happens to a program on a terminal; `None` where nothing does in that time.
    pub(super) fn next(&mut self, patience: Duration) -> Option<Event> {
        self.messages.get_ref().set_read_timeout(Some(patience)).expect("a time limit");
        match line(&mut self.messages)?.split_once(' ')? {
            ("stopped", _) => Some(Event::Stopped),
            ("ended", status) => status.parse().ok().map(Event::Ended),
            other => panic!("the launcher says {other:?}"),
        }
    }

    /// Ends the launcher and all that is left of its session, background jobs too.
    pub(super) fn end(mut self) {
        kill_session(self.child.id());
        let _ = self.messages.get_ref().shutdown(std::net::Shutdown::Both);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SIGKILL for every process of a session. Only Linux tells which those are; elsewhere the hang-up has to do.
pub(super) fn kill_session(leader: u32) {
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // Behind the name in parentheses: state, parent, process group, session.
        let session = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(3)).and_then(|id| id.parse().ok());
        if session == Some(leader) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn line(from: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    from.read_line(&mut line).ok()?;
    line.ends_with('\n').then(|| line.trim_end().to_owned())
}

/// Not a test: see the top of this file.
#[test]
#[expect(clippy::disallowed_methods, reason = "how it knows that it is the launcher")]
fn launcher() {
    let Ok(late) = std::env::var(MARK) else { return };
    let late = late.parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis);
    let socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().expect("the socket"));
    if let Err(error) = serve(&socket, late) {
        let _ = writeln!(&socket, "{error}");
    }
}

fn serve(mut socket: &UnixStream, late: Option<Duration>) -> std::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; 4];
    recvmsg(socket, &mut [IoSliceMut::new(&mut length)], &mut control, RECEIVE)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    let mut words = vec![0; u32::from_ne_bytes(length) as usize];
    socket.read_exact(&mut words)?;
    let words: Vec<_> = words.split(|byte| *byte == 0).map(OsStr::from_bytes).collect();

    let mut descriptors = descriptors.into_iter();
    let mut next = || descriptors.next().ok_or(std::io::ErrorKind::InvalidData);
    let (stdin, stdout, stderr) = (next()?, next()?, next()?);
    let terminal = next().ok();
    let prepare = |command: &mut Command| {
        command.env_remove(MARK).stdin(stdin).stdout(stdout).stderr(stderr);
    };

    rustix::process::setsid()?;
    let Some(terminal) = terminal else {
        let mut command = Command::new(words[0]);
        prepare(command.args(&words[1..]));
        writeln!(socket, "pid {}", std::process::id())?;
        return Err(command.exec());
    };

    rustix::process::ioctl_tiocsctty(&terminal)?;
    // It stops itself until it has the terminal, so that it never sees itself in the background.
    let script = if late.is_none() { "kill -STOP $$; exec \"$@\"" } else { "exec \"$@\"" };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).args(&words).process_group(0);
    prepare(&mut command);
    let child = command.spawn()?;
    drop(command);
    let pid = Pid::from_child(&child);
    match late {
        Some(late) => std::thread::sleep(late),
        None => drop(waitpid(Some(pid), WaitOptions::UNTRACED)?),
    }
    rustix::termios::tcsetpgrp(&terminal, pid)?;
    writeln!(socket, "pid {}", pid.as_raw_pid())?;
    kill_process(pid, Signal::CONT)?;
    loop {
        let Some((_, status)) = waitpid(Some(pid), WaitOptions::UNTRACED)? else { continue };
        if status.stopped() {
            writeln!(socket, "stopped {}", status.stopping_signal().unwrap_or_default())?;
        } else {
            writeln!(socket, "ended {}", status.as_raw())?;
            break;
        }
    }
    // Keeps the session alive until the test has seen enough.
    let _ = socket.read(&mut [0]);
    Ok(())
}

/// The words of a command line, as [`launch`] takes them.
pub(super) fn words(program: &OsStr, args: &[OsString]) -> Vec<OsString> {
    std::iter::once(OsString::from_vec(program.as_bytes().to_vec())).chain(args.iter().cloned()).collect()
}
