//! The plan: who asks (source), with which device, for which roles, at which STS. A value that can be printed and compared.
//! Which calls that means today, with what is cached, is [`super::strategy`]'s table.

use super::request::{MfaSerial, Request, RoleArn, Seconds, Tag};
use super::{Error, chain};
use crate::config::{Files, Origin};
use crate::credentials::AccessKey;
use crate::env::Env;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::fmt;

/// Everything about a session but the secrets of the day: the code, the clock and what is cached.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The profile's name, or the role's ARN where there is no profile.
    pub profile: Setting<String>,
    /// The Region to hand on; `None` where nobody named one.
    pub region: Option<Setting<String>>,
    /// Where STS is.
    pub sts: Sts,
    /// Whose credentials begin.
    pub source: Source,
    /// The device, where MFA is wanted.
    pub mfa: Option<Mfa>,
    /// Roles to assume, in this order. None: a shared MFA session.
    pub roles: Vec<Role>,
    /// What the last session should last, where somebody said so.
    pub duration: Option<Setting<Seconds>>,
    /// `mfa_session` of the profile.
    pub mfa_session: Option<Setting<MfaSession>>,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Who said so.
    pub from: Provenance,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq)]
pub enum Provenance {
    /// A flag of the command line.
    Flag(&'static str),
    /// A flag in the `credential_process` line of this profile.
    OwnCommandLine {
        /// The profile.
        profile: String,
        /// The flag.
        flag: &'static str,
    },
    /// An environment variable.
    Variable(&'static str),
    /// A line of an AWS file, in this profile.
    Profile {
        /// The profile whose section it is.
        profile: String,
        /// File and line.
        origin: Origin,
    },
    /// Nobody said anything.
    Default,
}

/// STS: where, and how to get there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sts {
    /// Region the request is signed for.
    pub region: String,
    /// Partition of that Region: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Another endpoint than AWS's own.
    pub endpoint_url: Option<Setting<String>>,
    /// `sts.amazonaws.com` instead of the Region's.
    pub global: bool,
    /// FIPS endpoint.
    pub fips: bool,
    /// Dual-stack endpoint.
    pub dual_stack: bool,
    /// PEM file of the only authorities to trust.
    pub ca_bundle: Option<Setting<String>>,
}

/// The MFA device of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Mfa {
    /// Its serial.
    pub serial: Setting<MfaSerial>,
    /// A command that prints the code.
    pub process: Option<Setting<String>>,
}

/// `mfa_session = shared|role`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MfaSession {
    /// One code for all roles behind the device, an hour each, renewed silently.
    Shared,
    /// One code for this role, for up to twelve hours.
    Role,
}

/// Whose credentials begin.
#[derive(Clone)]
pub enum Source {
    /// An access key of the AWS files.
    File {
        /// The profile, or `x-long-term` in aws-mfa's layout.
        profile: String,
        /// The key.
        key: AccessKey,
        /// A session token beside it makes it a temporary session.
        session_token: Option<SecretString>,
    },
    /// An access key in the keychain.
    Keychain {
        /// The profile that names it.
        profile: String,
        /// `mfa_run_access_key_id = AKIA…`
        access_key_id: String,
    },
    /// The access key in the environment.
    Environment {
        /// The key.
        key: AccessKey,
        /// A session token beside it makes it a temporary session.
        session_token: Option<SecretString>,
    },
    /// Another program's `credential_process`.
    Process {
        /// The profile that has it.
        profile: String,
        /// Its command line.
        command: String,
    },
    /// Anything else that aws-config can load.
    Sdk(SdkSource),
}

/// A source aws-config loads.
#[derive(Debug, Clone, PartialEq)]
pub enum SdkSource {
    /// SSO or web identity, configured in this profile.
    Profile {
        /// The profile.
        name: String,
        /// SSO session + account + role, or web identity role: what tells two of them apart.
        identity: String,
    },
    /// `credential_source = EcsContainer`
    EcsContainer,
    /// `credential_source = Ec2InstanceMetadata`
    Ec2InstanceMetadata,
}

/// One AssumeRole.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The role.
    pub arn: Setting<RoleArn>,
    /// `None`: the IAM user's name.
    pub session_name: Option<Setting<String>>,
    /// External ID.
    pub external_id: Option<Setting<String>>,
    /// Source identity.
    pub source_identity: Option<Setting<String>>,
    /// Session tags.
    pub tags: Option<Setting<Vec<Tag>>>,
    /// Keys of the tags that are transitive.
    pub transitive_tags: Option<Setting<Vec<String>>>,
    /// Managed session policies.
    pub policy_arns: Option<Setting<Vec<String>>>,
    /// Inline session policy, compact JSON.
    pub policy: Option<Setting<String>>,
    /// What this hop's own profile asks for.
    pub duration: Option<Setting<Seconds>>,
}

impl Role {
    /// The role with nothing else said about it.
    pub(super) fn new(arn: Setting<RoleArn>) -> Self {
        Self {
            arn,
            session_name: None,
            external_id: None,
            source_identity: None,
            tags: None,
            transitive_tags: None,
            policy_arns: None,
            policy: None,
            duration: None,
        }
    }
}

/// The text of a setting, where there is one.
pub fn text(setting: &Option<Setting<String>>) -> Option<&str> {
    setting.as_ref().map(|setting| setting.value.as_str())
}

/// The items of a list; none where nobody gave a list.
pub fn items<T>(list: &Option<Setting<Vec<T>>>) -> &[T] {
    list.as_ref().map_or(&[], |list| &list.value)
}

/// Makes the plan for a request. Errors name the profile, and the file and line, at fault.
pub fn plan(files: &Files, env: &Env, request: &Request) -> Result<Plan, Error> {
    let plan = plan_for_console(files, env, request)?;
    match (&plan.source, plan.roles.is_empty(), &plan.mfa) {
        (Source::File { .. } | Source::Keychain { .. } | Source::Environment { .. }, true, None) => {
            Err(Error::NothingToDo { profile: plan.profile.value })
        }
        _ => Ok(plan),
    }
}

/// The same for `console`, to which an access key alone is enough: it signs in as a federated user.
pub fn plan_for_console(files: &Files, env: &Env, request: &Request) -> Result<Plan, Error> {
    chain::Resolver::new(files, env).resolve(request)
}

/// Names a cached session by who and what: two requests have the same name if and only if they differ in code and duration alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// 40 hex digits behind the kind of session.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Plan {
    /// Name of the shared MFA session of this source and device.
    pub fn shared_id(&self) -> Option<SessionId> {
        let mfa = self.mfa.as_ref()?;
        let mut hash = Hasher::new();
        self.hash_source(&mut hash);
        hash.field("serial", mfa.serial.value.as_str());
        Some(hash.finish("shared"))
    }

    /// Name of the session after the first `hops` roles. It does not matter by which way the session was made: directly with a
    /// code, or from a shared MFA session.
    pub fn role_id(&self, hops: usize) -> SessionId {
        let mut hash = Hasher::new();
        self.hash_source(&mut hash);
        hash.optional("serial", self.mfa.as_ref().map(|mfa| mfa.serial.value.as_str()));
        for role in &self.roles[..hops] {
            hash.field("role", role.arn.value.as_str());
            hash.optional("session name", text(&role.session_name));
            hash.optional("external ID", text(&role.external_id));
            hash.optional("source identity", text(&role.source_identity));
            for tag in items(&role.tags) {
                hash.field("tag", &tag.key);
                hash.field("tag value", &tag.value);
            }
            items(&role.transitive_tags).iter().for_each(|key| hash.field("transitive", key));
            items(&role.policy_arns).iter().for_each(|arn| hash.field("policy ARN", arn));
            hash.optional("policy", text(&role.policy));
        }
        hash.finish("role")
    }

    /// Name of the session the plan ends in.
    pub fn id(&self) -> SessionId {
        match (&self.mfa, self.roles.len()) {
            (Some(_), 0) => self.shared_id().expect("there is a device"),
            (_, hops) => self.role_id(hops),
        }
    }

    /// The session's duration that was asked for, in seconds.
    pub fn asked(&self) -> Option<u32> {
        self.duration.as_ref().map(|duration| duration.value.0)
    }

    /// The same source and device, for the shared MFA session alone.
    pub fn without_roles(&self) -> Self {
        Self { roles: vec![], ..self.clone() }
    }

    /// The profile `login -p` takes: this one, or the source's where only a role's ARN was given. Empty where there is none.
    pub fn login_profile(&self) -> &str {
        match (&self.profile.from, &self.source) {
            (Provenance::Flag("--role-arn"), Source::File { profile, .. } | Source::Keychain { profile, .. }) => {
                profile
            }
            (Provenance::Flag("--role-arn"), _) => "",
            _ => &self.profile.value,
        }
    }

    fn hash_source(&self, hash: &mut Hasher) {
        hash.field("source", &self.source.identity());
        match &self.sts.endpoint_url {
            Some(url) => hash.field("endpoint", &url.value),
            None => hash.field("partition", &self.sts.partition),
        }
    }
}

impl Source {
    /// What a person calls it.
    pub fn name(&self) -> String {
        match self {
            Self::File { key, .. } | Self::Environment { key, .. } => format!("access key {}", key.id),
            Self::Keychain { access_key_id, .. } => format!("access key {access_key_id}"),
            Self::Process { profile, .. } => format!("the credential_process of profile {profile}"),
            Self::Sdk(SdkSource::Profile { name, .. }) => format!("profile {name}"),
            Self::Sdk(SdkSource::EcsContainer) => "the ECS container".into(),
            Self::Sdk(SdkSource::Ec2InstanceMetadata) => "the EC2 instance".into(),
        }
    }

    /// What tells it from every other source, for the index. Security: a command line may hold a secret, and is hashed.
    pub fn identity(&self) -> String {
        match self {
            Self::File { key, .. } | Self::Environment { key, .. } => key.id.clone(),
            Self::Keychain { access_key_id, .. } => access_key_id.clone(),
            Self::Process { command, .. } => {
                let mut hash = Hasher::new();
                hash.field("command", command);
                hash.finish("credential_process").0
            }
            Self::Sdk(SdkSource::Profile { name, identity }) => format!("profile {name} {identity}"),
            Self::Sdk(SdkSource::EcsContainer) => "EcsContainer".into(),
            Self::Sdk(SdkSource::Ec2InstanceMetadata) => "Ec2InstanceMetadata".into(),
        }
    }

    /// What people call it: the profile, or where else it comes from.
    pub fn in_words(&self) -> &str {
        match self {
            Self::File { profile, .. } | Self::Keychain { profile, .. } | Self::Process { profile, .. } => profile,
            Self::Environment { .. } => "environment",
            Self::Sdk(SdkSource::Profile { name, .. }) => name,
            Self::Sdk(SdkSource::EcsContainer) => "EcsContainer",
            Self::Sdk(SdkSource::Ec2InstanceMetadata) => "Ec2InstanceMetadata",
        }
    }

    /// The same place with another access key ID in it; other sources stay what they are.
    #[must_use]
    pub fn with_access_key_id(self, id: &str) -> Self {
        match self {
            Self::File { profile, key, session_token: None } => {
                Self::File { profile, key: AccessKey { id: id.to_owned(), ..key }, session_token: None }
            }
            Self::Keychain { profile, .. } => Self::Keychain { profile, access_key_id: id.to_owned() },
            other => other,
        }
    }

    /// The ID of the access key, where the source is one that MFA can be used with.
    pub fn access_key_id(&self) -> Option<&str> {
        match self {
            Self::File { key, session_token: None, .. } | Self::Environment { key, session_token: None } => {
                Some(&key.id)
            }
            Self::Keychain { access_key_id, .. } => Some(access_key_id),
            _ => None,
        }
    }
}

// The access key redacts itself; a command line may hold anything, so that only its program is shown.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { profile, key, .. } => write!(f, "File({profile}, {})", key.id),
            Self::Keychain { profile, access_key_id } => write!(f, "Keychain({profile}, {access_key_id})"),
            Self::Environment { key, .. } => write!(f, "Environment({})", key.id),
            Self::Process { profile, command } => {
                write!(f, "Process({profile}, {})", command.split_whitespace().next().unwrap_or_default())
            }
            Self::Sdk(sdk) => write!(f, "{sdk:?}"),
        }
    }
}

/// Hashes named fields; lengths keep `("a", "bc")` and `("ab", "c")` apart.
struct Hasher(Sha256);

impl Hasher {
    fn new() -> Self {
        Self(Sha256::new_with_prefix(b"mfa-run session 1\n"))
    }

    fn field(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    fn finish(self, kind: &str) -> SessionId {
        let mut id = format!("{kind}-");
        for byte in &self.0.finalize()[..20] {
            id.push(char::from_digit(u32::from(byte >> 4), 16).expect("a hex digit"));
            id.push(char::from_digit(u32::from(byte & 15), 16).expect("a hex digit"));
        }
        SessionId(id)
    }
}
