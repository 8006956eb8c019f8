//! Where a code is spent. One table, pure; `explain` prints what it says.
//!
//! | the profile | steps |
//! |---|---|
//! | role without MFA | AssumeRole |
//! | MFA, no role | the shared MFA session |
//! | a duration over 1 h is asked, or `mfa_session = role`; and the role is not granted to shared MFA sessions only | AssumeRole with the code, for that long |
//! | a shared MFA session lives | AssumeRole from it, 1 h |
//! | `mfa_session = shared`, the role refuses 12 h, or a renewing caller with several roles behind the device | shared MFA session, then AssumeRole 1 h |
//! | otherwise | AssumeRole with the code, 12 h |
//!
//! A session that is still fresh at a later hop of a chain makes every step before it unnecessary.

use super::plan::{MfaSession, Plan};

/// STS's limit where a role is assumed with the credentials of a session.
pub const CHAINED: u32 = 3_600;
/// What is asked for where nobody said anything: twelve hours.
pub const LONGEST: u32 = 43_200;

/// One call to STS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// GetSessionToken with serial and code.
    GetSessionToken {
        /// Seconds.
        duration: u32,
    },
    /// AssumeRole for `plan.roles[hop]`.
    AssumeRole {
        /// Which role.
        hop: usize,
        /// Seconds.
        duration: u32,
        /// With serial and code.
        with_code: bool,
    },
}

impl Step {
    /// Whether a token code goes with it.
    pub fn needs_code(self) -> bool {
        matches!(self, Self::GetSessionToken { .. } | Self::AssumeRole { with_code: true, .. })
    }
}

/// Which credentials the first step is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// The source's.
    Source,
    /// The cached shared MFA session.
    Shared,
    /// The cached session after so many roles.
    Hop(usize),
}

/// Whom the session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Comes again by itself when the session ends: `credential-process`, `serve`.
    Renewing,
    /// Cannot renew: `export`, `--`, `write`.
    OneShot,
}

/// What the index knows of earlier runs, for one plan. No secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// A shared MFA session lives.
    pub shared: bool,
    /// The furthest hop, short of the last, whose session lives.
    pub hop: Option<usize>,
    /// STS refused this many seconds for the role that takes the code.
    pub refused_duration: Option<u32>,
    /// The role wants a fresh code (`aws:MultiFactorAuthAge`): a shared MFA session was refused.
    pub wants_fresh_code: bool,
    /// The role was refused to a direct AssumeRole with a good code, and granted to a shared MFA session.
    pub only_shared: bool,
    /// Somebody else waits for another role behind the device.
    pub others_wait: bool,
    /// Several role profiles are behind the device.
    pub siblings: bool,
}

/// The calls to make, in order, and whose credentials sign the first.
pub fn steps(plan: &Plan, known: &Known, caller: Caller) -> (Begin, Vec<Step>) {
    let rest = |from: usize| {
        (from..plan.roles.len()).map(|hop| Step::AssumeRole { hop, duration: chained(plan, hop), with_code: false })
    };
    if let Some(hop) = known.hop {
        return (Begin::Hop(hop), rest(hop).collect());
    }
    let direct = |duration, with_code| {
        let first = Step::AssumeRole { hop: 0, duration, with_code };
        (Begin::Source, std::iter::once(first).chain(rest(1)).collect())
    };
    let Some(first) = plan.roles.first() else {
        return (Begin::Source, vec![Step::GetSessionToken { duration: plan.asked().unwrap_or(LONGEST) }]);
    };
    let asked = first.duration.as_ref().map(|duration| duration.value.0);
    if plan.mfa.is_none() {
        let most = if plan.source.access_key().is_some() { LONGEST } else { CHAINED };
        return direct(within(asked.unwrap_or(CHAINED).min(most), known), false);
    }
    let through_shared = || {
        let shared = Step::GetSessionToken { duration: LONGEST };
        (Begin::Source, std::iter::once(shared).chain(rest(0)).collect())
    };

    let mfa_session = plan.mfa_session.as_ref().map(|setting| setting.value);
    let long = asked.is_some_and(|asked| asked > CHAINED) || mfa_session == Some(MfaSession::Role);
    let refuses_default = known.refused_duration.is_some_and(|refused| refused <= LONGEST) && asked.is_none();
    if (long && !refuses_default && !known.only_shared) || known.wants_fresh_code {
        return direct(within(asked.unwrap_or(LONGEST), known), true);
    }
    if known.shared {
        return (Begin::Shared, rest(0).collect());
    }
    let renewing_siblings = caller == Caller::Renewing && known.siblings;
    if mfa_session == Some(MfaSession::Shared)
        || refuses_default
        || known.only_shared
        || renewing_siblings
        || known.others_wait
    {
        return through_shared();
    }
    direct(within(asked.unwrap_or(LONGEST), known), true)
}

/// An hour where the role refused that much before.
fn within(asked: u32, known: &Known) -> u32 {
    if known.refused_duration.is_some_and(|refused| asked >= refused) { CHAINED } else { asked }
}

/// Seconds for a role that is assumed with a session's credentials.
fn chained(plan: &Plan, hop: usize) -> u32 {
    plan.roles[hop].duration.as_ref().map_or(CHAINED, |duration| duration.value.0.min(CHAINED))
}
