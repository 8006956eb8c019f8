//! What AWS's answers mean: values in, findings out.

use super::finding::{Finding, Report, Severity};
use super::network::{Answers, Subject, is_of_the_key};
use super::trust::{self, Trust};
use super::{Scene, profiles, quoted};
use crate::aws::Error;
use crate::aws::iam::{Device, DeviceKind};
use crate::session::SET_CLOCK;

/// AWS refuses a signature that is more off than this, some services one that is five minutes off.
const REFUSED: i64 = 15 * 60;
const TOO_FAR: i64 = 5 * 60;
/// After so many days an access key should be another one: CIS AWS Foundations Benchmark, 1.14.
const OLD: i64 = 90;

pub(super) fn clock(answers: &[Answers], report: &mut Report) {
    let Some(offset) = answers.iter().find_map(|answers| answers.clock) else { return };
    let direction = if offset > 0 { "behind" } else { "ahead of" };
    let off = offset.abs();
    if off < TOO_FAR {
        return report.fact(format!("this machine's clock is {off} s {direction} AWS's"));
    }
    let severity = if off < REFUSED { Severity::Warning } else { Severity::Error };
    let what = format!("this machine's clock is {} min {direction} AWS's", off / 60);
    let why = "AWS refuses signatures that are 15 minutes off, some services from 5; mfa-run puts its own right";
    report.findings.push(Finding::new(severity, "clock", what, why, SET_CLOCK));
}

pub(super) fn key(scene: &Scene<'_>, subject: &Subject, answers: &Answers, report: &mut Report) {
    let (id, profile) = (subject.id(), subject.profile.as_str());
    let identity = match &answers.identity {
        Some(Ok(identity)) => identity,
        Some(Err(error)) if is_of_the_key(error) => {
            let error = error.to_string();
            let what = format!("AWS refuses the access key {id}: {}", error.trim_end_matches('.'));
            let mend = "aws iam list-access-keys, as an administrator: make a new one";
            let why = "no session can be made with it";
            return report.findings.push(Finding::new(Severity::Error, "key-refused", what, why, mend).of(profile));
        }
        Some(Err(error)) => {
            let cause = error.cause().map(|cause| format!(" ({cause})")).unwrap_or_default();
            return unreached(report, format!("{error}{cause}"));
        }
        None => return unreached(report, "STS has not answered in time".into()),
    };
    let name = identity.role_session_name();
    report.fact(format!("{id} is {name}'s, in {}", identity.account));
    if identity.arn.ends_with(":root") {
        let what = format!("{id} is an access key of the account's root user");
        let why = "it may do everything, and no policy limits it";
        let mend = "make an IAM user, and delete this key in the console";
        report.findings.push(Finding::new(Severity::Error, "root-key", what, why, mend).of(profile));
    }
    if let Some(Ok(())) = &answers.bare {
        let what = format!("the access key {id} of {name} works without MFA: iam:ListRoles was allowed");
        let why = "whoever gets the key needs no code for what it may do";
        let mend = "a policy that denies what is done without MFA: packaging/terraform/README.md";
        report.findings.push(Finding::new(Severity::Warning, "key-without-mfa", what, why, mend).of(profile));
    }
    match &answers.devices {
        Some(Ok(found)) => devices(subject, &name, found, report),
        Some(Err(Error::Refused { .. })) => report.fact(format!("{name} may not list MFA devices")),
        _ => {}
    }
    if let Some(made) = answers.made {
        let days = (scene.env.now() - made).num_days();
        if days >= OLD {
            let what = format!("the access key {id} of {name} is {days} days old");
            let why = "the older a key, the more copies of it there are";
            let mend = format!("mfa-run key rotate -p {}", quoted(profile));
            report.findings.push(Finding::new(Severity::Note, "old-key", what, why, mend).of(profile));
        }
    }
    if !answers.is_complete {
        unreached(report, "IAM has not answered in time".into());
    }
}

fn unreached(report: &mut Report, what: String) {
    let why = "clock, access keys, devices and roles were not looked at";
    let mend = "check the network, HTTPS_PROXY, NO_PROXY; or mfa-run doctor --offline";
    if !report.findings.iter().any(|finding| finding.id == "no-answer") {
        report.note("no-answer", what, why, mend);
    }
}

fn devices(subject: &Subject, name: &str, devices: &[Device], report: &mut Report) {
    let profile = subject.profile.as_str();
    let with_codes = devices.iter().filter(|device| device.kind() != DeviceKind::Fido);
    let usable: Vec<&str> = with_codes.map(|device| device.serial.as_str()).collect();
    let enroll = format!("mfa-run device enroll -p {}", quoted(profile));
    let mut find = |severity, id, what: String, why: &str, mend: String| {
        report.findings.push(Finding::new(severity, id, what, why, mend).of(profile));
    };
    if devices.is_empty() {
        let why = "no session with MFA can be made, and whoever has the key can enrol a device";
        return find(Severity::Error, "no-device", format!("{name} has no MFA device"), why, enroll);
    }
    if usable.is_empty() {
        let what = format!("{name} has FIDO keys only");
        let why = "STS takes codes, and a FIDO key has none; AWS allows several devices";
        return find(Severity::Error, "fido-only", what, why, enroll);
    }
    let shown = usable.join(", ");
    for serial in subject.serials.iter().filter(|serial| !usable.contains(&serial.as_str())) {
        let what = format!("{serial} is no device of {name}");
        let why = "AWS refuses its codes";
        find(Severity::Error, "device-unknown", what, why, format!("mfa_serial = {}", usable.join(" or ")));
    }
    report.fact(format!("devices of {name}: {shown}"));
}

/// What the roles say of themselves, held against the profiles.
pub(super) fn roles(scene: &Scene<'_>, answers: &Answers, report: &mut Report) {
    let mut said = std::collections::BTreeSet::new();
    for seen in &scene.profiles {
        let Ok(plan) = &seen.plan else { continue };
        // further roles of a chain are assumed by sessions: an hour, and no MFA of a user's
        let [role] = plan.roles.as_slice() else { continue };
        let arn = role.arn.value.as_str();
        let Some(Ok(facts)) = answers.roles.get(arn) else { continue };
        let name = seen.name();
        if let Some(asked) = plan.asked().filter(|asked| *asked > facts.longest) {
            let what = format!("profile {name} asks for {asked} s, and {arn} allows {} s", facts.longest);
            let why = "each new session costs a request more, and lasts an hour";
            let mend = profiles::shorter(scene, seen, i64::from(facts.longest));
            report.findings.push(Finding::new(Severity::Warning, "duration-over-maximum", what, why, mend).of(name));
        }
        let trust = trust::read(&facts.trust);
        if trust == Some(Trust::AsksForMfa) && plan.mfa.is_none() {
            let devices = answers.devices.iter().flatten().flatten();
            let mut with_codes = devices.filter(|device| device.kind() != DeviceKind::Fido);
            let serial = with_codes.next().map_or("ARN", |device| device.serial.as_str());
            let what = format!("{arn} asks for MFA, and profile {name} has no mfa_serial");
            let mend = format!("mfa-run configure -p {} --mfa-serial {serial}", quoted(name));
            let why = "AWS refuses the role, and does not say that MFA is what it misses";
            report.findings.push(Finding::new(Severity::Error, "mfa-serial-missing", what, why, mend).of(name));
        }
        let what = match trust {
            Some(Trust::Open) => format!("{arn} does not ask for MFA"),
            Some(Trust::IfExists) => format!("{arn} asks for MFA with BoolIfExists, which lets a bare access key in"),
            _ => continue,
        };
        if said.insert(arn) {
            let why = "whoever gets the access key has the role, without a code";
            let mend = "in the trust policy: \"Condition\": {\"Bool\": {\"aws:MultiFactorAuthPresent\": \"true\"}}";
            report.findings.push(Finding::new(Severity::Warning, "role-without-mfa", what, why, mend).of(name));
        }
    }
}
