//! A user's access keys: two at most.

use super::Iam;
use crate::aws::Error;
use crate::credentials::AccessKey;
use aws_sdk_iam::types::StatusType;
use aws_smithy_types::retry::RetryConfig;
use chrono::{DateTime, Utc};

/// What IAM says of an access key. It never tells the secret again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// Access key ID.
    pub id: String,
    /// Whether AWS takes it.
    pub active: bool,
    /// By AWS's clock.
    pub created: Option<DateTime<Utc>>,
    /// Name of the user.
    pub user: String,
}

/// When and where a key was used last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUsed {
    /// By AWS's clock; told late, by minutes to hours.
    pub at: DateTime<Utc>,
    /// `sts`, `s3`
    pub service: String,
}

impl Iam {
    /// The access keys of the user who signs. Errors: no permission (`iam:ListAccessKeys`), no network.
    pub fn list_access_keys(&self) -> Result<Vec<ListedKey>, Error> {
        let answer = self.call("iam:ListAccessKeys", self.client.list_access_keys().send())?;
        let listed = answer.access_key_metadata.into_iter().filter_map(|key| {
            Some(ListedKey {
                id: key.access_key_id?,
                active: key.status == Some(StatusType::Active),
                created: key.create_date.and_then(|date| DateTime::from_timestamp(date.secs(), 0)),
                user: key.user_name.unwrap_or_default(),
            })
        });
        Ok(listed.collect())
    }

    /// Makes a key for the user who signs. Sent once: a second attempt could make a second key, whose secret nobody has.
    pub fn create_access_key(&self) -> Result<AccessKey, Error> {
        const OPERATION: &str = "iam:CreateAccessKey";
        let once = aws_sdk_iam::Config::builder().retry_config(RetryConfig::disabled());
        let answer = self.call(OPERATION, self.client.create_access_key().customize().config_override(once).send())?;
        let key =
            answer.access_key.map(|key| AccessKey { id: key.access_key_id, secret: key.secret_access_key.into() });
        key.ok_or_else(|| Error::Garbage {
            operation: OPERATION,
            endpoint: self.endpoint.clone(),
            reason: "it holds no access key".into(),
        })
    }

    /// Lets AWS take the key, or no longer.
    pub fn set_access_key_active(&self, id: &str, active: bool) -> Result<(), Error> {
        let status = if active { StatusType::Active } else { StatusType::Inactive };
        let request = self.client.update_access_key().access_key_id(id).status(status);
        self.call("iam:UpdateAccessKey", request.send()).map(drop)
    }

    /// Deletes the key.
    pub fn delete_access_key(&self, id: &str) -> Result<(), Error> {
        self.call("iam:DeleteAccessKey", self.client.delete_access_key().access_key_id(id).send()).map(drop)
    }

    /// When the key was used last; `None` for never, as far as AWS knows yet.
    pub fn access_key_last_used(&self, id: &str) -> Result<Option<LastUsed>, Error> {
        let request = self.client.get_access_key_last_used().access_key_id(id);
        let answer = self.call("iam:GetAccessKeyLastUsed", request.send())?;
        Ok(answer.access_key_last_used.and_then(|used| {
            let at = DateTime::from_timestamp(used.last_used_date?.secs(), 0)?;
            Some(LastUsed { at, service: used.service_name })
        }))
    }
}
