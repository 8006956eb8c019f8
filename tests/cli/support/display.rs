//! An X server without a screen, and xdotool for the person at it. Ends with the test.

use super::Tool;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Display {
    server: Child,
    pub(crate) name: String,
    xdotool: Tool,
}

impl Display {
    pub(crate) fn start() -> Option<Self> {
        let (server, xdotool) = (Tool::find("Xvfb")?, Tool::find("xdotool")?);
        let mut server = std::process::Command::new(server.path)
            .args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("an X server");
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("its stdout")).read_line(&mut number).expect("its number");
        Some(Self { server, name: format!(":{}", number.trim()), xdotool })
    }

    fn xdotool(&self, args: &[&str]) -> String {
        let mut command = std::process::Command::new(&self.xdotool.path);
        let output = command.args(args).env("DISPLAY", &self.name).output().expect("xdotool");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The window whose title fits the expression.
    pub(crate) fn window(&self, title: &str) -> Option<String> {
        self.xdotool(&["search", "--onlyvisible", "--name", title]).lines().next().map(str::to_owned)
    }

    /// Waits for the dialog, and gives it the keyboard.
    pub(crate) fn dialog(&self, title: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(window) = self.window(title) {
                self.xdotool(&["windowfocus", "--sync", &window]);
                return;
            }
            assert!(Instant::now() < until, "no dialog comes up");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn keys(&self, keys: &[&str]) {
        self.xdotool(&[&["key", "--delay", "30"], keys].concat());
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
