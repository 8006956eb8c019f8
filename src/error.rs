//! Every module's error becomes one here: three lines at most, an exit code, and something to type. The only printer of errors.

use crate::output::shell;
use crate::terminal::{escape, say};
use crate::{aws, config, keychain, mfa, profile, session};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// What a person is told when it did not work.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    cause: Option<String>,
    hint: Option<String>,
}

/// What went wrong, as the exit code tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failure = 1,
    Usage = 2,
    CodeNeeded = 3,
    Refused = 4,
    CannotExecute = 126,
    NotFound = 127,
    Cancelled = 130,
}

impl Error {
    /// Prints `error:`, `caused by:` and `hint:`; the exit code to end with.
    pub fn report(&self) -> ExitCode {
        say(&format!("error: {}", escape(&self.message)));
        if let Some(cause) = &self.cause {
            say(&format!("caused by: {}", escape(cause)));
        }
        if let Some(hint) = &self.hint {
            say(&format!("hint: {}", escape(hint)));
        }
        ExitCode::from(self.kind as u8)
    }

    /// The command line asks for what can't be.
    pub(crate) fn usage(message: &str, hint: &str) -> Self {
        Self::new(Kind::Usage, message).hint(Some(hint.into()))
    }

    /// stdout does not take the result.
    pub(crate) fn stdout(error: io::Error) -> Self {
        Self::new(Kind::Failure, "the result cannot be written to stdout").cause(error.to_string())
    }

    /// `--token-code -` finds nothing to read.
    pub(crate) fn stdin(error: io::Error) -> Self {
        Self::new(Kind::Failure, "the token code cannot be read from stdin").cause(error.to_string())
    }

    /// The endpoint of `serve` cannot be started.
    pub(crate) fn endpoint(error: io::Error) -> Self {
        Self::new(Kind::Failure, "the endpoint on 127.0.0.1 cannot be started").cause(error.to_string())
    }

    /// The wrapped command's end cannot be waited for.
    pub(crate) fn wait(error: io::Error) -> Self {
        Self::new(Kind::Failure, "the end of the command cannot be waited for").cause(error.to_string())
    }

    /// The browser does not open the console.
    pub(crate) fn browser(program: &str, cause: &str) -> Self {
        let error = Self::new(Kind::Failure, format!("{program} does not open the console")).cause(cause);
        error.hint(Some("mfa-run console --print, or --browser COMMAND".into()))
    }

    /// The index cannot be written.
    pub(crate) fn index(error: io::Error) -> Self {
        Self::new(Kind::Failure, "the index of cached sessions cannot be written").cause(error.to_string())
    }

    /// A record of `configure` cannot be written or removed.
    pub(crate) fn record(path: &Path, error: &io::Error) -> Self {
        let message = format!("the record {} cannot be changed", path.display());
        Self::new(Kind::Failure, message).cause(error.to_string())
    }

    /// A person is needed, and nobody is there.
    pub(crate) fn nobody(message: &str, hint: &str) -> Self {
        Self::new(Kind::CodeNeeded, message).hint(Some(hint.into()))
    }

    /// What AWS said, with something to type.
    pub(crate) fn aws(error: aws::Error, hint: Option<String>) -> Self {
        session::Error::Aws { error, hint }.into()
    }

    /// A file that was asked for cannot be written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::new(Kind::Failure, format!("{} cannot be written", path.display())).cause(error.to_string())
    }

    /// What `doctor --fix` does did not work.
    pub(crate) fn fix(what: &str, cause: &str) -> Self {
        Self::new(Kind::Failure, format!("{what} failed")).cause(cause)
    }

    /// The permissions of a file cannot be changed.
    #[cfg(unix)]
    pub(crate) fn mode(path: &Path, error: &io::Error) -> Self {
        let message = format!("the permissions of {} cannot be changed", path.display());
        Self::new(Kind::Failure, message).cause(error.to_string())
    }

    /// The keychain took an access key, and does not give it back.
    pub(crate) fn not_kept(id: &str, store: &str) -> Self {
        let error = Self::new(Kind::Failure, format!("the keychain did not keep access key {id}")).cause(store);
        error.hint(Some("MFA_RUN_KEYCHAIN=keys=file takes sealed files instead".into()))
    }

    /// AWS does not take a new access key yet.
    pub(crate) fn not_proven(new: &str, old: &str, cause: &str, command: &str) -> Self {
        let error = Self::new(Kind::Failure, format!("AWS does not take access key {new} yet; {old} stays in use"));
        error.cause(cause).hint(Some(format!("in some minutes: {command}")))
    }

    /// A person left a dialog.
    pub(crate) fn cancelled() -> Self {
        Self::new(Kind::Cancelled, "cancelled")
    }

    /// A dialog can't be shown.
    pub(crate) fn dialog(error: &dyn std::error::Error) -> Self {
        Self::new(Kind::Failure, "the terminal cannot be used").cause(error.to_string())
    }

    /// The exit code it ends with.
    pub(crate) fn code(&self) -> u8 {
        self.kind as u8
    }

    /// All of it in one line, for a log of lines.
    pub(crate) fn in_one_line(&self) -> String {
        let cause = self.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}{cause}{hint}", self.message)
    }

    /// What happened, in one line.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The wrapped command can't be run: 127 where there is no such program, 126 otherwise, as shells do.
    pub(crate) fn command(program: &str, error: &io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::CannotExecute };
        Self::new(kind, format!("{program} cannot be run")).cause(error.to_string())
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None, hint: None }
    }

    fn cause(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

impl From<config::Error> for Error {
    fn from(error: config::Error) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Self { cause, ..Self::new(Kind::Usage, error.to_string()) }
            .hint(Some("check AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and the files' permissions".into()))
    }
}

impl From<profile::Error> for Error {
    fn from(error: profile::Error) -> Self {
        Self::new(Kind::Usage, error.to_string()).hint(Some(error.hint()))
    }
}

impl From<keychain::Error> for Error {
    fn from(error: keychain::Error) -> Self {
        let kind = if error.is_usage() { Kind::Usage } else { Kind::Failure };
        Self::new(kind, error.to_string()).hint(Some(error.hint()))
    }
}

impl From<shell::Error> for Error {
    fn from(error: shell::Error) -> Self {
        Self::new(Kind::Usage, error.to_string()).hint(Some("mfa-run export --format json".into()))
    }
}

impl From<mfa::Error> for Error {
    fn from(error: mfa::Error) -> Self {
        session::Error::from(error).into()
    }
}

impl From<session::seed::Error> for Error {
    fn from(error: session::seed::Error) -> Self {
        use session::seed::Error as Seed;
        let kind = match &error {
            Seed::OneFactor { .. } | Seed::SeedIsKept { .. } => Kind::Usage,
            Seed::Keychain(error) if error.is_usage() => Kind::Usage,
            Seed::NotKept { .. } | Seed::Keychain(_) | Seed::Index(_) => Kind::Failure,
        };
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Self { cause, ..Self::new(kind, error.to_string()) }.hint(Some(error.hint()))
    }
}

impl From<session::Error> for Error {
    fn from(error: session::Error) -> Self {
        use mfa::Error as Code;
        let kind = match &error {
            session::Error::Code(Code::NobodyToAsk { .. } | Code::InBackground | Code::DialogFailed { .. }) => {
                Kind::CodeNeeded
            }
            session::Error::Code(Code::Cancelled | Code::TerminalClosed) => Kind::Cancelled,
            session::Error::Code(Code::UnknownPrompt { .. }) => Kind::Usage,
            // what a program printed is no mistake in the command line
            session::Error::Code(Code::NotSixDigits { origin }) if origin == "--token-code" => Kind::Usage,
            session::Error::Code(_) | session::Error::Busy { .. } => Kind::Failure,
            session::Error::Aws { error: aws::Error::Refused { .. }, .. } => Kind::Refused,
            session::Error::Aws { error: aws::Error::CaBundle { .. }, .. } => Kind::Usage,
            session::Error::SourceIsSession { .. } => Kind::Usage,
            session::Error::Keychain(error) if error.is_usage() => Kind::Usage,
            session::Error::Keychain(_) | session::Error::KeyNotKept { .. } => Kind::Failure,
            session::Error::Aws { .. } => Kind::Failure,
        };
        let cause = match &error {
            session::Error::Code(error) => std::error::Error::source(error).map(ToString::to_string),
            session::Error::Aws { error, .. } => error.cause().map(str::to_owned),
            session::Error::Keychain(error) => std::error::Error::source(error).map(ToString::to_string),
            // without the desktop's store in sight, it may be there
            session::Error::KeyNotKept { not_looked_into, .. } => not_looked_into.clone(),
            session::Error::Busy { .. } | session::Error::SourceIsSession { .. } => None,
        };
        Self { cause, ..Self::new(kind, error.to_string()) }.hint(error.hint())
    }
}
