//! How a code would be asked for, here and now.

use super::Scene;
use super::finding::Report;
use crate::mfa::{self, Asking, Device, Way};

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    let device = Device { serial: "", profile: "", login: "" };
    match mfa::can_ask(&device, &Asking::new(scene.env)) {
        Ok(Way::Terminal) => report.fact("codes are asked for at this terminal"),
        Ok(_) => report.fact("codes come without a question"),
        Err(mfa::Error::NobodyToAsk { why, .. }) => {
            report.fact(format!("nobody can be asked here ({why}): get sessions first, mfa-run login"));
        }
        Err(error) => {
            let why = "no command gets as far as asking for a code";
            report.error("prompt-setting", error.to_string(), why, "export MFA_RUN_PROMPT=auto");
        }
    }
}
