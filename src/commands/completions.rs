//! `mfa-run completions SHELL`: the script that completes mfa-run. Packages install the same files from `completions/`.

use crate::complete::Shell;
use crate::env::Env;
use crate::error::Error;
use crate::output;
use std::process::ExitCode;

/// `mfa-run completions SHELL`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose script to print
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args, _env: &Env) -> Result<ExitCode, Error> {
    output::print(args.shell.script().as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}
