//! `mfa-run init SHELL`: what goes into a shell's rc file. A function `mfa` with its completion and a segment for the prompt;
//! with `--awsume` the function of that name, for people who come from there. The functions evaluate what mfa-run prints, so
//! that no value is ever split or quoted by the shell, and leave the shell as it is where that fails.
//!
//! It may be read twice, and once read it starts nothing: mfa-run is run by the functions, at Tab, and at a prompt while
//! there is a session to show.

use crate::complete::Shell;
use crate::env::Env;
use crate::error::Error;
use crate::output;
use std::process::ExitCode;

/// What to do with the lines, for the help.
const WHERE: &str = "\
Where the lines go; with --prompt as you like:
  ~/.bashrc                   eval \"$(mfa-run init bash)\"
  ~/.zshrc, below compinit    eval \"$(mfa-run init zsh)\"
  ~/.config/fish/config.fish  mfa-run init fish | source
  $PROFILE                    mfa-run init powershell | Out-String | Invoke-Expression
  ~/.config/elvish/rc.elv     eval (mfa-run init elvish | slurp)
  nu, typed once              mkdir $nu.user-autoload-dirs.0
                              mfa-run init nu | save -f ($nu.user-autoload-dirs.0 | path join mfa-run.nu)";

/// `mfa-run init SHELL [--prompt | --awsume]`
#[derive(clap::Args, Debug)]
#[command(after_help = WHERE)]
pub struct Args {
    /// Whose lines to print
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
    /// Put the profile and the time left before the prompt, while there is a session in the shell
    #[arg(long)]
    prompt: bool,
    /// The function `awsume` instead, with awsume's flags and variables
    #[arg(long, conflicts_with = "prompt")]
    awsume: bool,
}

/// Prints the lines for the rc file.
pub fn run(args: &Args, _env: &Env) -> Result<ExitCode, Error> {
    let mut lines = String::new();
    if args.awsume {
        lines += awsume(args.shell).ok_or_else(|| {
            Error::usage(
                "awsume's function is for bash, zsh, fish and powershell",
                "mfa-run init SHELL: the function mfa",
            )
        })?;
    } else {
        let [function, segment] = scripts(args.shell);
        lines += args.shell.script();
        lines += function;
        lines += if args.prompt { segment } else { "" };
    }
    output::print(lines.as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}

/// The function with the segment, and what puts the segment before the prompt.
fn scripts(shell: Shell) -> [&'static str; 2] {
    match shell {
        Shell::Bash => [include_str!("init/mfa.bash"), include_str!("init/prompt.bash")],
        Shell::Zsh => [include_str!("init/mfa.zsh"), include_str!("init/prompt.zsh")],
        Shell::Fish => [include_str!("init/mfa.fish"), include_str!("init/prompt.fish")],
        Shell::PowerShell => [include_str!("init/mfa.ps1"), include_str!("init/prompt.ps1")],
        Shell::Nu => [include_str!("init/mfa.nu"), include_str!("init/prompt.nu")],
        Shell::Elvish => [include_str!("init/mfa.elv"), include_str!("init/prompt.elv")],
    }
}

fn awsume(shell: Shell) -> Option<&'static str> {
    Some(match shell {
        Shell::Bash => concat!(include_str!("../../completions/mfa-run.bash"), include_str!("init/awsume.bash")),
        Shell::Zsh => concat!(include_str!("../../completions/_mfa-run"), include_str!("init/awsume.zsh")),
        Shell::Fish => concat!(include_str!("../../completions/mfa-run.fish"), include_str!("init/awsume.fish")),
        Shell::PowerShell => include_str!("init/awsume.ps1"),
        Shell::Nu | Shell::Elvish => return None,
    })
}
