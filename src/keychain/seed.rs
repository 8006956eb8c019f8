//! Seeds of virtual MFA devices in the keychain: an item each, named after the device's serial, which it repeats inside. What
//! does not fit is not there, with a warning.

use super::{Error, Keychain};
use crate::credentials::Seed;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

const VERSION: u32 = 1;

/// `{"Version":1,"SerialNumber":"arn:…","Algorithm":"SHA1","Digits":6,"Period":30,"Seed":"…"}`: ASCII, because some stores take
/// nothing else.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item<S> {
    version: u32,
    serial_number: String,
    algorithm: String,
    digits: u32,
    period: i64,
    seed: S,
}

impl<S> Item<S> {
    fn new(serial: &str, seed: S) -> Self {
        let (algorithm, serial_number) = ("SHA1".to_owned(), serial.to_owned());
        Self { version: VERSION, serial_number, algorithm, digits: 6, period: Seed::PERIOD, seed }
    }

    /// Whether it is that device's, and makes codes the one way we know.
    fn is_of(&self, serial: &str) -> bool {
        let expected = Item::new(serial, ());
        (self.version, self.algorithm.as_str(), self.digits, self.period, self.serial_number.as_str())
            == (expected.version, "SHA1", expected.digits, expected.period, serial)
    }
}

impl Keychain<'_> {
    /// The seed of the device, if it is kept here.
    pub fn seed(&self, serial: &str) -> Result<Option<Seed>, Error> {
        let Some(bytes) = self.kept(&name(serial))? else { return Ok(None) };
        let found = serde_json::from_slice::<Item<String>>(&bytes).ok().and_then(|mut item| {
            let seed = item.is_of(serial).then(|| Seed::from_base32(&item.seed)).flatten();
            item.seed.zeroize();
            seed
        });
        if found.is_none() {
            self.warn(format!("the item of the seed of {serial} is damaged or of another version: taken as not there"));
        }
        Ok(found)
    }

    /// Keeps the seed, in place of an older item of that device. Whether it may be kept beside an access key is for
    /// `session::seed` to say.
    pub fn keep_seed(&self, serial: &str, seed: &Seed) -> Result<(), Error> {
        let base32 = seed.expose_secret();
        // large enough from the start: a buffer that grew would leave a copy of the secret behind
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *bytes, &Item::new(serial, base32.expose_secret())).expect("strings and numbers");
        self.keep(&name(serial), &bytes).map(drop)
    }

    /// Forgets the seed; whether it was kept here.
    pub fn forget_seed(&self, serial: &str) -> Result<bool, Error> {
        self.forget(&name(serial))
    }
}

fn name(serial: &str) -> String {
    format!("seed-{serial}")
}
