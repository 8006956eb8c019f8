//! Failures on demand: what the next calls of an action meet instead of, or after, their proper answer.

use serde::{Deserialize, Serialize};

use crate::world::World;

/// What a call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// InternalFailure 500 (IAM: ServiceFailure).
    Http500,
    /// ServiceUnavailable 503.
    Http503,
    /// Throttling 400, `Rate exceeded`.
    Throttle,
    /// No answer: for `delay_ms`, then the connection is closed; for ever if `delay_ms` is 0.
    Hang,
    /// The connection is reset (RST).
    Reset,
    /// 200, and a body that is no XML.
    Garbage,
    /// The connection is closed without an answer (FIN).
    Close,
    /// The proper answer, `delay_ms` late.
    Slow,
    /// ExpiredToken 403.
    ExpiredToken,
    /// AccessDenied 403.
    AccessDenied,
}

/// A failure for the next `times` calls of `action`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `AssumeRole`, or `*` for any; `getSigninToken` and `login` for the federation endpoint.
    pub action: String,
    pub kind: FaultKind,
    #[serde(default = "once")]
    pub times: u32,
    #[serde(default)]
    pub delay_ms: u64,
    /// The call is carried out, its token code is spent, and only the answer is lost.
    #[serde(default)]
    pub after_commit: bool,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// The next call of `action` meets `kind`.
    #[must_use]
    pub fn new(action: &str, kind: FaultKind) -> Self {
        Self { action: action.to_owned(), kind, times: 1, delay_ms: 0, after_commit: false }
    }

    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    #[must_use]
    pub fn delay_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }

    #[must_use]
    pub fn after_commit(mut self) -> Self {
        self.after_commit = true;
        self
    }
}

impl World {
    /// The fault `action` meets now, one of its times used up.
    pub(crate) fn take_fault(&mut self, action: &str) -> Option<Fault> {
        let at = self.faults.iter().position(|f| f.action == action || f.action == "*")?;
        let fault = self.faults[at].clone();
        self.faults[at].times = self.faults[at].times.saturating_sub(1);
        if self.faults[at].times == 0 {
            self.faults.remove(at);
        }
        Some(fault)
    }
}
