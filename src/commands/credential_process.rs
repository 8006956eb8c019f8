//! `mfa-run credential-process`: what SDKs run. JSON or nothing on stdout, nothing on stderr where it succeeds: the C++ SDK
//! and the CRT read both as one.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output::{self, process};
use crate::profile::strategy::Caller;
use crate::profile::{self, Request};
use crate::session;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// `mfa-run credential-process [REQUEST OPTIONS]`
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    pub(crate) request: Request,
}

/// Prints the session as credential_process JSON.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let plan = profile::plan(&files, env, &args.request)?;
    let context = super::prepare(env, &files, &args.request, Caller::Renewing, true)?;
    let session = session::obtain(&plan, &context)?;
    let mut json = Zeroizing::new(Vec::with_capacity(4_096));
    process::write(&session, &mut *json).map_err(Error::stdout)?;
    output::print(&json).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}
