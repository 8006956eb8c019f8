//! `mfa-run key`: long-lived access keys, kept in the keychain. A profile names its key by its ID, which is no secret:
//! `mfa_run_access_key_id = AKIA…`.
//!
//! At every instant a key that worked is somewhere it can be used from: what is new is kept and read back before anything old
//! goes, and what AWS was asked for is on record before it is asked.

mod export;
mod given;
mod import;
mod list;
mod remove;
mod rotate;
mod target;

use super::{dialog, theme};
use crate::aws::sts::{Connection, Identity, Signer};
use crate::config::{Files, keys};
use crate::credentials::AccessKey;
use crate::env::Env;
use crate::error::Error;
use crate::keychain::Keychain;
use crate::profile::{self, Plan, Request};
use crate::session;
use crate::session::index::Index;
use crate::terminal::{debug, escape, is_interactive, say};
use dialoguer::Confirm;
use std::process::ExitCode;

/// `mfa-run key import | list | rotate | remove | export`
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What is done with access keys.
#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Move access keys from the AWS files, stdin or the environment into the keychain
    Import(import::Args),
    /// List access keys: user, profiles, where kept, age, last use; never a secret
    List(list::Args),
    /// Replace an access key by a new one, at AWS and here
    Rotate(Box<rotate::Args>),
    /// Forget an access key that is in the keychain; AWS keeps it
    Remove(remove::Args),
    /// Print an access key in plain text, after you typed its ID at a terminal
    Export(export::Args),
}

/// Does it.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    match &args.command {
        Command::Import(args) => import::run(args, env),
        Command::List(args) => list::run(args, env),
        Command::Rotate(args) => rotate::run(args, env),
        Command::Remove(args) => remove::run(args, env),
        Command::Export(args) => export::run(args, env),
    }
}

/// An access key by its ID, or by a profile that uses it.
#[derive(clap::Args, Debug)]
struct Which {
    /// Access key ID
    #[arg(value_name = "ID", conflicts_with = "profile")]
    id: Option<String>,
    /// Profile whose access key it is [default: $AWS_PROFILE, $AWS_DEFAULT_PROFILE, then "default"]
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
}

impl Which {
    fn id(&self, files: &Files, env: &Env) -> Result<String, Error> {
        if let Some(id) = &self.id {
            return Ok(id.clone());
        }
        let plan = plan(files, env, self.profile.as_deref())?;
        match plan.source.access_key_id() {
            Some(id) => Ok(id.to_owned()),
            None => Err(no_key(&plan)),
        }
    }
}

/// The plan of a profile, also of one that no session can be made from yet.
fn plan(files: &Files, env: &Env, profile: Option<&str>) -> Result<Plan, Error> {
    let request = Request { profile: profile.map(str::to_owned), ..Request::default() };
    Ok(profile::plan_for_console(files, env, &request)?)
}

fn no_key(plan: &Plan) -> Error {
    let message = format!("profile {} begins with {}, no access key", plan.profile.value, plan.source.name());
    Error::usage(&message, "mfa-run list shows where the credentials of each profile begin")
}

/// May a person be asked: not with `MFA_RUN_PROMPT=never`.
fn may_ask(env: &Env) -> bool {
    is_interactive() && env.var("MFA_RUN_PROMPT") != Some("never")
}

fn keychain(env: &Env) -> Result<Keychain<'_>, Error> {
    Ok(Keychain::new(env)?.may_ask(env.var("MFA_RUN_PROMPT") != Some("never")))
}

fn confirm(env: &Env, question: &str) -> Result<(), Error> {
    let sure = Confirm::with_theme(theme(env)).with_prompt(question).default(false);
    match dialog(|| sure.interact_opt())? {
        Some(true) => Ok(()),
        _ => Err(Error::cancelled()),
    }
}

/// Whose key it is, if it works.
fn identity(plan: &Plan, key: &AccessKey) -> Result<Identity, Error> {
    let signer = Signer::AccessKey(key);
    let asked = Connection::new(&plan.sts).and_then(|connection| connection.caller_identity(signer));
    asked.map_err(|error| session::Error::aws(error, plan, false).into())
}

/// Keeps a key and reads it back: what comes out is what went in, or it is an error. Where it is kept, in words.
fn keep(keychain: &Keychain<'_>, env: &Env, key: &AccessKey, identity: Option<&Identity>) -> Result<String, Error> {
    let store = keychain.keep_access_key(key)?;
    if !keychain.access_key(&key.id)?.is_some_and(|kept| kept.is(key)) {
        return Err(Error::not_kept(&key.id, &store));
    }
    learn(env, |index| {
        index.access_keys.insert(key.id.clone(), env.now().timestamp());
        if let Some(Identity { arn, account }) = identity {
            index.identities.insert(key.id.clone(), (arn.clone(), account.clone()));
        }
    });
    warnings(keychain);
    Ok(store)
}

/// Notes something in the index, which may fail.
fn learn(env: &Env, change: impl FnOnce(&mut Index)) {
    if let Err(error) = Index::update(env, change) {
        debug(|| format!("the index cannot be written: {error}"));
    }
}

fn warnings(keychain: &Keychain<'_>) {
    keychain.take_warnings().iter().for_each(|warning| say(&format!("warning: {}", escape(warning))));
}

/// The profiles that use the key by themselves: those that name it in the keychain, then those that have it in plain text.
fn users(files: &Files, id: &str) -> (Vec<String>, Vec<String>) {
    let kept = keys::kept(files).into_iter().filter(|(_, kept)| kept == id).map(|(profile, _)| profile);
    let plain = keys::plain(files).into_iter().filter(|plain| plain.id == id).map(|plain| plain.profile);
    (kept.collect(), plain.collect())
}
