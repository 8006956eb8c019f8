//! `mfa-run -- COMMAND`: the session in the environment of a command. On Unix this process becomes the command, so that
//! signals, terminal and exit status are the command's own.
//!
//! With `--serve` it stays beside the command, as an endpoint from which SDKs take a session as often as they need one.

#[cfg(unix)]
mod child;
#[cfg(windows)]
#[path = "exec/windows.rs"]
mod child;

use super::Serving;
use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output::shell::{self, Variable};
use crate::profile::strategy::Caller;
use crate::profile::{self, Request};
use crate::session;
use crate::terminal::say;
use child::Companion;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, ExitCode};

/// With less time left a command is not started without a word, where `--min-ttl` says nothing else.
const LITTLE: u32 = 5 * 60;

/// `mfa-run [REQUEST OPTIONS] [--serve] -- COMMAND [ARG]...`
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Serve a session that renews itself, for commands that run longer than a session lives
    ///
    /// The command gets AWS_CONTAINER_CREDENTIALS_FULL_URI instead of keys. A code is asked for on the terminal when even
    /// the shared MFA session has ended.
    #[arg(long)]
    serve: bool,
    #[command(flatten)]
    request: Request,
    /// The command to run, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command. Comes back with `--serve`, on Windows, or where the command can't be run.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Error::usage("there is no command behind --", "mfa-run -p PROFILE -- COMMAND"));
    };
    let mut command = child::command(program, env);
    command.args(rest);
    if args.serve {
        return serve(args, env, command);
    }
    let files = Files::load(env)?;
    let request = super::choose(env, &files, &args.request)?;
    let plan = profile::plan(&files, env, &request)?;
    let context = super::prepare(env, &files, &request, Caller::OneShot, false)?;
    let session = session::obtain(&plan, &context)?;
    let least = args.request.min_ttl.map_or(LITTLE, |least| least.0);
    let left = (session.expiration - env.now()).num_seconds();
    if left < i64::from(least) {
        say(&format!("warning: the session ends in {}; with --serve it is renewed", in_words(left)));
    }
    let region = plan.region.as_ref().map(|region| region.value.as_str());
    set_environment(&mut command, shell::child_environment(&session, region, &plan.profile.value, env));
    child::become_command(command).map_err(|error| not_run(program, &error))
}

fn serve(args: &Args, env: &Env, mut command: Command) -> Result<ExitCode, Error> {
    let serving = Serving::start(env, &args.request)?;
    set_environment(&mut command, serving.pointer().child_environment(env));
    let companion = Companion::prepare().map_err(Error::wait)?;
    let mut child = command.spawn().map_err(|error| not_run(command.get_program(), &error))?;
    let ended = companion.accompany(&mut child, || {
        let counts = serving.endpoint.counts();
        if counts.refused() {
            say(&format!("warning: the endpoint {counts}"));
        }
        drop(serving);
    });
    ended.map_err(Error::wait)
}

fn set_environment(command: &mut Command, (set, remove): (Vec<Variable<'_>>, Vec<OsString>)) {
    for name in &remove {
        command.env_remove(name);
    }
    command.envs(set.iter().map(|(name, value)| (name, value.as_ref())));
}

fn not_run(program: &OsStr, error: &io::Error) -> Error {
    Error::command(&program.to_string_lossy(), error)
}

/// `59 min`, `40 s`
fn in_words(seconds: i64) -> String {
    if seconds < 120 { format!("{} s", seconds.max(0)) } else { format!("{} min", seconds / 60) }
}
