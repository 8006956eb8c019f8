//! Seeds of virtual MFA devices that a person chose to keep. The keychain has the seed; the index says that there is one, so
//! that no keychain is opened to find out that there is none, and which window its last code was of, so that no two
//! processes give AWS the same code.

use super::index::Index;
use crate::credentials::Seed;
use crate::env::Env;
use crate::keychain::{self, Keychain};
use crate::profile::plan::Source;
use std::io;

/// A clock that was ahead and has been set since leaves a record in the future; AWS takes a code two windows either way.
const AHEAD: i64 = 4;

/// Why a seed is not kept, or not forgotten.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error(
        "the keychain has access key {access_key_id}: with the seed of {serial} beside it, whoever opens it needs no second factor"
    )]
    OneFactor { serial: String, access_key_id: String },
    #[error(
        "the keychain has the seed of {serial}: with access key {access_key_id} beside it, whoever opens it needs no second factor"
    )]
    SeedIsKept { serial: String, access_key_id: String },
    #[error("the keychain did not keep the seed of {serial}")]
    NotKept { serial: String },
    #[error(transparent)]
    Keychain(#[from] keychain::Error),
    #[error("the index cannot be written, and without a note there the seed would not be used")]
    Index(#[source] io::Error),
}

impl Error {
    /// What to type.
    pub fn hint(&self) -> String {
        match self {
            Self::OneFactor { .. } => "keep the seed elsewhere, or the same again with --keep-seed --force".into(),
            Self::SeedIsKept { .. } => "leave the key where it is, or the same again with --force".into(),
            Self::NotKept { .. } => "MFA_RUN_KEYCHAIN=keys=file takes sealed files instead".into(),
            Self::Keychain(error) => error.hint(),
            Self::Index(_) => "check the permissions of the data folder: mfa-run doctor".into(),
        }
    }
}

/// Keeps the seed of the device and reads it back. `source` is what signs with the device; an access key of that user and the seed in one
/// keychain are one factor, refused without `force`. `last_window` is that of the last code that was given to AWS, if any.
pub fn keep(
    keychain: &Keychain<'_>,
    env: &Env,
    serial: &str,
    seed: &Seed,
    source: &Source,
    force: bool,
    last_window: Option<i64>,
) -> Result<(), Error> {
    check(env, serial, source, force)?;
    keychain.keep_seed(serial, seed)?;
    if !keychain.seed(serial)?.is_some_and(|kept| kept.is(seed)) {
        return Err(Error::NotKept { serial: serial.to_owned() });
    }
    let note = |index: &mut Index| {
        index.seeds.insert(serial.to_owned(), last_window.unwrap_or(0));
    };
    Index::update(env, note).map_err(Error::Index)
}

/// Whether [`keep`] would refuse it, before there is a seed to lose: the keychain has the access key that signs, or another one
/// of its user. Whose a key is may not be known, as when nobody asked AWS: then it counts.
pub fn check(env: &Env, serial: &str, source: &Source, force: bool) -> Result<(), Error> {
    if force {
        return Ok(());
    }
    let index = Index::load(env);
    let user = index.identities.get(&source.identity());
    let anothers = |id: &str| {
        index.identities.get(id).is_some_and(|(arn, account)| match user {
            Some((user, _)) => user != arn,
            None => !is_of(serial, account),
        })
    };
    let signs = match source {
        Source::Keychain { access_key_id, .. } => Some(access_key_id),
        _ => None,
    };
    match signs.or_else(|| index.access_keys.keys().find(|id| !anothers(id))) {
        Some(id) => Err(Error::OneFactor { serial: serial.to_owned(), access_key_id: id.clone() }),
        None => Ok(()),
    }
}

/// Whether the access key may join the seeds that the keychain has: none of a device of its account, and none at all where
/// nobody asked AWS whose key it is.
pub fn check_access_key(env: &Env, id: &str, account: Option<&str>, force: bool) -> Result<(), Error> {
    let beside = |serial: &&String| account.is_none_or(|account| is_of(serial, account));
    match Index::load(env).seeds.keys().find(beside) {
        Some(serial) if !force => Err(Error::SeedIsKept { serial: serial.clone(), access_key_id: id.to_owned() }),
        _ => Ok(()),
    }
}

/// Whether the device is one of that account: `arn:aws:iam::ACCOUNT:mfa/…`. What is no ARN may be.
fn is_of(serial: &str, account: &str) -> bool {
    serial.split(':').nth(4).is_none_or(|of| of == account)
}

/// Forgets the seed; whether it was kept.
pub fn forget(keychain: &Keychain<'_>, env: &Env, serial: &str) -> Result<bool, Error> {
    let was_kept = keychain.forget_seed(serial)?;
    Index::update(env, |index| index.seeds.retain(|kept, _| kept != serial)).map_err(Error::Index)?;
    Ok(was_kept)
}

/// Takes the window for this process; `false` where it, or a later one, was taken before.
pub(super) fn claim(env: &Env, serial: &str, window: i64) -> bool {
    let mut granted = false;
    let written = Index::update(env, |index| {
        let last = index.seeds.entry(serial.to_owned()).or_default();
        if window > *last || *last > window + AHEAD {
            *last = window;
            granted = true;
        }
    });
    // where nothing can be noted, AWS is the one who refuses a code that was used
    granted || written.is_err()
}

impl Index {
    /// Whether the seed of the device is kept.
    pub fn has_seed(&self, serial: &str) -> bool {
        self.seeds.contains_key(serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::AccessKey;
    use chrono::DateTime;

    const SERIAL: &str = "arn:aws:iam::111122223333:mfa/ann";

    fn env(folder: &std::path::Path) -> Env {
        let path = folder.to_str().unwrap();
        Env::fixed(
            &[("HOME", path), ("XDG_DATA_HOME", path), ("LOCALAPPDATA", path), ("MFA_RUN_KEYCHAIN", "file")],
            DateTime::UNIX_EPOCH,
        )
    }

    #[test]
    fn no_window_is_granted_twice_whoever_asks() {
        let folder = tempfile::tempdir().unwrap();
        let env = env(folder.path());
        let granted: usize = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..20)
                .map(|_| scope.spawn(|| (1..=3).filter(|window| claim(&env, SERIAL, 100 + window)).count()))
                .collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!((1..=3).contains(&granted), "each at most once, and the last one certainly: {granted}");
        assert!(!claim(&env, SERIAL, 103) && !claim(&env, SERIAL, 101));
        assert!(claim(&env, "another device", 103) && claim(&env, SERIAL, 104));
        assert!(claim(&env, SERIAL, 50), "a record far ahead is of a clock that was wrong");
        assert!(!claim(&env, SERIAL, 50));
    }

    #[test]
    fn a_seed_beside_its_access_key_is_refused_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key");
        crate::fsio::write_private(&key_file, &[7; 32]).unwrap();
        let env = env(folder.path()).with("MFA_RUN_KEY_FILE", key_file.to_str().unwrap());
        let keychain = Keychain::new(&env).unwrap();
        let seed = Seed::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let beside = Source::Keychain { profile: "base".into(), access_key_id: "AKIAONE".into() };
        let key = AccessKey { id: "AKIAONE".into(), secret: "x".into() };
        let elsewhere = Source::File { profile: "base".into(), key, session_token: None };

        let refused = keep(&keychain, &env, SERIAL, &seed, &beside, false, None).unwrap_err();
        assert!(matches!(refused, Error::OneFactor { .. }) && refused.hint().contains("--force"), "{refused}");
        assert!(keychain.seed(SERIAL).unwrap().is_none() && !Index::load(&env).has_seed(SERIAL));

        keep(&keychain, &env, SERIAL, &seed, &beside, true, None).unwrap();
        assert!(forget(&keychain, &env, SERIAL).unwrap() && !Index::load(&env).has_seed(SERIAL));
        keep(&keychain, &env, SERIAL, &seed, &elsewhere, false, Some(7)).unwrap();
        assert!(Index::load(&env).has_seed(SERIAL) && !claim(&env, SERIAL, 7) && claim(&env, SERIAL, 8));
        let kept = keychain.seed(SERIAL).unwrap().expect("it is kept");
        assert_eq!(kept.code(1).expose_secret(), "287082");
        assert!(keychain.seed("arn:aws:iam::111122223333:mfa/bob").unwrap().is_none());
    }

    #[test]
    fn another_key_of_the_same_user_counts_and_so_does_one_of_nobody_knows_whom() {
        let folder = tempfile::tempdir().unwrap();
        let env = env(folder.path());
        let key = AccessKey { id: "AKIAONE".into(), secret: "x".into() };
        let source = Source::File { profile: "base".into(), key, session_token: None };
        let checked = |kept: &str, whose: &[(&str, &str, &str)]| {
            Index::update(&env, |index| {
                index.access_keys = [(kept.to_owned(), 1)].into();
                index.identities = whose
                    .iter()
                    .map(|(id, user, account)| {
                        let arn = format!("arn:aws:iam::{account}:user/{user}");
                        ((*id).to_owned(), (arn, (*account).to_owned()))
                    })
                    .collect();
            })
            .unwrap();
            check(&env, SERIAL, &source, false).is_ok()
        };
        let ann = ("AKIAONE", "ann", "111122223333");
        assert!(!checked("AKIAONE", &[]) && !checked("AKIATWO", &[ann]));
        assert!(!checked("AKIATWO", &[ann, ("AKIATWO", "ann", "111122223333")]));
        assert!(checked("AKIATWO", &[ann, ("AKIATWO", "bob", "111122223333")]));
        assert!(!checked("AKIATWO", &[("AKIATWO", "bob", "111122223333")]), "whose the first is, nobody knows");
        assert!(checked("AKIATWO", &[("AKIATWO", "bob", "444455556666")]));
        assert!(!checked("AKIATWO", &[]) && check(&env, SERIAL, &source, true).is_ok());

        Index::update(&env, |index| index.seeds = [(SERIAL.into(), 0)].into()).unwrap();
        let joins = |account, force| check_access_key(&env, "AKIATWO", account, force).is_ok();
        assert!(!joins(Some("111122223333"), false) && !joins(None, false));
        assert!(joins(Some("444455556666"), false) && joins(None, true));
    }
}
