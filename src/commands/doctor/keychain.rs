//! Which stores keep sessions and access keys, why, and whether they can be used now. Opens no dialog and asks for no
//! passphrase.

use super::finding::{Finding, Report, Severity};
use super::{Scene, shell};
use crate::keychain::{Error, Keychain};
use crate::profile::plan::Source;
use std::collections::BTreeMap;

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    let keychain = match Keychain::new(scene.env) {
        Ok(keychain) => keychain,
        Err(error) => {
            let why = "no command gets as far as making a session";
            return report.error(
                "keychain-setting",
                error.to_string(),
                why,
                shell::set(scene, "MFA_RUN_KEYCHAIN", "auto"),
            );
        }
    };
    let sessions = keychain.description();
    report.fact(format!("sessions: {sessions}"));
    if sessions.starts_with("kernel keyring;") || sessions.starts_with("kernel keyring,") {
        report.fact("the kernel forgets them when the last process of your user ends");
    }
    report.fact(format!("access keys: {}", keychain.description_for_keys()));
    if let Some(error) = keychain.trouble() {
        let severity = if error.is_usage() { Severity::Error } else { Severity::Warning };
        let why = "sessions are not kept: each tool asks for a code of its own";
        let mend = match &error {
            // sessions can be made again; an access key in there is lost as it is
            Error::Stretching { path, .. } => path.parent().map_or_else(String::new, |folder| {
                let folder = scene.typed(folder);
                format!("mv {folder} {folder}.damaged")
            }),
            error => hint(error),
        };
        report.findings.push(Finding::new(severity, "no-store", error.to_string(), why, mend));
    }
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for plan in scene.plans() {
        if let Source::Keychain { profile, access_key_id } = &plan.source {
            keys.insert(access_key_id, profile);
        }
    }
    for (id, profile) in keys {
        let (id_of, what, mend) = match keychain.access_key(id) {
            Ok(Some(_)) => continue,
            Ok(None) => {
                let mend = format!("mfa-run key import --from-stdin -p {}", super::quoted(profile));
                ("key-not-kept", format!("the keychain has no access key {id}"), mend)
            }
            // a passphrase that nobody has typed yet is asked for when it is needed
            Err(Error::NoKey) => {
                ("key-locked", format!("the access key {id} waits for a passphrase"), hint(&Error::NoKey))
            }
            Err(error @ Error::StoreLocked { .. }) => ("key-locked", error.to_string(), hint(&error)),
            Err(error) => ("key-not-kept", error.to_string(), hint(&error)),
        };
        let severity = if id_of == "key-locked" { Severity::Note } else { Severity::Error };
        let why = "no session can be made with it: credential-process asks for no passphrase";
        report.findings.push(Finding::new(severity, id_of, what, why, mend).of(profile));
    }
    report.facts.extend(keychain.take_warnings());
}

/// Some say that this command knows more.
fn hint(error: &Error) -> String {
    error.hint().trim_start_matches("mfa-run doctor; ").to_owned()
}
