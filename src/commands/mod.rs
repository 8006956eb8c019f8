//! One file a command: its arguments and what it does. They share [`prepare`] and [`Serving`], and never import each other.

pub mod aws_mfa;
pub mod awsume;
pub mod complete;
pub mod completions;
pub mod configure;
pub mod console;
pub mod credential_process;
pub mod device;
mod diff;
pub mod doctor;
pub mod exec;
pub mod explain;
pub mod export;
pub mod function;
pub mod init;
pub mod key;
pub mod list;
pub mod login;
pub mod logout;
mod own_line;
mod picker;
mod record;
pub mod serve;
pub mod setup;
pub mod status;
pub mod write;

use diff::unified;
use own_line::{own_program, quoted_word};
use picker::{can_ask, dialog, pick, theme};
use record::{Record, recorded};

use crate::config::managed::{self, Holder};
use crate::config::{FileKind, Files, edit_file, served};
use crate::credentials::TokenCode;
use crate::env::Env;
use crate::error::Error;
use crate::fsio::{PrivateFile, Replacement};
use crate::keychain::Keychain;
use crate::mfa;
use crate::output::container::Endpoint;
use crate::output::section::Properties;
use crate::output::shell::{self, Format, Pointer};
use crate::profile::strategy::Caller;
use crate::profile::{self, Plan, Request};
use crate::session::{self, Context, renew};
use crate::terminal;
use std::cell::{Cell, OnceCell};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The request, and where it names no profile, nothing else does, and there is no default to make a session from, the profile
/// that a person picks. Never for `credential-process`, without a terminal, or where prompts are turned off.
fn choose(env: &Env, files: &Files, request: &Request) -> Result<Request, Error> {
    let picked = picker::profile(env, files, request)?;
    Ok(Request { profile: picked.or_else(|| request.profile.clone()), ..request.clone() })
}

/// Go's SDK and Terraform give up after 60 seconds, and leave us orphaned.
const PATIENCE: Duration = Duration::from_secs(55);

/// SDKs ask for another session when theirs has so many seconds left.
const RENEW: u32 = 15 * 60;

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
        keychain: Arc::new(Keychain::new(env)?.may_ask(may_ask).deadline(deadline)),
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

/// The session as lines for a shell, or for a file.
fn lines_for_shell(env: &Env, files: &Files, request: &Request, format: Format) -> Result<Zeroizing<String>, Error> {
    let plan = profile::plan(files, env, request)?;
    let context = prepare(env, files, request, Caller::OneShot, false)?;
    let session = session::obtain(&plan, &context)?;
    let region = plan.region.as_ref().map(|region| region.value.as_str());
    if format == Format::Github && env.var("GITHUB_ACTIONS") == Some("true") {
        // the runner hides from its logs what these lines name
        shell::github_masks(&session).lines().for_each(terminal::say);
    }
    Ok(shell::export(&session, region, &plan.profile.value, format)?)
}

/// A running endpoint, renewed behind the scenes; both end with it.
#[derive(Debug)]
struct Serving {
    endpoint: Endpoint,
    plan: Plan,
    config: Option<PrivateFile>,
}

impl Serving {
    /// Gets the first session, here and now: the person is still looking. Then starts the endpoint and what renews it.
    fn start(env: &Env, request: &Request) -> Result<Self, Error> {
        let files = Files::load(env)?;
        let request = &choose(env, &files, request)?;
        let plan = profile::plan(&files, env, request)?;
        let session = {
            let mut context = prepare(env, &files, request, Caller::Renewing, false)?;
            // a cached session that ends in six minutes would be asked for again in the middle of the command
            let least = plan.asked().map_or(RENEW, |asked| RENEW.min(asked / 3));
            context.min_ttl = context.min_ttl.or(Some(least));
            match session::obtain(&plan, &context) {
                // nobody is there: what there is has to do
                Err(session::Error::Code(mfa::Error::NobodyToAsk { .. })) if request.min_ttl.is_none() => {
                    context.min_ttl = None;
                    session::obtain(&plan, &context)?
                }
                session => session?,
            }
        };
        let config = match served::without_default_credentials(&files) {
            None => None,
            Some(config) => Some(private_file(env, "config", &config)?),
        };
        let min_ttl = request.min_ttl.map(|left| left.0);
        let (endpoint, wants) = Endpoint::start(&session, min_ttl, env.clock()).map_err(Error::endpoint)?;

        // The thread has all that it needs for itself: we do not wait for it at the end, as it may be waiting for a person.
        let (desk, for_renewal, env) = (endpoint.desk(), plan.clone(), env.clone());
        let request = Request { token_code: None, refresh: false, ..request.clone() };
        let renewal = move || {
            let quiet = Request { no_prompt: true, ..request.clone() };
            let context = |request| prepare(&env, &files, request, Caller::Renewing, false);
            if let (Ok(quiet), Ok(asking)) = (context(&quiet), context(&request)) {
                // stderr is the command's
                let [quiet, asking] = [quiet, asking].map(|context| Context { silent: true, ..context });
                renew::keep_alive(&for_renewal, quiet, asking, &desk, &wants);
            }
        };
        std::thread::Builder::new().name("renewal".into()).spawn(renewal).map_err(Error::endpoint)?;
        Ok(Self { endpoint, plan, config })
    }

    /// What points SDKs at it.
    fn pointer(&self) -> Pointer<'_> {
        Pointer {
            endpoint: &self.endpoint,
            config: self.config.as_ref().and_then(|file| Some((file.path().to_str()?, served::PROFILE))),
            region: self.plan.region.as_ref().map(|region| region.value.as_str()),
            profile: &self.plan.profile.value,
        }
    }
}

/// A file that only this process's children need.
fn private_file(env: &Env, kind: &str, bytes: &[u8]) -> Result<PrivateFile, Error> {
    let name = format!("serve-{}.{kind}", std::process::id());
    let path = env.runtime_folder().map(|folder| folder.join(name)).ok_or(std::io::ErrorKind::NotFound);
    path.map_err(Into::into).and_then(|path| PrivateFile::create(path, bytes)).map_err(Error::endpoint)
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
