//! A sandbox with an AWS account behind it: the stand-in on loopback, a user with an access key and a device, and profiles
//! for every role the stand-in has.

use super::{Command, Sandbox};
use fake_aws::{FakeAws, Options, UserKeys};
use std::ops::{Deref, DerefMut};

/// A [`Sandbox`] whose STS is the stand-in. Every secret the stand-in made is watched for when it is dropped.
pub(crate) struct World {
    sandbox: Sandbox,
    pub(crate) aws: FakeAws,
    pub(crate) alice: UserKeys,
}

/// Profiles with MFA; `nomfa` has none. `hop` is assumed from `admin`.
const WITH_MFA: [&str; 6] = ["admin", "readonly", "short", "external", "fresh", "named"];

impl World {
    /// All profiles of the module's table.
    pub(crate) fn new() -> Self {
        let world = Self::bare(Options::default());
        let mut config = "[profile base]\nregion = eu-west-1\n".to_owned();
        for role in WITH_MFA {
            config += &world.role_profile(role);
        }
        config = config.replace("role/external\n", "role/external\nexternal_id = unique-id-1234\n");
        let arn = |role: &str| world.aws.role_arn(role);
        config += &format!("[profile nomfa]\nrole_arn = {}\nsource_profile = base\n", arn("nomfa"));
        config += &format!("[profile hop]\nrole_arn = {}\nsource_profile = admin\n", arn("hop"));
        config += &format!("[profile mfabase]\nsource_profile = base\nmfa_serial = {}\n", world.alice.mfa_serial);
        world.write_config(&config);
        world.write_credentials(&format!("{}{}", world.access_key("base"), world.access_key("mfabase")));
        world
    }

    /// The profile `admin` alone: nothing else is behind its device.
    pub(crate) fn with_one_role() -> Self {
        let world = Self::bare(Options::default());
        world.write_config(&world.role_profile("admin"));
        world.write_credentials(&world.access_key("base"));
        world
    }

    /// The account, and no AWS files yet.
    pub(crate) fn bare(options: Options) -> Self {
        let aws = FakeAws::start(options);
        let mut sandbox = Sandbox::new();
        for name in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"] {
            sandbox.set(name, aws.endpoint());
        }
        let alice = aws.alice();
        sandbox.secret(&alice.secret_access_key);
        sandbox.secret(&alice.totp_seed);
        Self { sandbox, aws, alice }
    }

    /// `[profile ROLE]` with role ARN, source profile `base` and alice's device.
    pub(crate) fn role_profile(&self, role: &str) -> String {
        let (arn, serial) = (self.aws.role_arn(role), &self.alice.mfa_serial);
        format!("[profile {role}]\nrole_arn = {arn}\nsource_profile = base\nmfa_serial = {serial}\n")
    }

    /// `[NAME]` with alice's access key, for the credentials file.
    pub(crate) fn access_key(&self, name: &str) -> String {
        let (id, secret) = (&self.alice.access_key_id, &self.alice.secret_access_key);
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    }

    /// `credential-process -p PROFILE`
    pub(crate) fn process(&self, profile: &str) -> Command {
        self.command(["credential-process", "-p", profile]).may_print_secrets()
    }

    /// `login -p PROFILE` with a good code.
    pub(crate) fn log_in(&self, profile: &str) {
        self.run(["login", "-p", profile, "--token-code", &self.code()]).success();
    }

    /// The AssumeRole calls so far as `code 43200`, `3600` ...: whether with a code, and for how long.
    pub(crate) fn assumed(&self) -> Vec<String> {
        let shown = |call: &fake_aws::Call| {
            let code = if call.token_code.is_some() { "code " } else { "" };
            format!("{code}{}", call.parameters["DurationSeconds"])
        };
        self.aws.calls("AssumeRole").iter().map(shown).collect()
    }

    /// A code of alice's device that was not used yet, and that the stand-in accepts now.
    pub(crate) fn code(&self) -> String {
        self.aws.fresh_code(&self.alice.mfa_serial)
    }

    /// The prompt for alice's device.
    pub(crate) fn prompt(&self, profile: &str) -> String {
        format!("MFA code for {} (profile {profile}): ", self.alice.mfa_serial)
    }

    /// The calls the stand-in has seen, in order: `GetCallerIdentity AssumeRole`.
    pub(crate) fn calls(&self) -> String {
        self.aws.log().iter().map(|call| call.action.clone()).collect::<Vec<_>>().join(" ")
    }

    /// The calls that carried a token code.
    pub(crate) fn codes_used(&self) -> usize {
        self.aws.log().iter().filter(|call| call.token_code.is_some()).count()
    }
}

impl Deref for World {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for secret in self.aws.secrets() {
            self.sandbox.secret(&secret);
        }
    }
}
