//! The variables that tools read before the files: what is stale, what wins over a profile, what does not fit together.

use super::finding::Report;
use super::{Scene, quoted, shell};
use crate::aws;
use chrono::DateTime;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    named_profile(scene, report);
    keys(scene, report);
    expiration(scene, report);
    endpoint(scene, report);
    ca_bundles(scene, report);
}

fn named_profile(scene: &Scene<'_>, report: &mut Report) {
    let names = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    for (variable, name) in names.into_iter().filter_map(|variable| Some((variable, scene.env.var(variable)?))) {
        report.fact(format!("{variable}={name}"));
        if scene.files.profile(name).is_none() {
            let far = |other: &str| strsim::osa_distance(name, other);
            let close = scene.files.profiles().map(|profile| profile.name()).min_by_key(|other| far(other));
            let mend = match close.filter(|other| far(other) * 2 < name.len()) {
                Some(other) => shell::set(scene, variable, other),
                None => shell::unset(scene, &[variable]),
            };
            let what = format!("{variable} names {name}, and there is no such profile");
            report.error(
                "profile-not-there",
                what,
                "every AWS tool in this shell fails, or takes other credentials",
                mend,
            );
        }
    }
    if let [Some(one), Some(other)] = names.map(|variable| scene.env.var(variable))
        && one != other
    {
        let what = format!("AWS_PROFILE is {one}, and AWS_DEFAULT_PROFILE is {other}");
        let why = "boto3 goes by AWS_DEFAULT_PROFILE, the AWS CLI and the other SDKs by AWS_PROFILE";
        report.warning("two-profile-variables", what, why, shell::unset(scene, &["AWS_DEFAULT_PROFILE"]));
    }
}

fn keys(scene: &Scene<'_>, report: &mut Report) {
    let var = |name| scene.env.var(name);
    let (id, secret) = (var("AWS_ACCESS_KEY_ID"), scene.env.var_os("AWS_SECRET_ACCESS_KEY").is_some());
    let token = var("AWS_SESSION_TOKEN").or(var("AWS_SECURITY_TOKEN")).is_some();
    let unset = shell::evaluate(scene, "--unset");
    let whose = var("MFA_RUN_PROFILE").or(var("AWSUME_PROFILE"));
    match (id, secret) {
        (Some(id), true) if id.starts_with("AKIA") && token => report.error(
            "key-with-token",
            format!("the environment has the access key {id} beside a session token that is not its own"),
            "AWS refuses the two together, and tools take them before any profile",
            unset,
        ),
        (Some(id), true) if !token => report.warning(
            "key-in-environment",
            format!("the environment has the access key {id}"),
            "tools take it before any profile, so MFA is not asked for, and each program you start gets it",
            unset,
        ),
        (Some(id), true) if whose.is_none() => report.warning(
            "session-in-environment",
            format!("the environment has a session ({id}) that is not mfa-run's"),
            "tools take it before any profile, also when it is over",
            unset,
        ),
        (Some(id), true) => {
            report.fact(format!("a session of {} ({id}), before any profile", whose.unwrap_or_default()))
        }
        (None, false) if token => report.warning(
            "token-alone",
            "the environment has a session token and no access key",
            "it is left over from a session, and goes along with the next key you set",
            unset,
        ),
        (None, false) => report.fact("no credentials: tools go by the files"),
        _ => report.error(
            "half-a-key",
            "the environment has one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and not the other",
            "tools fail, or pass over both",
            unset,
        ),
    }
    if let Some(old) = var("AWS_SECURITY_TOKEN")
        && id.is_some()
        && var("AWS_SESSION_TOKEN") != Some(old)
    {
        report.error(
            "security-token-variable",
            "AWS_SECURITY_TOKEN is set, and is not AWS_SESSION_TOKEN",
            "Python's SDK takes it first, and AWS refuses the session",
            shell::unset(scene, &["AWS_SECURITY_TOKEN"]),
        );
    }
}

fn expiration(scene: &Scene<'_>, report: &mut Report) {
    let Some(text) = scene.env.var("AWS_CREDENTIAL_EXPIRATION") else { return };
    let again = match scene.env.var("MFA_RUN_PROFILE") {
        Some(profile) if scene.files.profile(profile).is_some() => {
            shell::evaluate(scene, &format!("-p {}", quoted(profile)))
        }
        _ => shell::evaluate(scene, "--unset"),
    };
    match DateTime::parse_from_rfc3339(text) {
        Err(_) => report.error(
            "expiration-unreadable",
            "AWS_CREDENTIAL_EXPIRATION is no time",
            "Python's SDK reads it, and fails",
            shell::unset(scene, &["AWS_CREDENTIAL_EXPIRATION"]),
        ),
        Ok(end) if end <= scene.env.now() => report.error(
            "session-over",
            format!("the session in this shell ended at {}", end.format("%Y-%m-%d %H:%M UTC")),
            "tools take it before any profile, and AWS refuses it",
            again,
        ),
        Ok(_) => {}
    }
}

/// What is left of `serve` in a shell, when it has ended.
fn endpoint(scene: &Scene<'_>, report: &mut Report) {
    let Some(url) = scene.env.var("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return };
    let host = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let Some(address) = host.and_then(|host| host.parse::<SocketAddr>().ok()).filter(|a| a.ip().is_loopback()) else {
        return;
    };
    if TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_err() {
        report.error(
            "endpoint-gone",
            format!("AWS_CONTAINER_CREDENTIALS_FULL_URI leads to {address}, where nobody listens"),
            "tools that find no other credentials wait for it, and fail",
            shell::unset(scene, &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]),
        );
    }
}

fn ca_bundles(scene: &Scene<'_>, report: &mut Report) {
    let variable = scene.env.var_os("AWS_CA_BUNDLE").map(|path| ("AWS_CA_BUNDLE".to_owned(), path.to_owned(), None));
    let profiles = scene.profiles.iter().filter_map(|seen| {
        let value = seen.profile.get("ca_bundle").filter(|value| !value.text.is_empty())?;
        Some((format!("ca_bundle of profile {}", seen.name()), value.text.into(), Some(value.origin)))
    });
    for (who, path, origin) in variable.into_iter().chain(profiles) {
        let Err(error) = aws::check_bundle(Path::new(&path)) else { continue };
        let cause = error.cause().unwrap_or_default();
        let mend = match origin {
            Some(origin) => format!("edit {}: a PEM file, or take it out", scene.place(origin)),
            None => shell::unset(scene, &["AWS_CA_BUNDLE"]),
        };
        report.error("ca-bundle", format!("{who}: {error} ({cause})"), "no tool gets a connection to AWS", mend);
    }
}
