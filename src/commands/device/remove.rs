//! `mfa-run device remove`: deactivates a device, and deletes it where it is a virtual one.

use super::{Account, Whose, agree};
use crate::aws::iam::{Assignment, Device, DeviceKind};
use crate::error::Error;
use crate::session::seed;
use crate::terminal::{escape, say};
use std::process::ExitCode;

/// `mfa-run device remove [SERIAL] [--yes]`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The device: its serial, or the name at the serial's end [default: the only one, or the profile's]
    #[arg(value_name = "SERIAL")]
    serial: Option<String>,
    #[command(flatten)]
    pub(super) whose: Whose,
    /// Agree to it, ask nothing
    #[arg(short, long)]
    yes: bool,
}

/// Takes the device away.
pub(super) fn run(args: &Args, account: &Account<'_>) -> Result<ExitCode, Error> {
    let (_, user) = account.user()?;
    let iam = account.iam()?;
    let devices = iam.all_mfa_devices().map_err(|error| account.refused(error))?;
    if let Some(serial) = args.serial.as_deref().filter(|serial| !devices.iter().any(|device| device.serial == *serial))
        && matches!(iam.assignment(serial), Ok(Assignment::Nobody))
    {
        // what a broken-off enrolment left
        agree(account.env, args.yes, &format!("Delete {serial}, which nobody uses?"), "deleting a device wants a yes")?;
        iam.delete_virtual_mfa_device(serial).map_err(|error| account.refused(error))?;
        return forgotten(account, serial);
    }
    let device = account.choose(&devices, args.serial.as_deref())?;
    let serial = &device.serial;
    let usable = |device: &&Device| device.with_codes().is_some();
    let is_last = device.with_codes().is_some() && devices.iter().filter(usable).count() == 1;
    let question = if is_last {
        say(&format!(
            "note: {} is the only device of {user} that STS takes codes of. Where the account wants MFA, {user} can do nothing without it but enroll another",
            escape(serial)
        ));
        format!("Remove {serial}, the last one?")
    } else {
        format!("Remove {serial}?")
    };
    agree(account.env, args.yes, &question, &format!("removing {serial} wants a yes"))?;

    let iam = account.iam_with_mfa(&devices)?;
    iam.deactivate_mfa_device(&user, serial).map_err(|error| account.refused(error))?;
    if device.kind() == DeviceKind::Virtual {
        iam.delete_virtual_mfa_device(serial).map_err(|error| account.refused(error))?;
    }
    forgotten(account, serial)
}

/// What is left of it on this machine.
fn forgotten(account: &Account<'_>, serial: &str) -> Result<ExitCode, Error> {
    let seed_was_kept = seed::forget(&account.context.keychain, account.env, serial)?;
    super::warnings(account);
    let seed = if seed_was_kept { ", and its seed forgotten" } else { "" };
    say(&format!("{} is removed{seed}", escape(serial)));
    let profiles = account.profiles_with(serial);
    if !profiles.is_empty() {
        say(&format!(
            "note: {} still named by {}: mfa-run device enroll puts another there",
            if profiles.len() == 1 { "it is" } else { "it is, directly or through a source profile," },
            escape(&profiles.join(", "))
        ));
    }
    Ok(ExitCode::SUCCESS)
}
