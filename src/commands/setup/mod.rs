//! `mfa-run setup`: from a fresh access key to profiles that work. Each step is a command of its own, shown before it is run;
//! what is done already is recognised, so that it can be broken off and run again.
//!
//! It runs this very program for the steps: they ask their own questions, and a person who would rather type them can.

mod snippet;
mod step;

use crate::aws::iam::{Device, Iam};
use crate::aws::sts::Signer;
use crate::config::{Files, keys};
use crate::env::Env;
use crate::error::Error;
use crate::keychain::Keychain;
use crate::profile::plan::{Plan, Source};
use crate::profile::request::RoleArn;
use crate::profile::{self, Request};
use crate::session::access_key::access_key;
use crate::terminal::{escape, is_interactive, quote, say};
use dialoguer::{Input, Password, Select};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use step::{Outcome, Steps};
use zeroize::Zeroizing;

/// `mfa-run setup [-p PROFILE] [--snippet FILE]`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Profile that has the access key, or is to have it [default: $AWS_PROFILE, $AWS_DEFAULT_PROFILE, then "default"]
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// File with the profiles for your roles, as an administrator gives them; "-" is stdin
    #[arg(long, value_name = "FILE")]
    snippet: Option<PathBuf>,
    /// Leave a step out, repeatable
    #[arg(long, value_enum, value_name = "STEP")]
    skip: Vec<Step>,
    /// Agree to everything; only what cannot be guessed is asked
    #[arg(short, long)]
    yes: bool,
}

/// The steps.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The access key goes into the keychain
    Key,
    /// An MFA device is enrolled
    Device,
    /// Profiles for the roles
    Roles,
    /// Everything is looked at
    Doctor,
}

impl Step {
    fn title(self) -> &'static str {
        match self {
            Self::Key => "the access key goes into the keychain",
            Self::Device => "an MFA device",
            Self::Roles => "profiles for your roles",
            Self::Doctor => "a look at all of it",
        }
    }
}

/// Leads through the steps.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let profile = args.profile.as_deref().or_else(|| env.profile_variable().map(|(_, name)| name)).unwrap_or("default");
    let may_ask = is_interactive() && env.var("MFA_RUN_PROMPT") != Some("never");
    if !args.yes && !may_ask {
        return Err(Error::usage(
            "setup asks before each step, and nobody can be asked",
            "run it in a terminal, or with --yes",
        ));
    }
    // read first: a file that cannot be used is known before anything is done
    let snippet = args.snippet.as_deref().map(snippet::read).transpose()?;
    let steps = Steps { env, yes: args.yes };
    for (number, step) in [Step::Key, Step::Device, Step::Roles, Step::Doctor].into_iter().enumerate() {
        say(&format!("== {} of 4: {}", number + 1, step.title()));
        if args.skip.contains(&step) {
            say("left out");
            continue;
        }
        let outcome = match step {
            Step::Key => key(&steps, profile),
            Step::Device => device(&steps, profile),
            Step::Roles => roles(&steps, profile, snippet.as_deref()),
            Step::Doctor => steps.run(&["doctor"]),
        };
        match outcome? {
            Outcome::Done => {}
            Outcome::Already(how) => say(&format!("done already: {}", escape(&how))),
            Outcome::Skipped => say("left out; run mfa-run setup again for it"),
            // doctor has said itself what is to do
            Outcome::Failed(code) if step == Step::Doctor => return Ok(ExitCode::from(code)),
            Outcome::Failed(code) => {
                say(&format!("that did not work; mfa-run setup -p {} goes on from here", quote(profile)));
                return Ok(ExitCode::from(code));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(env: &Env, profile: &str) -> Result<Plan, Error> {
    let request = Request { profile: Some(profile.to_owned()), ..Request::default() };
    Ok(profile::plan_for_console(&Files::load(env)?, env, &request)?)
}

/// Imports the key of the profile, of the environment, or the one that is typed.
fn key(steps: &Steps<'_>, profile: &str) -> Result<Outcome, Error> {
    let env = steps.env;
    match plan(env, profile).map(|plan| plan.source) {
        Ok(Source::Keychain { access_key_id, .. }) => {
            return Ok(Outcome::Already(format!("profile {profile} has {access_key_id} in the keychain")));
        }
        Ok(Source::File { key, session_token: None, .. }) if keys::is_long_lived(&key.id) => {
            return steps.offer(&["key", "import", "-p", profile]);
        }
        _ => {}
    }
    if env.var("AWS_ACCESS_KEY_ID").is_some_and(keys::is_long_lived) {
        return steps.offer(&["key", "import", "-p", profile, "--from-env"]);
    }
    if !is_interactive() {
        let message = format!("there is no access key yet for profile {profile}");
        return Err(Error::usage(&message, &format!("mfa-run key import -p {} --from-stdin", quote(profile))));
    }
    let theme = super::theme(env);
    let check = |id: &String| {
        if id.is_empty() || keys::is_long_lived(id) { Ok(()) } else { Err("AKIA and capitals and digits") }
    };
    let id = Input::<String>::with_theme(theme).with_prompt("Access key ID (empty: not now)").allow_empty(true);
    let id = super::dialog(|| id.validate_with(check).interact_text())?;
    if id.is_empty() {
        return Ok(Outcome::Skipped);
    }
    let secret = Password::with_theme(theme).with_prompt("Secret access key (not shown)");
    let secret = Zeroizing::new(super::dialog(|| secret.interact())?);
    let given = Zeroizing::new(format!("{id} {}\n", secret.trim()));
    steps.run_with(&["key", "import", "-p", profile, "--from-stdin", "--yes"], given.as_bytes())
}

/// Enrols a device, or names one that is there.
fn device(steps: &Steps<'_>, profile: &str) -> Result<Outcome, Error> {
    let plan = plan(steps.env, profile)?;
    let devices = devices(steps.env, &plan)?;
    let usable: Vec<&str> =
        devices.iter().filter(|device| device.with_codes().is_some()).map(|device| device.serial.as_str()).collect();
    let named = plan.mfa.as_ref().map(|mfa| mfa.serial.value.as_str()).filter(|serial| usable.contains(serial));
    let outcome = match (named, &usable[..]) {
        (Some(serial), _) => Outcome::Already(format!("{serial} is active, and profile {profile} names it")),
        (None, []) => steps.offer(&["device", "enroll", "-p", profile])?,
        (None, [first, ..]) => {
            say(&format!("{} is active; profile {} does not name it", escape(first), escape(profile)));
            return steps.offer(&["configure", "-p", profile, "--mfa-serial", first]);
        }
    };
    if matches!(outcome, Outcome::Failed(_) | Outcome::Skipped) || !wants_a_line(steps.env, profile)? {
        return Ok(outcome);
    }
    say(&format!(
        "{}'s key is in the keychain, where AWS tools do not look: they can have the session from mfa-run",
        escape(profile)
    ));
    Ok(match (steps.offer(&["configure", "-p", profile, "--yes"])?, outcome) {
        (Outcome::Failed(code), _) => Outcome::Failed(code),
        (_, outcome) => outcome,
    })
}

/// Whether the profile has a device and a key in the keychain, and nothing that AWS tools could use.
fn wants_a_line(env: &Env, name: &str) -> Result<bool, Error> {
    let plan = plan(env, name)?;
    let files = Files::load(env)?;
    let has = |key: &str| files.profile(name).is_some_and(|profile| profile.get(key).is_some());
    let kept = matches!(&plan.source, Source::Keychain { profile, .. } if profile == name);
    Ok(kept && plan.mfa.is_some() && plan.roles.is_empty() && !has("credential_process"))
}

/// The user's devices; none where the user may not ask.
fn devices(env: &Env, plan: &Plan) -> Result<Vec<Device>, Error> {
    let keychain = Keychain::new(env)?.may_ask(true);
    let Some(key) = access_key(&plan.source, &keychain)? else {
        let message =
            format!("{} is not the access key of an IAM user, who could have MFA devices", plan.source.name());
        return Err(Error::usage(&message, "mfa-run setup --skip key --skip device"));
    };
    let listed = Iam::new(Signer::AccessKey(&key), &plan.sts, env).and_then(|iam| iam.all_mfa_devices());
    match listed {
        Ok(devices) => Ok(devices),
        Err(error) if error.refusal() == Some(crate::aws::Refusal::NotAuthorized) => Ok(vec![]),
        Err(error) => Err(crate::session::Error::of_iam(error, plan).into()),
    }
}

/// Adds the profiles of a snippet, or those that are typed.
fn roles(steps: &Steps<'_>, profile: &str, given: Option<&str>) -> Result<Outcome, Error> {
    if let Some(text) = given {
        return snippet::add(steps, profile, text);
    }
    let there = behind(steps.env, profile)?;
    if !there.is_empty() {
        return Ok(Outcome::Already(format!("{} use the key of {profile}", there.join(", "))));
    }
    if !is_interactive() {
        say("no --snippet FILE was given");
        return Ok(Outcome::Skipped);
    }
    let choices = ["Paste the profiles that I was given", "Type a role", "Not now"];
    let select = Select::with_theme(super::theme(steps.env)).with_prompt("Your roles").items(choices).default(0);
    match super::dialog(|| select.interact_opt())? {
        Some(0) => snippet::add(steps, profile, &snippet::pasted()?),
        Some(1) => typed(steps, profile),
        _ => Ok(Outcome::Skipped),
    }
}

/// One role after the other, each with `configure`.
fn typed(steps: &Steps<'_>, profile: &str) -> Result<Outcome, Error> {
    let theme = super::theme(steps.env);
    let mut outcome = Outcome::Skipped;
    loop {
        let check = |arn: &String| if arn.is_empty() { Ok(()) } else { RoleArn::from_str(arn).map(drop) };
        let arn = Input::<String>::with_theme(theme).with_prompt("Role ARN (empty: no more)").allow_empty(true);
        let arn = super::dialog(|| arn.validate_with(check).interact_text())?;
        let Ok(role) = RoleArn::from_str(&arn) else { return Ok(outcome) };
        let name =
            Input::<String>::with_theme(theme).with_prompt("Name of its profile").default(role.name().to_owned());
        let name = super::dialog(|| name.interact_text())?;
        match steps.run(&["configure", "-p", &name, "--role-arn", &arn, "--source-profile", profile])? {
            Outcome::Failed(code) => return Ok(Outcome::Failed(code)),
            done => outcome = done,
        }
    }
}

/// Names of the role profiles that begin with the profile's key.
fn behind(env: &Env, profile: &str) -> Result<Vec<String>, Error> {
    let source = plan(env, profile)?.source.identity();
    let files = Files::load(env)?;
    let ours = |name: &&str| {
        let request = Request { profile: Some((*name).to_owned()), ..Request::default() };
        let plan = profile::plan(&files, env, &request).ok();
        plan.is_some_and(|plan| !plan.roles.is_empty() && plan.source.identity() == source)
    };
    Ok(files.profiles().map(|found| found.name()).filter(ours).map(str::to_owned).collect())
}
