//! What only AWS knows: its clock, whether the access keys work and what they may do without MFA, which devices their users
//! have, what the roles ask for. Each key is asked about by a thread of its own, with five seconds for all: who has not
//! answered by then is left. Never asks for a code: what takes MFA to be seen is looked at with a cached session, or not.

use super::finding::Report;
use super::{Scene, judgement, show};
use crate::aws::iam::{Device, Iam, RoleFacts};
use crate::aws::sts::{Connection, Identity, Signer};
use crate::aws::{Error, Refusal};
use crate::commands::prepare;
use crate::credentials::{AccessKey, Session};
use crate::env::Env;
use crate::profile::plan::SessionId;
use crate::profile::request::RoleArn;
use crate::profile::strategy::Caller;
use crate::profile::{Request, Sts};
use crate::session::access_key::access_key;
use crate::session::{Context, cache};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// What a person waits for.
const PATIENCE: Duration = Duration::from_millis(4_500);
/// More keys than this are a collection, not a person's.
const MOST_KEYS: usize = 16;

/// An access key, and what the profiles say about it.
pub(super) struct Subject {
    key: AccessKey,
    sts: Sts,
    /// Whether IAM can be asked, and not only STS.
    iam: bool,
    /// The profile it stands in.
    pub(super) profile: String,
    /// `mfa_serial` of the profiles behind it.
    pub(super) serials: BTreeSet<String>,
    /// Cached shared MFA sessions of the key.
    shared: BTreeMap<String, Session>,
    roles: Vec<Candidate>,
}

/// A role, and its own session where one is cached.
struct Candidate {
    arn: RoleArn,
    session: Option<Session>,
}

impl Subject {
    pub(super) fn id(&self) -> &str {
        &self.key.id
    }
}

/// What AWS said about one key.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) identity: Option<Result<Identity, Error>>,
    /// AWS's clock minus this one, in seconds.
    pub(super) clock: Option<i64>,
    /// Whether the bare key may do what it should not.
    pub(super) bare: Option<Result<(), Error>>,
    pub(super) devices: Option<Result<Vec<Device>, Error>>,
    pub(super) made: Option<DateTime<Utc>>,
    pub(super) roles: BTreeMap<String, Result<RoleFacts, Error>>,
    pub(super) is_complete: bool,
}

enum Answer {
    Identity(Result<Identity, Error>, i64),
    Bare(Result<(), Error>),
    Devices(Result<Vec<Device>, Error>),
    Made(Option<DateTime<Utc>>),
    Role(String, Result<RoleFacts, Error>),
    Complete,
}

pub(super) fn check(scene: &Scene<'_>, report: &mut Report) {
    if scene.offline {
        return report.fact("not asked: --offline");
    }
    let request = Request { no_prompt: true, ..Request::default() };
    // what is wrong with the keychain's setting is said elsewhere
    let Ok(context) = prepare(scene.env, scene.files, &request, Caller::OneShot, false) else { return };
    let subjects = subjects(scene, &context);
    if subjects.is_empty() {
        return report.fact("not asked: no access key to ask with");
    }
    let (tell, told) = channel();
    let subjects: Vec<_> = subjects.into_iter().take(MOST_KEYS).map(std::sync::Arc::new).collect();
    for (number, subject) in subjects.iter().enumerate() {
        let (subject, env, tell) = (subject.clone(), scene.env.clone(), tell.clone());
        std::thread::spawn(move || ask(&subject, &env, number, &tell));
    }
    drop(tell);
    let until = Instant::now() + PATIENCE;
    let mut answers: Vec<Answers> = subjects.iter().map(|_| Answers::default()).collect();
    while let Ok((number, answer)) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        answers[number].note(answer);
    }
    judgement::clock(&answers, report);
    for (subject, answers) in subjects.iter().zip(&answers) {
        judgement::key(scene, subject, answers, report);
        judgement::roles(scene, answers, report);
    }
    let unseen = answers.iter().flat_map(|answers| answers.roles.values()).filter(|role| role.is_err()).count();
    if unseen > 0 {
        report.fact(format!("{} may not be looked at; mfa-run login first, then perhaps", show::count(unseen, "role")));
    }
}

impl Answers {
    fn note(&mut self, answer: Answer) {
        match answer {
            Answer::Identity(identity, clock) => {
                let answered = !matches!(
                    identity,
                    Err(Error::Unreachable { .. }
                        | Error::TimedOut { .. }
                        | Error::CaBundle { .. }
                        | Error::Client { .. })
                );
                self.clock = answered.then_some(clock);
                self.identity = Some(identity);
            }
            Answer::Bare(bare) => self.bare = Some(bare),
            Answer::Devices(devices) => self.devices = Some(devices),
            Answer::Made(made) => self.made = made,
            Answer::Role(arn, facts) => drop(self.roles.insert(arn, facts)),
            Answer::Complete => self.is_complete = true,
        }
    }
}

/// The access keys that the profiles begin with, each once.
fn subjects(scene: &Scene<'_>, context: &Context<'_>) -> Vec<Subject> {
    let mut subjects: BTreeMap<String, Subject> = BTreeMap::new();
    let env = scene.env;
    for plan in scene.plans().filter(|plan| plan.source.access_key_id().is_some()) {
        let id = plan.source.identity();
        if !subjects.contains_key(&id) {
            // a key that can't be had is the keychain's finding
            let Ok(Some(key)) = access_key(&plan.source, &context.keychain) else { continue };
            // Security: the key of a stand-in for STS is not sent to the real IAM
            let stand_in = env.var("AWS_ENDPOINT_URL_IAM").or(env.var("AWS_ENDPOINT_URL")).is_some();
            let iam = plan.sts.endpoint_url.is_none() || stand_in;
            let profile = plan.source.in_words().to_owned();
            let subject = Subject {
                key,
                sts: plan.sts.clone(),
                iam,
                profile,
                serials: BTreeSet::new(),
                shared: BTreeMap::new(),
                roles: vec![],
            };
            subjects.insert(id.clone(), subject);
        }
        let subject = subjects.get_mut(&id).expect("it was put there");
        subject.serials.extend(plan.mfa.as_ref().map(|mfa| mfa.serial.value.to_string()));
        let cached = |id: &SessionId| {
            let lives = scene.index.lives(id, env.now(), 60);
            lives.then(|| cache::get(context, id)).flatten().map(|cached| cached.session)
        };
        if let Some(id) = plan.shared_id().filter(|id| !subject.shared.contains_key(id.as_str()))
            && let Some(session) = cached(&id)
        {
            subject.shared.insert(id.to_string(), session);
        }
        if let Some(role) = plan.roles.last()
            && !subject.roles.iter().any(|known| known.arn == role.arn.value)
        {
            subject.roles.push(Candidate { arn: role.arn.value.clone(), session: cached(&plan.id()) });
        }
    }
    subjects.into_values().collect()
}

fn ask(subject: &Subject, env: &Env, number: usize, tell: &Sender<(usize, Answer)>) {
    // who asked may have gone
    let tell = |answer| drop(tell.send((number, answer)));
    let key = Signer::AccessKey(&subject.key);
    let (identity, clock) = match Connection::new(&subject.sts) {
        Ok(sts) => (sts.caller_identity(key), sts.clock_offset()),
        Err(error) => (Err(error), 0),
    };
    let account = identity.as_ref().ok().map(|identity| identity.account.clone());
    tell(Answer::Identity(identity, clock));
    let (Some(account), true) = (account, subject.iam) else { return tell(Answer::Complete) };

    let Ok(bare) = Iam::new(key, &subject.sts, env) else { return tell(Answer::Complete) };
    tell(Answer::Bare(bare.may_list_roles()));
    tell(Answer::Devices(bare.all_mfa_devices()));
    let user = || subject.shared.values().map(Signer::Session).chain([key]);
    let made = first_allowed(subject, env, user(), Iam::list_access_keys);
    let made = made.and_then(Result::ok).into_iter().flatten().find(|key| key.id == subject.key.id);
    tell(Answer::Made(made.and_then(|key| key.created)));
    for role in &subject.roles {
        // GetRole is for roles of one's own account; a role's session is of the role's
        let users = user().filter(|_| role.arn.account() == account);
        let signers = role.session.as_ref().map(Signer::Session).into_iter().chain(users);
        if let Some(seen) = first_allowed(subject, env, signers, |iam| iam.role(role.arn.name())) {
            tell(Answer::Role(role.arn.to_string(), seen));
        }
    }
    tell(Answer::Complete);
}

/// Asks with one after the other until one is not refused.
fn first_allowed<'s, T>(
    subject: &Subject,
    env: &Env,
    signers: impl Iterator<Item = Signer<'s>>,
    question: impl Fn(&Iam) -> Result<T, Error>,
) -> Option<Result<T, Error>> {
    let mut last = None;
    for signer in signers {
        let answer = Iam::new(signer, &subject.sts, env).and_then(|iam| question(&iam));
        let refused = answer.as_ref().err().and_then(Error::refusal).is_some();
        last = Some(answer);
        if !refused {
            break;
        }
    }
    last
}

/// Whether the answer says that the key itself is no good.
pub(super) fn is_of_the_key(error: &Error) -> bool {
    error.refusal().is_some_and(Refusal::is_of_the_key)
}
