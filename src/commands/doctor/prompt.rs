//! How a code would be asked for, here and now.

use super::finding::Report;
use super::{Scene, shell};
use crate::mfa::{self, Asking, Device, Way};

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    let device = Device { serial: "", profile: "", login: "" };
    match mfa::can_ask(&device, &Asking::new(scene.env)) {
        Ok(Way::Terminal) => report.fact("codes are asked for at this terminal"),
        Ok(Way::Dialog) => report.fact("codes are asked for in a dialog on the display"),
        // these belong to a profile, and none was named
        Ok(Way::Given | Way::Process | Way::Seed) => {}
        Err(mfa::Error::NobodyToAsk { why, .. }) => {
            report.fact(format!("nobody can be asked here ({why}): get sessions first, mfa-run login"));
            if let Some(dialog) =
                scene.env.var("MFA_RUN_PROMPT").filter(|named| !["auto", "tty", "never"].contains(named))
            {
                let what = format!("MFA_RUN_PROMPT is {dialog}, which can't be used: {why}");
                let reason = "nobody is asked for a code, not even at a terminal";
                report.warning("prompt-missing", what, reason, shell::set(scene, "MFA_RUN_PROMPT", "auto"));
            }
        }
        Err(error) => {
            let why = "no command gets as far as asking for a code";
            report.error("prompt-setting", error.to_string(), why, shell::set(scene, "MFA_RUN_PROMPT", "auto"));
        }
    }
}
