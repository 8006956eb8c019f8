//! `mfa-run device resync`: for a device whose clock went astray, or a token whose button was pressed too often.

use super::{Account, Whose};
use crate::aws;
use crate::aws::Refusal;
use crate::credentials::TokenCode;
use crate::error::Error;
use crate::mfa::conversation::Conversation;
use crate::terminal::{escape, say};
use std::process::ExitCode;

/// How often two codes are asked for.
const TRIES: u32 = 3;

/// `mfa-run device resync [SERIAL]`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The device: its serial, or the name at the serial's end [default: the only one, or the profile's]
    #[arg(value_name = "SERIAL")]
    serial: Option<String>,
    #[command(flatten)]
    pub(super) whose: Whose,
}

/// Asks for two codes and gives them to AWS.
pub(super) fn run(args: &Args, account: &Account<'_>) -> Result<ExitCode, Error> {
    let (_, user) = account.user()?;
    let iam = account.iam()?;
    let devices = iam.all_mfa_devices().map_err(|error| account.refused(error))?;
    let device = account.choose(&devices, args.serial.as_deref())?;
    if device.with_codes().is_none() {
        return Err(Error::usage(
            &format!("{} shows no codes: it is a security key", device.serial),
            "mfa-run device list",
        ));
    }
    let dialogue = Conversation::open(account.env).map_err(|why| {
        Error::nobody(
            &format!("two codes of {} are needed, and nobody can be asked: {why}", device.serial),
            "run it in a terminal",
        )
    })?;
    dialogue.show(&format!("Two codes that {} shows one after the other.\n", escape(&device.serial)))?;
    let mut notice = None;
    for left in (0..TRIES).rev() {
        match iam.resync_mfa_device(&user, &device.serial, &two_codes(&dialogue, notice.take())?) {
            Ok(()) => {
                say(&format!("{} is in step again", escape(&device.serial)));
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) if left > 0 && error.refusal() == Some(Refusal::InvalidPair) => {
                notice = Some("AWS refused these two. Are they of this device, and did no other come between them?");
            }
            Err(error) => return Err(refused(account, error)),
        }
    }
    unreachable!("the last try returns")
}

/// No countdown: the device's clock is what may be wrong.
fn two_codes(dialogue: &Conversation<'_>, notice: Option<&str>) -> Result<[TokenCode; 2], Error> {
    let first = dialogue.code("First code: ", notice)?;
    let mut notice = None;
    loop {
        let second = dialogue.code("The next code, when the device shows it: ", notice)?;
        if !second.is(&first) {
            return Ok([first, second]);
        }
        notice = Some("That is the first code again: wait until the device shows another.");
    }
}

fn refused(account: &Account<'_>, error: aws::Error) -> Error {
    match error.refusal() {
        Some(Refusal::InvalidPair) => {
            let hint = "set the clock of the device to network time; or mfa-run device remove, and enroll another";
            Error::aws(error, Some(hint.into()))
        }
        _ => account.refused(error),
    }
}
