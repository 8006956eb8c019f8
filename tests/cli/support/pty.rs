//! A real terminal, with a program at it and a test in front of it.

use super::launch::{self, Event, Launched};
use super::run::{Captured, Command, Run, Stdin, Watched};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long `expect` waits.
const PATIENCE: Duration = Duration::from_secs(20);
/// Follows the last output through the terminal; all before it has arrived when it does.
const END: &[u8] = b"\x00end of output\x00";

#[cfg(target_os = "linux")]
const OPEN: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY).union(OpenptFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const OPEN: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY);

#[derive(Debug)]
pub(crate) struct Pty {
    launched: Option<Launched>,
    master: Option<Arc<OwnedFd>>,
    slave: OwnedFd,
    reader: Option<JoinHandle<()>>,
    hung_up: Arc<AtomicBool>,
    screen: Captured,
    /// Empty where stdout and stderr are on the terminal.
    streams: Vec<Captured>,
    /// Up to where the screen has been expected.
    seen: usize,
    typed: Vec<u8>,
    watched: Watched,
    patience: Duration,
    _feed: Option<std::io::PipeWriter>,
}

impl Pty {
    pub(super) fn start(command: Command, all_on_terminal: bool) -> Self {
        let master = openpt(OPEN).expect("a terminal");
        rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let path = ptsname(&master, Vec::new()).expect("its name");
        let slave =
            rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("a terminal");
        let size = rustix::termios::Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&slave, size).expect("its size");

        let (stdin, feed) = match command.stdin {
            Stdin::Default => (slave.try_clone().expect("the terminal"), None),
            _ => command.stdin_stream(),
        };
        let mut streams = Vec::new();
        let [stdout, stderr] = [(); 2].map(|()| {
            if all_on_terminal {
                return slave.try_clone().expect("the terminal");
            }
            let (captured, end) = Captured::pipe();
            streams.push(captured);
            end
        });

        let master = Arc::new(master);
        let (screen, hung_up) = (Captured::default(), Arc::new(AtomicBool::new(false)));
        let reader = read(Arc::clone(&master), screen.clone(), Arc::clone(&hung_up));
        let words = launch::words(&command.program, &command.args);
        let launched =
            launch::launch(&words, &command.vars, &command.folder, [stdin, stdout, stderr], Some(&slave), command.late);
        Self {
            launched: Some(launched),
            master: Some(master),
            slave,
            reader: Some(reader),
            hung_up,
            screen,
            streams,
            seen: 0,
            typed: Vec::new(),
            watched: command.watched,
            patience: command.patience,
            _feed: feed,
        }
    }

    /// Waits until the terminal shows this, after what was expected before.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        assert!(self.shows_within(text, PATIENCE), "the terminal does not show `{text}`\n{}", self.report());
        self
    }

    /// Whether it shows this in that time; if so, it counts as expected.
    pub(crate) fn shows_within(&mut self, text: &str, patience: Duration) -> bool {
        let seen = self.seen;
        let found = self.screen.wait_for(patience, |screen| {
            screen.bytes[seen..].windows(text.len()).position(|window| window == text.as_bytes())
        });
        self.seen += found.map_or(0, |at| at + text.len());
        found.is_some()
    }

    /// Types these characters.
    pub(crate) fn send(&mut self, text: &str) -> &mut Self {
        self.typed.extend_from_slice(text.as_bytes());
        let master = self.master.as_ref().expect("the terminal is open");
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            rest = &rest[rustix::io::write(master, rest).expect("typing")..];
        }
        self
    }

    /// Types a line and Enter.
    pub(crate) fn send_line(&mut self, text: &str) -> &mut Self {
        self.send(&format!("{text}\r"))
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&mut self) -> &mut Self {
        self.send("\x03")
    }

    /// Ctrl-Z.
    pub(crate) fn suspend(&mut self) -> &mut Self {
        self.send("\x1a")
    }

    /// Ctrl-D.
    pub(crate) fn end_of_file(&mut self) -> &mut Self {
        self.send("\x04")
    }

    /// All the terminal showed so far.
    pub(crate) fn screen(&self) -> String {
        self.screen.text()
    }

    /// What came on stdout so far, where that is a pipe.
    pub(crate) fn stdout(&self) -> String {
        self.streams.first().map(Captured::text).unwrap_or_default()
    }

    /// The terminal's modes, `stty -a`.
    pub(crate) fn stty(&self) -> String {
        let stdin = self.slave.try_clone().expect("the terminal");
        let output = std::process::Command::new("stty").arg("-a").stdin(stdin).output().expect("stty");
        assert!(output.status.success(), "stty: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Another window size.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.slave, size).expect("its size");
    }

    /// The program's process.
    pub(crate) fn id(&self) -> u32 {
        self.launched().pid
    }

    /// Sends it a signal.
    pub(crate) fn kill(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("the program runs");
    }

    /// Whether it stops (Ctrl-Z) in that time.
    pub(crate) fn stops_within(&mut self, patience: Duration) -> bool {
        match self.launched.as_mut().expect("it runs").next(patience) {
            Some(Event::Stopped) => true,
            None => false,
            Some(Event::Ended(_)) => panic!("it ended\n{}", self.report()),
        }
    }

    /// Waits for the program's end. The terminal stays, to be looked at.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Run {
        let (started, until) = (self.launched().started, Instant::now() + self.patience);
        let status = loop {
            match self
                .launched
                .as_mut()
                .expect("it runs")
                .next(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
            {
                Some(Event::Ended(status)) => break ExitStatus::from_raw(status),
                Some(Event::Stopped) => {}
                None => panic!("it runs for more than {:?}\n{}", self.patience, self.report()),
            }
        };
        let elapsed = started.elapsed();
        for stream in &self.streams {
            assert!(
                stream.closed(Duration::from_secs(5)),
                "it ended, but something it started holds its output\n{}",
                self.report()
            );
        }
        if self.typed.contains(&0x13) {
            // Held with Ctrl-S; our own line would wait for ever.
            self.send("\x11");
        }
        let _ = rustix::io::write(&self.slave, END);
        let find = |bytes: &[u8]| bytes.windows(END.len()).position(|window| window == END);
        self.screen.wait_for(Duration::from_secs(5), |screen| find(&screen.bytes));
        let screen = Captured::default();
        let bytes = self.screen.bytes();
        screen.add(&bytes[..find(&bytes).unwrap_or(bytes.len())]);
        Run::new(&self.watched, status, elapsed, &self.streams.iter().collect::<Vec<_>>(), Some((&screen, &self.typed)))
    }

    /// Closes the terminal window. Whether all that held stdout and stderr was gone within that time.
    pub(crate) fn hang_up(&mut self, patience: Duration) -> bool {
        self.close();
        self.streams.iter().all(|stream| stream.closed(patience))
    }

    fn close(&mut self) {
        self.hung_up.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.master = None;
    }

    fn launched(&self) -> &Launched {
        self.launched.as_ref().expect("it was started")
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.launched().pid.try_into().expect("a pid")).expect("a pid")
    }

    fn report(&self) -> String {
        let mut report = format!("--- screen of {}\n{}", self.watched.name, self.screen());
        for (name, stream) in ["stdout", "stderr"].iter().zip(&self.streams) {
            report += &format!("\n--- {name}\n{}", stream.text());
        }
        report
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.close();
        if let Some(launched) = self.launched.take() {
            launched.end();
        }
    }
}

/// Fills the screen. Looks now and then whether the terminal is to be closed: a blocked read would keep it open.
fn read(master: Arc<OwnedFd>, screen: Captured, hung_up: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        let look = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        while !hung_up.load(Ordering::Relaxed) {
            let ready = poll(&mut [PollFd::new(&master.as_fd(), PollFlags::IN)], Some(&look));
            if ready.is_ok_and(|count| count > 0) {
                match rustix::io::read(&*master, &mut chunk) {
                    Ok(count @ 1..) => screen.add(&chunk[..count]),
                    _ => break,
                }
            }
        }
        screen.close();
    })
}
