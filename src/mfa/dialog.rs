//! Dialogs, where there is no terminal and somebody looks at a display: an editor, a file manager, a service of the desktop.
//!
//! The programs are the desktop's own. They get the question as text that is nothing but text (each has its own markup, and a
//! profile may have any name), and no secret: neither in their arguments nor in their environment.

mod pinentry;
mod window;

use super::{Asking, Device, Error, Why};
use crate::child;
use crate::credentials::TokenCode;
use crate::env::Env;
use crate::terminal::{debug, escape};
use std::path::PathBuf;
use std::time::Instant;
use zeroize::Zeroizing;

/// A program that answers at once with something else is broken, and nobody would want to see it any more often.
const ATTEMPTS: usize = 5;
/// More than fits a dialog, and less than a line of the pinentry protocol takes.
const LONGEST: usize = 240;

/// The dialogs that `MFA_RUN_PROMPT` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pinentry,
    Zenity,
    Kdialog,
    Osascript,
    Windows,
}

/// A dialog's program, found on the `PATH`.
#[derive(Debug)]
pub(super) struct Program {
    kind: Kind,
    path: PathBuf,
}

/// What is shown.
struct Question {
    title: &'static str,
    /// Why it is asked again, above the question.
    notice: Option<String>,
    text: String,
}

impl Question {
    /// All of it, a line each.
    fn lines(&self) -> String {
        self.notice.iter().map(|notice| format!("{notice}\n")).chain([self.text.clone()]).collect()
    }
}

/// What came of it.
enum Answer {
    Given(Zeroizing<Vec<u8>>),
    Cancelled,
    TooLate,
    /// It could not be shown.
    Failed(String),
}

/// Graphical ones. `pinentry` itself is whichever the system's administrator chose, often the one for terminals.
const PINENTRIES: [&str; 8] = [
    "pinentry-gnome3",
    "pinentry-qt",
    "pinentry-qt6",
    "pinentry-qt5",
    "pinentry-gtk-2",
    "pinentry-x11",
    "pinentry-fltk",
    "pinentry-mac",
];

impl Kind {
    /// The programs to try for it, in their order.
    pub(super) fn programs(self, env: &Env) -> Result<Vec<Program>, Why> {
        let display = has_display(env);
        let names: Vec<&'static str> = match self {
            Self::Zenity | Self::Kdialog if !display => return Err(Why::NoDisplay),
            Self::Pinentry if display => {
                ["pinentry"].into_iter().chain(PINENTRIES).chain(["pinentry-curses", "pinentry-tty"]).collect()
            }
            Self::Pinentry => {
                super::tty::Terminal::open()?;
                vec!["pinentry", "pinentry-curses", "pinentry-tty"]
            }
            Self::Zenity => vec!["zenity"],
            Self::Kdialog => vec!["kdialog"],
            Self::Osascript => vec!["osascript"],
            Self::Windows => vec!["powershell", "pwsh"],
        };
        let found = |name: &&str| Some(Program { kind: self, path: env.program(name)? });
        let programs: Vec<_> = names.iter().filter_map(found).collect();
        if programs.is_empty() { Err(Why::NoProgram(names[0])) } else { Ok(programs) }
    }
}

/// The dialogs to try where nobody named one; none where there is no display.
pub(super) fn for_display(env: &Env) -> Vec<Program> {
    let find = |kinds: &[Kind]| kinds.iter().filter_map(|kind| kind.programs(env).ok()).flatten().collect();
    if cfg!(target_vendor = "apple") {
        // over ssh the dialog would be on the screen of somebody else, or nowhere
        return if env.var_os("SSH_CONNECTION").is_some() { vec![] } else { find(&[Kind::Osascript]) };
    }
    if cfg!(windows) {
        return find(&[Kind::Windows]);
    }
    if !has_display(env) {
        return vec![];
    }
    let kde = env.var("XDG_CURRENT_DESKTOP").is_some_and(|desktop| desktop.split(':').any(|name| name == "KDE"));
    let mut programs: Vec<Program> =
        find(if kde { &[Kind::Kdialog, Kind::Zenity] } else { &[Kind::Zenity, Kind::Kdialog] });
    let graphical = |name: &&str| Some(Program { kind: Kind::Pinentry, path: env.program(name)? });
    programs.extend(PINENTRIES.iter().filter_map(graphical));
    programs
}

fn has_display(env: &Env) -> bool {
    cfg!(any(windows, target_vendor = "apple"))
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env.var_os(name).is_some())
}

/// Asks until six digits come, with the first of the programs that can.
pub(super) fn ask(
    programs: &[Program],
    device: &Device<'_>,
    notice: Option<&str>,
    asking: &Asking<'_>,
) -> Result<TokenCode, Error> {
    let mut question = Question {
        title: "mfa-run",
        notice: notice.map(|notice| short(&escape(notice))),
        text: format!("MFA code for {} (profile {}):", short(&escape(device.serial)), short(&escape(device.profile))),
    };
    let mut failed = None;
    for program in programs {
        match ask_with(program, device, &mut question, asking) {
            Err(error @ Error::DialogFailed { .. }) => {
                debug(|| error.to_string());
                failed.get_or_insert(error);
            }
            answer => return answer,
        }
    }
    Err(failed.unwrap_or_else(|| Error::nobody(device, Why::NoDisplay)))
}

fn ask_with(
    program: &Program,
    device: &Device<'_>,
    question: &mut Question,
    asking: &Asking<'_>,
) -> Result<TokenCode, Error> {
    let failed = |reason: String| {
        let program = program.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Error::DialogFailed { program, reason, login: device.login_command() }
    };
    for _ in 0..ATTEMPTS {
        let answer = match program.kind {
            Kind::Pinentry => pinentry::ask(&program.path, question, asking.env, asking.deadline),
            kind => window::ask(kind, &program.path, question, asking.env, asking.deadline),
        };
        match answer {
            Answer::Given(text) => {
                if let Some(code) = std::str::from_utf8(&text).ok().and_then(TokenCode::parse) {
                    return Ok(code);
                }
                question.notice = Some("An MFA code is six digits.".into());
            }
            Answer::Cancelled => return Err(Error::Cancelled),
            Answer::TooLate => return Err(Error::too_late(device)),
            Answer::Failed(reason) => return Err(failed(reason)),
        }
    }
    Err(failed("what it gave was never six digits".into()))
}

/// The beginning of what nobody would read to its end.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Seconds to go, at least one.
fn seconds_left(deadline: Instant) -> u64 {
    deadline.saturating_duration_since(Instant::now()).as_secs().max(1)
}
