//! Which stores there are on this system, and which of them keep what: `MFA_RUN_KEYCHAIN`.

use super::Error;

/// A store for secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The user keyring of the Linux kernel.
    #[cfg(target_os = "linux")]
    Keyutils,
    /// The desktop's keyring, over D-Bus.
    #[cfg(target_os = "linux")]
    SecretService,
    /// What the system has: Keychain or Credential Manager.
    #[cfg(any(target_os = "macos", windows))]
    Native,
    /// Sealed files below the user's data folder.
    File,
}

/// Every store of this system, by its word.
const KNOWN: &[(&str, Kind)] = &[
    #[cfg(target_os = "linux")]
    ("keyutils", Kind::Keyutils),
    #[cfg(target_os = "linux")]
    ("secret-service", Kind::SecretService),
    #[cfg(target_os = "macos")]
    ("macos", Kind::Native),
    #[cfg(windows)]
    ("windows", Kind::Native),
    ("file", Kind::File),
];

/// What `MFA_RUN_KEYCHAIN` may say.
pub(super) fn values() -> String {
    let (last, others) = KNOWN.split_last().expect("the sealed files are everywhere");
    let others: String = others.iter().map(|(word, _)| format!(", {word}")).collect();
    format!("auto{others} or {}", last.0)
}

impl Kind {
    fn parse(word: &str) -> Result<Option<Self>, Error> {
        match word {
            "auto" => Ok(None),
            word => match KNOWN.iter().find(|(known, _)| *known == word) {
                Some((_, kind)) => Ok(Some(*kind)),
                None => Err(Error::UnknownStore { value: word.into() }),
            },
        }
    }

    /// Itself alone.
    fn alone(self) -> &'static [Self] {
        KNOWN.iter().find(|(_, kind)| *kind == self).map_or(&[], |(_, kind)| std::slice::from_ref(kind))
    }

    /// Whether it may keep what cannot be made again.
    fn survives_reboot(self) -> bool {
        #[cfg(target_os = "linux")]
        return self != Self::Keyutils;
        #[cfg(not(target_os = "linux"))]
        return true;
    }
}

/// Stores for one kind of secret.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stores {
    /// In the order they are looked into; never empty.
    pub(super) list: &'static [Kind],
    /// Why these.
    pub(super) why: &'static str,
}

impl Stores {
    fn new(chosen: Option<Kind>, auto: Self) -> Self {
        match chosen {
            Some(kind) => Self { list: kind.alone(), why: "MFA_RUN_KEYCHAIN says so" },
            None => auto,
        }
    }
}

/// The stores for sessions and those for keys, by a value of `MFA_RUN_KEYCHAIN`: `auto`, a store, or
/// `sessions=STORE,keys=STORE`.
pub(super) fn choose(value: &str, in_container: bool) -> Result<(Stores, Stores), Error> {
    let (sessions, keys) = chosen(value)?;
    Ok((Stores::new(sessions, auto_for_sessions(in_container)), Stores::new(keys, auto_for_keys())))
}

#[cfg(target_os = "linux")]
fn auto_for_sessions(in_container: bool) -> Stores {
    if in_container {
        // Security: the user keyring belongs to the uid on the *host*; another tenant with that uid could read it.
        Stores { list: &[Kind::File], why: "in a container the kernel keyring is the host's" }
    } else {
        Stores { list: &[Kind::Keyutils, Kind::File], why: "auto" }
    }
}

#[cfg(target_os = "linux")]
fn auto_for_keys() -> Stores {
    Stores { list: &[Kind::SecretService, Kind::File], why: "auto" }
}

#[cfg(not(target_os = "linux"))]
fn auto_for_sessions(_in_container: bool) -> Stores {
    auto_for_keys()
}

#[cfg(not(target_os = "linux"))]
fn auto_for_keys() -> Stores {
    #[cfg(any(target_os = "macos", windows))]
    return Stores { list: &[Kind::Native], why: "auto" };
    #[cfg(not(any(target_os = "macos", windows)))]
    return Stores { list: &[Kind::File], why: "auto" };
}

/// What a value says of sessions and of keys; `None` is `auto`.
fn chosen(value: &str) -> Result<(Option<Kind>, Option<Kind>), Error> {
    if !value.contains('=') {
        let sessions = Kind::parse(value.trim())?;
        // one word for both, where it can be had for both
        return Ok((sessions, sessions.filter(|store| store.survives_reboot())));
    }
    let (mut sessions, mut keys) = (None, None);
    for part in value.split(',') {
        let (kind, store) = part.split_once('=').unwrap_or((part, ""));
        let store = Kind::parse(store.trim());
        match kind.trim() {
            "sessions" => sessions = store?,
            "keys" => match store? {
                Some(store) if !store.survives_reboot() => return Err(Error::ForgetsKeys),
                store => keys = store,
            },
            other => return Err(Error::UnknownKind { kind: other.into() }),
        }
    }
    Ok((sessions, keys))
}
