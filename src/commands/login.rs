//! `mfa-run login`: one code for a shared MFA session, from which every role behind the device is assumed without another.

use super::prepare;
use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::keychain::Keychain;
use crate::mfa;
use crate::output;
use crate::output::style::{Style, Tone};
use crate::output::table::{Cell, Column, Table};
use crate::output::time::in_words;
use crate::profile::plan::{Provenance, Setting};
use crate::profile::strategy::Caller;
use crate::profile::{self, Mfa, Plan, Request};
use crate::session::{self, Context};
use crate::terminal::{escape, quote, say};
use chrono::Local;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Calls to STS at once.
const AT_ONCE: usize = 8;

/// `mfa-run login [--all] [REQUEST OPTIONS]`
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    request: Request,
    /// Then assume every role behind the device, and print what came of it
    #[arg(long)]
    all: bool,
}

/// Gets the shared MFA session and says how long it lives.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    // the duration is the shared session's: a role could not have 36 hours
    let request = Request { duration: None, ..super::choose(env, &files, &args.request)? };
    let mut plan = profile::plan(&files, env, &request)?.without_roles();
    plan.duration = args.request.duration.map(|value| Setting { value, from: Provenance::Flag("--duration") });
    let Some(mfa) = &plan.mfa else {
        let message = format!("profile {} has no MFA device to log in with", plan.profile.value);
        let profile = quote(plan.login_profile());
        let hint =
            format!("mfa-run device list -p {profile} shows devices; mfa-run configure -p {profile} --mfa-serial ARN");
        return Err(Error::usage(&message, &format!("{hint}, or --mfa-serial ARN this time")));
    };
    let context = prepare(env, &files, &request, Caller::OneShot, false)?;
    let session = session::obtain(&plan, &context)?;
    let until = session.expiration.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S");
    say(&format!("{} is logged in until {until}", escape(mfa.serial.value.as_str())));
    if args.all { every_role(&plan, &files, env, &context.keychain) } else { Ok(ExitCode::SUCCESS) }
}

/// What came of a role.
enum Outcome {
    /// Seconds it lives.
    Assumed(i64),
    /// It takes a code for itself alone, which is not asked for here.
    WantsOwnCode,
    Failed(Error),
}

/// Assumes the roles behind the device from the shared MFA session. A role that wants a code of its own is no failure: the
/// profile says so.
fn every_role(shared: &Plan, files: &Files, env: &Env, keychain: &Arc<Keychain<'_>>) -> Result<ExitCode, Error> {
    let plans = behind(shared, files, env);
    let outcomes: Vec<Mutex<Option<Outcome>>> = plans.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((plan, outcome)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            plans.get(index).zip(outcomes.get(index))
        } {
            let assumed = assume(plan, files, env, keychain);
            *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(assumed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(plans.len()) {
            scope.spawn(work);
        }
    });
    let mut table = Table::new(vec![
        Column::cut("PROFILE", 12),
        Column::fixed("ACCOUNT"),
        Column::cut("ROLE", 10),
        Column::cut("RESULT", 20),
    ]);
    let mut worst = 0;
    for (plan, outcome) in plans.iter().zip(outcomes) {
        let result = match outcome.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Outcome::Assumed(left)) => Cell::new(&format!("{} left", in_words(left)), Tone::Good),
            Some(Outcome::WantsOwnCode) => Cell::new("wants a code of its own", Tone::Soon),
            Some(Outcome::Failed(error)) => {
                worst = worst.max(error.code());
                Cell::new(error.message(), Tone::Bad)
            }
            None => unreachable!("every plan is taken by a thread"),
        };
        let role = &plan.roles.last().expect("it has a role").arn.value;
        table.row(vec![
            Cell::or_dash(Some(&plan.profile.value)),
            Cell::or_dash(Some(role.account())),
            Cell::or_dash(Some(role.name())),
            result,
        ]);
    }
    output::print(table.render(&Style::of_stdout(env)).as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::from(worst))
}

/// The role profiles behind the same device and access key.
fn behind(shared: &Plan, files: &Files, env: &Env) -> Vec<Plan> {
    let plans = files.profiles().filter_map(|found| {
        let request = Request { profile: Some(found.name().to_owned()), ..Request::default() };
        profile::plan(files, env, &request).ok()
    });
    let ours = plans.filter(|plan| !plan.roles.is_empty() && plan.shared_id() == shared.shared_id());
    // one code was typed: no program is asked for another
    let mut plans: Vec<Plan> =
        ours.map(|plan| Plan { mfa: plan.mfa.clone().map(|mfa| Mfa { process: None, ..mfa }), ..plan }).collect();
    plans.sort_by(|one, other| one.profile.value.cmp(&other.profile.value));
    plans
}

/// In a context of its own, with the one keychain: a passphrase is asked for once.
fn assume(plan: &Plan, files: &Files, env: &Env, keychain: &Arc<Keychain<'_>>) -> Outcome {
    let request = Request { no_prompt: true, ..Request::default() };
    let context = match prepare(env, files, &request, Caller::Renewing, false) {
        Ok(context) => Context { keychain: Arc::clone(keychain), ..context },
        Err(error) => return Outcome::Failed(error),
    };
    match session::obtain(plan, &context) {
        Ok(session) => Outcome::Assumed((session.expiration - env.now()).num_seconds()),
        Err(session::Error::Code(mfa::Error::NobodyToAsk { .. })) => Outcome::WantsOwnCode,
        Err(error) => Outcome::Failed(error.into()),
    }
}
