//! `mfa-run login`: one code for a shared MFA session, from which every role behind the device is assumed without another.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::profile::plan::{Provenance, Setting};
use crate::profile::strategy::Caller;
use crate::profile::{self, Request};
use crate::session;
use crate::terminal::{escape, say};
use chrono::Local;
use std::process::ExitCode;

/// `mfa-run login [REQUEST OPTIONS]`
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    request: Request,
}

/// Gets the shared MFA session and says how long it lives.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    // the duration is the shared session's: a role could not have 36 hours
    let request = Request { duration: None, ..args.request.clone() };
    let mut plan = profile::plan(&files, env, &request)?.without_roles();
    plan.duration = args.request.duration.map(|value| Setting { value, from: Provenance::Flag("--duration") });
    let Some(mfa) = &plan.mfa else {
        let message = format!("profile {} has no MFA device to log in with", plan.profile.value);
        return Err(Error::usage(
            &message,
            "add mfa_serial = arn:aws:iam::ACCOUNT:mfa/NAME to the profile, or use --mfa-serial ARN",
        ));
    };
    let context = super::prepare(env, &files, &args.request, Caller::OneShot, false)?;
    let session = session::obtain(&plan, &context)?;
    let until = session.expiration.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S");
    say(&format!("{} is logged in until {until}", escape(mfa.serial.value.as_str())));
    Ok(ExitCode::SUCCESS)
}
