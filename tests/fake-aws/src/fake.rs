//! The in-process interface: start, look, change, fail.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::clock::{self, Clock};
use crate::faults::{Fault, FaultKind};
use crate::inhabitants::{RoleSpec, UserKeys, add_role, add_user_with_everything, default_world, describe, user_keys};
use crate::log::Call;
use crate::policy::Policy;
use crate::random;
use crate::server::{self, Shared, lock};
use crate::tls;
use crate::world::{Settings, World};

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

    /// Makes a key one that was created so many seconds ago.
    pub fn set_access_key_age(&self, access_key_id: &str, seconds: i64) {
        let mut world = lock(&self.world);
        let now = world.now();
        if let Some(key) = world.keys.get_mut(access_key_id) {
            key.created = now - seconds;
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

    /// Whether the access key is active; `None` where there is none.
    #[must_use]
    pub fn access_key_active(&self, access_key_id: &str) -> Option<bool> {
        lock(&self.world).keys.get(access_key_id).map(|key| key.active)
    }

    /// Gives a user a device: a virtual one (`arn:aws:iam::A:mfa/NAME`), a hardware one (`GAHT12345678`), or a FIDO key
    /// (`arn:aws:iam::A:u2f/...`), which never shows a code. Returns its seed.
    pub fn add_device(&self, user: &str, serial: &str) -> String {
        let seed = random::seed();
        lock(&self.world).add_device(user, serial, &seed);
        seed
    }

    /// The seed of a device, 64 base32 letters.
    ///
    /// # Panics
    /// If there is no such device.
    #[must_use]
    pub fn seed(&self, serial: &str) -> String {
        lock(&self.world).devices.get(serial).unwrap_or_else(|| panic!("no device {serial}")).seed.clone()
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
        let keys = world.keys.values().map(|k| k.secret.clone()).chain(world.deleted_secrets.iter().cloned());
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
