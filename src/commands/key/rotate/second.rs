//! A user has two access keys at most: what is done where there are two already.

use super::Rotation;
use crate::aws::iam::ListedKey;
use crate::commands::key::users;
use crate::config::Files;
use crate::error::Error;
use crate::terminal::{escape, quote, say};

impl Rotation<'_> {
    /// The IDs that are there, when there is room for another. Errors: two keys, and what to do about the other one.
    pub(super) fn room_for_one(&self, files: &Files, id: &str, listed: &[ListedKey]) -> Result<Vec<String>, Error> {
        let ids = |listed: &[ListedKey]| listed.iter().map(|key| key.id.clone()).collect();
        let Some(other) = listed.iter().find(|key| key.id != id) else { return Ok(ids(listed)) };
        let (other, is_active) = (&other.id, other.active);
        let (named_by, plain) = users(files, other);
        let profiles = [named_by, plain].concat();
        if self.args.delete_inactive && !is_active && profiles.is_empty() {
            self.iam.delete_access_key(other).map_err(|error| self.refused(error))?;
            say(&escape(&format!("deleted {other}, which was inactive")));
            return Ok(listed.iter().map(|key| key.id.clone()).filter(|id| id != other).collect());
        }
        let used = match self.iam.access_key_last_used(other) {
            Ok(Some(last)) => format!("last used {} with {}", last.at.format("%Y-%m-%d"), last.service),
            Ok(None) => "never used".into(),
            Err(_) => "AWS does not tell when it was used".into(),
        };
        let state = if is_active { "active" } else { "inactive" };
        let whose = if profiles.is_empty() { String::new() } else { format!(", of profile {}", profiles.join(", ")) };
        let message = format!("the user has two access keys, AWS's limit: {id}, and {other} ({state}, {used}{whose})");
        let profile = quote(&self.plan.profile.value);
        let hint = if !is_active && profiles.is_empty() {
            format!("mfa-run key rotate -p {profile} --delete-inactive")
        } else {
            match self.as_user() {
                Some(iam) => format!("if nothing needs it: {iam} delete-access-key --access-key-id {other}"),
                None => "if nothing needs it, delete it in the IAM console".into(),
            }
        };
        Err(Error::usage(&message, &hint))
    }
}
