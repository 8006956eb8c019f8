//! The access key a plan begins with, wherever it is kept.

use super::Error;
use crate::credentials::AccessKey;
use crate::keychain::Keychain;
use crate::profile::plan::Source;

/// The access key of an IAM user; `None` where the source is something else. Errors: it is not in the keychain, or the
/// keychain cannot be opened.
pub fn access_key(source: &Source, keychain: &Keychain<'_>) -> Result<Option<AccessKey>, Error> {
    match source {
        Source::File { key, session_token: None, .. } | Source::Environment { key, session_token: None } => {
            Ok(Some(key.clone()))
        }
        Source::Keychain { profile, access_key_id } => match keychain.access_key(access_key_id)? {
            Some(key) => Ok(Some(key)),
            None => Err(Error::KeyNotKept {
                access_key_id: access_key_id.clone(),
                profile: profile.clone(),
                not_looked_into: keychain.take_warnings().into_iter().next(),
            }),
        },
        _ => Ok(None),
    }
}
