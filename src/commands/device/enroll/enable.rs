//! Two codes in a row, and AWS convinced by them. The seed is at hand, so a wrong code never reaches AWS: nine of them would
//! lock the device.

use super::New;
use crate::aws;
use crate::aws::Refusal;
use crate::aws::iam::Iam;
use crate::commands::device::Account;
use crate::credentials::{Seed, TokenCode};
use crate::env::Env;
use crate::error::Error;
use crate::mfa::conversation::Conversation;
use crate::mfa::totp;
use crate::terminal::say;
use chrono::DateTime;
use std::thread::sleep;
use std::time::Duration;

/// AWS takes codes of two windows either way.
const TAKEN: i64 = 2;
/// An hour either way: a device or a machine whose clock is that wrong can be told so.
const KNOWN: i64 = 120;
/// Before a good pair is given once more: AWS does not know a new device everywhere at once.
const PAUSES: [u64; 2] = [3, 8];
/// How many pairs are tried.
const PAIRS: u32 = 2;

/// Enables the device; the window of its last code. A dialogue is where a person types the codes; without one they are made
/// of the seed.
pub(super) fn enable(
    account: &Account<'_>,
    iam: &Iam,
    dialogue: Option<&Conversation<'_>>,
    user: &str,
    new: &New,
) -> Result<i64, Error> {
    let mut notice = None;
    for left in (0..PAIRS).rev() {
        let (codes, window) = match dialogue {
            Some(dialogue) => asked(dialogue, &new.seed, account.env, notice.take())?,
            None => computed(&new.seed, account.env),
        };
        match give(account.env, iam, user, new, &codes, window) {
            Ok(()) => return Ok(window + 1),
            Err(error) if left > 0 && error.refusal() == Some(Refusal::InvalidPair) => {
                let why = "AWS refused these two, though they are right by this machine's clock; two more, please";
                if dialogue.is_none() {
                    say(&format!(
                        "AWS refused two codes; trying two more in {} s",
                        wait_for_next(account.env).as_secs()
                    ));
                    sleep(wait_for_next(account.env));
                }
                notice = Some(why);
            }
            Err(error) => return Err(refused(account, error)),
        }
    }
    unreachable!("the last pair returns")
}

/// The window before this one and this one: AWS takes both, and nobody has to wait.
fn computed(seed: &Seed, env: &Env) -> ([TokenCode; 2], i64) {
    let window = totp::window(env.now()) - 1;
    ([seed.code(window), seed.code(window + 1)], window)
}

/// The codes a person types, and the window of the first.
fn asked(
    dialogue: &Conversation<'_>,
    seed: &Seed,
    env: &Env,
    notice: Option<&str>,
) -> Result<([TokenCode; 2], i64), Error> {
    const NOT_OF_IT: &str = "That is not a code of the new device: look at the entry that you have just added.";
    let mut notice = notice.map(str::to_owned);
    let (mut first, mut window) = loop {
        let code = dialogue.code("First code: ", notice.take().as_deref())?;
        match seed.window_of(&code, totp::window(env.now()), KNOWN) {
            Some(window) => break (code, window),
            None => notice = Some(NOT_OF_IT.into()),
        }
    };
    let off = window - totp::window(env.now());
    if off.abs() > TAKEN {
        let side = if off > 0 { "ahead" } else { "behind" };
        notice = Some(format!("The device's clock is about {} min {side} of this machine's.", (off.abs() + 1) / 2));
    }
    loop {
        // a device that is ahead shows the next one when its own window ends: some time in this one
        let turns = (window + 1).min(totp::window(env.now()) + 1) * Seed::PERIOD;
        if let Some(notice) = notice.take() {
            // before the wait, not after it
            dialogue.show(&format!("{notice}\n"))?;
        }
        dialogue.count_down("The next code comes in", turns)?;
        let second = dialogue.code("The next code: ", None)?;
        if second.is(&first) {
            notice = Some("That is the first code again: wait until the app shows another.".into());
            continue;
        }
        match seed.window_of(&second, totp::window(env.now()), KNOWN) {
            Some(next) if next == window + 1 => return Ok(([first, second], window)),
            Some(next) => {
                (first, window) = (second, next);
                notice = Some("There was another code in between, so this one is the first now.".into());
            }
            None => notice = Some(NOT_OF_IT.into()),
        }
    }
}

/// Gives AWS the codes, and once more as long as they are good.
fn give(env: &Env, iam: &Iam, user: &str, new: &New, codes: &[TokenCode; 2], window: i64) -> Result<(), aws::Error> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let error = match iam.enable_mfa_device(user, &new.serial, codes) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.refusal() {
            Some(Refusal::InvalidPair | Refusal::NotFound) => {}
            // the answer was lost, or this is the answer to the SDK's second try
            None | Some(Refusal::AlreadyExists | Refusal::NeedsMfaSession) => {
                let enabled = iam.all_mfa_devices().is_ok_and(|all| all.iter().any(|one| one.serial == new.serial));
                return if enabled { Ok(()) } else { Err(error) };
            }
            Some(_) => return Err(error),
        }
        let good_until = DateTime::from_timestamp((window + TAKEN + 1) * Seed::PERIOD, 0).unwrap_or_default();
        match pauses.next().map(Duration::from_secs) {
            Some(pause) if env.now() + pause < good_until => {
                say(
                    "AWS does not take the codes yet, which are right: it may not know the device everywhere. Trying again",
                );
                sleep(pause);
            }
            _ => return Err(error),
        }
    }
}

fn wait_for_next(env: &Env) -> Duration {
    let now = env.now();
    let turns = DateTime::from_timestamp((totp::window(now) + 1) * Seed::PERIOD, 0).unwrap_or(now);
    (turns - now).to_std().unwrap_or_default() + Duration::from_secs(1)
}

fn refused(account: &Account<'_>, error: aws::Error) -> Error {
    let hint = match error.refusal() {
        Some(Refusal::InvalidPair) => {
            "set the clocks of this machine and of the device to network time, then run it again"
        }
        Some(Refusal::NotFound) => "run it again in a minute",
        Some(Refusal::NeedsMfaSession) => {
            "name the device that is active: mfa_serial in the profile, or AWS_MFA_SERIAL"
        }
        Some(Refusal::LimitExceeded) => "mfa-run device list; mfa-run device remove SERIAL",
        _ => return account.refused(error),
    };
    Error::aws(error, Some(hint.into()))
}
