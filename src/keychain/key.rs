//! The key of the sealed files: a file of 32 random bytes, or a passphrase stretched by Argon2id. `kdf.json` beside the
//! items says how it is stretched and lets a wrong passphrase be told. The stretched key stays in the kernel keyring for
//! a working day, so that it is neither asked for nor stretched at every call.

#[cfg(target_os = "linux")]
use super::keyutils;
use super::passphrase::{self, Passphrase};
use super::seal::{self, Key};
use super::{Error, PassphraseSource};
use crate::env::Env;
use crate::fsio::{self, Lock};
use chacha20poly1305::aead::Generate;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a stretched key stays in the kernel keyring.
const KEPT: u32 = 8 * 3600;
/// How long to wait for another process that is asking for the passphrase.
const PATIENCE: Duration = Duration::from_secs(30);
const ATTEMPTS: usize = 3;

/// Finds the key when it is first needed.
pub(super) struct KeySource<'e> {
    pub(super) env: &'e Env,
    pub(super) may_ask: bool,
    pub(super) deadline: Option<Instant>,
    /// Whether a stretched key may stay in the kernel keyring.
    pub(super) keep: bool,
    pub(super) key: OnceLock<Key>,
}

impl KeySource<'_> {
    pub(super) fn key(&self, folder: &Path) -> Result<&Key, Error> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = match self.env.var_os("MFA_RUN_KEY_FILE") {
            Some(path) => key_file(self.env.expand_home(path))?,
            None => self.stretched(folder)?,
        };
        Ok(self.key.get_or_init(|| key))
    }

    /// Which key would be used, for `doctor`.
    pub(super) fn description(&self) -> &'static str {
        let set = |name| self.env.var_os(name).is_some();
        match () {
            () if set("MFA_RUN_KEY_FILE") => "the key in MFA_RUN_KEY_FILE",
            () if set("MFA_RUN_PASSPHRASE") => "the passphrase in MFA_RUN_PASSPHRASE",
            () if set("MFA_RUN_PASSPHRASE_COMMAND") => "the passphrase that MFA_RUN_PASSPHRASE_COMMAND prints",
            () => "a passphrase asked for at the terminal",
        }
    }

    /// Why there is no key, as far as that is known without asking, running or stretching anything.
    pub(super) fn trouble(&self, folder: &Path) -> Option<Error> {
        if let Some(path) = self.env.var_os("MFA_RUN_KEY_FILE") {
            return key_file(self.env.expand_home(path)).err();
        }
        let given =
            ["MFA_RUN_PASSPHRASE", "MFA_RUN_PASSPHRASE_COMMAND"].iter().any(|name| self.env.var_os(name).is_some());
        match Stretching::load(folder) {
            Err(error) => Some(error),
            Ok(Some(stretching)) if self.kept(folder, &stretching).is_some() => None,
            Ok(_) => (!given).then_some(Error::NoKey),
        }
    }

    /// Forgets the stretched key; whether there was one.
    pub(super) fn forget(&self, folder: &Path) -> Result<bool, Error> {
        match Stretching::load(folder)? {
            Some(stretching) if self.keep => keyutils::remove(&stretching.kept_as(folder)),
            _ => Ok(false),
        }
    }

    fn stretched(&self, folder: &Path) -> Result<Key, Error> {
        if let Some(stretching) = Stretching::load(folder)? {
            if let Some(key) = self.kept(folder, &stretching) {
                return Ok(key);
            }
            if let Some(variable) = self.env.var_os("MFA_RUN_PASSPHRASE") {
                return self.unlock(folder, &stretching, as_passphrase(variable), PassphraseSource::Variable);
            }
        }
        if self.env.var_os("MFA_RUN_PASSPHRASE").or(self.env.var_os("MFA_RUN_PASSPHRASE_COMMAND")).is_none()
            && !self.may_ask
        {
            return Err(Error::NoKey);
        }
        // One process asks; the others wait for what it finds. Two first ones agree on one salt.
        let path = folder.join("kdf.lock");
        let deadline = self.deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
        let _lock = Lock::acquire(&path, Some(deadline), || ())
            .map_err(|source| Error::File { action: "lock", path, source })?
            .ok_or(Error::Busy)?;
        let Some(stretching) = Stretching::load(folder)? else {
            let (passphrase, _) = self.passphrase(true)?;
            let (stretching, key) = Stretching::begin(folder, &passphrase)?;
            self.keep(folder, &stretching, &key);
            return Ok(key);
        };
        if let Some(key) = self.kept(folder, &stretching) {
            return Ok(key);
        }
        for _ in 1..ATTEMPTS {
            let (passphrase, from) = self.passphrase(false)?;
            match self.unlock(folder, &stretching, passphrase, from) {
                Err(Error::WrongPassphrase { from: PassphraseSource::Prompt }) => {}
                other => return other,
            }
        }
        let (passphrase, from) = self.passphrase(false)?;
        self.unlock(folder, &stretching, passphrase, from)
    }

    fn passphrase(&self, new: bool) -> Result<(Passphrase, PassphraseSource), Error> {
        if let Some(variable) = self.env.var_os("MFA_RUN_PASSPHRASE") {
            return Ok((as_passphrase(variable), PassphraseSource::Variable));
        }
        if let Some(command) = self.env.var_os("MFA_RUN_PASSPHRASE_COMMAND") {
            return Ok((passphrase::from_command(self.env, command, self.deadline)?, PassphraseSource::Command));
        }
        let typed = self.may_ask.then(|| passphrase::ask(new)).flatten().ok_or(Error::NoKey)?;
        Ok((typed, PassphraseSource::Prompt))
    }

    fn unlock(
        &self,
        folder: &Path,
        stretching: &Stretching,
        passphrase: Passphrase,
        from: PassphraseSource,
    ) -> Result<Key, Error> {
        let key = stretching.stretch(folder, &passphrase)?;
        if !stretching.verifies(&key) {
            return Err(Error::WrongPassphrase { from });
        }
        self.keep(folder, stretching, &key);
        Ok(key)
    }

    fn kept(&self, folder: &Path, stretching: &Stretching) -> Option<Key> {
        let bytes = self.keep.then(|| keyutils::read(&stretching.kept_as(folder)).ok()).flatten()??;
        Key::from_slice(&bytes).filter(|key| stretching.verifies(key))
    }

    /// A full or blocked keyring is no reason to fail: the passphrase is asked for again.
    fn keep(&self, folder: &Path, stretching: &Stretching, key: &Key) {
        if self.keep {
            let _ = keyutils::write(&stretching.kept_as(folder), key.expose_secret(), KEPT);
        }
    }
}

fn as_passphrase(variable: &OsStr) -> Passphrase {
    Zeroizing::new(variable.as_encoded_bytes().to_vec())
}

/// 32 bytes, or 64 hex digits and perhaps a line end. A pipe will do.
fn key_file(path: PathBuf) -> Result<Key, Error> {
    let failed = |source| Error::File { action: "read", path: path.clone(), source };
    let mut file = std::fs::File::open(&path).map_err(failed)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().map_err(failed)?.permissions()) & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::KeyFileExposed { path, mode });
        }
    }
    let mut buffer = Zeroizing::new([0; 67]);
    let mut size = 0;
    while size < buffer.len() {
        match file.read(&mut buffer[size..]) {
            Ok(0) => break,
            Ok(more) => size += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
    }
    let read = &buffer[..size];
    let key = Key::from_slice(read).or_else(|| {
        let digits = read.strip_suffix(b"\n").unwrap_or(read);
        Key::from_slice(&unhex(digits.strip_suffix(b"\r").unwrap_or(digits))?)
    });
    key.ok_or(Error::KeyFileFormat { path })
}

/// `kdf.json`: how a passphrase becomes the key.
#[derive(Serialize, Deserialize)]
struct Stretching {
    version: u32,
    algorithm: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    /// An empty item sealed with the key: opens under the right passphrase only.
    verifier: String,
}

const VERIFIER: &str = "mfa-run verifier";

impl Stretching {
    fn path(folder: &Path) -> PathBuf {
        folder.join("kdf.json")
    }

    fn load(folder: &Path) -> Result<Option<Self>, Error> {
        let path = Self::path(folder);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::File { action: "read", path, source }),
        };
        let reason = match serde_json::from_slice::<Self>(&bytes) {
            Ok(known) if known.version != 1 || known.algorithm != "argon2id" => "written by another version of mfa-run",
            // Bounds keep a damaged file from asking for all memory; weak ones only fail to open the verifier.
            Ok(known) if known.memory_kib > 4 << 20 || known.passes > 100 || known.lanes > 64 => "beyond all bounds",
            Ok(known) => return Ok(Some(known)),
            Err(_) => "damaged",
        };
        Err(Error::Stretching { path, reason })
    }

    /// A new salt; the parameters are the second choice of RFC 9106 §4 (64 MiB, 3 passes, 4 lanes).
    fn begin(folder: &Path, passphrase: &[u8]) -> Result<(Self, Key), Error> {
        let mut new = Self {
            version: 1,
            algorithm: "argon2id".into(),
            memory_kib: 64 << 10,
            passes: 3,
            lanes: 4,
            salt: hex(&<[u8; 16]>::generate()),
            verifier: String::new(),
        };
        let key = new.stretch(folder, passphrase)?;
        new.verifier = hex(&seal::seal(&key, VERIFIER, b"", DateTime::<Utc>::MAX_UTC));
        let path = Self::path(folder);
        let failed = |source| Error::File { action: "write", path: path.clone(), source };
        let mut bytes = serde_json::to_vec_pretty(&new).map_err(|e| failed(e.into()))?;
        bytes.push(b'\n');
        fsio::write_private(&path, &bytes).map_err(failed)?;
        Ok((new, key))
    }

    fn stretch(&self, folder: &Path, passphrase: &[u8]) -> Result<Key, Error> {
        let refuse = |reason| Error::Stretching { path: Self::path(folder), reason };
        let salt = unhex(self.salt.as_bytes()).ok_or_else(|| refuse("damaged"))?;
        let params = argon2::Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|_| refuse("beyond all bounds"))?;
        let mut memory = Zeroizing::new(vec![argon2::Block::default(); params.block_count()]);
        let mut key = Zeroizing::new([0; 32]);
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into_with_memory(passphrase, &salt, &mut *key, &mut *memory)
            .map_err(|_| refuse("damaged"))?;
        Ok(Key::new(key))
    }

    fn verifies(&self, key: &Key) -> bool {
        unhex(self.verifier.as_bytes()).is_some_and(|bytes| seal::open(key, VERIFIER, &bytes).is_ok())
    }

    fn kept_as(&self, folder: &Path) -> String {
        let hash = Sha256::new()
            .chain_update(folder.as_os_str().as_encoded_bytes())
            .chain_update(b"\0")
            .chain_update(&self.salt)
            .finalize();
        format!("kdf:{}", hex(&hash[..16]))
    }
}

/// Where there is no kernel keyring, nothing is kept in it.
#[cfg(not(target_os = "linux"))]
mod keyutils {
    use super::{Error, Zeroizing};

    pub(super) fn read(_: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        Ok(None)
    }

    pub(super) fn write(_: &str, _: &[u8], _: u32) -> Result<(), Error> {
        Ok(())
    }

    pub(super) fn remove(_: &str) -> Result<bool, Error> {
        Ok(false)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |d: &u8| char::from(*d).to_digit(16).and_then(|d| u8::try_from(d).ok());
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks_exact(2) {
        bytes.push(digit(&pair[0])? << 4 | digit(&pair[1])?);
    }
    Some(bytes)
}

/// The name of the stretched key in the kernel keyring, for tests.
#[cfg(all(test, target_os = "linux"))]
pub(super) fn kept_as(folder: &Path) -> Option<String> {
    Some(Stretching::load(folder).ok()??.kept_as(folder))
}
