//! `mfa-run complete SHELL -- WORD...`: what the scripts in `completions/` ask at every Tab. Never an error: whatever is wrong,
//! there is nothing to complete.

use crate::cli::Cli;
use crate::complete::{self, Shell};
use crate::env::Env;
use crate::error::Error;
use crate::output;
use clap::ValueEnum;
use std::ffi::OsString;
use std::process::ExitCode;

/// `mfa-run complete SHELL -- WORD...`
#[derive(clap::Args, Debug, PartialEq)]
pub struct Args {
    /// The shell, `--` and the words
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}

/// Prints what can stand at the cursor.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let words: Vec<String> = args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some((shell, words)) = words.split_first()
        && let Ok(shell) = Shell::from_str(shell, false)
    {
        let words = words.strip_prefix(&["--".to_owned()]).unwrap_or(words);
        let answer = complete::answer(shell, words, Cli::grammar, env);
        // a shell that has gone away asks no more
        let _ = output::print(answer.as_bytes());
    }
    Ok(ExitCode::SUCCESS)
}
