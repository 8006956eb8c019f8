//! Who and what is in the account when it starts, and how more is added: users with key and device, roles with their trust
//! policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::policy::{Policy, PolicyError};
use crate::random;
use crate::world::{Role, World};

/// A user with its first access key and MFA device: what a test or a demo needs to be that person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserKeys {
    pub name: String,
    pub arn: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// ARN of the virtual device `mfa/NAME`; empty if the user has none.
    pub mfa_serial: String,
    /// 64 base32 letters; empty if the user has no device.
    pub totp_seed: String,
}

/// A role to add. Without [`RoleSpec::trust`] it trusts the account with MFA.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// `admin`, or with a path: `team/admin`
    pub name: String,
    /// Account that has the role; this one if none is said.
    #[serde(default)]
    pub account: Option<String>,
    /// Seconds, 3600 to 43200.
    #[serde(default = "twelve_hours")]
    pub max_session_duration: i64,
    /// A trust policy document.
    #[serde(default)]
    pub trust: Option<Value>,
    /// Identity policy documents by name; `Allow * on *` if there are none.
    #[serde(default)]
    pub policies: BTreeMap<String, Value>,
}

fn twelve_hours() -> i64 {
    43200
}

impl RoleSpec {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            account: None,
            max_session_duration: twelve_hours(),
            trust: None,
            policies: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    #[must_use]
    pub fn max_session_duration(mut self, seconds: i64) -> Self {
        self.max_session_duration = seconds;
        self
    }

    /// A whole trust policy document.
    #[must_use]
    pub fn trust(mut self, document: Value) -> Self {
        self.trust = Some(document);
        self
    }

    /// Trusts `principal` (an ARN, an account ID or `*`), under `condition` (`json!({})` for none).
    #[must_use]
    pub fn trusts(self, principal: &str, condition: Value) -> Self {
        self.trust(trust_document(principal, &condition))
    }

    #[must_use]
    pub fn policy(mut self, name: &str, document: Value) -> Self {
        self.policies.insert(name.to_owned(), document);
        self
    }
}

fn trust_document(principal: &str, condition: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": principal },
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": condition,
    }]})
}

pub(crate) fn user_keys(world: &World, name: &str) -> Option<UserKeys> {
    let user = world.users.get(name)?;
    let key = world.keys.values().filter(|k| k.user == name).min_by_key(|k| k.created);
    let device = world.devices_of(name).find(|d| d.has_codes());
    Some(UserKeys {
        name: name.to_owned(),
        arn: user.arn.clone(),
        access_key_id: key.map(|k| k.id.clone()).unwrap_or_default(),
        secret_access_key: key.map(|k| k.secret.clone()).unwrap_or_default(),
        mfa_serial: device.map(|d| d.serial.clone()).unwrap_or_default(),
        totp_seed: device.map(|d| d.seed.clone()).unwrap_or_default(),
    })
}

pub(crate) fn add_user_with_everything(world: &mut World, name: &str) {
    world.add_user(name, BTreeMap::from([("everything".to_owned(), Policy::allow_all())]));
    world.add_key(name, 0);
    let serial = world.iam_arn(&format!("mfa/{name}"));
    world.add_device(name, &serial, &random::seed());
}

pub(crate) fn add_role(world: &mut World, spec: RoleSpec) -> Result<String, PolicyError> {
    let account = spec.account.unwrap_or_else(|| world.account.clone());
    let arn = format!("arn:{}:iam::{account}:role/{}", world.partition, spec.name);
    let root = world.iam_arn("root");
    let trust = spec
        .trust
        .unwrap_or_else(|| trust_document(&root, &json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } })));
    let mut policies = BTreeMap::new();
    for (name, document) in &spec.policies {
        policies.insert(name.clone(), Policy::from_json(document)?);
    }
    if policies.is_empty() {
        policies.insert("everything".to_owned(), Policy::allow_all());
    }
    let role = Role {
        name: spec.name.rsplit('/').next().unwrap_or_default().to_owned(),
        id: random::unique_id("AROA"),
        arn: arn.clone(),
        account,
        created: world.now(),
        max_session_duration: spec.max_session_duration,
        trust: Policy::from_json(&trust)?,
        trust_text: trust.to_string(),
        policies,
    };
    world.roles.insert(arn.clone(), role);
    Ok(arn)
}

pub(crate) fn describe(world: &World) -> Value {
    let users: Vec<UserKeys> = world.users.keys().filter_map(|name| user_keys(world, name)).collect();
    let roles: Vec<Value> = world
        .roles
        .values()
        .map(|r| json!({ "name": r.name, "arn": r.arn, "max_session_duration": r.max_session_duration }))
        .collect();
    json!({ "account": world.account, "users": users, "roles": roles })
}

pub(crate) fn default_world(world: &mut World) {
    add_user_with_everything(world, "alice");
    let root = world.iam_arn("root");
    let admin = world.iam_arn("role/admin");
    let mfa = json!({ "aws:MultiFactorAuthPresent": "true" });
    let roles = [
        RoleSpec::new("admin"),
        RoleSpec::new("readonly"),
        RoleSpec::new("short").max_session_duration(3600),
        RoleSpec::new("nomfa").trusts(&root, json!({})),
        RoleSpec::new("external")
            .trusts(&root, json!({ "Bool": mfa, "StringEquals": { "sts:ExternalId": "unique-id-1234" } })),
        RoleSpec::new("fresh")
            .trusts(&root, json!({ "Bool": mfa, "NumericLessThan": { "aws:MultiFactorAuthAge": "300" } })),
        RoleSpec::new("hop").trusts(&admin, json!({})),
        RoleSpec::new("named")
            .trusts(&root, json!({ "Bool": mfa, "StringEquals": { "sts:RoleSessionName": "${aws:username}" } })),
    ];
    for role in roles {
        add_role(world, role).expect("the default roles are well-formed");
    }
}
