//! The cold path: whose turn it is, and which calls to make. [`refusal`] has what is done when AWS says no, [`code`] where
//! the codes come from.

mod code;
mod refusal;

use super::access_key::access_key;
use super::cache::{self, Cached};
use super::index::Index;
use super::known::{LEAST, known};
use super::queue::{Queue, Turn};
use super::{Context, Error};
use crate::aws;
use crate::aws::source::{self, Loaded};
use crate::aws::sts::{Connection, Identity, Signer};
use crate::credentials::{AccessKey, Session, TokenCode};
use crate::mfa::{self, Asking, Device};
use crate::profile::plan::{Plan, SessionId, Source};
use crate::profile::strategy::{self, Begin, Known, Step};
use crate::terminal;
use chrono::{DateTime, Utc};

/// Some of AWS's services refuse a signature that is more than five minutes off.
const CLOCK_IS_WRONG: i64 = 5 * 60;

pub(super) struct Obtaining<'a> {
    plan: &'a Plan,
    context: &'a Context<'a>,
    id: SessionId,
    /// What the cache had, not good enough.
    cached: Option<Cached>,
    started: DateTime<Utc>,
    index: Index,
    asking: Asking<'a>,
    known: Known,
    /// Shown above the next prompt.
    notice: Option<String>,
    codes_spent: u32,
    /// The shared MFA session was made by this run: its code is as fresh as one can be.
    shared_is_new: bool,
    identity: Option<Identity>,
    /// The index says that the device's seed is kept, and the keychain does not give it.
    seed_failed: bool,
}

/// What came of one round of calls.
enum Round {
    Done(Session),
    /// AWS's answer changed the plan, or the code: do it again.
    Again,
}

/// The source's credentials.
enum Base {
    Key(AccessKey),
    Session(Session),
}

impl Base {
    fn signer(&self) -> Signer<'_> {
        match self {
            Self::Key(key) => Signer::AccessKey(key),
            Self::Session(session) => Signer::Session(session),
        }
    }
}

impl<'a> Obtaining<'a> {
    pub(super) fn new(plan: &'a Plan, context: &'a Context<'a>, cached: Option<Cached>) -> Self {
        let asking = Asking {
            token_code: context.token_code.clone().into(),
            mfa_process: plan.mfa.as_ref().and_then(|mfa| mfa.process.as_ref()).map(|process| process.value.as_str()),
            // a given code is an answer: no question after it
            may_prompt: !context.no_prompt && context.token_code.is_none(),
            deadline: context.deadline,
            ..Asking::new(context.env)
        };
        Self {
            plan,
            context,
            id: plan.id(),
            cached,
            started: context.env.now(),
            index: Index::default(),
            asking,
            known: Known::default(),
            notice: None,
            codes_spent: 0,
            shared_is_new: false,
            identity: None,
            seed_failed: false,
        }
    }

    pub(super) fn run(mut self) -> Result<Session, Error> {
        match self.renew() {
            // a new one can't be had; the old one still works
            Err(error) if !matches!(error, Error::Code(mfa::Error::Cancelled)) => match self.cached.take() {
                Some(cached) if self.context.min_ttl.is_none() && self.long_enough(&cached) => {
                    terminal::debug(|| format!("the cached session serves, as there is no new one: {error}"));
                    Ok(cached.session)
                }
                _ => Err(error),
            },
            result => result,
        }
    }

    fn renew(&mut self) -> Result<Session, Error> {
        self.look();
        let needs_code = self.needs_code();
        if let Some(cached) = self.cached.as_ref().filter(|cached| cached.serves(self.plan, self.context, needs_code)) {
            return Ok(cached.session.clone());
        }
        if needs_code {
            // nobody to ask is known before any lock and any connection
            mfa::can_ask(&self.device(), &self.asking)?;
        }
        // everybody takes the session's turn first and the device's second: nobody waits in a circle
        let _session = self.wait_for_turn(Queue::Session)?;
        self.look();
        if let Some(session) = self.made_by_another() {
            return Ok(session);
        }
        self.act()
    }

    /// What the index and the other profiles say, now.
    fn look(&mut self) {
        self.index = Index::load(self.context.env);
        let (index, now) = (&self.index, self.context.env.now());
        let lives =
            |id: &SessionId| index.lives(id, now, LEAST) && (!self.context.refresh || self.made_since_start(id));
        self.known = known(self.plan, index, self.context.files, self.context.env, lives);
        self.asking.has_seed = !self.seed_failed && index.has_seed(self.device().serial);
        // whoever asks anew for a duration may have raised the role's maximum
        if self.context.refresh && self.plan.asked().is_some() {
            self.known.refused_duration = None;
        }
    }

    /// With `--refresh`, what another process made after we were started is as new as it gets.
    fn made_since_start(&self, id: &SessionId) -> bool {
        cache::get(self.context, id).is_some_and(|cached| cached.made > self.started)
    }

    fn steps(&self) -> (Begin, Vec<Step>) {
        strategy::steps(self.plan, &self.known, self.context.caller)
    }

    fn needs_code(&self) -> bool {
        self.steps().1.iter().any(|step| step.needs_code())
    }

    fn device(&self) -> Device<'a> {
        let serial = self.plan.mfa.as_ref().map_or("", |mfa| mfa.serial.value.as_str());
        Device { serial, profile: &self.plan.profile.value, login: self.plan.login_profile() }
    }

    fn wait_for_turn(&self, queue: Queue) -> Result<Option<Turn>, Error> {
        let what = if self.needs_code() { "an MFA code" } else { "this session" };
        let waiting = || {
            // twenty of an SDK's calls would write over the one prompt
            if !self.context.silent {
                self.context.tell(&format!("another mfa-run is waiting for {what}; this one goes on when it is done"));
            }
        };
        match Turn::wait(self.context.env, queue, self.plan, &self.id, self.context.deadline, waiting) {
            Ok(Some(turn)) => Ok(Some(turn)),
            Ok(None) => {
                let device = self.device();
                Err(Error::Busy { serial: device.serial.to_owned(), login: device.login_command() })
            }
            Err(error) => {
                terminal::debug(|| format!("no lock, each process asks for itself: {error}"));
                Ok(None)
            }
        }
    }

    /// The session, where another process made it while this one waited.
    fn made_by_another(&mut self) -> Option<Session> {
        let found = cache::get(self.context, &self.id)?;
        let newer = self.cached.as_ref().is_none_or(|cached| found.made > cached.made);
        let new_enough = !self.context.refresh || found.made > self.started;
        let serves = newer && new_enough && found.serves(self.plan, self.context, true);
        serves.then_some(found.session)
    }

    fn act(&mut self) -> Result<Session, Error> {
        let connection = self.connection()?;
        let base = self.base(connection)?;
        if matches!(base, Base::Session(_)) && self.needs_code() {
            return Err(Error::SourceIsSession { source_name: self.plan.source.name() });
        }
        let mut turn = None;
        if self.needs_code() {
            turn = self.wait_for_turn(Queue::Device)?;
            self.look();
        }
        loop {
            // a renewal that was to be for nothing turned out to cost a code
            if self.needs_code() && turn.is_none() {
                turn = self.wait_for_turn(Queue::Device)?;
            }
            if let Round::Done(session) = self.round(connection, &base, turn.as_ref())? {
                self.tell_clock(connection);
                return Ok(session);
            }
        }
    }

    fn connection(&self) -> Result<&'a Connection, Error> {
        let cell = &self.context.connection;
        if let Some(connection) = cell.get() {
            return Ok(connection);
        }
        let connection = Connection::new(&self.plan.sts).map_err(|error| self.failed(error))?;
        Ok(cell.get_or_init(|| connection))
    }

    fn base(&self, connection: &Connection) -> Result<Base, Error> {
        let now = self.context.env.now();
        if let Some(key) = access_key(&self.plan.source, &self.context.keychain)? {
            return Ok(Base::Key(key));
        }
        let loaded = match &self.plan.source {
            Source::File { key, session_token: Some(token), .. }
            | Source::Environment { key, session_token: Some(token) } => {
                return Ok(Base::Session(Session {
                    access_key_id: key.id.clone(),
                    secret_access_key: key.secret.clone(),
                    session_token: token.clone(),
                    expiration: now + chrono::TimeDelta::hours(1),
                    account_id: None,
                }));
            }
            Source::Process { profile, command } => {
                source::process(connection.runtime(), profile, command, self.context.env)
            }
            Source::Sdk(sdk) => source::sdk(connection.runtime(), sdk, &self.plan.sts, now),
            Source::File { .. } | Source::Keychain { .. } | Source::Environment { .. } => {
                unreachable!("an access key, or a session")
            }
        };
        match loaded.map_err(|error| self.failed(error))? {
            Loaded::AccessKey(key) => Ok(Base::Key(key)),
            Loaded::Session(session) => Ok(Base::Session(session)),
        }
    }

    /// All the calls from where the cache ends to the session.
    fn round(&mut self, connection: &Connection, base: &Base, turn: Option<&Turn>) -> Result<Round, Error> {
        let mut code = None;
        if self.needs_code() {
            code = Some(self.code(connection, base.signer())?);
            self.known.others_wait = turn.is_some_and(Turn::others_want_more);
        }
        let (begin, steps) = self.steps();
        terminal::debug(|| format!("from {begin:?}: {steps:?}"));
        let Some(mut session) = self.begin(begin) else { return Ok(Round::Again) };
        for step in &steps {
            let signer = session.as_ref().map_or(base.signer(), Signer::Session);
            let code = if step.needs_code() { code.take() } else { None };
            match self.call(connection, base, signer, *step, code.as_ref())? {
                Ok(next) => session = Some(next),
                Err(error) => return self.refused(error, *step, begin).map(|()| Round::Again),
            }
        }
        self.remember_way();
        self.tell_if_shorter(steps.last());
        Ok(Round::Done(session.expect("a plan has at least one step")))
    }

    /// The cached session to begin with. `None`: it is gone, and the index has been told.
    fn begin(&mut self, begin: Begin) -> Option<Option<Session>> {
        let id = match begin {
            Begin::Source => return Some(None),
            Begin::Shared => self.plan.shared_id()?,
            Begin::Hop(hop) => self.plan.role_id(hop),
        };
        if let Some(cached) = cache::get(self.context, &id) {
            return Some(Some(cached.session));
        }
        self.drop_beginning(begin);
        None
    }

    /// A cached session that is gone, or no longer accepted.
    fn drop_beginning(&mut self, begin: Begin) {
        let id = match begin {
            Begin::Source => return,
            Begin::Shared => {
                self.known.shared = false;
                self.plan.shared_id()
            }
            Begin::Hop(hop) => {
                self.known.hop = None;
                Some(self.plan.role_id(hop))
            }
        };
        if let Some(id) = id {
            let _ = cache::forget(self.context, &id);
        }
    }

    /// One call, and its session kept. The outer error ends it all, the inner one may be answered.
    fn call(
        &mut self,
        connection: &Connection,
        base: &Base,
        signer: Signer<'_>,
        step: Step,
        code: Option<&TokenCode>,
    ) -> Result<Result<Session, aws::Error>, Error> {
        let plan = self.plan;
        let device_and_code = plan.mfa.as_ref().zip(code);
        match step {
            Step::GetSessionToken { duration } => {
                let (Base::Key(key), Some((mfa, code)), Some(id)) = (base, device_and_code, plan.shared_id()) else {
                    return Err(Error::SourceIsSession { source_name: plan.source.name() });
                };
                let made = connection.session_token(key, mfa, code, duration);
                if let Ok(session) = &made {
                    cache::put(self.context, plan, &id, 0, session, duration);
                    self.known.shared = true;
                    self.shared_is_new = true;
                }
                Ok(made)
            }
            Step::AssumeRole { hop, duration, .. } => {
                let role = &plan.roles[hop];
                let name = match &role.session_name {
                    Some(name) => name.value.clone(),
                    None => self.identity(connection, base)?.role_session_name(),
                };
                let made = connection.assume_role(signer, role, &name, device_and_code, duration);
                if let Ok(session) = &made {
                    let hops = hop + 1;
                    let asked = plan.asked().filter(|_| hops == plan.roles.len()).unwrap_or(duration);
                    cache::put(self.context, plan, &plan.role_id(hops), hops, session, asked);
                }
                Ok(made)
            }
        }
    }

    /// Where AWS allows less than was asked for. Not to an SDK, which comes again every hour.
    fn tell_if_shorter(&self, last: Option<&Step>) {
        let (Some(asked), Some(Step::AssumeRole { duration, .. })) = (self.plan.asked(), last) else { return };
        if *duration < asked && !self.context.silent {
            let (asked, duration) = (in_words(asked), in_words(*duration));
            self.context.tell(&format!("{asked} is more than AWS allows here: this session lasts {duration}"));
        }
    }

    fn tell_clock(&self, connection: &Connection) {
        let offset = connection.clock_offset();
        if offset.abs() > CLOCK_IS_WRONG {
            let side = if offset > 0 { "behind" } else { "ahead of" };
            self.context.warn(&format!(
                "this machine's clock is {} min {side} AWS's; set it, or other tools will be refused",
                (offset.abs() + 30) / 60
            ));
        }
    }

    fn long_enough(&self, cached: &Cached) -> bool {
        self.plan.asked().is_none_or(|asked| cached.asked >= asked) && cached.left(self.context.env.now()) > 0
    }

    fn failed(&self, error: aws::Error) -> Error {
        Error::aws(error, self.plan, false)
    }
}

/// `12h`, `1h30m`
fn in_words(seconds: u32) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}
