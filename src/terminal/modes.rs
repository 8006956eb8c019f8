//! The terminal's modes, where something of ours changes them: a password without echo, a list that is moved through by key.
//! Whatever ends us then, short of SIGKILL, they are put back first.

#[cfg(unix)]
pub use unix::{Modes, guarded, hand_signals_over, ignored_signals};
#[cfg(windows)]
pub use windows::{Modes, guarded};

#[cfg(unix)]
mod unix {
    use rustix::process::getpgrp;
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;
    use std::fs::File;
    use std::io::{self, Write};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};
    use std::time::Duration;

    /// The modes as they were, put back when this is dropped.
    #[derive(Debug)]
    pub struct Modes {
        device: File,
        saved: Termios,
    }

    impl Modes {
        /// Those of the terminal device; `None` where there is none.
        pub fn save() -> Option<Self> {
            let device = File::options().read(true).write(true).open("/dev/tty").ok()?;
            let saved = tcgetattr(&device).ok()?;
            Some(Self { device, saved })
        }

        /// Not from the background: the kernel would stop us.
        fn put_back(&self) {
            if tcgetpgrp(&self.device).is_ok_and(|group| group == getpgrp()) {
                let _ = tcsetattr(&self.device, OptionalActions::Now, &self.saved);
            }
        }

        fn show_cursor(&self) {
            let _ = (&self.device).write_all(b"\x1b[?25h");
        }
    }

    impl Drop for Modes {
        fn drop(&mut self) {
            self.put_back();
        }
    }

    /// What a question that is open has changed.
    #[derive(Debug)]
    struct Open {
        modes: Modes,
        hides_cursor: bool,
    }

    static OPEN: Mutex<Option<Open>> = Mutex::new(None);
    /// The signal that came last, set in its handler: a read that it interrupts sees it at once.
    static CAME: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);
    /// Somebody else hands the signals on.
    static HANDED_OVER: AtomicBool = AtomicBool::new(false);
    /// A list that is just being drawn is drawn to its end first.
    const DRAWING: Duration = Duration::from_millis(30);

    /// Has a person answer something that changes the modes, or hides the cursor. Ctrl-C, SIGTERM and SIGHUP put both right,
    /// then the process dies of the signal, so that shell loops stop.
    pub fn guarded<T>(hides_cursor: bool, ask: impl FnOnce() -> T) -> T {
        static WATCH: Once = Once::new();
        WATCH.call_once(watch);
        CAME.store(0, Ordering::SeqCst);
        *lock() = Modes::save().map(|modes| Open { modes, hides_cursor });
        let answer = ask();
        if let Ok(came @ 1..) = i32::try_from(CAME.load(Ordering::SeqCst)) {
            die_of(came);
        }
        *lock() = None;
        answer
    }

    /// From now on somebody else takes the signals.
    pub fn hand_signals_over() {
        HANDED_OVER.store(true, Ordering::SeqCst);
    }

    /// The mask of signals that are ignored, where the system tells it.
    pub fn ignored_signals() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    /// What is ignored stays ignored. A handler alone would not do: between two keys nobody looks whether it was called, and
    /// the question would hang until the next one.
    fn watch() {
        let ignored = ignored_signals().unwrap_or(0);
        let signals: Vec<i32> =
            [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0).collect();
        for signal in &signals {
            let value = usize::try_from(*signal).unwrap_or_default();
            let _ = signal_hook::flag::register_usize(*signal, Arc::clone(&CAME), value);
        }
        let watch = |mut signals: Signals| {
            for signal in signals.forever() {
                if HANDED_OVER.load(Ordering::SeqCst) {
                    continue;
                }
                if lock().is_some() {
                    std::thread::sleep(DRAWING);
                }
                die_of(signal);
            }
        };
        let started = Signals::new(signals).and_then(|signals| {
            std::thread::Builder::new().name("modes".into()).spawn(move || watch(signals)).map(drop)
        });
        let _: io::Result<()> = started;
    }

    fn die_of(signal: i32) {
        if let Some(open) = lock().take().filter(|open| open.hides_cursor) {
            open.modes.show_cursor();
        }
        let _ = emulate_default_handler(signal);
    }

    fn lock() -> std::sync::MutexGuard<'static, Option<Open>> {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(windows)]
mod windows {
    /// A console's modes are its program's own business.
    #[derive(Debug)]
    pub struct Modes;

    impl Modes {
        /// Nothing to save.
        pub fn save() -> Option<Self> {
            None
        }
    }

    /// Asks.
    pub fn guarded<T>(_hides_cursor: bool, ask: impl FnOnce() -> T) -> T {
        ask()
    }
}
