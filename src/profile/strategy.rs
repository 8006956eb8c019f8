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

/// A row of the table, and where several lead to the same calls, which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A session at an earlier hop of the chain is cached.
    LaterHop(usize),
    /// MFA, no role.
    NoRole,
    /// A role without MFA.
    NoMfa,
    /// A duration over an hour is asked for.
    LongDuration,
    /// `mfa_session = role`
    OneCodeARole,
    /// The role is known to want a fresh code.
    FreshCode,
    /// A shared MFA session lives.
    SharedLives,
    /// `mfa_session = shared`
    OneCodeForAll,
    /// The role is known to refuse twelve hours.
    Refuses,
    /// The role is known to be granted to a shared MFA session only.
    OnlyShared,
    /// A renewing caller, and several roles behind the device.
    Siblings,
    /// Somebody waits for another role behind the device.
    OthersWait,
    /// None of these.
    Otherwise,
}

impl Row {
    /// Why it is this one.
    pub fn because(self) -> &'static str {
        match self {
            Self::LaterHop(_) => "the session of an earlier role of the chain is cached",
            Self::NoRole => "the profile has MFA and no role: it is a shared MFA session",
            Self::NoMfa => "the role is assumed without MFA",
            Self::LongDuration => "more than an hour is asked for, which AWS gives to a code alone, not to a session",
            Self::OneCodeARole => "the profile says mfa_session = role",
            Self::FreshCode => "AWS refused the role to a shared MFA session before: it wants a fresh code",
            Self::SharedLives => "a shared MFA session is cached, and gives an hour at a time without a code",
            Self::OneCodeForAll => "the profile says mfa_session = shared: one code serves all roles behind the device",
            Self::Refuses => "the role refused a long session before: a shared MFA session renews it every hour",
            Self::OnlyShared => "AWS refused the role to a bare code before, and gave it to a shared MFA session",
            Self::Siblings => "several roles are behind the device: one code serves them all",
            Self::OthersWait => "another process waits for a role behind the same device: one code serves both",
            Self::Otherwise => "one code is worth most as a session of twelve hours",
        }
    }
}

/// The first row of the table that fits.
pub fn row(plan: &Plan, known: &Known, caller: Caller) -> Row {
    if let Some(hop) = known.hop {
        return Row::LaterHop(hop);
    }
    let Some(first) = plan.roles.first() else { return Row::NoRole };
    if plan.mfa.is_none() {
        return Row::NoMfa;
    }
    let asked = first.duration.as_ref().map(|duration| duration.value.0);
    let mfa_session = plan.mfa_session.as_ref().map(|setting| setting.value);
    let refuses_default = known.refused_duration.is_some_and(|refused| refused <= LONGEST) && asked.is_none();
    match mfa_session {
        _ if asked.is_some_and(|asked| asked > CHAINED) && !known.only_shared => Row::LongDuration,
        Some(MfaSession::Role) if !refuses_default && !known.only_shared => Row::OneCodeARole,
        _ if known.wants_fresh_code => Row::FreshCode,
        _ if known.shared => Row::SharedLives,
        Some(MfaSession::Shared) => Row::OneCodeForAll,
        _ if refuses_default => Row::Refuses,
        _ if known.only_shared => Row::OnlyShared,
        _ if caller == Caller::Renewing && known.siblings => Row::Siblings,
        _ if known.others_wait => Row::OthersWait,
        _ => Row::Otherwise,
    }
}

/// The calls to make, in order, and whose credentials sign the first.
pub fn steps(plan: &Plan, known: &Known, caller: Caller) -> (Begin, Vec<Step>) {
    let rest = |from: usize| {
        (from..plan.roles.len()).map(|hop| Step::AssumeRole { hop, duration: chained(plan, hop), with_code: false })
    };
    let direct = |duration, with_code| {
        let first = Step::AssumeRole { hop: 0, duration, with_code };
        (Begin::Source, std::iter::once(first).chain(rest(1)).collect())
    };
    let asked = plan.roles.first().and_then(|role| role.duration.as_ref()).map(|duration| duration.value.0);
    match row(plan, known, caller) {
        Row::LaterHop(hop) => (Begin::Hop(hop), rest(hop).collect()),
        Row::NoRole => (Begin::Source, vec![Step::GetSessionToken { duration: plan.asked().unwrap_or(LONGEST) }]),
        Row::NoMfa => {
            let most = if plan.source.access_key_id().is_some() { LONGEST } else { CHAINED };
            direct(within(asked.unwrap_or(CHAINED).min(most), known), false)
        }
        Row::LongDuration | Row::OneCodeARole | Row::FreshCode | Row::Otherwise => {
            direct(within(asked.unwrap_or(LONGEST), known), true)
        }
        Row::SharedLives => (Begin::Shared, rest(0).collect()),
        Row::OneCodeForAll | Row::Refuses | Row::OnlyShared | Row::Siblings | Row::OthersWait => {
            let shared = Step::GetSessionToken { duration: LONGEST };
            (Begin::Source, std::iter::once(shared).chain(rest(0)).collect())
        }
    }
}

/// An hour where the role refused that much before.
fn within(asked: u32, known: &Known) -> u32 {
    if known.refused_duration.is_some_and(|refused| asked >= refused) { CHAINED } else { asked }
}

/// Seconds for a role that is assumed with a session's credentials.
fn chained(plan: &Plan, hop: usize) -> u32 {
    plan.roles[hop].duration.as_ref().map_or(CHAINED, |duration| duration.value.0.min(CHAINED))
}
