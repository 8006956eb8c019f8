//! `mfa-run -- COMMAND`: the session in the environment of a command. On Unix this process becomes the command, so that
//! signals, terminal and exit status are the command's own.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output::shell;
use crate::profile::strategy::Caller;
use crate::profile::{self, Request};
use crate::session;
use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode};

/// `mfa-run [REQUEST OPTIONS] -- COMMAND [ARG]...`
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    #[command(flatten)]
    request: Request,
    /// The command to run, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command. Comes back only on Windows, or where the command can't be run.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Error::usage("there is no command behind --", "mfa-run -p PROFILE -- COMMAND"));
    };
    let files = Files::load(env)?;
    let request = super::choose(env, &files, &args.request)?;
    let plan = profile::plan(&files, env, &request)?;
    let context = super::prepare(env, &files, &request, Caller::OneShot, false)?;
    let session = session::obtain(&plan, &context)?;
    let region = plan.region.as_ref().map(|region| region.value.as_str());
    let (set, remove) = shell::child_environment(&session, region, &plan.profile.value, env);
    let mut command = Command::new(program);
    command.args(rest);
    for name in &remove {
        command.env_remove(name);
    }
    command.envs(set.iter().map(|(name, value)| (name, value.as_ref())));
    become_command(command, program)
}

#[cfg(unix)]
fn become_command(mut command: Command, program: &OsString) -> Result<ExitCode, Error> {
    use std::os::unix::process::CommandExt;
    Err(not_run(program, &command.exec()))
}

#[cfg(not(unix))]
fn become_command(mut command: Command, program: &OsString) -> Result<ExitCode, Error> {
    let status = command.status().map_err(|error| not_run(program, &error))?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1) & 0xff).unwrap_or(1)))
}

fn not_run(program: &OsString, error: &io::Error) -> Error {
    Error::command(&program.to_string_lossy(), error)
}
