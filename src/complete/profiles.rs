//! The profiles of the AWS files with what each leads to, from its own section alone: a completion has no time to follow
//! source profiles.

use super::Candidate;
use crate::config::{Files, Profile};
use crate::profile::Request;
use crate::profile::request::{MfaSerial, RoleArn};

/// Every profile, in the order of the files.
pub(super) fn candidates(files: &Files) -> Vec<Candidate> {
    files.profiles().map(|profile| Candidate { value: profile.name().into(), help: what(&profile) }).collect()
}

/// `admin in 123456789012`; nothing where the section does not say it.
fn what(profile: &Profile<'_>) -> String {
    let text = |key: &str| profile.get(key).map(|value| value.text).filter(|text| !text.is_empty());
    let ours = text("credential_process").and_then(Request::from_credential_process).and_then(Result::ok);
    let role: Option<RoleArn> = ours
        .as_ref()
        .and_then(|request| request.role_arn.clone())
        .or_else(|| text("role_arn").or_else(|| text("assume_role"))?.parse().ok());
    if let Some(role) = role {
        return format!("{} in {}", role.name(), role.account());
    }
    if let (Some(role), Some(account)) = (text("sso_role_name"), text("sso_account_id")) {
        return format!("{role} in {account}, by SSO");
    }
    let serial: Option<MfaSerial> = ours
        .and_then(|request| request.mfa_serial)
        .or_else(|| text("mfa_serial").or_else(|| text("aws_mfa_device"))?.parse().ok());
    match serial.as_ref().map(|serial| (serial.name(), serial.account())) {
        Some((name, Some(account))) => format!("MFA {name} in {account}"),
        Some((name, None)) => format!("MFA {name}"),
        None => String::new(),
    }
}
