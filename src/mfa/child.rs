//! A program that is to give a code: what it prints is read beside it, and it ends at the deadline.

use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// More than any program prints around six digits.
const LONGEST_OUTPUT: u64 = 64 * 1024;
/// A program told to end may have to put the terminal right first.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a program printed and how it ended.
pub(super) struct Finished {
    pub(super) printed: Zeroizing<Vec<u8>>,
    /// Its stderr, where that is a pipe.
    pub(super) complaint: Zeroizing<Vec<u8>>,
    pub(super) status: ExitStatus,
}

/// Waits for its end; `None` where the deadline passes first, and then it has been ended, with all that it started if it has a
/// process group of its own.
pub(super) fn finish(mut child: Child, deadline: Option<Instant>, own_group: bool) -> Option<Finished> {
    let printed = child.stdout.take().map(read_all);
    let complaint = child.stderr.take().map(read_all);
    let Some((printed, status)) = wait(&mut child, printed, deadline) else {
        end(&mut child, own_group);
        return None;
    };
    // a program that it left behind may hold its stderr
    let complaint = complaint.and_then(|complaint| complaint.recv_timeout(LAST_WORDS).ok()).unwrap_or_default();
    Some(Finished { printed, complaint, status })
}

fn read_all(from: impl Read + Send + 'static) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Zeroizing::new(Vec::with_capacity(4096));
        let mut from = from.take(LONGEST_OUTPUT);
        let _ = from.read_to_end(&mut all);
        let _ = sender.send(all);
    });
    receiver
}

fn wait(
    child: &mut Child,
    printed: Option<Receiver<Zeroizing<Vec<u8>>>>,
    deadline: Option<Instant>,
) -> Option<(Zeroizing<Vec<u8>>, ExitStatus)> {
    let printed = printed?;
    let Some(deadline) = deadline else {
        return Some((printed.recv().ok()?, child.wait().ok()?));
    };
    let printed = printed.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?;
    Some((printed, wait_until(child, deadline)?))
}

fn wait_until(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends it and, where it has a process group of its own, all that it started.
pub(super) fn end(child: &mut Child, own_group: bool) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process, kill_process_group};
        let pid = Pid::from_child(child);
        let kill = |signal| if own_group { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
        let _ = kill(Signal::TERM);
        let _ = wait_until(child, Instant::now() + LAST_WORDS);
        if own_group {
            let _ = kill(Signal::KILL);
        }
    }
    let _ = own_group;
    let _ = child.kill();
    let _ = child.wait();
}
