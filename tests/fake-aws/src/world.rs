//! What this account holds: users, access keys, devices, roles, sessions. Plain data behind one lock; the rules are in
//! [`crate::sts`] and [`crate::iam`].

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::faults::Fault;
use crate::log::Call;
use crate::policy::Policy;
use crate::random;
use crate::totp::Device;

/// What can be switched while the server runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether the caller's identity policies see the MFA of an AssumeRole with SerialNumber and TokenCode; the trust policy
    /// always does. Which of the two AWS does is not documented.
    pub identity_policies_see_direct_mfa: bool,
    /// Seconds until a new access key or device is known everywhere; until then it is refused.
    pub propagation_delay_seconds: i64,
    /// Seconds until EnableMFADevice takes the codes of a device that was just made. AWS documents no such time, but that what
    /// IAM makes is not known everywhere at once.
    pub enable_delay_seconds: i64,
    /// IAM takes signatures for any region. AWS takes its own (us-east-1) only, but an SDK that was given an endpoint URL (Go,
    /// and so Terraform) signs for the region of its configuration, as it would not for the real endpoint.
    pub iam_any_region: bool,
    /// Sessions end after so many seconds, whatever was asked.
    pub session_seconds: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            identity_policies_see_direct_mfa: true,
            propagation_delay_seconds: 0,
            enable_delay_seconds: 0,
            iam_any_region: false,
            session_seconds: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: String,
    pub(crate) partition: String,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) users: BTreeMap<String, User>,
    /// By access key ID.
    pub(crate) keys: BTreeMap<String, AccessKey>,
    /// Of keys that were deleted: still nobody's to see.
    pub(crate) deleted_secrets: Vec<String>,
    /// By serial number.
    pub(crate) devices: BTreeMap<String, Device>,
    /// By ARN: other accounts may have some too.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By ARN.
    pub(crate) managed_policies: BTreeMap<String, Policy>,
    /// By access key ID.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Sign-in tokens not used yet: the session's access key ID, and when they die.
    pub(crate) signin_tokens: BTreeMap<String, (String, i64)>,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) log: Vec<Call>,
    pub(crate) connections: u64,
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) created: i64,
    pub(crate) password: Option<String>,
    pub(crate) policies: BTreeMap<String, Policy>,
}

impl User {
    pub(crate) fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }
}

#[derive(Debug)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) user: String,
    pub(crate) active: bool,
    pub(crate) created: i64,
    pub(crate) usable_from: i64,
    /// When, service, region.
    pub(crate) last_used: Option<(i64, String, String)>,
}

#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) created: i64,
    pub(crate) max_session_duration: i64,
    pub(crate) trust: Policy,
    pub(crate) trust_text: String,
    pub(crate) policies: BTreeMap<String, Policy>,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) expires: i64,
    pub(crate) kind: SessionKind,
    /// What the session was cut down to when it was made.
    pub(crate) policies: Option<Vec<Policy>>,
    pub(crate) source_identity: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) transitive_tag_keys: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum SessionKind {
    /// GetSessionToken; when its code was checked, if one was given.
    User {
        user: String,
        mfa_at: Option<i64>,
    },
    /// AssumeRole; `chained` if another session made it.
    Role {
        role_arn: String,
        role_id: String,
        session_name: String,
        chained: bool,
    },
    Federated {
        user: String,
        name: String,
    },
}

impl World {
    pub(crate) fn new(account: &str, partition: &str, clock: Clock, settings: Settings) -> Self {
        let mut world = Self {
            account: account.to_owned(),
            partition: partition.to_owned(),
            clock,
            settings,
            users: BTreeMap::new(),
            keys: BTreeMap::new(),
            deleted_secrets: vec![],
            devices: BTreeMap::new(),
            roles: BTreeMap::new(),
            managed_policies: BTreeMap::new(),
            sessions: BTreeMap::new(),
            signin_tokens: BTreeMap::new(),
            faults: VecDeque::new(),
            log: vec![],
            connections: 0,
        };
        let administrator = format!("arn:{partition}:iam::aws:policy/AdministratorAccess");
        world.managed_policies.insert(administrator, Policy::allow_all());
        let read_only = r#"{"Statement": {"Effect": "Allow", "Resource": "*",
            "Action": ["*:Get*", "*:List*", "*:Describe*"]}}"#;
        let read_only = Policy::parse(read_only).expect("a good policy");
        world.managed_policies.insert(format!("arn:{partition}:iam::aws:policy/ReadOnlyAccess"), read_only);
        world
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(crate) fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }

    /// `root` is the account's root user.
    pub(crate) fn add_user(&mut self, name: &str, policies: BTreeMap<String, Policy>) {
        let arn = if name == "root" { self.iam_arn("root") } else { self.iam_arn(&format!("user/{name}")) };
        let user = User {
            name: name.to_owned(),
            id: if name == "root" { self.account.clone() } else { random::unique_id("AIDA") },
            arn,
            created: self.now(),
            password: None,
            policies,
        };
        self.users.insert(name.to_owned(), user);
    }

    pub(crate) fn add_key(&mut self, user: &str, delay: i64) -> (String, String) {
        let (id, secret) = (random::unique_id("AKIA"), random::secret_access_key());
        let key = AccessKey {
            id: id.clone(),
            secret: secret.clone(),
            user: user.to_owned(),
            active: true,
            created: self.now(),
            // Without a delay from the beginning of time: the clock may be set back.
            usable_from: if delay > 0 { self.now() + delay } else { 0 },
            last_used: None,
        };
        self.keys.insert(id.clone(), key);
        (id, secret)
    }

    /// An enabled device of `user`.
    pub(crate) fn add_device(&mut self, user: &str, serial: &str, seed: &str) {
        let mut device = Device::new(serial, seed);
        device.user = Some(user.to_owned());
        device.enabled_at = self.now();
        self.devices.insert(serial.to_owned(), device);
    }

    pub(crate) fn devices_of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a Device> {
        self.devices.values().filter(move |d| d.user.as_deref() == Some(user))
    }

    pub(crate) fn remove_user(&mut self, name: &str) -> bool {
        self.keys.retain(|_, key| key.user != name);
        self.devices.retain(|_, device| device.user.as_deref() != Some(name));
        self.users.remove(name).is_some()
    }
}
