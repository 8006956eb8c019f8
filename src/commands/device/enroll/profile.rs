//! The profile with the access key gets the device's serial; role profiles find it there.

use super::super::Account;
use crate::aws::iam::Device;
use crate::commands::Record;
use crate::config::{FileKind, edit_file};
use crate::error::Error;
use crate::fsio::Replacement;
use crate::profile::plan::{Provenance, Source};
use crate::terminal::{escape, is_interactive, say};
use dialoguer::Confirm;

/// Writes `mfa_serial`, unless the profile names another device that is active and nobody says that this one is to be used.
pub(super) fn name_device(account: &Account<'_>, serial: &str, others: &[Device], yes: bool) -> Result<(), Error> {
    let named = account.plan.mfa.as_ref().map(|mfa| &mfa.serial);
    if named.is_some_and(|named| named.value.as_str() == serial) {
        return Ok(());
    }
    let Some((profile, file, key)) = place(account) else {
        say(&format!("the key is in the environment: export AWS_MFA_SERIAL={}", escape(serial)));
        return Ok(());
    };
    if let Some(named) = named {
        let shown = escape(named.value.as_str());
        let active = others.iter().any(|device| device.serial == named.value.as_str());
        if active && !wants(account, &format!("Use the new one for profile {profile}, instead of {shown}?"), yes)? {
            say(&format!("{} keeps {shown}; --mfa-serial {} uses the new one", escape(profile), escape(serial)));
            return Ok(());
        }
        if let Provenance::Variable(name) = named.from {
            say(&format!("note: {name} names another device, and comes before the profile: unset {name}"));
        }
    }
    let path = account.files.path(file);
    let change = edit_file(account.env, path, Replacement::Atomic, |mut document| {
        document.set(file, profile, key, serial)?;
        Ok::<_, Error>(document)
    })?;
    if !change.is_empty() {
        Record::new(account.env, profile, None)?.add(path, change)?;
    }
    say(&format!("profile {0} has {key} now; mfa-run configure --undo -p {0} takes that back", escape(profile)));
    Ok(())
}

/// The profile that has the key, and where the device is named for it.
fn place<'a>(account: &'a Account<'_>) -> Option<(&'a str, FileKind, &'static str)> {
    let profile = match &account.plan.source {
        Source::File { profile, .. } | Source::Keychain { profile, .. } => profile,
        _ => return None,
    };
    let section = account.files.profile(profile);
    let in_credentials = |key| section.is_some_and(|section| section.get_in(FileKind::Credentials, key).is_some());
    if in_credentials("aws_mfa_device") || (profile.ends_with("-long-term") && !in_credentials("mfa_serial")) {
        return Some((profile, FileKind::Credentials, "aws_mfa_device"));
    }
    // the credentials file's value would win
    let file = if in_credentials("mfa_serial") { FileKind::Credentials } else { FileKind::Config };
    Some((profile, file, "mfa_serial"))
}

fn wants(account: &Account<'_>, question: &str, yes: bool) -> Result<bool, Error> {
    if yes || !is_interactive() || account.env.var("MFA_RUN_PROMPT") == Some("never") {
        return Ok(yes);
    }
    let confirm = Confirm::with_theme(crate::commands::theme(account.env)).with_prompt(question).default(true);
    Ok(crate::commands::dialog(|| confirm.interact_opt())?.unwrap_or(false))
}
