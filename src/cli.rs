//! The command line. `credential-process`, which runs at the start of every AWS command, and `status`, which runs before every
//! prompt of a shell, are parsed without building the others.

use crate::commands::{
    awsume, complete, completions, configure, console, credential_process, device, doctor, exec, explain, export,
    function, init, key, list, login, logout, serve, setup, status, write,
};
use crate::profile::Request;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::ffi::OsString;

/// Short-lived, MFA-backed credentials for AWS tools: one code, kept in the OS keychain, handed out as a credential_process,
/// as shell lines or to a wrapped command.
#[derive(Parser, Debug)]
#[command(
    name = "mfa-run",
    version,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    override_usage = "mfa-run [REQUEST OPTIONS] -- COMMAND [ARG]...\n       mfa-run <COMMAND> [OPTIONS]",
    after_help = "Environment: AWS_PROFILE, AWS_REGION, AWS_MFA_SERIAL, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_ENDPOINT_URL_STS,\n\
                  AWS_CA_BUNDLE, HTTPS_PROXY, MFA_RUN_KEYCHAIN, MFA_RUN_PROMPT, MFA_RUN_KEY_FILE, MFA_RUN_PASSPHRASE_COMMAND.\n\
                  Exit status: 1 failure, 2 usage or configuration, 3 a token code is needed and nobody can be asked, 4 refused by AWS,\n\
                  126/127 the wrapped command can't be run / is not found, 130 cancelled."
)]
pub struct Cli {
    /// What all commands take.
    #[command(flatten)]
    pub global: Global,
    /// The command; none: run what stands behind `--`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// `mfa-run [REQUEST OPTIONS] -- COMMAND [ARG]...`
    #[command(flatten)]
    pub exec: exec::Args,
}

/// What all commands take.
#[derive(Args, Debug, Default)]
pub struct Global {
    /// Say on stderr what is done and why; never a secret
    #[arg(long, global = true)]
    pub debug: bool,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Print the session as credential_process JSON, for ~/.aws/config
    CredentialProcess(credential_process::Args),
    /// Print the session as lines for `eval`, or as json, env-file ...
    Export(export::Args),
    /// Spend one code on a shared MFA session, for every role behind the device
    Login(login::Args),
    /// Write the session as a named profile to the credentials file, for tools that read nothing else
    Write(write::Args),
    /// Print what goes into a shell's rc file: the function mfa, completion, a prompt segment
    Init(init::Args),
    /// Print the completion script of a shell
    Completions(completions::Args),
    /// What completion scripts ask
    #[command(hide = true)]
    Complete(complete::Args),
    /// What the shell function `mfa` of `init SHELL` runs
    #[command(hide = true)]
    Mfa(function::Args),
    /// What the shell function of `init SHELL --awsume` runs
    #[command(hide = true)]
    Awsume(awsume::Args),
    /// Forget cached sessions
    Logout(logout::Args),
    /// List profiles: role, account, source, MFA, cached session and its time left
    List(list::Args),
    /// Explain the plan: which calls, which cached, whether a code, and where each value came from
    Explain(explain::Args),
    /// Check files, environment, keychain, clock, device and roles; say how to mend each finding
    Doctor(doctor::Args),
    /// Set a profile up to use mfa-run as its credential_process; --undo takes that back
    Configure(Box<configure::Args>),
    /// Long-lived access keys, kept in the keychain: import, list, rotate, remove, export
    Key(key::Args),
    /// Be led from a fresh access key to profiles that work: keychain, MFA device, roles, doctor
    Setup(setup::Args),
    /// Show what is cached, for how long; --prompt for a shell's prompt
    Status(status::Args),
    /// MFA devices: enroll a virtual one from the terminal, list, remove, resync
    Device(device::Args),
    /// Open the AWS console, signed in
    Console(console::Args),
    /// Serve a session that renews itself, on loopback, until Ctrl-C
    Serve(serve::Args),
}

// `credential-process` alone; what follows is its help
/// Print the session as credential_process JSON, for ~/.aws/config
#[derive(Parser, Debug)]
#[command(name = "mfa-run credential-process", bin_name = "mfa-run credential-process", disable_version_flag = true)]
struct CredentialProcess {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    args: credential_process::Args,
}

// `status` alone
/// Show what is cached, for how long; --prompt for a shell's prompt
#[derive(Parser, Debug)]
#[command(name = "mfa-run status", bin_name = "mfa-run status", disable_version_flag = true)]
struct Status {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    args: status::Args,
}

impl Cli {
    /// Parses the arguments of this process. Errors: clap's, which knows how to print itself and its exit code.
    pub fn from_arguments(arguments: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.collect();
        let alone = |global, command| Ok(Self { global, command: Some(command), exec: exec::Args::default() });
        match arguments.get(1).and_then(|command| command.to_str()) {
            Some("credential-process") => {
                let plain: Option<Vec<&str>> = arguments[2..].iter().map(|word| word.to_str()).collect();
                if let Some(request) = plain.and_then(Request::from_plain_words) {
                    return alone(Global::default(), Command::CredentialProcess(credential_process::Args { request }));
                }
                let line = CredentialProcess::try_parse_from(&arguments[1..])?;
                alone(line.global, Command::CredentialProcess(line.args))
            }
            Some("status") => {
                let line = Status::try_parse_from(&arguments[1..])?;
                alone(line.global, Command::Status(line.args))
            }
            Some("complete") => {
                alone(Global::default(), Command::Complete(complete::Args { words: arguments[2..].to_vec() }))
            }
            _ => Self::try_parse_from(arguments),
        }
    }

    /// The command tree behind a name that can be completed: the program, or a function of `init SHELL`.
    pub(crate) fn grammar(name: &str) -> clap::Command {
        match name {
            "mfa" => function::Line::command(),
            "awsume" => awsume::grammar(),
            _ => Self::command(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault() {
        Cli::command().debug_assert();
        CredentialProcess::command().debug_assert();
        Status::command().debug_assert();
    }

    #[test]
    fn both_parsers_read_a_line_alike() {
        for line in [
            &["mfa-run", "credential-process", "-p", "admin", "--duration", "2h", "--no-prompt", "--debug"][..],
            &["mfa-run", "credential-process", "-p", "admin", "--duration", "2h", "--no-prompt"],
            &["mfa-run", "credential-process"],
            &["mfa-run", "status", "-p", "admin", "--prompt", "--debug"],
        ] {
            let short = Cli::from_arguments(line.iter().map(OsString::from)).unwrap();
            let whole = Cli::try_parse_from(line).unwrap();
            assert_eq!(format!("{short:?}"), format!("{whole:?}"));
        }
    }
}
