//! `mfa-run logout`: forgets cached sessions. AWS itself revokes nothing, and it says so.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::keychain::Keychain;
use crate::profile::{self, Request};
use crate::session::index::Index;
use crate::terminal::{escape, say};
use std::process::ExitCode;

/// `mfa-run logout [-p PROFILE | --all]`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Profile whose sessions to forget [default: $AWS_PROFILE, $AWS_DEFAULT_PROFILE, then "default"]
    #[arg(short, long, value_name = "NAME", conflicts_with = "all")]
    profile: Option<String>,
    /// Forget every session, and the key of the sealed files
    #[arg(long)]
    all: bool,
}

/// Forgets the sessions of one profile with the shared MFA session behind it, or all of them.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let keychain = Keychain::for_sessions(env)?;
    let index = Index::load(env);
    let names: Vec<String> = if args.all {
        index.sessions.keys().cloned().collect()
    } else {
        let files = Files::load(env)?;
        let plan = profile::plan(&files, env, &Request { profile: args.profile.clone(), ..Request::default() })?;
        let hops = (1..=plan.roles.len()).map(|hops| plan.role_id(hops));
        hops.chain(plan.shared_id()).map(|id| id.to_string()).collect()
    };
    let mut forgotten = 0;
    for name in &names {
        forgotten += usize::from(keychain.delete(name)?);
    }
    if args.all {
        keychain.lock_away()?;
    }
    Index::update(env, |index| {
        index.sessions.retain(|name, _| !names.contains(name));
        if args.all {
            *index = Index { identities: std::mem::take(&mut index.identities), ..Index::default() };
        }
    })
    .map_err(Error::index)?;
    keychain.take_warnings().iter().for_each(|warning| say(&format!("warning: {}", escape(warning))));
    let sessions = if forgotten == 1 { "session" } else { "sessions" };
    say(&format!(
        "forgot {forgotten} cached {sessions}; AWS revokes nothing: copies handed out live until they expire"
    ));
    Ok(ExitCode::SUCCESS)
}
