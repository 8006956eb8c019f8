//! What can go wrong with a keychain. Fields say where; none ever holds a secret, a passphrase or a command line.

use crate::terminal::quote;
use std::io;
use std::path::PathBuf;

/// Where a passphrase came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassphraseSource {
    /// `MFA_RUN_PASSPHRASE`
    Variable,
    /// `MFA_RUN_PASSPHRASE_COMMAND`
    Command,
    /// A person at the terminal.
    Prompt,
}

impl PassphraseSource {
    fn words(self) -> &'static str {
        match self {
            Self::Variable => "MFA_RUN_PASSPHRASE",
            Self::Command => "MFA_RUN_PASSPHRASE_COMMAND",
            Self::Prompt => "the terminal",
        }
    }
}

/// Why a keychain did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `MFA_RUN_KEYCHAIN=sesame`
    #[error("MFA_RUN_KEYCHAIN: no store is called `{}`", crate::terminal::escape(.value))]
    UnknownStore { value: String },
    /// `MFA_RUN_KEYCHAIN=session=file`
    #[error("MFA_RUN_KEYCHAIN: `{}` is no kind of secret", crate::terminal::escape(.kind))]
    UnknownKind { kind: String },
    /// `MFA_RUN_KEYCHAIN=keys=keyutils`
    #[error("MFA_RUN_KEYCHAIN: the kernel keyring forgets at logout, and an access key cannot be made again")]
    ForgetsKeys,
    /// No home and no data folder to keep a sealed file in.
    #[error("no folder to keep sealed files in")]
    NoFolder,
    /// Larger than the kernel keyring can hold.
    #[error("{size} bytes are too many for one item; {} fit", super::LIMIT)]
    TooLong { size: usize },
    /// seccomp (EPERM), a kernel without keyrings (ENOSYS) or a key of somebody else's (EACCES).
    #[error("the kernel keyring is blocked here ({reason})")]
    KeyringBlocked { reason: &'static str },
    /// EDQUOT with nothing left to make room with.
    #[error("the kernel keyring is full (EDQUOT)")]
    KeyringFull,
    /// Anything else the kernel said.
    #[error("the kernel keyring: {reason}")]
    Keyring { reason: String },
    /// Not there, or cannot be reached: no desktop, no session bus, nothing installed.
    #[error("there is no {store} here: {reason}")]
    StoreAbsent { store: &'static str, reason: &'static str },
    /// Locked, and nobody who can unlock it, or who would.
    #[error("the {store} is locked")]
    StoreLocked { store: &'static str },
    /// No answer in time.
    #[error("the {store} does not answer")]
    StoreSilent { store: &'static str },
    /// The Secret Service has no collection that new items could go to.
    #[error("the Secret Service has no default keyring")]
    NoCollection,
    /// Anything else the store said, in words that cannot hold a secret.
    #[error("the {store}: {reason}")]
    Store { store: &'static str, reason: String },
    /// A sealed file or its folder.
    #[error("cannot {action} {}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// `MFA_RUN_KEY_FILE` with permissions for group or others.
    #[error("MFA_RUN_KEY_FILE: others can read {} (mode {mode:04o})", path.display())]
    KeyFileExposed { path: PathBuf, mode: u32 },
    /// `MFA_RUN_KEY_FILE` is not 32 bytes, nor 64 hex digits.
    #[error("MFA_RUN_KEY_FILE: {} holds neither 32 bytes nor 64 hex digits", path.display())]
    KeyFileFormat { path: PathBuf },
    /// No key file, no passphrase, and nobody who can be asked.
    #[error("no key for the sealed files, and nobody to ask for a passphrase")]
    NoKey,
    /// The passphrase does not open the verifier.
    #[error("the passphrase from {} is wrong", from.words())]
    WrongPassphrase { from: PassphraseSource },
    /// `MFA_RUN_PASSPHRASE_COMMAND` failed or printed no passphrase.
    #[error("MFA_RUN_PASSPHRASE_COMMAND: {reason}")]
    PassphraseCommand { reason: String },
    /// `kdf.json` cannot be used.
    #[error("{}: {reason}", path.display())]
    Stretching { path: PathBuf, reason: &'static str },
    /// Another process holds the lock while it asks for the passphrase.
    #[error("another mfa-run is still asking for the passphrase")]
    Busy,
}

impl Error {
    /// What to type.
    pub fn hint(&self) -> String {
        const NO_CACHE: &str = "MFA_RUN_KEYCHAIN=file keeps sessions in sealed files";
        const WINDOWS: bool = cfg!(windows);
        match self {
            Self::UnknownStore { .. } => format!("MFA_RUN_KEYCHAIN={}", super::choice::values()),
            Self::ForgetsKeys => "MFA_RUN_KEYCHAIN=sessions=keyutils,keys=auto".into(),
            Self::UnknownKind { .. } => "MFA_RUN_KEYCHAIN=sessions=STORE,keys=STORE".into(),
            Self::NoFolder => if WINDOWS { "set LOCALAPPDATA" } else { "set HOME or XDG_DATA_HOME" }.into(),
            Self::TooLong { .. } => "ask for fewer session tags or a shorter policy".into(),
            Self::KeyringBlocked { .. } => NO_CACHE.into(),
            Self::KeyringFull => format!("mfa-run logout --all makes room; {NO_CACHE}"),
            Self::Keyring { .. } => format!("mfa-run doctor; {NO_CACHE}"),
            Self::StoreAbsent { .. } | Self::StoreSilent { .. } | Self::Store { .. } => {
                "mfa-run doctor; MFA_RUN_KEYCHAIN=file keeps secrets in sealed files".into()
            }
            Self::StoreLocked { .. } if cfg!(target_os = "macos") => "security unlock-keychain".into(),
            Self::StoreLocked { .. } if WINDOWS => "sign in at the machine itself, or MFA_RUN_KEYCHAIN=file".into(),
            Self::StoreLocked { .. } => {
                "unlock it at the desktop, as by: secret-tool search --unlock service mfa-run; \
                 MFA_RUN_KEYCHAIN=file keeps secrets in sealed files"
                    .into()
            }
            Self::NoCollection => "make one at the desktop (seahorse, kwalletmanager), or MFA_RUN_KEYCHAIN=file".into(),
            Self::File { path, .. } if WINDOWS => format!("icacls {}", quote(&path.to_string_lossy())),
            Self::File { path, .. } => format!("ls -ld {}", quote(&path.to_string_lossy())),
            Self::KeyFileExposed { path, .. } => format!("chmod 600 {}", quote(&path.to_string_lossy())),
            Self::KeyFileFormat { .. } if WINDOWS => "in PowerShell: $k = [byte[]]::new(32); \
                [Security.Cryptography.RandomNumberGenerator]::Create().GetBytes($k); \
                [IO.File]::WriteAllBytes(\"$HOME\\mfa-run.key\", $k)"
                .into(),
            Self::KeyFileFormat { .. } => "make a new one: (umask 077; head -c 32 /dev/urandom > mfa-run.key)".into(),
            Self::NoKey => {
                "set MFA_RUN_KEY_FILE (32 random bytes), MFA_RUN_PASSPHRASE_COMMAND or MFA_RUN_PASSPHRASE".into()
            }
            Self::WrongPassphrase { from } => format!(
                "{}; if it is lost, so is what the `sealed` folder holds: remove it, and make access keys anew",
                match from {
                    PassphraseSource::Prompt => "try again",
                    PassphraseSource::Variable => "check MFA_RUN_PASSPHRASE",
                    PassphraseSource::Command => "run the command and look at what it prints",
                }
            ),
            Self::PassphraseCommand { .. } if WINDOWS => {
                "cmd /C %MFA_RUN_PASSPHRASE_COMMAND% must print it and exit 0".into()
            }
            Self::PassphraseCommand { .. } => "sh -c \"$MFA_RUN_PASSPHRASE_COMMAND\" must print it and exit 0".into(),
            Self::Stretching { .. } => "mfa-run doctor".into(),
            Self::Busy => "answer it there, then run this again".into(),
        }
    }

    /// Whether that store cannot have it, or cannot take it, so that another one may.
    pub(super) fn is_for_the_next_store(&self) -> bool {
        matches!(self, Self::KeyringBlocked { .. } | Self::KeyringFull | Self::StoreAbsent { .. } | Self::NoCollection)
    }

    /// Whether it is the user's configuration that is wrong (exit code 2), not a store that fails.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::UnknownStore { .. }
                | Self::UnknownKind { .. }
                | Self::ForgetsKeys
                | Self::KeyFileExposed { .. }
                | Self::KeyFileFormat { .. }
        )
    }
}
