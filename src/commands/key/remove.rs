//! `mfa-run key remove`: forgets a key here. AWS keeps it, and takes it from whoever else has it.

use super::{Which, confirm, keychain, learn, may_ask, users, warnings};
use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::terminal::{escape, say};
use std::process::ExitCode;

/// `mfa-run key remove [ID | -p PROFILE]`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// Also where a profile still names it
    #[arg(long)]
    force: bool,
    /// Agree to it, ask nothing
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let id = args.which.id(&files, env)?;
    let (named_by, _) = users(&files, &id);
    if !named_by.is_empty() && !args.force {
        let message = format!("access key {id} is used by profile {}", named_by.join(", "));
        return Err(Error::usage(&message, "take mfa_run_access_key_id out of it first, or --force"));
    }
    let keychain = keychain(env)?;
    if keychain.access_key(&id)?.is_none() {
        warnings(&keychain);
        return Err(Error::usage(&format!("access key {id} is not in the keychain"), "mfa-run key list"));
    }
    if !args.yes {
        if !may_ask(env) {
            let message = format!("this may be the only copy of access key {id}");
            return Err(Error::usage(&message, "agree to it with --yes"));
        }
        confirm(env, &format!("Forget access key {}? This may be its only copy", escape(&id)))?;
    }
    keychain.forget_access_key(&id)?;
    learn(env, |index| {
        index.access_keys.remove(&id);
    });
    warnings(&keychain);
    say(&format!(
        "access key {} is forgotten here; AWS still takes it: aws iam delete-access-key --access-key-id {0}",
        escape(&id)
    ));
    Ok(ExitCode::SUCCESS)
}
