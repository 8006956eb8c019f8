//! The questions of `configure`, on the terminal. Every answer can be given as a flag instead.

use super::Args;
use super::line::{Line, lookup};
use crate::aws::iam::Iam;
use crate::aws::sts::Signer;
use crate::commands::dialog;
use crate::config::Files;
use crate::config::keys::KEPT;
use crate::env::Env;
use crate::error::Error;
use crate::keychain::Keychain;
use crate::profile::request::{MfaSerial, RoleArn, Seconds};
use crate::profile::{self, Plan, Request};
use crate::session::access_key::access_key;
use crate::terminal::{escape, say};
use dialoguer::theme::Theme;
use dialoguer::{Confirm, FuzzySelect, Input};
use std::str::FromStr;

const ANOTHER: &str = "another ...";

/// Asks which profile.
pub(super) fn profile(files: &Files, theme: &dyn Theme) -> Result<String, Error> {
    let mut names: Vec<String> = files.profiles().map(|profile| profile.name().to_owned()).collect();
    names.sort();
    match choose(theme, "Profile to set up", &names, None)? {
        Some(name) => Ok(name),
        None => text(theme, "Name of the new profile", None, |name: &str| {
            if name.trim().is_empty() { Err("a name, please".into()) } else { Ok(()) }
        }),
    }
}

/// Asks for what the profile's line is made of; what it says now is the default.
pub(super) fn facts(args: &mut Args, files: &Files, env: &Env, theme: &dyn Theme) -> Result<(), Error> {
    let name = args.profile.clone().unwrap_or_default();
    let profile = files.profile(&name);
    let now = profile.map(|profile| Line::of(files, &profile)).unwrap_or_default();
    let key = |key: &str| profile.as_ref().and_then(|profile| lookup(files, profile, key)).map(str::to_owned);
    let has_key = key("aws_access_key_id").or_else(|| key(KEPT)).is_some()
        || files.profile(&format!("{name}-long-term")).is_some();

    if args.role_arn.is_none() {
        let prompt = if has_key { "Role ARN (empty: a shared MFA session, no role)" } else { "Role ARN" };
        let given = text(theme, prompt, now.value("--role-arn").map(str::to_owned), |given: &str| {
            if given.is_empty() && has_key { Ok(()) } else { RoleArn::from_str(given).map(drop) }
        })?;
        args.role_arn = (!given.is_empty()).then(|| given.parse().expect("it was checked"));
    }
    if args.role_arn.is_some() && args.source_profile.is_none() {
        let mut keys: Vec<String> = files
            .profiles()
            .filter(|profile| {
                let in_plain = profile.get("aws_access_key_id").is_some() && profile.get("aws_session_token").is_none();
                in_plain || profile.get(KEPT).is_some()
            })
            .map(|profile| profile.name().to_owned())
            .collect();
        keys.sort();
        let source = choose(theme, "Source profile, whose access key is used", &keys, now.value("--source-profile"))?;
        args.source_profile = Some(match source {
            Some(source) => source,
            None => text(theme, "Source profile", None, |_: &str| Ok(()))?,
        });
    }
    if args.mfa_serial.is_none() {
        let mut known = devices(args, files, env);
        known.extend(known_serials(files, env));
        known.sort();
        known.dedup();
        let default = now.value("--mfa-serial").map(str::to_owned).or_else(|| key("mfa_serial"));
        let serial = match choose(theme, "MFA device", &known, default.as_deref())? {
            Some(serial) => serial,
            None => text(theme, "MFA serial (ARN; empty: no MFA)", default, |given: &str| {
                if given.is_empty() { Ok(()) } else { MfaSerial::from_str(given).map(drop) }
            })?,
        };
        args.mfa_serial = (!serial.is_empty()).then(|| serial.parse().expect("it was checked"));
    }
    if args.duration.is_none() {
        let default = now.value("--duration").map_or_else(|| "default".to_owned(), str::to_owned);
        let given = text(theme, "Duration (15m to 12h, or default)", Some(default), |given: &str| {
            if given == "default" { Ok(()) } else { Seconds::from_str(given).map(drop) }
        })?;
        args.duration = given.parse().ok();
    }
    if args.region.is_none() {
        let given = text(theme, "Region (empty: none)", key("region"), |_: &str| Ok(()))?;
        args.region = (!given.is_empty()).then_some(given);
    }
    Ok(())
}

/// Offers one code for all roles behind the device.
pub(super) fn share(plan: &Plan, files: &Files, env: &Env, theme: &dyn Theme) -> Result<bool, Error> {
    let Some(shared) = plan.shared_id() else { return Ok(false) };
    let others =
        plans(files, env).filter(|other| !other.roles.is_empty() && other.shared_id().as_ref() == Some(&shared));
    let others = others.filter(|other| other.profile.value != plan.profile.value).count();
    if others == 0 || plan.roles.is_empty() || plan.mfa_session.is_some() {
        return Ok(false);
    }
    let roles = if others == 1 { "1 other role is" } else { &format!("{others} other roles are") };
    confirm(
        theme,
        &format!("{roles} behind this device. One code for all (each role renewed every hour without a code)?"),
        true,
    )
}

/// Yes or no.
pub(super) fn confirm(theme: &dyn Theme, question: &str, default: bool) -> Result<bool, Error> {
    let answer = Confirm::with_theme(theme).with_prompt(question).default(default);
    dialog(|| answer.interact_opt())?.ok_or_else(Error::cancelled)
}

/// One of these; `None` for another one.
fn choose(theme: &dyn Theme, prompt: &str, items: &[String], default: Option<&str>) -> Result<Option<String>, Error> {
    if items.is_empty() {
        return Ok(None);
    }
    let mut shown: Vec<String> = items.iter().map(|item| escape(item).into_owned()).collect();
    shown.push(ANOTHER.into());
    let first = default.and_then(|default| items.iter().position(|item| item == default)).unwrap_or(0);
    let select = FuzzySelect::with_theme(theme).with_prompt(prompt).items(&shown).default(first);
    let chosen = dialog(|| select.interact_opt())?.ok_or_else(Error::cancelled)?;
    Ok(items.get(chosen).cloned())
}

fn text(
    theme: &dyn Theme,
    prompt: &str,
    default: Option<String>,
    check: impl Fn(&str) -> Result<(), String> + Clone,
) -> Result<String, Error> {
    let mut input = Input::<String>::with_theme(theme).with_prompt(prompt).allow_empty(true);
    if let Some(default) = default {
        input = input.default(default);
    }
    let input = input.validate_with(move |given: &String| check(given.trim()));
    Ok(dialog(|| input.interact_text())?.trim().to_owned())
}

/// Devices that IAM lists for the access key that is to be used. Many users may not ask that without MFA.
fn devices(args: &Args, files: &Files, env: &Env) -> Vec<String> {
    let request = Request {
        profile: args.profile.clone(),
        role_arn: args.role_arn.clone(),
        source_profile: args.source_profile.clone(),
        // any will do: there is no plan without role and device
        mfa_serial: "arn:aws:iam::000000000000:mfa/x".parse().ok(),
        ..Request::default()
    };
    let Ok(plan) = profile::plan(files, env, &request) else { return vec![] };
    let Ok(keychain) = Keychain::new(env) else { return vec![] };
    let Ok(Some(key)) = access_key(&plan.source, &keychain.may_ask(true)) else { return vec![] };
    match Iam::new(Signer::AccessKey(&key), &plan.sts, env).and_then(|iam| iam.list_mfa_devices()) {
        Ok(devices) => devices.iter().map(ToString::to_string).collect(),
        Err(error) => {
            say(&format!("note: AWS does not list the MFA devices: {}", escape(&error.to_string())));
            vec![]
        }
    }
}

/// Devices that other profiles name.
fn known_serials(files: &Files, env: &Env) -> Vec<String> {
    let mut serials: Vec<String> =
        plans(files, env).filter_map(|plan| Some(plan.mfa.as_ref()?.serial.value.to_string())).collect();
    serials.sort();
    serials.dedup();
    serials
}

fn plans<'f>(files: &'f Files, env: &'f Env) -> impl Iterator<Item = Plan> + 'f {
    files.profiles().filter_map(move |profile| {
        let request = Request { profile: Some(profile.name().to_owned()), ..Request::default() };
        profile::plan(files, env, &request).ok()
    })
}
