//! `mfa-run logout`: forgets cached sessions. AWS itself revokes nothing, and it says so.

use crate::config::managed::{self, Holder};
use crate::config::{FileKind, Files, edit_file};
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
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
    /// Write into the credentials file instead of replacing it: for a file that is mounted by itself
    #[arg(long)]
    in_place: bool,
}

/// Forgets the sessions of one profile with the shared MFA session behind it, or all of them.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let keychain = Keychain::new(env)?;
    let index = Index::load(env);
    let mut profile = None;
    let names: Vec<String> = if args.all {
        index.sessions.keys().cloned().collect()
    } else {
        let files = Files::load(env)?;
        let plan = profile::plan(&files, env, &Request { profile: args.profile.clone(), ..Request::default() })?;
        profile = Some(plan.profile.value.clone());
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
            let kept = std::mem::take(index);
            let Index { identities, seeds, access_keys, .. } = kept;
            *index = Index { identities, seeds, access_keys, ..Index::default() };
        }
    })
    .map_err(Error::index)?;
    let how = if args.in_place { Replacement::InPlace } else { Replacement::Atomic };
    take_sections_away(env, profile.as_deref(), how)?;
    keychain.take_warnings().iter().for_each(|warning| say(&format!("warning: {}", escape(warning))));
    let sessions = if forgotten == 1 { "session" } else { "sessions" };
    say(&format!(
        "forgot {forgotten} cached {sessions}; AWS revokes nothing: copies handed out live until they expire"
    ));
    Ok(ExitCode::SUCCESS)
}

/// The sections that `write` wrote: for one profile, or all of them. aws-mfa's own are left to aws-mfa.
fn take_sections_away(env: &Env, of: Option<&str>, how: Replacement) -> Result<(), Error> {
    let files = Files::load(env)?;
    let ours = |document: &_| {
        let mut names = managed::names(document);
        names.retain(|name| match managed::holder(document, name) {
            Holder::Ours { profile } => of.is_none_or(|of| of == profile),
            _ => false,
        });
        names
    };
    let path = files.path(FileKind::Credentials);
    if ours(files.document(FileKind::Credentials)).is_empty() {
        return Ok(());
    }
    let mut taken = Vec::new();
    edit_file(env, path, how, |mut document| {
        taken = ours(&document);
        taken.iter().try_for_each(|name| managed::take(&mut document, name))?;
        Ok::<_, Error>(document)
    })?;
    for name in &taken {
        say(&format!("took the session out of [{}] in {}", escape(name), escape(&path.display().to_string())));
    }
    Ok(())
}
