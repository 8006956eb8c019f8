//! What an account lets its users see of roles, and what it lets a bare access key do. Reads only.

use super::Iam;
use crate::aws::Error;

/// A role, as far as a session depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// `MaxSessionDuration`, in seconds.
    pub longest: u32,
    /// The trust policy, JSON.
    pub trust: String,
}

impl Iam {
    /// A role of the signer's account. Errors: no permission (`iam:GetRole`), no such role.
    pub fn role(&self, name: &str) -> Result<RoleFacts, Error> {
        let answer = self.call("iam:GetRole", self.client.get_role().role_name(name).send())?;
        let role = answer.role;
        let trust = role.as_ref().and_then(|role| role.assume_role_policy_document()).unwrap_or_default();
        let longest = role.as_ref().and_then(|role| role.max_session_duration()).unwrap_or(3_600);
        Ok(RoleFacts { longest: u32::try_from(longest).unwrap_or(3_600), trust: percent_decoded(trust) })
    }

    /// Something that every administrator, power user and reader may do, that changes nothing, and that a user who has not
    /// given a code should not be allowed.
    pub fn may_list_roles(&self) -> Result<(), Error> {
        self.call("iam:ListRoles", self.client.list_roles().max_items(1).send()).map(drop)
    }
}

/// IAM encodes policies as in a URL.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = (byte == b'%').then(|| after.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_decoded() {
        assert_eq!(percent_decoded("%7B%22A%22%3A%20%22%C3%A4+%22%7d%"), "{\"A\": \"ä+\"}%");
    }
}
