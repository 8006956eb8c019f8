//! `fake-aws`: the stand-in as a program, and its virtual MFA device.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use fake_aws::{FakeAws, Options, RoleSpec, machine_now, totp};
use serde::Deserialize;
use serde_json::Value;

/// A strict stand-in for AWS STS and IAM on loopback.
///
/// Prints one line of JSON when it is ready (endpoint, account, users with access key, MFA serial and TOTP seed, roles) and
/// serves until stdin closes.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Print the code that a virtual MFA device shows
    Code(Code),
}

#[derive(Args)]
struct Serve {
    /// Port on 127.0.0.1; 0 for any
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Also listen with TLS, and write the CA certificate to this file, for AWS_CA_BUNDLE
    #[arg(long, value_name = "PATH")]
    tls_ca_file: Option<PathBuf>,
    /// Whether identity policies see the MFA of a direct AssumeRole; the trust policy always does
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    identity_policies_see_direct_mfa: bool,
    /// Seconds until a new key or device is accepted
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    propagation_delay: i64,
    /// Take IAM calls signed for any region, as Terraform signs them when it is given an endpoint URL
    #[arg(long)]
    iam_any_region: bool,
    /// Further users and roles: {"users": [{"name": .., "policies": [..]}], "roles": [..]}
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Serve on after stdin is closed
    #[arg(long)]
    stay: bool,
}

#[derive(Args)]
struct Code {
    /// The device's base32 seed
    #[arg(long, value_name = "BASE32")]
    seed: String,
    /// The code used last: wait until the device shows another one
    #[arg(long, value_name = "CODE")]
    after: Option<String>,
    /// Wait until the next window of 30 seconds begins
    #[arg(long, conflicts_with = "after")]
    wait_next: bool,
    /// Steps of 30 seconds from now
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    offset: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct World {
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    roles: Vec<RoleSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    /// Identity policy documents; `Allow * on *` without.
    policies: Option<Vec<Value>>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Code(args)) => code(&args),
        None => serve(cli.serve),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a certificate is no secret, and this file is the caller's")]
fn serve(args: Serve) -> Result<(), Failure> {
    let mut options = Options { port: args.port, tls: args.tls_ca_file.is_some(), ..Options::default() };
    options.settings.identity_policies_see_direct_mfa = args.identity_policies_see_direct_mfa;
    options.settings.iam_any_region = args.iam_any_region;
    options.settings.propagation_delay_seconds = args.propagation_delay;
    let more = match &args.users {
        Some(path) => Some(serde_json::from_slice::<World>(&std::fs::read(path)?)?),
        None => None,
    };
    let aws = FakeAws::start(options);
    if let Some(more) = more {
        for user in more.users {
            aws.add_user(&user.name);
            if let Some(policies) = user.policies {
                aws.set_user_policies(&user.name, &policies);
            }
        }
        for role in more.roles {
            aws.add_role(role);
        }
    }
    if let Some(path) = args.tls_ca_file {
        std::fs::write(path, aws.ca_pem())?;
    }
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", aws.describe())?;
    stdout.flush()?;
    if args.stay {
        aws.join();
    } else {
        let mut ignored = [0; 1024];
        while std::io::stdin().read(&mut ignored)? > 0 {}
    }
    Ok(())
}

fn code(args: &Code) -> Result<(), Failure> {
    let shown = || {
        let step = machine_now().div_euclid(totp::STEP_SECONDS) + args.offset;
        totp::code(&args.seed, step).ok_or("the seed is not base32")
    };
    let before = if args.wait_next { Some(shown()?) } else { args.after.clone() };
    while before.as_ref() == Some(&shown()?) {
        std::thread::sleep(Duration::from_millis(100));
    }
    writeln!(std::io::stdout(), "{}", shown()?)?;
    Ok(())
}
