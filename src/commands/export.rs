//! `mfa-run export`: the session as lines for a shell's `eval`, or for a file.

use crate::config::Files;
use crate::env::Env;
use crate::error::Error;
use crate::output;
use crate::output::shell::{self, Format};
use crate::profile::Request;
use std::process::ExitCode;

/// `mfa-run export [REQUEST OPTIONS] [--format F]`
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    request: Request,
    /// How to print it [default: for the shell that calls]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Print the lines that take the session away again
    #[arg(long)]
    unset: bool,
}

/// Prints the session, or the lines that take it away.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let format = args.format.unwrap_or_else(|| shell::calling_shell(env));
    if args.unset {
        output::print(shell::unset(format)?.as_bytes()).map_err(Error::stdout)?;
        return Ok(ExitCode::SUCCESS);
    }
    let files = Files::load(env)?;
    let request = super::choose(env, &files, &args.request)?;
    let lines = super::lines_for_shell(env, &files, &request, format)?;
    output::print(lines.as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}
