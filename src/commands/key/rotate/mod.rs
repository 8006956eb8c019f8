//! `mfa-run key rotate`: create, keep beside the old key, prove, switch, deactivate, delete. Each step is on record before the
//! next, and begins by looking what is there: a run that was killed anywhere is finished by the next one.
//!
//! The old key works until the new one is proven and every profile has it. One token code is enough for all of it: the session
//! is bound to the user, not to the key.

mod beside;
mod journal;
mod second;

use super::{keychain, learn, no_key, users, warnings};
use crate::aws::iam::{Iam, ListedKey};
use crate::aws::sts::{Connection, Signer};
use crate::aws::{self, Refusal};
use crate::commands::{choose, prepare};
use crate::config::{Files, keys};
use crate::credentials::AccessKey;
use crate::env::Env;
use crate::error::Error;
use crate::fsio::{Lock, Replacement};
use crate::keychain::Keychain;
use crate::profile::plan::Source;
use crate::profile::request::TimeLeft;
use crate::profile::strategy::Caller;
use crate::profile::{self, Plan, Request};
use crate::session::access_key::access_key;
use crate::session::carry::carry_over;
use crate::session::{self, Context};
use crate::terminal::{Progress, escape, quote, say};
use beside::Beside;
use chrono::{DateTime, Local};
pub(super) use journal::Journal;
use journal::Stage;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A new key works after seconds, most often ten.
const PATIENCE: Duration = Duration::from_secs(90);

/// IAM's times are its own: a key made by us may seem to be a little older than our asking for it.
const CLOCKS_DIFFER: i64 = 15 * 60;

/// `mfa-run key rotate [-p PROFILE] [--grace TIME]`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    request: Request,
    /// How long the old key stays, inactive, before the next run deletes it; 0 deletes it at once
    #[arg(long, value_name = "TIME", default_value = "24h")]
    grace: TimeLeft,
    /// Delete the user's second access key first, if it is inactive
    #[arg(long)]
    delete_inactive: bool,
    /// Write into the files instead of replacing them: for a file that is mounted by itself
    #[arg(long)]
    in_place: bool,
}

pub(super) fn run(args: &Args, env: &Env) -> Result<ExitCode, Error> {
    // before the files are read: an import in between would put the key elsewhere
    let _turn = turn(env)?;
    let files = Files::load(env)?;
    let request = Request { duration: None, ..choose(env, &files, &args.request)? };
    let mut plan = profile::plan_for_console(&files, env, &request)?.without_roles();
    plan.duration = None;
    let id = plan.source.access_key_id().ok_or_else(|| no_key(&plan))?.to_owned();
    if matches!(plan.source, Source::Environment { .. }) || !keys::is_long_lived(&id) {
        let message = format!("access key {id} is in the environment, where it can't be replaced");
        return Err(Error::usage(&message, "mfa-run key import --from-env"));
    }
    let context = prepare(env, &files, &request, Caller::OneShot, false)?;
    let context = Context { keychain: Arc::new(keychain(env)?), ..context };
    // the session first: whatever AWS is asked for is asked for with MFA
    let session = plan.mfa.as_ref().map(|_| session::obtain(&plan, &context)).transpose()?;
    let key = if session.is_some() { None } else { access_key(&plan.source, &context.keychain)? };
    let signer = match (&session, &key) {
        (Some(session), _) => Signer::Session(session),
        (None, Some(key)) => Signer::AccessKey(key),
        (None, None) => return Err(no_key(&plan)),
    };
    let iam =
        Iam::new(signer, &plan.sts, env).map_err(|error| Error::from(session::Error::aws(error, &plan, false)))?;
    let how = if args.in_place { Replacement::InPlace } else { Replacement::Atomic };
    let beside = Beside { env, keychain: &context.keychain, how };
    let rotation = Rotation { args, env, plan: &plan, context: &context, keychain: &context.keychain, iam, beside };
    let result = rotation.run(&files, &id);
    warnings(&context.keychain);
    result.map(|()| ExitCode::SUCCESS)
}

/// One rotation, or import, at a time.
pub(super) fn turn(env: &Env) -> Result<Option<Lock>, Error> {
    let Some(folder) = env.data_folder() else { return Ok(None) };
    let path = folder.join("locks").join("rotation");
    match Lock::try_acquire(&path) {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => Err(Error::usage("another mfa-run is moving an access key", "wait until it is done")),
        Err(error) => Err(Error::record(&path, &error)),
    }
}

struct Rotation<'a> {
    args: &'a Args,
    env: &'a Env,
    plan: &'a Plan,
    context: &'a Context<'a>,
    keychain: &'a Keychain<'a>,
    iam: Iam,
    beside: Beside<'a>,
}

impl Rotation<'_> {
    fn run(&self, files: &Files, id: &str) -> Result<(), Error> {
        let listed = self.iam.list_access_keys().map_err(|error| self.refused(error))?;
        let mut journal = match Journal::of(self.env, id) {
            Some(journal) => self.resumed(files, journal, &listed)?,
            None => self.begun(files, id, &listed)?,
        };
        loop {
            match journal.stage.clone() {
                Stage::Begun => self.create(&mut journal)?,
                Stage::Kept { new } => self.prove_and_switch(&mut journal, new)?,
                Stage::Switched { new } => self.deactivate(&mut journal, new)?,
                Stage::Inactive { new, since } => return self.delete(&journal, &new, since),
            }
        }
    }

    /// A rotation nobody has begun yet.
    fn begun(&self, files: &Files, id: &str, listed: &[ListedKey]) -> Result<Journal, Error> {
        let Some(ours) = listed.iter().find(|key| key.id == id) else {
            let message = format!("IAM does not list access key {id} among those of the user who signs");
            return Err(Error::usage(&message, "mfa-run key list"));
        };
        let before = self.room_for_one(files, id, listed)?;
        let (named_by, plain) = users(files, id);
        let in_keychain = !named_by.is_empty();
        let journal = Journal::begin(self.env, id, &self.plan.profile.value, in_keychain, before);
        self.beside.rehearse(&journal)?;
        let profiles = [named_by, plain].concat().join(", ");
        say(&escape(&format!("replacing access key {id} of {} (profiles: {profiles})", ours.user)));
        Ok(journal)
    }

    /// One that an earlier run began: what it asked for and did not put on record is looked for.
    fn resumed(&self, files: &Files, mut journal: Journal, listed: &[ListedKey]) -> Result<Journal, Error> {
        say(&escape(&format!("going on with the rotation of access key {}", journal.old)));
        if let Stage::Kept { new } = &journal.stage
            && !listed.iter().any(|key| key.id == *new)
            // IAM may list a new key late
            && self.env.now().timestamp() - journal.begun > CLOCKS_DIFFER
        {
            say(&escape(&format!("{new} is gone from IAM: beginning again")));
            self.beside.take_back(&journal, new)?;
            self.keychain.forget_access_key(new)?;
            journal.reach(self.env, Stage::Begun)?;
        }
        match &journal.stage {
            Stage::Begun => {}
            Stage::Kept { .. } => return Ok(journal),
            Stage::Switched { new } => return self.still_good(&journal, new, listed).map(|()| journal),
            Stage::Inactive { new, since } => {
                self.still_good(&journal, new, listed)?;
                self.still_inactive(&journal, *since, listed)?;
                return Ok(journal);
            }
        }
        let old_works = listed.iter().any(|key| key.id == journal.old && key.active);
        for key in listed {
            if key.id == journal.old || journal.before.contains(&key.id) {
                continue;
            }
            let is_used_here = {
                let (named_by, plain) = users(files, &key.id);
                !named_by.is_empty() || plain.iter().any(|profile| !journal.is_beside(profile))
            };
            if !is_used_here && self.beside.find(&journal, &key.id)?.is_some() {
                let new = key.id.clone();
                journal.reach(self.env, Stage::Kept { new })?;
                return Ok(journal);
            }
            let used = self.iam.access_key_last_used(&key.id).map_err(|error| self.refused(error))?;
            let then = journal.begun - CLOCKS_DIFFER..=journal.asked + CLOCKS_DIFFER;
            let made_then = key.created.is_some_and(|at| then.contains(&at.timestamp()));
            // where the old key does not work any more, another machine has rotated it, and the new one is in use there
            if used.is_none() && made_then && !is_used_here && old_works {
                // its secret was in the answer to a run that was killed: nobody has it, nobody ever will
                self.iam.delete_access_key(&key.id).map_err(|error| self.refused(error))?;
                say(&escape(&format!("deleted {}, which that run made and did not live to keep", key.id)));
            } else {
                journal.before.push(key.id.clone());
            }
        }
        let there = self.iam.list_access_keys().map_err(|error| self.refused(error))?;
        self.room_for_one(files, &journal.old, &there)?;
        Ok(journal)
    }

    /// The new key works, as far as IAM tells: else the old one is the last.
    fn still_good(&self, journal: &Journal, new: &str, listed: &[ListedKey]) -> Result<(), Error> {
        let state = match listed.iter().find(|key| key.id == new) {
            Some(key) if key.active => return Ok(()),
            Some(_) => "inactive",
            // IAM may list a new key late
            None if self.env.now().timestamp() - journal.begun <= CLOCKS_DIFFER => return Ok(()),
            None => "gone from IAM",
        };
        let old = &journal.old;
        let (named_by, plain) = users(&Files::load(self.env)?, new);
        if named_by.is_empty() && plain.is_empty() {
            journal.forget(self.env)?;
        }
        let message = format!("access key {new}, which took the place of {old}, is {state}: {old} stays as it is");
        Err(Error::usage(&message, "mfa-run key list"))
    }

    /// Nobody made the old key active again; just after our own call, IAM may not have heard of it.
    fn still_inactive(&self, journal: &Journal, since: i64, listed: &[ListedKey]) -> Result<(), Error> {
        let old = &journal.old;
        let just_now = self.env.now().timestamp() - since < 60;
        if just_now || !listed.iter().any(|key| key.id == *old && key.active) {
            return Ok(());
        }
        let hint = format!("when nothing uses it any more: {}; then the same again", self.set_status(old, "Inactive"));
        Err(Error::usage(&format!("access key {old} was made active again, so it is not deleted"), &hint))
    }

    /// What a person types to change a key at IAM: as the user, with MFA.
    fn set_status(&self, id: &str, status: &str) -> String {
        match self.as_user() {
            Some(iam) => format!("{iam} update-access-key --access-key-id {id} --status {status}"),
            None => format!("make {id} {status} in the IAM console"),
        }
    }

    /// The AWS CLI with the rights of the user; `None` where no session can be made.
    fn as_user(&self) -> Option<String> {
        let (profile, serial) = (self.plan.source.in_words(), self.plan.mfa.as_ref()?.serial.value.as_str());
        Some(format!("mfa-run -p {} --mfa-serial {} -- aws iam", quote(profile), quote(serial)))
    }

    fn create(&self, journal: &mut Journal) -> Result<(), Error> {
        journal.asked = self.env.now().timestamp();
        journal.reach(self.env, Stage::Begun)?;
        let key = match self.iam.create_access_key() {
            Ok(key) => key,
            Err(error) => {
                // no answer is no proof that there is no key, nor is a limit that is reached: the next run looks
                let nothing_made = match &error {
                    aws::Error::Refused { code, .. } => code != "LimitExceeded",
                    aws::Error::Throttled { .. } => true,
                    _ => false,
                };
                if nothing_made {
                    journal.forget(self.env)?;
                }
                return Err(self.refused(error));
            }
        };
        if let Err(error) = self.beside.keep(journal, &key) {
            if self.iam.delete_access_key(&key.id).is_ok() {
                journal.forget(self.env)?;
            }
            return Err(error);
        }
        journal.reach(self.env, Stage::Kept { new: key.id })
    }

    fn prove_and_switch(&self, journal: &mut Journal, new: String) -> Result<(), Error> {
        if !self.beside.is_switched(journal, &new)? {
            let Some(key) = self.beside.find(journal, &new)? else {
                // it was read back when it was kept: the store is another one now, or does not open
                return Err(self.not_at_hand(&new));
            };
            self.prove(journal, &key)?;
            self.beside.switch(journal, &key)?;
            if !self.beside.is_switched(journal, &new)? {
                let old = &journal.old;
                let message = format!("not every profile of {old} could be given {new}, and {old} stays in use");
                return Err(Error::usage(&message, "mfa-run key list shows which profile has which key"));
            }
        }
        journal.reach(self.env, Stage::Switched { new })
    }

    /// Waits until AWS takes the new key.
    fn prove(&self, journal: &Journal, key: &AccessKey) -> Result<(), Error> {
        let failed = |error| Error::from(session::Error::aws(error, self.plan, false));
        let connection = Connection::new(&self.plan.sts).map_err(failed)?;
        let begun = Instant::now();
        let mut progress = Progress::default();
        let mut pause = Duration::from_millis(500);
        loop {
            let error = match connection.caller_identity(Signer::AccessKey(key)) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            // anything but "unknown key" and trouble on the way will not get better
            if error.refusal().is_some_and(|refusal| refusal != Refusal::UnknownKey) {
                return Err(failed(error));
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::not_proven(&key.id, &journal.old, &error.to_string(), &journal.command()));
            }
            let seconds = begun.elapsed().as_secs();
            progress.show(&format!("waiting until AWS takes {} ... {seconds} s", key.id));
            std::thread::sleep(pause);
            pause = (pause * 3 / 2).min(Duration::from_secs(5));
        }
    }

    /// The new key's secret is not where it was kept.
    fn not_at_hand(&self, new: &str) -> Error {
        let message = format!("access key {new} was kept, and is not there now; the old one stays in use");
        Error::usage(&message, "mfa-run doctor shows the store in force; if it is lost, delete it in the IAM console")
    }

    fn deactivate(&self, journal: &mut Journal, new: String) -> Result<(), Error> {
        let old = journal.old.clone();
        if self.beside.find(journal, &new)?.is_none() {
            return Err(self.not_at_hand(&new));
        }
        let files = Files::load(self.env)?;
        let carried = carry_over(self.context, &files, &old, &new);
        let (named_by, plain) = users(&files, &new);
        say(&escape(&format!("{new} is in its place (profiles: {})", [named_by, plain].concat().join(", "))));
        if carried != session::carry::Carried::default() {
            let kept = if carried.kept == 1 { "session goes" } else { "sessions go" };
            say(&format!("{} cached {kept} on with it, {} forgotten", carried.kept, carried.forgotten));
        }
        self.iam.set_access_key_active(&old, false).or_else(gone).map_err(|error| self.refused(error))?;
        journal.reach(self.env, Stage::Inactive { new, since: self.env.now().timestamp() })
    }

    /// Deletes the old key, if it has been inactive for long enough.
    fn delete(&self, journal: &Journal, new: &str, since: i64) -> Result<(), Error> {
        let old = &journal.old;
        let due = since + i64::from(self.args.grace.0);
        if self.env.now().timestamp() < due {
            let due = DateTime::from_timestamp(due, 0).unwrap_or_default().with_timezone(&Local);
            let (due, command) = (due.format("%Y-%m-%d %H:%M"), journal.command());
            say(&escape(&format!("{old} is inactive; {command} deletes it after {due}, or now with --grace 0")));
            say(&escape(&format!("if something else still uses it: {}", self.set_status(old, "Active"))));
            return Ok(());
        }
        // a key that is inactive can't ask for its own end
        let with_new = match (&self.plan.mfa, self.beside.find(journal, new)?) {
            (None, Some(key)) => Some(Iam::new(Signer::AccessKey(&key), &self.plan.sts, self.env)),
            _ => None,
        };
        let with_new = with_new.transpose().map_err(|error| self.refused(error))?;
        let iam = with_new.as_ref().unwrap_or(&self.iam);
        iam.delete_access_key(old).or_else(gone).map_err(|error| self.refused(error))?;
        if journal.in_keychain {
            self.keychain.forget_access_key(old)?;
        }
        learn(self.env, |index| {
            index.access_keys.remove(old);
        });
        journal.forget(self.env)?;
        say(&escape(&format!("{old} is deleted")));
        Ok(())
    }

    /// What AWS said, and what can be done about it here.
    fn refused(&self, error: aws::Error) -> Error {
        let profile = quote(&self.plan.profile.value);
        let hint = match &error {
            aws::Error::Refused { refusal: Refusal::NotAuthorized, operation, .. } => {
                let mfa = if self.plan.mfa.is_none() { "; if it wants MFA: --mfa-serial ARN" } else { "" };
                format!(
                    "an administrator has to allow {operation} (packaging/terraform: manage_own_access_keys = true){mfa}"
                )
            }
            aws::Error::Refused { code, .. } if code == "LimitExceeded" => {
                "a user has two access keys at most: mfa-run key list".into()
            }
            aws::Error::Refused { refusal: Refusal::UnknownKey | Refusal::Expired, .. } if self.plan.mfa.is_some() => {
                format!("mfa-run login --refresh -p {profile}, then run it again: it goes on where it stopped")
            }
            aws::Error::Refused { .. } => return session::Error::aws(error, self.plan, false).into(),
            _ => format!("mfa-run key rotate -p {profile} goes on where it stopped"),
        };
        session::Error::Aws { error, hint: Some(hint) }.into()
    }
}

/// A key that is not there any more is as good as done with.
fn gone(error: aws::Error) -> Result<(), aws::Error> {
    match &error {
        aws::Error::Refused { code, .. } if code == "NoSuchEntity" => Ok(()),
        _ => Err(error),
    }
}
