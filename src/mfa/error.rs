//! Why there is no code, with something to type.

use super::{Device, Prompt};
use crate::terminal::{escape, set_variable};
use std::fmt;
use std::process::ExitStatus;

/// Why there is nobody to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// `--no-prompt` or `MFA_RUN_PROMPT=never`.
    Forbidden,
    /// The process has no terminal: cron, CI, a service.
    NoTerminal,
    /// The terminal belongs to another job of the shell.
    Background,
    /// A dialog was asked for by name, and there is nowhere to show it.
    NoDisplay,
    /// A dialog was asked for by name, and its program is not on the PATH.
    NoProgram(&'static str),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden => f.write_str("prompts are turned off"),
            Self::NoTerminal => f.write_str("there is no terminal"),
            Self::Background => f.write_str("this runs in the background"),
            Self::NoDisplay => f.write_str("there is no display"),
            Self::NoProgram(program) => write!(f, "there is no {program} on the PATH"),
        }
    }
}

/// Why there is no code. None of these ever holds what a person or a program gave as one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("profile {} needs an MFA code from {}, and nobody can be asked: {why}", escape(profile), escape(serial))]
    NobodyToAsk { serial: String, profile: String, login: String, why: Why },
    #[error("cancelled")]
    Cancelled,
    #[error("no MFA code for profile {} came in time", escape(profile))]
    DeadlinePassed { profile: String, login: String },
    #[error("the terminal was closed while waiting for an MFA code")]
    TerminalClosed,
    #[error("nobody can be asked for a code: {}", Why::Background)]
    InBackground,
    #[error("can't use the terminal")]
    Terminal(#[source] std::io::Error),
    /// `origin` is `--token-code` or the name of the program.
    #[error("what {} gave is not a six-digit MFA code", escape(origin))]
    NotSixDigits { origin: String },
    /// `command` is the first word of `mfa_process`: the others may hold a secret.
    #[error("mfa_process `{}` failed: {status}", escape(command))]
    ProcessFailed { command: String, status: ExitStatus },
    #[error("can't run mfa_process `{}`", escape(command))]
    ProcessNotStarted {
        command: String,
        #[source]
        error: std::io::Error,
    },
    /// The dialog could not be shown, or what it gave is no answer.
    #[error("{program} cannot ask for the MFA code: {}", escape(reason))]
    DialogFailed { program: String, reason: String, login: String },
    #[error("MFA_RUN_PROMPT is `{}`, which is none of {}", escape(value), Prompt::names())]
    UnknownPrompt { value: String },
}

impl Error {
    pub(super) fn nobody(device: &Device<'_>, why: Why) -> Self {
        let (serial, profile) = (device.serial.into(), device.profile.into());
        Self::NobodyToAsk { serial, profile, login: device.login_command(), why }
    }

    pub(super) fn too_late(device: &Device<'_>) -> Self {
        Self::DeadlinePassed { profile: device.profile.into(), login: device.login_command() }
    }

    /// Something to type.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NobodyToAsk { login, .. } | Self::DialogFailed { login, .. } => {
                format!("in a terminal: {login}; or give the code with --token-code")
            }
            Self::DeadlinePassed { login, .. } => format!("get the session first: {login}"),
            Self::NotSixDigits { origin } if origin == "--token-code" => {
                "--token-code 123456, with the six digits the device shows now".into()
            }
            Self::NotSixDigits { .. } | Self::ProcessFailed { .. } | Self::ProcessNotStarted { .. } => {
                "run the command of mfa_process by hand: it has to print six digits and nothing else".into()
            }
            Self::UnknownPrompt { .. } => set_variable("MFA_RUN_PROMPT", "auto"),
            Self::InBackground => "run it in the foreground of a terminal: fg, or the same again".into(),
            Self::Cancelled | Self::TerminalClosed | Self::Terminal(_) => return None,
        })
    }
}
