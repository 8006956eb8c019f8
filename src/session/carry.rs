//! What becomes of cached sessions when another access key of the same user takes a key's place. AWS lets them live: a session
//! is bound to the user, and ends neither with the key's deactivation nor with its deletion. Here they are named after the key's
//! ID, so they get new names; a session that no profile leads to any more is forgotten.

use super::Context;
use super::index::Index;
use crate::config::Files;
use crate::profile::{self, Plan, Request};
use std::collections::BTreeMap;

/// How many sessions go on, and how many are forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Found by their new names.
    pub kept: usize,
    /// Of no use to any profile.
    pub forgotten: usize,
}

/// Gives the sessions of `old` the names they have with `new`; `files` name the new key already. What was learned of the
/// old key goes with them. A session that can't be moved costs a code, no more.
pub fn carry_over(context: &Context<'_>, files: &Files, old: &str, new: &str) -> Carried {
    let names = new_names(context, files, old, new);
    let index = Index::load(context.env);
    let mut carried = Carried::default();
    let mut moved = BTreeMap::new();
    for (name, entry) in index.sessions.iter().filter(|(_, entry)| entry.source == old) {
        let new_name = names.get(name).filter(|new_name| {
            let session = context.keychain.get(name).ok().flatten();
            let expires = chrono::DateTime::from_timestamp(entry.expires, 0).unwrap_or_default();
            session.is_some_and(|item| context.keychain.put(new_name, &item, expires, &mut std::iter::empty()).is_ok())
        });
        match new_name {
            Some(new_name) => drop(moved.insert(new_name.clone(), entry.clone())),
            None => carried.forgotten += 1,
        }
        let _ = context.keychain.delete(name);
    }
    carried.kept = moved.len();
    context.learn(|index| {
        index.sessions.retain(|_, entry| entry.source != old);
        for (name, entry) in moved {
            index.sessions.insert(name, super::index::Entry { source: new.to_owned(), ..entry });
        }
        index.rename_source(old, new);
    });
    carried
}

/// The names of what the profiles make, with the old key and with the new.
fn new_names(context: &Context<'_>, files: &Files, old: &str, new: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for found in files.profiles() {
        let request = Request { profile: Some(found.name().to_owned()), ..Request::default() };
        let Ok(plan) = profile::plan_for_console(files, context.env, &request) else { continue };
        if plan.source.access_key_id() != Some(new) {
            continue;
        }
        let before = Plan { source: plan.source.clone().with_access_key_id(old), ..plan.clone() };
        let ids = |plan: &Plan| (1..=plan.roles.len()).map(|hops| plan.role_id(hops)).chain(plan.shared_id()).collect();
        let (before, after): (Vec<_>, Vec<_>) = (ids(&before), ids(&plan));
        names.extend(before.into_iter().zip(after).map(|(before, after)| (before.to_string(), after.to_string())));
    }
    names
}
