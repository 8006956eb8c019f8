//! The in-process interface: start, look, change, fail.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::clock::{self, Clock};
use crate::faults::{Fault, FaultKind};
use crate::log::Call;
use crate::policy::{Policy, PolicyError};
use crate::random;
use crate::server::{self, Shared, lock};
use crate::tls;
use crate::world::{Role, Settings, World};

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0: any free port.
    pub port: u16,
    /// Also listen with TLS, on a port of its own; see [`FakeAws::tls_endpoint`] and [`FakeAws::ca_pem`].
    pub tls: bool,
    /// 12 digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`
    pub partition: String,
    pub settings: Settings,
    /// No user and no role: the test adds its own.
    pub empty: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            tls: false,
            account: "123456789012".into(),
            partition: "aws".into(),
            settings: Settings::default(),
            empty: false,
        }
    }
}

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

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct FakeAws {
    world: Shared,
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl FakeAws {
    /// Listens when it returns.
    ///
    /// # Panics
    /// If the port is taken or TLS can't be set up.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let mut world = World::new(&options.account, &options.partition, Clock::default(), options.settings);
        if !options.empty {
            default_world(&mut world);
        }
        let world: Shared = Arc::new(Mutex::new(world));
        let (acceptor, ca_pem) = if options.tls {
            let (acceptor, pem) = tls::acceptor().expect("a certificate for loopback");
            (Some(acceptor), Some(pem))
        } else {
            (None, None)
        };
        let bind = |port| {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port on loopback");
            listener.set_nonblocking(true).expect("a listener can be made non-blocking");
            let address = listener.local_addr().expect("a bound listener has an address");
            (listener, address)
        };
        let (plain, address) = bind(options.port);
        let with_tls = acceptor.map(|acceptor| (bind(0), acceptor));
        let tls_address = with_tls.as_ref().map(|((_, address), _)| *address);
        let (stop, stopped) = oneshot::channel();
        let shared = world.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(plain).expect("a listener in the runtime");
                tokio::spawn(server::accept(listener, None, shared.clone()));
                if let Some(((listener, _), acceptor)) = with_tls {
                    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener in the runtime");
                    tokio::spawn(server::accept(listener, Some(acceptor), shared));
                }
                // Ends when the sender is dropped.
                let _ = stopped.await;
            });
        });
        Self { world, address, tls_address, ca_pem, stop: Some(stop), thread: Some(thread) }
    }

    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL_IAM`; with `/federation` behind, the sign-in
    /// endpoint.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `https://127.0.0.1:PORT`
    ///
    /// # Panics
    /// Without [`Options::tls`].
    #[must_use]
    pub fn tls_endpoint(&self) -> String {
        format!("https://{}", self.tls_address.expect("Options.tls"))
    }

    /// The CA certificate to put into `AWS_CA_BUNDLE`.
    ///
    /// # Panics
    /// Without [`Options::tls`].
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.ca_pem.as_deref().expect("Options.tls")
    }

    #[must_use]
    pub fn account(&self) -> String {
        lock(&self.world).account.clone()
    }

    /// The default user.
    #[must_use]
    pub fn alice(&self) -> UserKeys {
        self.user("alice")
    }

    /// The first access key and device of a user.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn user(&self, name: &str) -> UserKeys {
        user_keys(&lock(&self.world), name).unwrap_or_else(|| panic!("no user {name}"))
    }

    /// Adds a user with an access key, a virtual device and `Allow * on *`. The name `root` makes the account's root user.
    pub fn add_user(&self, name: &str) -> UserKeys {
        let mut world = lock(&self.world);
        add_user_with_everything(&mut world, name);
        user_keys(&world, name).expect("just added")
    }

    /// Replaces all identity policies of a user.
    ///
    /// # Panics
    /// If there is no such user, or the evaluator does not know something in a document.
    pub fn set_user_policies(&self, name: &str, documents: &[Value]) {
        let policies = documents.iter().enumerate().map(|(i, d)| {
            (format!("policy-{i}"), Policy::from_json(d).unwrap_or_else(|e| panic!("policy {i} of {name}: {e}")))
        });
        let policies = policies.collect();
        let mut world = lock(&self.world);
        world.users.get_mut(name).unwrap_or_else(|| panic!("no user {name}")).policies = policies;
    }

    pub fn remove_user(&self, name: &str) {
        lock(&self.world).remove_user(name);
    }

    /// A further access key: its ID and secret. No quota here.
    pub fn add_access_key(&self, user: &str) -> (String, String) {
        lock(&self.world).add_key(user, 0)
    }

    pub fn set_access_key_active(&self, access_key_id: &str, active: bool) {
        if let Some(key) = lock(&self.world).keys.get_mut(access_key_id) {
            key.active = active;
        }
    }

    pub fn remove_access_key(&self, access_key_id: &str) {
        lock(&self.world).keys.remove(access_key_id);
    }

    /// IDs of a user's access keys.
    #[must_use]
    pub fn access_keys(&self, user: &str) -> Vec<String> {
        lock(&self.world).keys.values().filter(|k| k.user == user).map(|k| k.id.clone()).collect()
    }

    /// Gives a user a device: a virtual one (`arn:aws:iam::A:mfa/NAME`), a hardware one (`GAHT12345678`), or a FIDO key
    /// (`arn:aws:iam::A:u2f/...`), which never shows a code. Returns its seed.
    pub fn add_device(&self, user: &str, serial: &str) -> String {
        let seed = random::seed();
        lock(&self.world).add_device(user, serial, &seed);
        seed
    }

    pub fn remove_device(&self, serial: &str) {
        lock(&self.world).devices.remove(serial);
    }

    /// Adds or replaces a role; its ARN.
    ///
    /// # Panics
    /// If the evaluator does not know something in a document.
    pub fn add_role(&self, role: RoleSpec) -> String {
        add_role(&mut lock(&self.world), role).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn remove_role(&self, arn: &str) {
        lock(&self.world).roles.remove(arn);
    }

    /// `arn:aws:iam::ACCOUNT:role/NAME`
    #[must_use]
    pub fn role_arn(&self, name: &str) -> String {
        lock(&self.world).iam_arn(&format!("role/{name}"))
    }

    /// Makes a policy known by its ARN, for `PolicyArns`.
    ///
    /// # Panics
    /// If the evaluator does not know something in the document.
    pub fn add_managed_policy(&self, arn: &str, document: &Value) {
        let policy = Policy::from_json(document).unwrap_or_else(|e| panic!("{arn}: {e}"));
        lock(&self.world).managed_policies.insert(arn.to_owned(), policy);
    }

    /// Changes what [`Settings`] holds.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.world).settings);
    }

    /// Sessions made from now on end after so many seconds.
    pub fn limit_sessions(&self, seconds: Option<i64>) {
        self.configure(|s| s.session_seconds = seconds);
    }

    /// The server's clock is the machine's plus `seconds`: moves the Date header, expiry, token codes and skew checks.
    pub fn set_clock_offset(&self, seconds: i64) {
        lock(&self.world).clock.set_offset(seconds);
    }

    /// Unix seconds by the server's clock.
    #[must_use]
    pub fn now(&self) -> i64 {
        lock(&self.world).now()
    }

    /// Moves the server's clock on by `seconds`.
    pub fn advance(&self, seconds: i64) {
        let world = lock(&self.world);
        world.clock.set_offset(world.clock.offset() + seconds);
    }

    /// What the device shows now, used or not.
    ///
    /// # Panics
    /// If there is no such device.
    #[must_use]
    pub fn code(&self, serial: &str) -> String {
        self.code_at(serial, 0)
    }

    /// What the device shows `offset` steps of 30 seconds from now, used or not.
    ///
    /// # Panics
    /// If there is no such device.
    #[must_use]
    pub fn code_at(&self, serial: &str, offset: i64) -> String {
        let world = lock(&self.world);
        world.devices.get(serial).unwrap_or_else(|| panic!("no device {serial}")).code_at(world.now(), offset)
    }

    /// A code that would be accepted now: of the current step if that is unspent, else +1, +2, -1, so that tests need not
    /// sleep.
    ///
    /// # Panics
    /// If there is no such device, or all four are spent: then [`FakeAws::advance`] by 60.
    #[must_use]
    pub fn fresh_code(&self, serial: &str) -> String {
        let world = lock(&self.world);
        let device = world.devices.get(serial).unwrap_or_else(|| panic!("no device {serial}"));
        device.fresh_code(world.now()).expect("every code of the window is spent: advance(60)")
    }

    /// A six-digit code the device does not accept now.
    ///
    /// # Panics
    /// If there is no such device.
    #[must_use]
    pub fn wrong_code(&self, serial: &str) -> String {
        let right: Vec<String> = (-3..=3).map(|offset| self.code_at(serial, offset)).collect();
        (0..).map(|n| format!("{n:06}")).find(|c| !right.contains(c)).expect("seven codes are not all")
    }

    /// Adds a failure.
    pub fn fault(&self, fault: Fault) {
        lock(&self.world).faults.push_back(fault);
    }

    /// The next `times` calls of `action` meet `kind`.
    pub fn fail(&self, action: &str, kind: FaultKind, times: u32) {
        self.fault(Fault::new(action, kind).times(times));
    }

    pub fn clear_faults(&self) {
        lock(&self.world).faults.clear();
    }

    /// Every call so far, in order.
    #[must_use]
    pub fn log(&self) -> Vec<Call> {
        lock(&self.world).log.clone()
    }

    /// The calls of one action so far, in order.
    #[must_use]
    pub fn calls(&self, action: &str) -> Vec<Call> {
        lock(&self.world).log.iter().filter(|c| c.action == action).cloned().collect()
    }

    pub fn clear_log(&self) {
        lock(&self.world).log.clear();
    }

    /// TCP connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        lock(&self.world).connections
    }

    /// Makes a session end now.
    pub fn expire_session(&self, access_key_id: &str) {
        let mut world = lock(&self.world);
        let now = world.now();
        if let Some(session) = world.sessions.get_mut(access_key_id) {
            session.expires = now;
        }
    }

    /// Expiration of a session that was handed out (`2026-11-22T16:33:59Z`).
    #[must_use]
    pub fn session_expiration(&self, access_key_id: &str) -> Option<String> {
        lock(&self.world).sessions.get(access_key_id).map(|s| clock::iso(s.expires))
    }

    /// Every secret this server knows: what no log, error or file of the program under test may hold. Access key secrets,
    /// device seeds, and the secrets and tokens of sessions.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let world = lock(&self.world);
        let keys = world.keys.values().map(|k| k.secret.clone());
        let seeds = world.devices.values().map(|d| d.seed.clone());
        let sessions = world.sessions.values().flat_map(|s| [s.secret.clone(), s.token.clone()]);
        keys.chain(seeds).chain(sessions).collect()
    }

    /// Account, endpoint, users and roles, as the program prints them.
    #[must_use]
    pub fn describe(&self) -> Value {
        let mut value = describe(&lock(&self.world));
        value["endpoint"] = self.endpoint().into();
        if self.tls_address.is_some() {
            value["tls_endpoint"] = self.tls_endpoint().into();
        }
        value
    }

    /// Waits until the server is told to stop; never, if nobody can tell it.
    pub fn join(mut self) {
        let stop = self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        drop(stop);
    }
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

fn default_world(world: &mut World) {
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
