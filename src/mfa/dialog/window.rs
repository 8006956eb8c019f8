//! Dialogs that are a command: the question goes in as arguments (or, on Windows, as variables), the answer comes out on stdout.

use super::{Answer, Kind, Question, child};
use crate::env::Env;
use crate::terminal::escape;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// The words are arguments of the handler: nothing of them is ever read as AppleScript.
const APPLESCRIPT: [&str; 4] = [
    "on run argv",
    "set answer to display dialog (item 1 of argv) with title (item 2 of argv) default answer \"\" \
     buttons {\"Cancel\", \"OK\"} default button \"OK\" cancel button \"Cancel\"",
    "return text returned of answer",
    "end run",
];

/// The words are variables: nothing of them is ever read as PowerShell, whose `-Command` puts arguments into the script.
const POWERSHELL: &str = "Add-Type -AssemblyName Microsoft.VisualBasic; \
     [Console]::Out.Write([Microsoft.VisualBasic.Interaction]::InputBox($env:MFA_DIALOG_TEXT, $env:MFA_DIALOG_TITLE))";

pub(super) fn ask(kind: Kind, program: &Path, question: &Question, env: &Env, deadline: Option<Instant>) -> Answer {
    // zenity's exit codes can be changed by variables
    let vars = env.vars_without_secrets().filter(|(name, _)| !name.as_encoded_bytes().starts_with(b"ZENITY_"));
    let mut command = Command::new(program);
    command.env_clear().envs(vars).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    arguments(&mut command, kind, question);
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let Some(finished) = child::finish(child, deadline, false) else { return Answer::TooLate };
    let complaint = String::from_utf8_lossy(&finished.complaint);
    match outcome(kind, finished.status, &complaint) {
        Outcome::Answered if kind == Kind::Windows && finished.printed.is_empty() => Answer::Cancelled,
        Outcome::Answered => Answer::Given(finished.printed),
        Outcome::Cancelled => Answer::Cancelled,
        Outcome::Failed => {
            let last = complaint.lines().rfind(|line| !line.trim().is_empty());
            Answer::Failed(last.map_or_else(|| finished.status.to_string(), |line| escape(line.trim()).into_owned()))
        }
    }
}

fn arguments(command: &mut Command, kind: Kind, question: &Question) {
    let text = question.lines();
    match kind {
        Kind::Zenity => {
            // no pango here, but mnemonics (`_`), and backslashes as in C
            let plain = text.replace('\\', "\\\\").replace('_', "__");
            command.args(["--entry", &format!("--title={}", question.title), &format!("--text={plain}")]);
        }
        Kind::Kdialog => {
            // Qt guesses whether a text is HTML; this one always is
            let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
            command.args(["--title", question.title, "--inputbox", &format!("<qt>{plain}</qt>"), ""]);
        }
        Kind::Osascript => {
            command.args(APPLESCRIPT.iter().flat_map(|line| ["-e", line]));
            command.args([&text, question.title]);
        }
        Kind::Windows => {
            command.args(["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", POWERSHELL]);
            command.env("MFA_DIALOG_TEXT", text).env("MFA_DIALOG_TITLE", question.title);
        }
        Kind::Pinentry => unreachable!("it has a protocol"),
    }
}

enum Outcome {
    Answered,
    Cancelled,
    Failed,
}

/// What the exit status means. The toolkits end with the status of a cancelled dialog where there is no display, too.
fn outcome(kind: Kind, status: ExitStatus, complaint: &str) -> Outcome {
    const NO_DISPLAY: [&str; 4] = ["open display", "connect to display", "Unable to init server", "no display"];
    match (kind, status.code()) {
        (_, Some(0)) => Outcome::Answered,
        (Kind::Osascript, Some(_)) if complaint.contains("(-128)") => Outcome::Cancelled,
        (Kind::Zenity | Kind::Kdialog, Some(1)) if !NO_DISPLAY.iter().any(|sign| complaint.contains(sign)) => {
            Outcome::Cancelled
        }
        _ => Outcome::Failed,
    }
}
