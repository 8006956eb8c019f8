//! The cold path: whose turn it is, which calls to make, what to do when AWS says no.

use super::cache::{self, Cached};
use super::index::Index;
use super::queue::Turn;
use super::{Context, Error};
use crate::aws::source::{self, Loaded};
use crate::aws::sts::{Connection, Identity, Signer};
use crate::aws::{self, Refusal};
use crate::credentials::{AccessKey, Session, TokenCode};
use crate::mfa::{self, Asking, Device, Way};
use crate::profile::plan::{Plan, SessionId, Source};
use crate::profile::request::Request;
use crate::profile::strategy::{self, Begin, CHAINED, Known, Step};
use crate::terminal;
use chrono::{DateTime, Utc};
use std::time::{Duration, Instant};

/// AWS locks a device after too many wrong codes; three a run leaves room for another run.
const CODES: u32 = 3;
/// A session that others are made from must outlive the calls.
const LEAST: i64 = 5 * 60;
/// More than this off, and a person should hear of it.
const CLOCK_IS_WRONG: i64 = 60;

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
    identity: Option<Identity>,
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
            identity: None,
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
        let needs_code = self.steps().1.iter().any(|step| step.needs_code());
        if let Some(cached) = self.cached.as_ref().filter(|cached| cached.serves(self.plan, self.context, needs_code)) {
            return Ok(cached.session.clone());
        }
        if needs_code {
            // nobody to ask is known before any lock and any connection
            mfa::can_ask(&self.device(), &self.asking)?;
        }
        let turn = self.wait_for_turn()?;
        if turn.is_some() {
            self.look();
            if let Some(session) = self.made_by_another() {
                return Ok(session);
            }
        }
        self.act(turn.as_ref())
    }

    /// What the index and the other profiles say, now.
    fn look(&mut self) {
        let (plan, now) = (self.plan, self.context.env.now());
        self.index = Index::load(self.context.env);
        let index = &self.index;
        let lives = |id: &SessionId| !self.context.refresh && index.lives(id, now, LEAST) || self.made_since_start(id);
        let way = self.way();
        self.known = Known {
            shared: plan.shared_id().is_some_and(|id| lives(&id)),
            hop: (1..plan.roles.len()).rev().find(|hops| lives(&plan.role_id(*hops))),
            refused_duration: plan
                .roles
                .first()
                .and_then(|role| index.refused_durations.get(role.arn.value.as_str()))
                .copied(),
            wants_fresh_code: index.wants_fresh_code.contains(&way),
            only_shared: index.only_shared.contains(&way),
            others_wait: false,
            siblings: self.has_siblings(),
        };
    }

    /// With `--refresh`, what another process made after we were started is as new as it gets.
    fn made_since_start(&self, id: &SessionId) -> bool {
        self.index.sessions.get(id.as_str()).is_some_and(|entry| entry.made > self.started.timestamp())
    }

    /// Whether another profile's role is behind the same device.
    fn has_siblings(&self) -> bool {
        let (Some(shared), false) = (self.plan.shared_id(), self.plan.roles.is_empty()) else { return false };
        self.context.files.profiles().any(|profile| {
            let request = Request { profile: Some(profile.name().to_owned()), ..Request::default() };
            let other = crate::profile::plan(self.context.files, self.context.env, &request);
            other.is_ok_and(|other| {
                !other.roles.is_empty() && other.id() != self.id && other.shared_id().as_ref() == Some(&shared)
            })
        })
    }

    fn steps(&self) -> (Begin, Vec<Step>) {
        strategy::steps(self.plan, &self.known, self.context.caller)
    }

    /// Who wants which role: the key of what was learned about it.
    fn way(&self) -> String {
        format!(
            "{} {}",
            self.plan.source.identity(),
            self.plan.roles.first().map_or("", |role| role.arn.value.as_str())
        )
    }

    fn device(&self) -> Device<'a> {
        let serial = self.plan.mfa.as_ref().map_or("", |mfa| mfa.serial.value.as_str());
        Device { serial, profile: &self.plan.profile.value, login: self.plan.login_profile() }
    }

    fn wait_for_turn(&self) -> Result<Option<Turn>, Error> {
        let what = if self.plan.mfa.is_some() { "an MFA code" } else { "its session" };
        let waiting = || {
            // twenty of an SDK's calls would write over the one prompt
            if !self.context.silent {
                self.context.tell(&format!("another mfa-run is waiting for {what}; this one goes on when it is done"));
            }
        };
        match Turn::wait(self.context.env, self.plan, &self.id, self.context.deadline, waiting) {
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
        (newer && new_enough && found.serves(self.plan, self.context, true)).then(|| found.session)
    }

    fn act(&mut self, turn: Option<&Turn>) -> Result<Session, Error> {
        let connection = self.connection()?;
        let base = self.base(connection)?;
        loop {
            if let Round::Done(session) = self.round(connection, &base, turn)? {
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
        let loaded = match &self.plan.source {
            Source::File { key, session_token: None, .. } | Source::Environment { key, session_token: None } => {
                return Ok(Base::Key(key.clone()));
            }
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
            Source::Process { profile, command } => source::process(connection.runtime(), profile, command, now),
            Source::Sdk(sdk) => source::sdk(connection.runtime(), sdk, &self.plan.sts, now),
        };
        match loaded.map_err(|error| self.failed(error))? {
            Loaded::AccessKey(key) => Ok(Base::Key(key)),
            Loaded::Session(session) => Ok(Base::Session(session)),
        }
    }

    /// All the calls from where the cache ends to the session.
    fn round(&mut self, connection: &Connection, base: &Base, turn: Option<&Turn>) -> Result<Round, Error> {
        let mut code = None;
        if self.steps().1.iter().any(|step| step.needs_code()) {
            code = Some(self.code(connection, base.signer())?);
            self.known.others_wait = turn.is_some_and(Turn::others_want_more);
        }
        let (begin, steps) = self.steps();
        terminal::debug(|| format!("from {begin:?}: {steps:?}"));
        let Some(mut session) = self.begin(begin) else { return Ok(Round::Again) };
        for step in steps {
            let signer = session.as_ref().map_or(base.signer(), Signer::Session);
            let made = match step {
                Step::GetSessionToken { duration } => self.shared_session(connection, base, code.take(), duration),
                Step::AssumeRole { hop, duration, with_code } => {
                    let code = if with_code { code.take() } else { None };
                    let made = self.role_session(connection, base, signer, hop, code.as_ref(), duration)?;
                    self.judge(made, step, begin)
                }
            };
            match made? {
                Some(next) => session = Some(next),
                None => return Ok(Round::Again),
            }
        }
        let session = session.expect("a plan has at least one step");
        self.remember_way();
        Ok(Round::Done(session))
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

    fn shared_session(
        &mut self,
        connection: &Connection,
        base: &Base,
        code: Option<TokenCode>,
        duration: u32,
    ) -> Result<Option<Session>, Error> {
        let (Base::Key(key), Some(mfa), Some(code), Some(id)) = (base, &self.plan.mfa, code, self.plan.shared_id())
        else {
            return Err(self.no_access_key());
        };
        match connection.session_token(key, mfa, &code, duration) {
            Ok(session) => {
                cache::put(self.context, self.plan, &id, 0, &session, duration);
                self.known.shared = true;
                Ok(Some(session))
            }
            Err(error) => self.code_refused(error).map(|()| None),
        }
    }

    fn role_session(
        &mut self,
        connection: &Connection,
        base: &Base,
        signer: Signer<'_>,
        hop: usize,
        code: Option<&TokenCode>,
        duration: u32,
    ) -> Result<Result<Session, aws::Error>, Error> {
        let role = &self.plan.roles[hop];
        let mfa = match (&self.plan.mfa, code, signer) {
            (Some(mfa), Some(code), Signer::AccessKey(_)) => Some((mfa, code)),
            (Some(_), Some(_), Signer::Session(_)) => return Err(self.no_access_key()),
            _ => None,
        };
        let name = match &role.session_name {
            Some(name) => name.value.clone(),
            None => self.identity(connection, base)?.role_session_name(),
        };
        let made = connection.assume_role(signer, role, &name, mfa, duration);
        if let Ok(session) = &made {
            let hops = hop + 1;
            let asked = if hops == self.plan.roles.len() { self.plan.asked().unwrap_or(duration) } else { duration };
            cache::put(self.context, self.plan, &self.plan.role_id(hops), hops, session, asked);
        }
        Ok(made)
    }

    /// What an answer to AssumeRole means for the plan. `None`: it has changed.
    fn judge(&mut self, made: Result<Session, aws::Error>, step: Step, begin: Begin) -> Result<Option<Session>, Error> {
        let error = match made {
            Ok(session) => return Ok(Some(session)),
            Err(error) => error,
        };
        let Step::AssumeRole { hop, duration, with_code } = step else { unreachable!("it was AssumeRole") };
        let way = self.way();
        let refused_lately = self.index.refused_lately(&way, self.context.env.now());
        let can_ask = mfa::can_ask(&self.device(), &self.asking).is_ok();
        match error.refusal() {
            Some(Refusal::TooLongForRole | Refusal::TooLongForChaining) if hop == 0 && duration > CHAINED => {
                self.too_long(duration);
                if with_code && !can_ask { Err(self.failed(error)) } else { Ok(None) }
            }
            // a fresh code, directly: the role may want a low aws:MultiFactorAuthAge
            Some(Refusal::NotAuthorized)
                if hop == 0 && begin == Begin::Shared && can_ask && !self.known.wants_fresh_code && !refused_lately =>
            {
                self.known.wants_fresh_code = true;
                self.notice =
                    Some("AWS refused the role to the shared MFA session; some roles want a fresh code".into());
                Ok(None)
            }
            // the other way round: some accounts see MFA in a GetSessionToken session only
            Some(Refusal::NotAuthorized)
                if with_code
                    && can_ask
                    && !self.known.wants_fresh_code
                    && !self.known.only_shared
                    && !refused_lately =>
            {
                self.known.only_shared = true;
                self.notice = Some(format!(
                    "AWS refused the role; some accounts grant it to a shared MFA session only. {}",
                    self.next_code()
                ));
                Ok(None)
            }
            Some(Refusal::NotAuthorized) if hop == 0 && (self.known.wants_fresh_code || self.known.only_shared) => {
                let now = self.context.env.now().timestamp();
                self.context.learn(|index| {
                    index.refused.insert(way.clone(), now);
                    index.only_shared.remove(&way);
                    index.wants_fresh_code.remove(&way);
                });
                Err(Error::aws(error, self.plan, true))
            }
            // a session that AWS no longer takes: begin further back, once
            Some(Refusal::Expired | Refusal::UnknownKey) if begin != Begin::Source && !with_code => {
                self.drop_beginning(begin);
                Ok(None)
            }
            _ if with_code => self.code_refused(error).map(|()| None),
            _ => Err(self.failed(error)),
        }
    }

    /// AWS does not say what the role's maximum is; what it refused is remembered, so that it costs one code ever after.
    fn too_long(&mut self, duration: u32) {
        self.known.refused_duration = Some(duration);
        if let Some(role) = self.plan.roles.first() {
            let arn = role.arn.value.to_string();
            self.context.learn(|index| {
                index.refused_durations.insert(arn, duration);
            });
        }
        let asked = self.plan.roles.first().is_some_and(|role| role.duration.is_some());
        let then = if asked { "this session lasts 1h" } else { "a shared MFA session will renew it every hour" };
        self.notice = Some(format!("the role does not allow {}; {then}. {}", in_words(duration), self.next_code()));
        if asked {
            self.context
                .tell(&format!("the role's maximum is less than {}: this session lasts 1h", in_words(duration)));
        }
    }

    /// After a request with a code failed: ask again, or give up. A code that STS may have seen is not sent again.
    fn code_refused(&mut self, error: aws::Error) -> Result<(), Error> {
        self.codes_spent += 1;
        let again = matches!(error.refusal(), Some(Refusal::InvalidCode))
            || matches!(error, aws::Error::Throttled { .. } | aws::Error::Server { .. } | aws::Error::TimedOut { .. });
        let way = mfa::can_ask(&self.device(), &self.asking);
        if !again || self.codes_spent >= CODES || way.is_err() {
            return Err(self.failed(error));
        }
        let why = match error.refusal() {
            Some(_) => "AWS refused that code: wrong, or used before".to_owned(),
            None => format!("{error}; that code may be spent"),
        };
        self.notice = Some(format!("{why}. {}", self.next_code()));
        Ok(())
    }

    fn next_code(&self) -> String {
        format!("The next code comes in {} s", self.until_next_code())
    }

    fn until_next_code(&self) -> u64 {
        30 - u64::try_from(self.context.env.now().timestamp().rem_euclid(30)).unwrap_or(0)
    }

    /// Gets a code; while a person types, the connection is opened.
    fn code(&mut self, connection: &Connection, signer: Signer<'_>) -> Result<TokenCode, Error> {
        let (device, notice) = (self.device(), self.notice.take());
        match mfa::can_ask(&device, &self.asking)? {
            Way::Terminal => {
                let asking = &self.asking;
                let (identity, code) =
                    connection.meanwhile(signer, || mfa::token_code(&device, asking, notice.as_deref()));
                let code = code?;
                match identity {
                    Some(Ok(identity)) => self.learn_identity(identity),
                    // the code is not spent on a key that does not work
                    Some(Err(error))
                        if matches!(
                            error.refusal(),
                            Some(Refusal::UnknownKey | Refusal::WrongSecret | Refusal::Expired)
                        ) =>
                    {
                        return Err(self.failed(error));
                    }
                    _ => {}
                }
                Ok(code)
            }
            _ => {
                if self.codes_spent > 0 || notice.is_some() {
                    self.wait_for_next_code();
                }
                Ok(mfa::token_code(&device, &self.asking, notice.as_deref())?)
            }
        }
    }

    /// A program prints the same code until the window turns.
    fn wait_for_next_code(&self) {
        let turn = Duration::from_secs(self.until_next_code() + 1);
        let left = self.context.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        std::thread::sleep(left.map_or(turn, |left| turn.min(left)));
    }

    /// Who the source is: what CloudTrail should show at every hop.
    fn identity(&mut self, connection: &Connection, base: &Base) -> Result<Identity, Error> {
        if self.identity.is_none() {
            self.identity = self.index.identity(self.plan);
        }
        if self.identity.is_none() {
            let identity = connection.caller_identity(base.signer()).map_err(|error| self.failed(error))?;
            self.learn_identity(identity);
        }
        Ok(self.identity.clone().expect("it has just been learned"))
    }

    fn learn_identity(&mut self, identity: Identity) {
        let source = self.plan.source.identity();
        if self.index.identities.get(&source).is_none_or(|(arn, _)| *arn != identity.arn) {
            let known = (identity.arn.clone(), identity.account.clone());
            self.context.learn(|index| drop(index.identities.insert(source, known)));
        }
        self.identity = Some(identity);
    }

    /// What worked after something else did not.
    fn remember_way(&self) {
        let (way, known) = (self.way(), &self.known);
        let (fresh, shared) = (known.wants_fresh_code, known.only_shared);
        if (fresh && !self.index.wants_fresh_code.contains(&way)) || (shared && !self.index.only_shared.contains(&way))
        {
            self.context.learn(|index| {
                let learned = if fresh { &mut index.wants_fresh_code } else { &mut index.only_shared };
                learned.insert(way);
            });
        }
    }

    fn tell_clock(&self, connection: &Connection) {
        if let Some(offset) = connection.clock_offset().filter(|offset| offset.abs() > CLOCK_IS_WRONG) {
            let side = if offset > 0 { "behind" } else { "ahead of" };
            self.context.warn(&format!(
                "this machine's clock is {} min {side} AWS's; set it, or other tools will be refused",
                offset.abs() / 60
            ));
        }
    }

    fn long_enough(&self, cached: &Cached) -> bool {
        self.plan.asked().is_none_or(|asked| cached.asked >= asked) && cached.left(self.context.env.now()) > 0
    }

    fn failed(&self, error: aws::Error) -> Error {
        Error::aws(error, self.plan, false)
    }

    fn no_access_key(&self) -> Error {
        let source_name = self.plan.source.identity();
        let reason = "it gives a temporary session, and MFA codes go with the access key of an IAM user".into();
        let hint = "remove mfa_serial, or name another source_profile".into();
        self.failed(aws::Error::Source { source_name, reason, hint })
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
