//! Keeps the endpoint's session alive, on a thread of its own: [`super::obtain`] blocks, on the network and on people.
//!
//! Renewing comes in two steps. First without a person: the cache, a shared MFA session, `mfa_process`. Only where that
//! takes a code, a person is asked, and while they look for their device every request is answered at once: with the old
//! session as long as it lives, then with what there is to do.

use super::{Context, Error, obtain};
use crate::aws;
use crate::mfa::{self, Asking, Device};
use crate::output::container::{Desk, Trouble, Wants};
use crate::profile::Plan;
use crate::terminal;
use chrono::{DateTime, TimeDelta, Utc};

/// Who cancelled is not asked again for a while. A session that `login` makes elsewhere is found all the same.
const PEACE: i64 = 60;

/// Puts a new session on the desk whenever one is wanted; ends when nobody is left to want one. `quiet` asks nobody, and
/// `asking` does.
pub fn keep_alive(plan: &Plan, mut quiet: Context<'_>, mut asking: Context<'_>, desk: &Desk, wants: &Wants) {
    let mut peace_until = DateTime::<Utc>::MIN_UTC;
    while wants.wait(desk) {
        let margin = Some(desk.margin());
        (quiet.min_ttl, asking.min_ttl) = (margin, margin);
        let mut result = obtain(plan, &quiet);
        if matches!(result, Err(Error::Code(mfa::Error::NobodyToAsk { .. }))) && quiet.env.now() >= peace_until {
            result = ask(plan, &asking, desk);
            if matches!(result, Err(Error::Code(mfa::Error::Cancelled | mfa::Error::TerminalClosed))) {
                peace_until = quiet.env.now() + TimeDelta::seconds(PEACE);
            }
        }
        match result {
            Ok(session) => desk.put(&session),
            Err(error) => {
                terminal::debug(|| format!("the endpoint has no new session: {error}"));
                desk.report(trouble(&error));
            }
        }
    }
}

fn ask(plan: &Plan, context: &Context<'_>, desk: &Desk) -> Result<crate::credentials::Session, Error> {
    let serial = plan.mfa.as_ref().map_or("", |mfa| mfa.serial.value.as_str());
    let device = Device { serial, profile: &plan.profile.value, login: plan.login_profile() };
    mfa::can_ask(&device, &Asking { may_prompt: !context.no_prompt, ..Asking::new(context.env) })?;
    desk.report(Trouble::Asking(format!(
        "mfa-run asks for the MFA code of {serial} where it was started: answer it there, then try again"
    )));
    obtain(plan, context)
}

fn trouble(error: &Error) -> Trouble {
    let message = match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    match error {
        Error::Code(_) => Trouble::CodeNeeded(message),
        Error::Aws { error: aws::Error::Refused { .. }, .. } => Trouble::Refused(message),
        Error::Aws { .. }
        | Error::SourceIsSession { .. }
        | Error::Busy { .. }
        | Error::Keychain(_)
        | Error::KeyNotKept { .. } => Trouble::Failed(message),
    }
}
