//! A program that is to give a code or a passphrase: what it prints is read beside it, and it ends at the deadline.

use std::io::{ErrorKind, Read};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// More than any program prints around six digits or a passphrase.
const LONGEST_OUTPUT: usize = 64 * 1024;
/// A program told to end may have to put the terminal right first; of one that has ended something may still be unread.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a program printed and how it ended.
pub(crate) struct Finished {
    pub(crate) printed: Zeroizing<Vec<u8>>,
    /// Its stderr, where that is a pipe.
    pub(crate) complaint: Zeroizing<Vec<u8>>,
    pub(crate) status: ExitStatus,
}

/// Waits for its end, not for that of what it leaves behind; `None` where the deadline passes first, and then it has been
/// ended, with all that it started if it has a process group of its own.
pub(crate) fn finish(mut child: Child, deadline: Option<Instant>, own_group: bool) -> Option<Finished> {
    let printed = child.stdout.take().map(read_beside);
    let complaint = child.stderr.take().map(read_beside);
    let status = match deadline {
        Some(deadline) => wait_until(&mut child, deadline),
        None => child.wait().ok(),
    };
    let Some(status) = status else {
        end(&mut child, own_group);
        return None;
    };
    // a program that it left behind may hold either open
    let until = Instant::now() + LAST_WORDS;
    let all = |chunks: Option<Receiver<_>>| chunks.map(|chunks| gather(&chunks, until)).unwrap_or_default();
    Some(Finished { printed: all(printed), complaint: all(complaint), status })
}

/// Reads until the end, or until nobody takes what is read.
fn read_beside(from: impl Read + Send + 'static) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut from = from.take(LONGEST_OUTPUT as u64);
        loop {
            let mut chunk = Zeroizing::new(vec![0; 4096]);
            match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(size) => chunk.truncate(size),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            }
            if sender.send(chunk).is_err() {
                break;
            }
        }
    });
    receiver
}

fn gather(chunks: &Receiver<Zeroizing<Vec<u8>>>, until: Instant) -> Zeroizing<Vec<u8>> {
    // It never grows: growing would leave a copy behind that nobody wipes.
    let mut all = Zeroizing::new(Vec::with_capacity(LONGEST_OUTPUT));
    while let Ok(chunk) = chunks.recv_timeout(until.saturating_duration_since(Instant::now())) {
        all.extend_from_slice(&chunk);
    }
    all
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
pub(crate) fn end(child: &mut Child, own_group: bool) {
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
