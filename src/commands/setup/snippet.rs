//! Profiles that somebody else wrote, for `~/.aws/config`: the output `aws_config` of `packaging/terraform`, for one.
//!
//! Security: a profile can name a program that every AWS tool runs. What is not mfa-run's own line, or a plain role, is not
//! taken; nor are keys.

use super::step::{Outcome, Steps};
use crate::commands::{Record, unified};
use crate::config::{self, Document, FileKind, Files, Profile, edit_file, header_of};
use crate::error::Error;
use crate::fsio::Replacement;
use crate::profile::Request;
use crate::terminal::{escape, say};
use std::io::BufRead;
use std::path::Path;

/// What a profile of a role may say.
const MAY_SAY: [&str; 11] = [
    "credential_process",
    "role_arn",
    "source_profile",
    "mfa_serial",
    "external_id",
    "role_session_name",
    "duration_seconds",
    "source_identity",
    "mfa_session",
    "region",
    "output",
];

/// The file, or stdin for `-`.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let text =
        if path == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|error| {
        Error::usage(&format!("the snippet {} cannot be read: {error}", path.display()), "--snippet FILE")
    })?;
    profiles(&Files::from_bytes(text.as_bytes(), b"")).map(drop)?;
    Ok(text)
}

/// What is pasted at the terminal.
pub(super) fn pasted() -> Result<String, Error> {
    say("Paste them, then a line with a single dot:");
    let mut text = String::new();
    for line in std::io::stdin().lock().lines() {
        match line.map_err(Error::stdin)?.trim_end() {
            "." => break,
            line => text.extend([line, "\n"]),
        }
    }
    Ok(text)
}

/// Puts the profiles into the config file, those that are not there yet.
pub(super) fn add(steps: &Steps<'_>, source: &str, text: &str) -> Result<Outcome, Error> {
    let given = Files::from_bytes(text.as_bytes(), b"");
    let files = Files::load(steps.env)?;
    let mut new = Vec::new();
    for profile in profiles(&given)? {
        let name = profile.name();
        match files.profile(name).map(|there| values(&there)) {
            None => new.push(profile),
            Some(there) if there == values(&profile) => say(&format!("{} is there already", escape(name))),
            Some(_) => say(&format!(
                "note: {0} is there and says something else; it stays as it is: mfa-run explain -p {0}",
                escape(name)
            )),
        }
    }
    if new.is_empty() {
        return Ok(Outcome::Already("the profiles are in the config file".into()));
    }
    for other in new.iter().filter_map(source_of).filter(|other| other != source) {
        say(&format!(
            "note: the access key is to be in profile {}, and here it is in {}",
            escape(&other),
            escape(source)
        ));
    }
    let path = files.path(FileKind::Config);
    let before = files.document(FileKind::Config).as_bytes().to_vec();
    let mut after = Document::parse(before.clone());
    new.iter().try_for_each(|profile| put(&mut after, profile))?;
    unified(path, &before, after.as_bytes()).lines().for_each(|line| say(&escape(line)));
    if !steps.agree("Write this?")? {
        return Ok(Outcome::Skipped);
    }
    for profile in &new {
        let change = edit_file(steps.env, path, Replacement::Atomic, |mut document| {
            put(&mut document, profile)?;
            Ok::<_, Error>(document)
        })?;
        Record::new(steps.env, profile.name(), None)?.add(path, change)?;
        say(&format!(
            "profile {} is there; try it: mfa-run -p {0} -- aws sts get-caller-identity",
            escape(profile.name())
        ));
    }
    Ok(Outcome::Done)
}

/// The profiles, each looked at. Errors: there is none, or one that is more than a role.
fn profiles(given: &Files) -> Result<Vec<Profile<'_>>, Error> {
    let profiles: Vec<Profile<'_>> = given.profiles().collect();
    if profiles.is_empty() {
        return Err(Error::usage("the snippet has no profile", "it has lines like [profile mfa-admin]"));
    }
    for profile in &profiles {
        let name = profile.name();
        let refuse = |what: &str| {
            let message = format!("profile {name} of the snippet {what}, and a snippet may name roles only");
            Err(Error::usage(
                &message,
                "look where it comes from; write it into ~/.aws/config yourself, if it is right",
            ))
        };
        if let Some(other) = profile.properties().find(|property| !MAY_SAY.contains(&property.key.as_ref())) {
            return refuse(&format!("says {}", other.key));
        }
        let line = profile.get("credential_process").map(|value| value.text);
        match line.map(Request::from_credential_process) {
            Some(None) => return refuse("runs another program than mfa-run"),
            Some(Some(Err(why))) => return refuse(&format!("has a line that mfa-run does not understand ({why})")),
            None if profile.get("role_arn").is_none() => return refuse("names no role"),
            Some(Some(Ok(_))) if profile.get("role_arn").is_some() => {
                return refuse("has role_arn beside credential_process, about which SDKs disagree");
            }
            _ => {}
        }
    }
    Ok(profiles)
}

fn values(profile: &Profile<'_>) -> Vec<(String, String)> {
    let mut values: Vec<_> =
        profile.properties().map(|one| (one.key.into_owned(), one.value.unwrap_or_default().to_owned())).collect();
    values.sort();
    values
}

/// Whose access key the profile begins with.
fn source_of(profile: &Profile<'_>) -> Option<String> {
    let line = profile.get("credential_process").and_then(|value| Request::from_credential_process(value.text));
    match line {
        Some(request) => request.ok()?.source_profile,
        None => profile.get("source_profile").map(|value| value.text.to_owned()),
    }
}

fn put(document: &mut Document, profile: &Profile<'_>) -> Result<(), config::Error> {
    let name = profile.name();
    let header =
        header_of(FileKind::Config, name).ok_or_else(|| config::Error::NoHeader { header: name.to_owned() })?;
    let properties: Vec<_> = profile.properties().filter_map(|one| Some((one.key.to_string(), one.value?))).collect();
    let properties: Vec<(&str, &str)> = properties.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    document.add_section(&header, &properties)
}
