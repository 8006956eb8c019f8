//! What the shell function `mfa` of `init SHELL` runs, and evaluates: `mfa PROFILE` puts a session into the shell, `mfa -u`
//! takes it out, `mfa` alone lets a person pick.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output;
use crate::output::shell::{self, Format};
use crate::profile::Request;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// `mfa-run mfa --shell SHELL -- ARGUMENTS`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose lines to print
    #[arg(long, value_enum)]
    shell: Format,
    /// The function's arguments
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// Put a session of an AWS profile into this shell
#[derive(Parser, Debug)]
#[command(name = "mfa", no_binary_name = true, disable_version_flag = true)]
pub struct Line {
    /// Whose session [default: you pick one]
    #[arg(value_name = "PROFILE", conflicts_with = "profile")]
    name: Option<String>,
    /// Take the session out of this shell
    #[arg(short, long, conflicts_with_all = ["name", "profile", "role_arn"])]
    unset: bool,
    #[command(flatten)]
    request: Request,
}

/// Prints lines to evaluate; help behind `#show`, which the function prints.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let line = match Line::try_parse_from(&args.arguments) {
        Ok(line) => line,
        Err(error) if error.use_stderr() => {
            let _ = error.print();
            return Ok(ExitCode::from(2));
        }
        Err(help) => {
            output::print(format!("#show\n{help}").as_bytes()).map_err(Error::stdout)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    if line.unset {
        output::print(shell::unset(args.shell)?.as_bytes()).map_err(Error::stdout)?;
        return Ok(ExitCode::SUCCESS);
    }
    // a session that is in the shell has left its Region there, which is not that of the next one
    let ours = env.var("MFA_RUN_PROFILE").is_some();
    let env = &if ours { env.clone().with("AWS_REGION", "").with("AWS_DEFAULT_REGION", "") } else { env.clone() };
    let files = Files::load(env)?;
    let mut request = Request { profile: line.name.or(line.request.profile), ..line.request };
    if request.profile.is_none() && request.role_arn.is_none() {
        request.profile = match super::can_ask(env, &request) {
            true => super::pick(env, &files, &request)?,
            false => None,
        };
        if request.profile.is_none() {
            return Err(Error::usage("no profile is named, and there is nobody to pick one", "mfa PROFILE"));
        }
    }
    let lines = super::lines_for_shell(env, &files, &request, args.shell)?;
    output::print(lines.as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}
