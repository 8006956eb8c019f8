//! `mfa-run init SHELL`: what goes into a shell's rc file. Today that is `--awsume`, a function of that name for people who come from
//! there; it evaluates what `mfa-run awsume` prints, so that no value is ever split or quoted by the shell.

use crate::env::Env;
use crate::error::Error;
use crate::output;
use std::process::ExitCode;

/// `mfa-run init SHELL --awsume`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose lines to print
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
    /// The function `awsume`, with awsume's flags and variables
    #[arg(long)]
    awsume: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    /// In ~/.bashrc: eval "$(mfa-run init bash --awsume)"
    Bash,
    /// In ~/.zshrc: eval "$(mfa-run init zsh --awsume)"
    Zsh,
    /// In ~/.config/fish/config.fish: mfa-run init fish --awsume | source
    Fish,
    /// In $PROFILE: mfa-run init powershell --awsume | Out-String | Invoke-Expression
    #[value(name = "powershell", alias = "pwsh")]
    #[expect(clippy::enum_variant_names, reason = "that is its name")]
    PowerShell,
}

/// Prints the lines for the rc file.
pub fn run(args: &Args, _env: &Env) -> Result<ExitCode, Error> {
    if !args.awsume {
        return Err(Error::usage("init prints awsume's function only, so far", "mfa-run init SHELL --awsume"));
    }
    let lines = match args.shell {
        Shell::Bash => POSIX.replace("SHELL", "bash"),
        Shell::Zsh => POSIX.replace("SHELL", "zsh"),
        Shell::Fish => FISH.to_owned(),
        Shell::PowerShell => POWERSHELL.to_owned(),
    };
    output::print(lines.as_bytes()).map_err(Error::stdout)?;
    Ok(ExitCode::SUCCESS)
}

/// `function` keeps an alias of that name, which awsume's installer made, from being expanded in this very line; the alias
/// would win over the function, so it goes.
const POSIX: &str = r#"unalias awsume 2>/dev/null || :
function awsume {
  local lines
  lines="$(command mfa-run awsume --shell SHELL -- "$@")" || return
  case "$lines" in
    '#show'*) printf '%s\n' "${lines#*
}" ;;
    *) eval "$lines" ;;
  esac
}
"#;

const FISH: &str = r#"function awsume --description 'a session of an AWS profile in this shell (mfa-run)'
    set -l lines (command mfa-run awsume --shell fish -- $argv)
    or return
    if test "$lines[1]" = '#show'
        string join \n -- $lines[2..]
    else
        string join \n -- $lines | source
    end
end
"#;

const POWERSHELL: &str = r#"function awsume {
    $program = (Get-Command mfa-run -CommandType Application -TotalCount 1).Source
    $lines = @(& $program awsume --shell powershell -- @args)
    if ($LASTEXITCODE -ne 0) { return }
    if ($lines.Count -gt 0 -and $lines[0] -eq '#show') { $lines | Select-Object -Skip 1 }
    elseif ($lines.Count -gt 0) { $lines | Out-String | Invoke-Expression }
}
"#;
