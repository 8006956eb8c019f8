//! Access keys in the keychain: an item each, named after the access key ID, which it repeats inside. What does not fit is not
//! there, with a warning.

use super::{Error, Keychain};
use crate::credentials::AccessKey;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const VERSION: u32 = 1;

/// `{"Version":1,"AccessKeyId":"AKIA…","SecretAccessKey":"…"}`: ASCII, because some stores take nothing else.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item<S> {
    version: u32,
    access_key_id: String,
    secret_access_key: S,
}

impl Keychain<'_> {
    /// The access key of that ID, if it is kept here.
    pub fn access_key(&self, id: &str) -> Result<Option<AccessKey>, Error> {
        let Some(bytes) = self.kept(&name(id))? else { return Ok(None) };
        let found = serde_json::from_slice::<Item<String>>(&bytes).ok().and_then(|item| {
            // wiped when it is dropped, also where the item is another's
            let secret: SecretString = item.secret_access_key.into();
            let fits = item.version == VERSION && item.access_key_id == id;
            fits.then_some(AccessKey { id: item.access_key_id, secret })
        });
        if found.is_none() {
            self.warn(format!("the item of access key {id} is damaged or of another version: taken as not there"));
        }
        Ok(found)
    }

    /// Keeps the access key, in place of an older item of that ID; where, in words.
    pub fn keep_access_key(&self, key: &AccessKey) -> Result<String, Error> {
        let item =
            Item { version: VERSION, access_key_id: key.id.clone(), secret_access_key: key.secret.expose_secret() };
        // large enough from the start: a buffer that grew would leave a copy of the secret behind
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *bytes, &item).expect("strings and a number");
        self.keep(&name(&key.id), &bytes)
    }

    /// Forgets the access key; whether it was kept here.
    pub fn forget_access_key(&self, id: &str) -> Result<bool, Error> {
        self.forget(&name(id))
    }
}

fn name(id: &str) -> String {
    format!("key-{id}")
}
