//! From a plan to a session: [`obtain`] is the one function every command goes through. Only it touches keychain, human and
//! network, and it starts no runtime, lock or thread before it is known that the cache does not serve.

pub mod access_key;
pub mod cache;
pub mod carry;
pub mod console;
mod error;
pub mod index;
pub mod known;
mod obtain;
mod queue;
pub mod renew;
pub mod seed;

pub use error::{Error, SET_CLOCK};

use crate::aws::sts::Connection;
use crate::config::Files;
use crate::credentials::{Session, TokenCode};
use crate::env::Env;
use crate::keychain::{self, Keychain};
use crate::mfa;
use crate::profile::Plan;
use crate::profile::strategy::Caller;
use crate::terminal;
use index::Index;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::time::Instant;

/// Everything a session is made with but the plan.
#[derive(Debug)]
pub struct Context<'a> {
    /// Variables, folders, clock.
    pub env: &'a Env,
    /// The AWS files, for the other roles behind a device.
    pub files: &'a Files,
    /// Where sessions are kept.
    pub keychain: Arc<Keychain<'a>>,
    /// Whom it is for.
    pub caller: Caller,
    /// Whether stderr has to stay empty on success: `credential-process`.
    pub silent: bool,
    /// `--refresh`
    pub refresh: bool,
    /// `--no-prompt`
    pub no_prompt: bool,
    /// `--min-ttl`, in seconds.
    pub min_ttl: Option<u32>,
    /// `--token-code`
    pub token_code: Option<TokenCode>,
    /// When the caller gives up.
    pub deadline: Option<Instant>,
    /// Whether it was said that there is no cache.
    pub(crate) told: Cell<bool>,
    pub(crate) connection: OnceCell<Connection>,
}

/// Makes the session, or takes it from the cache. Errors: [`Error`] says whom to ask for what.
pub fn obtain(plan: &Plan, context: &Context<'_>) -> Result<Session, Error> {
    let cached = if context.refresh { None } else { cache::get(context, &plan.id()) };
    match cached {
        Some(cached) if cached.serves_anyhow(plan, context) => {
            terminal::debug(|| format!("{} is cached for {} s more", plan.id(), cached.left(context.env.now())));
            Ok(cached.session)
        }
        cached => obtain::Obtaining::new(plan, context, cached).run(),
    }
}

impl Context<'_> {
    /// Something a waiting person should know.
    pub fn tell(&self, line: &str) {
        if self.silent { mfa::tell_terminal(self.env, line) } else { terminal::say(&terminal::escape(line)) }
    }

    /// Something that is wrong and does not stop the request.
    pub fn warn(&self, line: &str) {
        self.tell(&format!("warning: {line}"));
    }

    /// Said once: the request goes on without the cache.
    pub(crate) fn cache_failed(&self, error: &keychain::Error) {
        if !self.told.replace(true) {
            self.warn(&format!("no cache, the session is for this time only: {error} ({})", error.hint()));
        }
    }

    /// Notes something in the index. Where that cannot be done, the next run costs a call more.
    pub(crate) fn learn(&self, change: impl FnOnce(&mut Index)) {
        if let Err(error) = Index::update(self.env, change) {
            terminal::debug(|| format!("the index cannot be written: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Request;
    use chrono::DateTime;

    /// A plan for one role behind a device, and a context with a clock that stands still.
    pub(super) fn context(caller: Caller, min_ttl: Option<u32>, check: impl FnOnce(&Plan, &Context<'_>)) {
        let env = Env::fixed(&[("MFA_RUN_KEYCHAIN", "file")], DateTime::UNIX_EPOCH);
        let config = b"[default]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = default\n";
        let key = b"[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n";
        let files = Files::from_bytes(config, key);
        let plan = crate::profile::plan(&files, &env, &Request::default()).expect("a good profile");
        let context = Context {
            env: &env,
            files: &files,
            keychain: Arc::new(Keychain::new(&env).expect("a store")),
            caller,
            silent: true,
            refresh: false,
            no_prompt: true,
            min_ttl,
            token_code: None,
            deadline: None,
            told: Cell::new(false),
            connection: OnceCell::new(),
        };
        check(&plan, &context);
    }
}
