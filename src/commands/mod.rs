//! One file a command: its arguments and what it does. They share [`prepare`] and never import each other.

pub mod configure;
pub mod credential_process;
pub mod exec;
pub mod export;
pub mod list;
pub mod login;
pub mod logout;
pub mod status;

use crate::config::Files;
use crate::credentials::TokenCode;
use crate::env::Env;
use crate::error::Error;
use crate::keychain::Keychain;
use crate::mfa;
use crate::profile::Request;
use crate::profile::strategy::Caller;
use crate::session::Context;
use std::cell::{Cell, OnceCell};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Go's SDK and Terraform give up after 60 seconds, and leave us orphaned.
const PATIENCE: Duration = Duration::from_secs(55);

/// What a request says of how a session is made.
fn prepare<'a>(
    env: &'a Env,
    files: &'a Files,
    request: &Request,
    caller: Caller,
    silent: bool,
) -> Result<Context<'a>, Error> {
    let deadline = silent.then(|| env.since_start(PATIENCE));
    // the question for a passphrase has no deadline
    let may_ask = !silent && !request.no_prompt && env.var("MFA_RUN_PROMPT") != Some("never");
    Ok(Context {
        env,
        files,
        keychain: Arc::new(Keychain::for_sessions(env)?.may_ask(may_ask).deadline(deadline)),
        caller,
        silent,
        refresh: request.refresh,
        no_prompt: request.no_prompt,
        min_ttl: request.min_ttl.map(|left| left.0),
        token_code: token_code(request)?,
        deadline,
        told: Cell::new(false),
        connection: OnceCell::new(),
    })
}

/// `--token-code CODE`, or the first line of stdin for `-`.
fn token_code(request: &Request) -> Result<Option<TokenCode>, Error> {
    let Some(given) = &request.token_code else { return Ok(None) };
    if given.0 != "-" {
        return Ok(Some(mfa::parse_token_code(&given.0)?));
    }
    let mut line = Zeroizing::new(Vec::with_capacity(64));
    for byte in std::io::stdin().lock().take(64).bytes() {
        match byte.map_err(Error::stdin)? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Ok(Some(mfa::parse_token_code(&String::from_utf8_lossy(&line))?))
}
