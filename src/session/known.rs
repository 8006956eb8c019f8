//! What the index tells about a plan before anything is done: for [`super::obtain`] to choose its calls by, and for `explain`,
//! `list` and `status` to show. No keychain, no network.

use super::index::{Entry, Index};
use crate::config::Files;
use crate::env::Env;
use crate::profile::plan::{Plan, SessionId};
use crate::profile::request::Request;
use crate::profile::strategy::{self, Begin, Caller, Known};
use chrono::{DateTime, Utc};

/// A session that others are made from must outlive the calls.
pub const LEAST: i64 = 5 * 60;

/// What the strategy table asks for. `lives` says which cached sessions may be begun with.
pub fn known(plan: &Plan, index: &Index, files: &Files, env: &Env, lives: impl Fn(&SessionId) -> bool) -> Known {
    let shared = plan.shared_id().is_some_and(|id| lives(&id));
    Known { siblings: has_siblings(plan, files, env), ..learned(plan, index, shared, lives) }
}

fn learned(plan: &Plan, index: &Index, shared: bool, lives: impl Fn(&SessionId) -> bool) -> Known {
    let way = way(plan);
    Known {
        shared,
        hop: (1..plan.roles.len()).rev().find(|hops| lives(&plan.role_id(*hops))),
        refused_duration: plan
            .roles
            .first()
            .and_then(|role| index.refused_durations.get(role.arn.value.as_str()))
            .copied(),
        wants_fresh_code: index.wants_fresh_code.contains(&way),
        only_shared: index.only_shared.contains(&way),
        others_wait: false,
        siblings: false,
    }
}

/// Who wants which role: the key of what was learned about it.
pub fn way(plan: &Plan) -> String {
    let role = plan.roles.first().map_or("", |role| role.arn.value.as_str());
    format!("{} {role}", plan.source.identity())
}

/// Whether another profile's role is behind the same device.
fn has_siblings(plan: &Plan, files: &Files, env: &Env) -> bool {
    let (Some(shared), false) = (plan.shared_id(), plan.roles.is_empty()) else { return false };
    let id = plan.id();
    files.profiles().any(|profile| {
        let request = Request { profile: Some(profile.name().to_owned()), ..Request::default() };
        let other = crate::profile::plan(files, env, &request);
        other.is_ok_and(|other| {
            !other.roles.is_empty() && other.id() != id && other.shared_id().as_ref() == Some(&shared)
        })
    })
}

/// What is cached for a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outlook<'i> {
    /// The session the plan ends in.
    pub session: Option<&'i Entry>,
    /// The shared MFA session behind it, where the plan goes by one.
    pub shared: Option<&'i Entry>,
}

impl<'i> Outlook<'i> {
    /// Looks into the index.
    pub fn of(plan: &Plan, index: &'i Index, now: DateTime<Utc>) -> Self {
        let live = |id: &SessionId| index.sessions.get(id.as_str()).filter(|entry| entry.expires > now.timestamp());
        let shared = plan.shared_id().and_then(|id| live(&id)).filter(|_| !plan.roles.is_empty());
        // not every role is assumed from it: some are given to a fresh code alone
        let by_shared = |known: &Known| strategy::steps(plan, known, Caller::Renewing).0 == Begin::Shared;
        let shared = shared.filter(|_| by_shared(&learned(plan, index, true, |_| false)));
        Self { session: live(&plan.id()), shared }
    }

    /// The session that lives longest: until then no code is asked for.
    pub fn longest(&self) -> Option<&'i Entry> {
        self.session.into_iter().chain(self.shared).max_by_key(|entry| entry.expires)
    }
}
