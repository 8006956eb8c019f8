//! What was called, as tests want to count it. Holds no secret: token codes, passwords and session documents are left out
//! or replaced by what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::faults::FaultKind;

/// What became of the token code of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenCode {
    /// Spent; the step is Unix seconds / 30.
    Accepted {
        step: i64,
    },
    Refused,
    /// Sent, but not looked at: something else was wrong first.
    NotChecked,
}

/// One call of STS, IAM or the federation endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Server clock, `2026-11-22T16:33:59Z`.
    pub time: String,
    /// Number of the TCP connection, from 1.
    pub connection: u64,
    /// `sts`, `iam` or `signin`.
    pub service: String,
    /// As sent; empty if there was none.
    pub action: String,
    /// Region of the signature's scope.
    pub region: String,
    pub access_key_id: String,
    /// ARN of the caller, if the signature was good.
    pub caller: Option<String>,
    /// As sent, without the secret ones.
    pub parameters: BTreeMap<String, String>,
    pub token_code: Option<TokenCode>,
    /// HTTP status as answered; 0 if no answer was sent.
    pub status: u16,
    /// `AccessDenied`, ...
    pub error_code: Option<String>,
    /// The failure on demand that this call met.
    pub fault: Option<FaultKind>,
    /// Whether the call was carried out (with success), whatever was answered.
    pub committed: bool,
    pub user_agent: String,
}

const SECRET: [&str; 9] = [
    "TokenCode",
    "AuthenticationCode1",
    "AuthenticationCode2",
    "Password",
    "OldPassword",
    "NewPassword",
    "Session",
    "SigninToken",
    "EncodedMessage",
];

pub(crate) fn without_secrets(parameters: &[(String, String)]) -> BTreeMap<String, String> {
    parameters.iter().filter(|(key, _)| !SECRET.contains(&key.as_str())).cloned().collect()
}
