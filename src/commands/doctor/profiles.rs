//! What stands in a profile and gets in its own way: credentials that win over credential_process, keys that SDKs disagree
//! about, durations a role refuses, access keys in plain text.

use super::finding::{Finding, Report, Severity};
use super::fix::{Edit, Fix};
use super::{Scene, Seen, process, quoted};
use crate::config::{FileKind, Value};
use crate::profile::{self, Request};
use std::collections::BTreeSet;

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    let mut plain_keys = BTreeSet::new();
    for seen in &scene.profiles {
        broken(seen, report);
        key_beside_process(scene, seen, report);
        role_beside_process(scene, seen, report);
        security_token(scene, seen, report);
        sdk_asks_itself(scene, seen, report);
        refused_duration(scene, seen, report);
        plain_key(scene, seen, &mut plain_keys, report);
        process::check(scene, seen, report);
    }
    let sessions = scene.plans().count();
    report.fact(format!("{sessions} of {} make a session: mfa-run list", scene.profiles.len()));
}

/// What `list` shows in red.
fn broken(seen: &Seen<'_>, report: &mut Report) {
    let Err(error) = &seen.plan else { return };
    let has = |key: &str| seen.profile.get(key).is_some();
    let wants_a_session = has("role_arn") || has("mfa_serial") || own_line(seen).is_some();
    // a session that some tool wrote is used by others as it is
    let is_one = matches!(error, profile::Error::TemporaryKeys { .. });
    if (error.no_session().is_some() || is_one) && !wants_a_session {
        return;
    }
    let why = "mfa-run makes no session for it, and most tools fail too";
    report
        .findings
        .push(Finding::new(Severity::Error, "profile-broken", error.to_string(), why, error.hint()).of(seen.name()));
}

/// The profile's `credential_process`, where it is ours.
pub(super) fn own_line<'a>(seen: &Seen<'a>) -> Option<Value<'a>> {
    let line = seen.profile.get("credential_process")?;
    Request::from_credential_process(line.text).map(|_| line)
}

/// Whether `mfa-run configure -p NAME` leaves the meaning of our own line as it is: a line that leads elsewhere with `-p`
/// would become another one.
fn can_be_configured(seen: &Seen<'_>) -> bool {
    let request = own_line(seen).and_then(|line| Request::from_credential_process(line.text)?.ok());
    request.is_some_and(|own| {
        own.profile.as_deref().is_some_and(|name| name == seen.name())
            || (own.role_arn.is_some() && own.source_profile.is_some())
    })
}

fn configure(seen: &Seen<'_>) -> (String, Fix) {
    let name = seen.name();
    (format!("mfa-run configure -p {}", quoted(name)), Fix::Configure { profile: name.to_owned() })
}

/// An access key or session, and the file it is in.
fn static_key<'a>(seen: &Seen<'a>) -> Option<(FileKind, Value<'a>, bool)> {
    [FileKind::Credentials, FileKind::Config].into_iter().find_map(|file| {
        let get = |key| seen.profile.get_in(file, key).filter(|value| !value.text.is_empty());
        let id = get("aws_access_key_id")?;
        get("aws_secret_access_key")?;
        let has_token = get("aws_session_token").or(get("aws_security_token")).is_some();
        // a long-lived key stays one, whatever token was left beside it
        Some((file, id, has_token && !id.text.starts_with("AKIA")))
    })
}

fn key_beside_process(scene: &Scene<'_>, seen: &Seen<'_>, report: &mut Report) {
    let (Some((file, id, temporary)), Some(_)) = (static_key(seen), seen.profile.get("credential_process")) else {
        return;
    };
    let (place, name) = (scene.place(id.origin), seen.name());
    let by_hand = format!("edit {place}: take the key out of [{name}]");
    let (what, mend, fix) = match temporary {
        true if file == FileKind::Credentials => {
            let fix = Fix::Edit { profile: name.to_owned(), file, edit: Edit::TakeSession };
            ("a leftover session", format!("mfa-run doctor --fix -p {}", quoted(name)), Some(fix))
        }
        true => ("a leftover session", by_hand, None),
        false if can_be_configured(seen) => {
            let (mend, fix) = configure(seen);
            ("an access key", mend, Some(fix))
        }
        false => ("an access key", by_hand, None),
    };
    let what = format!("{place}: {what} stands beside the credential_process of profile {name}");
    let why = match (file, temporary) {
        (FileKind::Config, _) => "SDKs disagree: Python's runs credential_process, others take what stands there",
        (_, true) => "tools take the session, even when it is over, and never run credential_process",
        (_, false) => "tools take the key, and never run credential_process: MFA is not asked for",
    };
    report.findings.push(Finding::new(Severity::Error, "key-beside-process", what, why, mend).of(name).fix(fix));
}

fn role_beside_process(scene: &Scene<'_>, seen: &Seen<'_>, report: &mut Report) {
    let (Some(role), Some(_)) = (seen.profile.get("role_arn"), seen.profile.get("credential_process")) else {
        return;
    };
    let name = seen.name();
    let what = format!("{}: role_arn stands beside the credential_process of profile {name}", scene.place(role.origin));
    let why = "SDKs disagree: Python's refuses the profile or passes the process over, Go's assumes the role on top";
    let (mend, fix) = match can_be_configured(seen) {
        // the line says again what the keys say, and they go
        true => {
            let (mend, fix) = configure(seen);
            (mend, Some(fix))
        }
        false => {
            let keys = "take role_arn and source_profile out, or credential_process";
            (format!("edit {}: {keys}", scene.place(role.origin)), None)
        }
    };
    report.findings.push(Finding::new(Severity::Error, "role-beside-process", what, why, mend).of(name).fix(fix));
}

/// aws-mfa and `write` put the same token under both names; alone or different it is left over from something.
fn security_token(scene: &Scene<'_>, seen: &Seen<'_>, report: &mut Report) {
    const KEY: &str = "aws_security_token";
    let get = |key| seen.profile.get(key).filter(|value| !value.text.is_empty());
    let Some(token) = get(KEY) else { return };
    if get("aws_session_token").is_some_and(|session| session.text == token.text) {
        return;
    }
    let name = seen.name();
    let fix = Fix::Edit { profile: name.to_owned(), file: token.origin.file, edit: Edit::Remove { key: KEY } };
    let what = format!("{}: profile {name} has a leftover {KEY}", scene.place(token.origin));
    let why = "Python's SDK takes it before aws_session_token, and sends it with a key it does not belong to";
    let mend = format!("mfa-run doctor --fix -p {}", quoted(name));
    report.findings.push(Finding::new(Severity::Error, "security-token", what, why, mend).of(name).fix(fix));
}

/// A role that tools assume by themselves from a session of ours, with a device of its own: they ask once more.
fn sdk_asks_itself(scene: &Scene<'_>, seen: &Seen<'_>, report: &mut Report) {
    let (Some(_), Some(serial), Some(source)) =
        (seen.profile.get("role_arn"), seen.profile.get("mfa_serial"), seen.profile.get("source_profile"))
    else {
        return;
    };
    let behind = scene.files.profile(source.text).and_then(|source| source.get("credential_process"));
    let ours = behind.and_then(|line| Request::from_credential_process(line.text)).is_some();
    let request = Request { profile: Some(source.text.to_owned()), ..Request::default() };
    // without a device of its own the source's session has no MFA, and the serial is not said twice
    let has_mfa = || profile::plan(scene.files, scene.env, &request).is_ok_and(|plan| plan.mfa.is_some());
    if !ours || !has_mfa() {
        return;
    }
    let name = seen.name();
    let fix =
        Fix::Edit { profile: name.to_owned(), file: serial.origin.file, edit: Edit::Remove { key: "mfa_serial" } };
    let what = format!(
        "{}: profile {name} has mfa_serial, and a source profile whose session has MFA already",
        scene.place(serial.origin)
    );
    let why = "the AWS CLI asks for a second code, and other tools fail, as they ask nobody";
    let mend = format!("mfa-run doctor --fix -p {}", quoted(name));
    report.findings.push(Finding::new(Severity::Warning, "mfa-twice", what, why, mend).of(name).fix(fix));
}

/// What AWS taught earlier runs.
fn refused_duration(scene: &Scene<'_>, seen: &Seen<'_>, report: &mut Report) {
    let Ok(plan) = &seen.plan else { return };
    let (Some(role), Some(asked)) = (plan.roles.last(), plan.asked()) else { return };
    let refused = scene.index.refused_durations.get(role.arn.value.as_str());
    let Some(refused) = refused.filter(|refused| **refused <= asked) else { return };
    let what = format!("profile {} asks for {asked} s, and {} refused {refused} s", seen.name(), role.arn.value);
    let mend = shorter(scene, seen, 3_600);
    let why = "each new session costs a request more, and lasts an hour";
    report.findings.push(Finding::new(Severity::Warning, "duration-refused", what, why, mend).of(seen.name()));
}

/// Has the profile ask for that many seconds.
pub(super) fn shorter(scene: &Scene<'_>, seen: &Seen<'_>, seconds: i64) -> String {
    match seen.profile.get("duration_seconds") {
        Some(value) => format!("edit {}: duration_seconds = {seconds}", scene.place(value.origin)),
        None => format!("mfa-run configure -p {} --duration {seconds}", quoted(seen.name())),
    }
}

/// Each key once, however many profiles have it.
fn plain_key(scene: &Scene<'_>, seen: &Seen<'_>, known: &mut BTreeSet<String>, report: &mut Report) {
    let Some((file, id, false)) = static_key(seen) else { return };
    if !id.text.starts_with("AKIA") || !known.insert(id.text.to_owned()) {
        return;
    }
    let name = seen.name();
    let what = format!("{}: the access key {} is in plain text", scene.place(id.origin), id.text);
    let mend = format!("mfa-run key import -p {}", quoted(name));
    let (severity, why) = match file {
        FileKind::Config => (Severity::Warning, "the config file is what people share and put under version control"),
        FileKind::Credentials => (Severity::Note, "it works for years, for whoever reads the file or a backup of it"),
    };
    report.findings.push(Finding::new(severity, "plain-key", what, why, mend).of(name));
}
