//! `mfa-run key export`: the way back out of the keychain. The one command that prints a long-lived secret, and only for a person
//! at a terminal who types the key's ID.

use super::{Which, keychain, may_ask, theme, warnings};
use crate::commands::dialog;
use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output::access_key;
use crate::terminal::{escape, say};
use dialoguer::Input;
use std::process::ExitCode;

/// `mfa-run key export [ID | -p PROFILE]`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let id = args.which.id(&files, env)?;
    if !may_ask(env) {
        let message = format!("the secret of access key {id} is printed for a person at a terminal only");
        return Err(Error::usage(&message, "run it where you can be asked"));
    }
    if access_key::stdout_is_readable_by_others() {
        return Err(Error::usage("others may read the file that the secret would go to", "umask 077, and a new file"));
    }
    let keychain = keychain(env)?;
    let key = keychain.access_key(&id)?;
    warnings(&keychain);
    let Some(key) = key else {
        return Err(Error::usage(&format!("access key {id} is not in the keychain"), "mfa-run key list"));
    };
    say("This prints a secret that is worth years, in plain text, for ~/.aws/credentials.");
    let question = Input::<String>::with_theme(theme(env)).with_prompt(format!("Type {} to go on", escape(&id)));
    let typed = dialog(|| question.allow_empty(true).interact_text())?;
    if typed.trim() != id {
        return Err(Error::cancelled());
    }
    access_key::print(&key).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}
