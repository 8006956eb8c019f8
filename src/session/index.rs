//! What is cached, by name, and what earlier runs learned from AWS. No secrets: `list`, `status` and the plan read it without
//! touching a keychain. A damaged or missing index is an empty one; it is a cache, and the next run fills it.

use crate::aws::sts::Identity;
use crate::env::Env;
use crate::fsio;
use crate::profile::Plan;
use crate::profile::plan::SessionId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a refusal is believed.
const REFUSAL_HOLDS: i64 = 3_600;

/// The index, `index.json` in the data folder.
#[derive(Debug, Default, Serialize, Deserialize, Clone, PartialEq)]
#[serde(default)]
pub struct Index {
    /// Cached sessions by name.
    pub sessions: BTreeMap<String, Entry>,
    /// Who a source is to AWS: ARN and account, by access key ID (or what else identifies the source).
    pub identities: BTreeMap<String, (String, String)>,
    /// Access keys that were put into the keychain, and when, in seconds since 1970.
    pub access_keys: BTreeMap<String, i64>,
    /// Seconds that a role refused, by ARN: more than its MaxSessionDuration.
    pub refused_durations: BTreeMap<String, u32>,
    /// `SOURCE ROLE`: granted to a shared MFA session only.
    pub only_shared: BTreeSet<String>,
    /// `SOURCE ROLE`: granted to a fresh code only.
    pub wants_fresh_code: BTreeSet<String>,
    /// Devices whose seed the keychain has, by serial: the window of the last code that was made of it.
    pub seeds: BTreeMap<String, i64>,
    /// `SOURCE ROLE`: when both ways were refused, in seconds since 1970.
    pub refused: BTreeMap<String, i64>,
}

/// One cached session.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Default)]
pub struct Entry {
    /// Seconds since 1970.
    pub expires: i64,
    /// Seconds since 1970.
    pub made: i64,
    /// Seconds that were asked for.
    pub asked: u32,
    /// The profile it was made for first.
    pub profile: String,
    /// The role; none for a shared MFA session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The device whose code it was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa_serial: Option<String>,
    /// Whose credentials began.
    pub source: String,
}

impl Index {
    /// Reads the index.
    pub fn load(env: &Env) -> Self {
        path(env)
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Changes the index under its lock, dropping what has expired. Errors: the data folder cannot be written.
    pub fn update(env: &Env, change: impl FnOnce(&mut Self)) -> io::Result<()> {
        let path = path(env).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no home folder"))?;
        let soon = Some(Instant::now() + Duration::from_secs(2));
        // a lock held for longer than two seconds is not a reason to lose what was learned
        let _lock = fsio::Lock::acquire(&path.with_file_name("locks").join("index"), soon, || ())?;
        let before = Self::load(env);
        let mut index = before.clone();
        change(&mut index);
        let now = env.now().timestamp();
        index.sessions.retain(|_, entry| entry.expires > now);
        index.refused.retain(|_, at| now - *at < REFUSAL_HOLDS);
        if index == before {
            return Ok(());
        }
        fsio::write_private(&path, &serde_json::to_vec(&index)?)
    }

    /// Whether the session is cached and has more than `least` seconds left.
    pub fn lives(&self, id: &SessionId, now: DateTime<Utc>, least: i64) -> bool {
        self.sessions.get(id.as_str()).is_some_and(|entry| entry.expires - now.timestamp() > least)
    }

    /// Who the plan's source is to AWS, if an earlier run asked.
    pub fn identity(&self, plan: &Plan) -> Option<Identity> {
        let (arn, account) = self.identities.get(&plan.source.identity())?.clone();
        Some(Identity { arn, account })
    }

    /// Whether both ways to the role were refused lately.
    pub fn refused_lately(&self, way: &str, now: DateTime<Utc>) -> bool {
        self.refused.get(way).is_some_and(|at| now.timestamp() - at < REFUSAL_HOLDS)
    }

    /// What was learned with one access key holds for another of the same user.
    pub fn rename_source(&mut self, old: &str, new: &str) {
        if let Some(identity) = self.identities.remove(old) {
            self.identities.insert(new.to_owned(), identity);
        }
        let renamed = |way: &String| match way.strip_prefix(old) {
            Some(role) => format!("{new}{role}"),
            None => way.clone(),
        };
        self.only_shared = self.only_shared.iter().map(renamed).collect();
        self.wants_fresh_code = self.wants_fresh_code.iter().map(renamed).collect();
        self.refused = self.refused.iter().map(|(way, at)| (renamed(way), *at)).collect();
    }

    /// Names of the cached sessions, the one with the least life left first.
    pub fn least_life_first(&self) -> Vec<String> {
        let mut names: Vec<_> = self.sessions.iter().map(|(name, entry)| (entry.expires, name)).collect();
        names.sort();
        names.into_iter().map(|(_, name)| name.clone()).collect()
    }
}

fn path(env: &Env) -> Option<PathBuf> {
    Some(env.data_folder()?.join("index.json"))
}
