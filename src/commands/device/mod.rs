//! `mfa-run device`: the MFA devices of the IAM user behind a profile. What AWS lets an access key do alone is signed with it;
//! what it wants MFA for, with the shared MFA session of a device that is active.

mod enroll;
mod list;
mod remove;
mod resync;

use super::prepare;
use crate::aws;
use crate::aws::iam::{Device, DeviceKind, Iam};
use crate::aws::sts::{Connection, Identity, Signer};
use crate::config::Files;
use crate::credentials::AccessKey;
use crate::env::Env;
use crate::error::Error;
use crate::profile::plan::{Plan, Provenance, Setting};
use crate::profile::request::{MfaSerial, TokenCodeArgument};
use crate::profile::strategy::Caller;
use crate::profile::{self, Mfa, Request};
use crate::session::access_key::access_key;
use crate::session::{self, Context};
use crate::terminal::{escape, is_interactive, say};
use dialoguer::Confirm;
use std::process::ExitCode;

/// `mfa-run device enroll | list | remove | resync`
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Make a virtual device: scan the QR code, type two codes; the profile gets its serial
    Enroll(Box<enroll::Args>),
    /// List the devices, and which profiles use them
    List(list::Args),
    /// Take a device from the user; a virtual one is deleted
    Remove(remove::Args),
    /// Tell AWS where the device is in its sequence, with two codes, when it refuses good ones
    Resync(resync::Args),
}

/// Whose devices.
#[derive(clap::Args, Debug)]
struct Whose {
    /// Profile whose access key it is about [default: $AWS_PROFILE, $AWS_DEFAULT_PROFILE, then "default"]
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// Code of a device that is active already, instead of a prompt; "-" reads it from stdin
    #[arg(long, value_name = "CODE", aliases = ["mfa-token", "token"])]
    token_code: Option<TokenCodeArgument>,
}

/// Does what it says.
pub fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    let files = Files::load(env)?;
    let account = |whose: &Whose| Account::open(whose, env, &files);
    match &args.command {
        Command::Enroll(args) => enroll::run(args, &account(&args.whose)?),
        Command::List(args) => list::run(args, &account(&args.whose)?),
        Command::Remove(args) => remove::run(args, &account(&args.whose)?),
        Command::Resync(args) => resync::run(args, &account(&args.whose)?),
    }
}

/// The IAM user behind a profile.
struct Account<'a> {
    env: &'a Env,
    files: &'a Files,
    plan: Plan,
    key: AccessKey,
    context: Context<'a>,
}

impl<'a> Account<'a> {
    fn open(whose: &Whose, env: &'a Env, files: &'a Files) -> Result<Self, Error> {
        let request = Request {
            profile: whose.profile.clone(),
            token_code: whose.token_code.clone(),
            // any role will do: with one, the key in the environment is a source, as it is for AWS's tools
            role_arn: key_in_environment(whose, env).then(|| "000000000000:none".parse().expect("a role")),
            ..Request::default()
        };
        let plan = profile::plan_for_console(files, env, &request)?.without_roles();
        let context = prepare(env, files, &request, Caller::OneShot, false)?;
        let Some(key) = access_key(&plan.source, &context.keychain)? else {
            let message =
                format!("{} is not the access key of an IAM user, who could have MFA devices", plan.source.name());
            return Err(Error::usage(&message, "name a profile with an access key: -p NAME"));
        };
        Ok(Self { env, files, plan, key, context })
    }

    /// IAM, signed with the access key alone.
    fn iam(&self) -> Result<Iam, Error> {
        self.client(Signer::AccessKey(&self.key))
    }

    /// IAM, signed with the shared MFA session of an active device: one code, where none is cached.
    fn iam_with_mfa(&self, devices: &[Device]) -> Result<Iam, Error> {
        let serials: Vec<MfaSerial> = devices.iter().filter_map(Device::with_codes).collect();
        let named = self.plan.mfa.as_ref().filter(|mfa| serials.contains(&mfa.serial.value));
        let mfa = match (named, serials.into_iter().next()) {
            (Some(mfa), _) => mfa.clone(),
            (None, Some(value)) => Mfa { serial: Setting { value, from: Provenance::Default }, process: None },
            (None, None) => return Err(only_in_the_console()),
        };
        let plan = Plan { mfa: Some(mfa), ..self.plan.clone() };
        self.client(Signer::Session(&session::obtain(&plan, &self.context)?))
    }

    fn client(&self, signer: Signer<'_>) -> Result<Iam, Error> {
        Iam::new(signer, &self.plan.sts, self.env).map_err(|error| self.refused(error))
    }

    /// Who the key is.
    fn identity(&self) -> Result<Identity, Error> {
        let identity =
            Connection::new(&self.plan.sts).and_then(|sts| sts.caller_identity(Signer::AccessKey(&self.key)));
        identity.map_err(|error| self.refused(error))
    }

    /// The user's name, for calls that want it. Errors: it is the root user.
    fn user(&self) -> Result<(Identity, String), Error> {
        let identity = self.identity()?;
        match identity.arn.split_once(":user/").and_then(|(_, path)| path.rsplit('/').next()) {
            Some(name) => Ok((identity.clone(), name.to_owned())),
            None => {
                let message = format!("{} is no IAM user", identity.arn);
                Err(Error::usage(&message, "sign in to the console for the devices of the root user"))
            }
        }
    }

    /// The one device that was meant: the one named, the only one, or the one the profile names.
    fn choose(&self, devices: &[Device], named: Option<&str>) -> Result<Device, Error> {
        let of_profile = self.plan.mfa.as_ref().map(|mfa| mfa.serial.value.as_str());
        let by = |serial: &str| {
            let short = |device: &Device| device.serial.rsplit('/').next() == Some(serial);
            let whole = devices.iter().find(|device| device.serial == serial);
            whole.or_else(|| devices.iter().find(|device| short(device))).cloned()
        };
        match (named, devices) {
            (Some(named), _) => by(named)
                .ok_or_else(|| Error::usage(&format!("the user has no MFA device {named}"), "mfa-run device list")),
            (None, []) => Err(Error::usage("the user has no MFA device", "mfa-run device enroll")),
            (None, [only]) => Ok(only.clone()),
            (None, _) => of_profile
                .and_then(by)
                .ok_or_else(|| Error::usage("the user has several MFA devices", "name one: mfa-run device list")),
        }
    }

    /// The profiles that name the device, directly or through their source.
    fn profiles_with(&self, serial: &str) -> Vec<String> {
        let names = |name: &str| {
            let request = Request { profile: Some(name.to_owned()), ..Request::default() };
            let plan = profile::plan_for_console(self.files, self.env, &request).ok();
            plan.and_then(|plan| plan.mfa).is_some_and(|mfa| mfa.serial.value.as_str() == serial)
        };
        self.files.profiles().map(|profile| profile.name()).filter(|name| names(name)).map(str::to_owned).collect()
    }

    /// What AWS said, with something to type.
    fn refused(&self, error: aws::Error) -> Error {
        session::Error::of_iam(error, &self.plan).into()
    }
}

fn key_in_environment(whose: &Whose, env: &Env) -> bool {
    let named = whose.profile.is_some() || env.profile_variable().is_some();
    !named && env.var("AWS_ACCESS_KEY_ID").is_some()
}

/// AWS wants MFA to change devices, and STS takes no code of a FIDO key.
fn only_in_the_console() -> Error {
    Error::usage(
        "the user's only MFA device is a security key: STS takes no codes of it, so AWS lets devices be changed in the console only",
        "sign in to the console and add a virtual device under Security credentials",
    )
}

/// A person says yes, or `--yes` did. Errors: nobody can be asked, or no.
fn agree(env: &Env, yes: bool, question: &str, message: &str) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !is_interactive() || env.var("MFA_RUN_PROMPT") == Some("never") {
        return Err(Error::usage(message, "look at it with mfa-run device list, agree to it with --yes"));
    }
    let confirm = Confirm::with_theme(super::theme(env)).with_prompt(escape(question)).default(false);
    match super::dialog(|| confirm.interact_opt())? {
        Some(true) => Ok(()),
        _ => Err(Error::cancelled()),
    }
}

/// What a person calls the kind.
fn in_words(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Virtual => "virtual",
        DeviceKind::Hardware => "hardware",
        DeviceKind::Fido => "FIDO",
    }
}

/// Says what the keychain had to say.
fn warnings(account: &Account<'_>) {
    account.context.keychain.take_warnings().iter().for_each(|warning| say(&format!("warning: {}", escape(warning))));
}
