//! One file a command: its arguments and what it does. They share [`prepare`] and never import each other.

pub mod aws_mfa;
pub mod awsume;
pub mod configure;
pub mod credential_process;
pub mod exec;
pub mod export;
pub mod init;
pub mod list;
pub mod login;
pub mod logout;
pub mod status;
pub mod write;

use crate::config::managed::{self, Holder};
use crate::config::{FileKind, Files, edit_file};
use crate::credentials::TokenCode;
use crate::env::Env;
use crate::error::Error;
use crate::fsio::Replacement;
use crate::keychain::Keychain;
use crate::mfa;
use crate::output::section::Properties;
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

/// A section of the credentials file that is to get a session.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    /// Its name.
    name: &'a str,
    /// Whether others than ours and aws-mfa's may be written over.
    force: bool,
    /// Whether it is written for awsume, whose sections may then be written over, and aws-mfa's not.
    for_awsume: bool,
    /// How the file is replaced.
    how: Replacement,
}

impl Target<'_> {
    /// What speaks against it, looked at before a code is spent. A long-lived access key is never written over: it may be the
    /// only copy.
    fn check(self, holder: &Holder, files: &Files) -> Result<(), Error> {
        let name = self.name;
        if *holder == Holder::AccessKey {
            let message =
                format!("[{name}] of the credentials file holds a long-lived access key, which is not overwritten");
            return Err(Error::usage(
                &message,
                &format!("rename the section to [{name}-long-term], or write elsewhere: --to NAME"),
            ));
        }
        if self.force {
            return Ok(());
        }
        let free = match holder {
            Holder::Nobody | Holder::Ours { .. } => true,
            Holder::AwsMfa => !self.for_awsume,
            Holder::Awsume => self.for_awsume,
            Holder::AccessKey | Holder::Other => false,
        };
        let (way_on, force) = if self.for_awsume { ("-o NAME", "") } else { ("--to NAME", ", or --force") };
        if !free {
            let message = format!("[{name}] of the credentials file was not written by mfa-run");
            return Err(Error::usage(&message, &format!("{way_on} writes elsewhere{force}")));
        }
        // with keys of its own beside it, each SDK takes such a profile for something else
        let config = files.profile(name);
        let elsewhere = ["role_arn", "credential_process", "sso_account_id"]
            .into_iter()
            .find(|key| config.is_some_and(|profile| profile.get_in(FileKind::Config, key).is_some()));
        if let Some(key) = elsewhere {
            let message =
                format!("profile {name} has {key} in the config file: SDKs disagree on what a session beside it means");
            return Err(Error::usage(&message, &format!("{way_on} writes elsewhere{force}")));
        }
        Ok(())
    }

    /// Looks again under the file's lock, and writes.
    fn put(self, env: &Env, files: &Files, properties: &Properties) -> Result<(), Error> {
        let properties: Vec<(&str, &str)> = properties.iter().map(|(key, value)| (*key, value.as_str())).collect();
        edit_file(env, files.path(FileKind::Credentials), self.how, |mut document| {
            self.check(&managed::holder(&document, self.name), files)?;
            managed::put(&mut document, self.name, &properties)?;
            Ok::<_, Error>(document)
        })?;
        Ok(())
    }
}
