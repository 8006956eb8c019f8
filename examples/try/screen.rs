//! What the person sees: slides, commands, and the device's code in the first line of the terminal, live.

use mfa_run::env::Env;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What fits into 80 columns, indented.
const WIDTH: usize = 73;

#[derive(Debug)]
pub(crate) struct Screen {
    /// Somebody is there to type.
    interactive: bool,
    /// The terminal can move its cursor.
    movable: bool,
    colour: bool,
    device: Mutex<Option<Device>>,
}

#[derive(Debug)]
struct Device {
    stop: Arc<AtomicBool>,
    ticker: JoinHandle<()>,
}

impl Screen {
    pub(crate) fn new(env: &Env, yes: bool) -> Self {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let interactive = terminal && !yes && env.var("CI").is_none();
        let clever = env.var("TERM").is_some_and(|term| term != "dumb") || cfg!(windows);
        let colour = std::io::stdout().is_terminal() && clever && env.var("NO_COLOR").is_none();
        Self { interactive, movable: interactive && clever, colour, device: Mutex::default() }
    }

    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Whether the device's code is on the screen all the time.
    pub(crate) fn is_live(&self) -> bool {
        self.movable
    }

    /// A new page. What was there before is scrolled away, not wiped.
    pub(crate) fn slide(&self, title: &str) {
        if self.movable {
            let rows = "\n".repeat(24);
            write(&format!("\x1b[999;1H{rows}\x1b[2J\x1b[3;1H"));
        } else {
            write("\n");
        }
        write(&format!("{}\n\n", self.bold(title)));
    }

    pub(crate) fn say(&self, text: &str) {
        write(&format!("{text}\n"));
    }

    /// A command as the person would type it.
    pub(crate) fn command(&self, line: &str) {
        write(&format!("{}\n", self.bold(&format!("$ {line}"))));
    }

    /// What a program printed, or a file holds; long lines are folded at spaces.
    pub(crate) fn quote(&self, text: &str) {
        for line in text.lines() {
            let mut rest = line;
            while let Some(fold) = rest.get(..WIDTH).and_then(|line| line.trim_end().rfind(' ')).filter(|at| *at > 0) {
                write(&format!("    {}\n  ", &rest[..fold]));
                rest = &rest[fold + 1..];
            }
            write(&format!("{}{rest}\n", if rest.is_empty() { "" } else { "    " }));
        }
    }

    /// Enter goes on; the end of the input too.
    pub(crate) fn wait(&self, to: &str) {
        if self.interactive {
            write(&format!("\n[Enter] to {to}, [Ctrl-C] to stop "));
            let _ = std::io::stdin().lock().read_line(&mut String::new());
        }
    }

    /// Keeps the first line of the terminal up to date with what this says.
    pub(crate) fn show_device(&self, line: impl Fn() -> String + Send + 'static) {
        if !self.movable {
            return;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, reverse) = (Arc::clone(&stop), if self.colour { "\x1b[7m" } else { "" });
        let ticker = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // in one piece, and the cursor is where it was: the prompt below belongs to another program
                write(&format!("\x1b7\x1b[1;1H{reverse}{}\x1b[0m\x1b[K\x1b8", line()));
                std::thread::sleep(Duration::from_millis(250));
            }
        });
        *self.device.lock().unwrap_or_else(PoisonError::into_inner) = Some(Device { stop, ticker });
    }

    pub(crate) fn hide_device(&self) {
        if let Some(device) = self.device.lock().unwrap_or_else(PoisonError::into_inner).take() {
            device.stop.store(true, Ordering::Relaxed);
            let _ = device.ticker.join();
            write("\x1b7\x1b[1;1H\x1b[K\x1b8");
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// To stdout, at once. Whoever closed it does not want to know.
pub(crate) fn write(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
