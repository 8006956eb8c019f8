//! STS: GetSessionToken, AssumeRole, GetCallerIdentity.
//!
//! A request that carries a token code is sent once: a code that STS may have seen is never sent again. The one exception is
//! a signature refused for clock skew, which STS refuses before it looks at the code: it is signed again with the server's time.

use super::error::translate;
use super::{Error, Refusal, http_client, timeouts};
use crate::credentials::{AccessKey, Session, TokenCode};
use crate::profile::plan::text;
use crate::profile::{Mfa, Role, Sts};
use aws_credential_types::Credentials;
use aws_sdk_sts::config::{BehaviorVersion, Builder, Region};
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_sdk_sts::{Client, Config};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How long a code that was typed waits for the connection that was opened meanwhile.
const NETWORK_IS_SLOW: Duration = Duration::from_secs(2);

/// A connection to STS. Makes its runtime when it is made: not before a call is known to be needed.
#[derive(Debug)]
pub struct Connection {
    runtime: Runtime,
    client: Client,
    clock: ServerClock,
    endpoint: String,
}

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// A long-lived access key.
    AccessKey(&'a AccessKey),
    /// A session.
    Session(&'a Session),
}

impl Signer<'_> {
    /// As the SDK takes them.
    pub(super) fn credentials(&self) -> Credentials {
        let (id, secret, token) = match self {
            Self::AccessKey(key) => (&key.id, &key.secret, None),
            Self::Session(session) => {
                (&session.access_key_id, &session.secret_access_key, Some(session.session_token.expose_secret().into()))
            }
        };
        Credentials::new(id, secret.expose_secret(), token, None, "mfa-run")
    }
}

/// Who the signer is to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `arn:aws:iam::123456789012:user/team/alice`
    pub arn: String,
    /// Twelve digits.
    pub account: String,
}

impl Identity {
    /// What CloudTrail should show as the role session's name: the user's name, or the session name of an assumed role, in the
    /// 2 to 64 characters of `[\w+=,.@-]` that STS takes.
    pub fn role_session_name(&self) -> String {
        let last = self.arn.rsplit(['/', ':']).next().unwrap_or_default();
        let fits = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
        let name: String = last.chars().map(fits).take(64).collect();
        format!("{name:_<2}")
    }
}

impl Connection {
    /// Sets the client up; connects to nothing yet.
    pub fn new(sts: &Sts) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::Client { reason: e.to_string() })?;
        let url = match (&sts.endpoint_url, sts.global) {
            (Some(url), _) => Some(url.value.as_str()),
            (None, true) => Some("https://sts.amazonaws.com"),
            (None, false) => None,
        };
        let plain = url.is_some_and(|url| url.starts_with("http://"));
        let bundle = sts.ca_bundle.as_ref().map(|path| Path::new(path.value.as_str()));
        let clock = ServerClock::default();
        let mut config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(if sts.global { "us-east-1".into() } else { sts.region.clone() }))
            .http_client(http_client(bundle.filter(|_| !plain), plain)?)
            .interceptor(clock.clone())
            .timeout_config(timeouts())
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .use_fips(sts.fips)
            .use_dual_stack(sts.dual_stack);
        if let Some(url) = url {
            config = config.endpoint_url(url);
        }
        let endpoint = url.map_or_else(|| format!("STS in {}", sts.region), str::to_owned);
        Ok(Self { runtime, client: Client::from_conf(config.build()), clock, endpoint })
    }

    /// The runtime, for other SDK work of the same cold path.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A shared MFA session: GetSessionToken with serial and code, for 900 to 129,600 seconds.
    pub fn session_token(&self, key: &AccessKey, mfa: &Mfa, code: &TokenCode, duration: u32) -> Result<Session, Error> {
        const OPERATION: &str = "sts:GetSessionToken";
        let answer = self.call(OPERATION, Some(code), || {
            let request = self.client.get_session_token().duration_seconds(seconds(duration));
            let request = request.serial_number(mfa.serial.value.as_str()).token_code(code.expose_secret());
            request.customize().config_override(once(Signer::AccessKey(key))).send()
        })?;
        self.session(OPERATION, answer.credentials, mfa.serial.value.account().map(str::to_owned))
    }

    /// A role session: AssumeRole for 900 to 43,200 seconds, with serial and code where `mfa` is given.
    pub fn assume_role(
        &self,
        signer: Signer<'_>,
        role: &Role,
        session_name: &str,
        mfa: Option<(&Mfa, &TokenCode)>,
        duration: u32,
    ) -> Result<Session, Error> {
        const OPERATION: &str = "sts:AssumeRole";
        let answer = self.call(OPERATION, mfa.map(|(_, code)| code), || {
            let tag = |tag: &crate::profile::request::Tag| {
                Tag::builder().key(&tag.key).value(&tag.value).build().expect("both are there")
            };
            let policy = |arn: &String| PolicyDescriptorType::builder().arn(arn).build();
            let mut request = self
                .client
                .assume_role()
                .role_arn(role.arn.value.as_str())
                .role_session_name(session_name)
                .duration_seconds(seconds(duration))
                .set_external_id(text(&role.external_id).map(str::to_owned))
                .set_source_identity(text(&role.source_identity).map(str::to_owned))
                .set_tags(role.tags.as_ref().map(|tags| tags.value.iter().map(tag).collect()))
                .set_transitive_tag_keys(role.transitive_tags.as_ref().map(|keys| keys.value.clone()))
                .set_policy_arns(role.policy_arns.as_ref().map(|arns| arns.value.iter().map(policy).collect()))
                .set_policy(text(&role.policy).map(str::to_owned));
            if let Some((mfa, code)) = mfa {
                request = request.serial_number(mfa.serial.value.as_str()).token_code(code.expose_secret());
            }
            let config = if mfa.is_some() { once(signer) } else { signed_by(signer) };
            request.customize().config_override(config).send()
        })?;
        self.session(OPERATION, answer.credentials, Some(role.arn.value.account().to_owned()))
    }

    /// A federated user's session: GetFederationToken for 900 to 129,600 seconds. It may do what the policies and the user's
    /// own allow both, and there is no MFA in it.
    pub fn federation_token(
        &self,
        key: &AccessKey,
        name: &str,
        policy_arns: &[String],
        policy: Option<&str>,
        duration: u32,
    ) -> Result<Session, Error> {
        const OPERATION: &str = "sts:GetFederationToken";
        let answer = self.call(OPERATION, None, || {
            let arn = |arn: &String| PolicyDescriptorType::builder().arn(arn).build();
            let request = self.client.get_federation_token().name(name).duration_seconds(seconds(duration));
            let request = request.set_policy(policy.map(str::to_owned));
            let arns = (!policy_arns.is_empty()).then(|| policy_arns.iter().map(arn).collect());
            request.set_policy_arns(arns).customize().config_override(signed_by(Signer::AccessKey(key))).send()
        })?;
        self.session(OPERATION, answer.credentials, None)
    }

    /// Who the signer is. Needs no permission, and no policy can deny it.
    pub fn caller_identity(&self, signer: Signer<'_>) -> Result<Identity, Error> {
        self.call("sts:GetCallerIdentity", None, || {
            self.client.get_caller_identity().customize().config_override(signed_by(signer)).send()
        })
        .map(identity)
    }

    /// Does something slow (asks a person) while the connection is opened by asking who the signer is, and keeps it open until
    /// then: the code is answered in one round trip, and a dead key or a wrong clock is known before the code is spent.
    pub fn meanwhile<T, E>(
        &self,
        signer: Signer<'_>,
        slow: impl FnOnce() -> Result<T, E>,
    ) -> (Option<Result<Identity, Error>>, Result<T, E>) {
        let (done, mut is_done) = oneshot::channel::<bool>();
        std::thread::scope(|scope| {
            let connected = scope.spawn(move || {
                self.runtime.block_on(async {
                    let mut asked = std::pin::pin!(self.identity_once(signer));
                    let worked = tokio::select! {
                        answer = &mut asked => {
                            let _ = is_done.await;
                            return Some(answer);
                        }
                        worked = &mut is_done => worked.unwrap_or(false),
                    };
                    // a person faster than the network: the answer on its way comes sooner than another one would
                    if worked { tokio::time::timeout(NETWORK_IS_SLOW, asked).await.ok() } else { None }
                })
            });
            let result = slow();
            let _ = done.send(result.is_ok());
            (connected.join().unwrap_or_default(), result)
        })
    }

    /// AWS's time minus this machine's, in seconds, by the last answer.
    pub fn clock_offset(&self) -> i64 {
        self.clock.0.load(Ordering::Relaxed)
    }

    async fn identity_once(&self, signer: Signer<'_>) -> Result<Identity, Error> {
        let answer = self.client.get_caller_identity().customize().config_override(signed_by(signer)).send().await;
        answer.map(identity).map_err(|error| translate("sts:GetCallerIdentity", &self.endpoint, &error, None))
    }

    fn call<T, E, F>(&self, operation: &'static str, code: Option<&TokenCode>, send: impl Fn() -> F) -> Result<T, Error>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let attempt = || {
            let answer = self.runtime.block_on(send());
            answer.map_err(|error| translate(operation, &self.endpoint, &error, code.map(TokenCode::expose_secret)))
        };
        match attempt() {
            // the SDK has AWS's time from that answer; it signs a call without a code again by itself
            Err(error) if code.is_some() && error.refusal() == Some(Refusal::ClockSkew) => attempt(),
            answer => answer,
        }
    }

    fn session(
        &self,
        operation: &'static str,
        answer: Option<aws_sdk_sts::types::Credentials>,
        account_id: Option<String>,
    ) -> Result<Session, Error> {
        let session = answer.and_then(|answer| {
            Some(Session {
                expiration: DateTime::from_timestamp(answer.expiration.secs(), 0)?,
                access_key_id: answer.access_key_id,
                secret_access_key: answer.secret_access_key.into(),
                session_token: answer.session_token.into(),
                account_id,
            })
        });
        session.ok_or_else(|| Error::Garbage {
            operation,
            endpoint: self.endpoint.clone(),
            reason: "it holds no credentials".into(),
        })
    }
}

fn identity(answer: aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput) -> Identity {
    Identity { arn: answer.arn.unwrap_or_default(), account: answer.account.unwrap_or_default() }
}

fn signed_by(signer: Signer<'_>) -> Builder {
    Config::builder().credentials_provider(signer.credentials())
}

/// For a request with a code: no second attempt.
fn once(signer: Signer<'_>) -> Builder {
    signed_by(signer).retry_config(RetryConfig::disabled())
}

fn seconds(duration: u32) -> i32 {
    i32::try_from(duration).unwrap_or(i32::MAX)
}

/// AWS's time minus this machine's, from the Date header of each answer. The SDK signs with AWS's time by itself, and tells
/// nobody.
#[derive(Debug, Clone, Default)]
struct ServerClock(Arc<AtomicI64>);

impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    #[expect(clippy::disallowed_methods, reason = "an answer's time is compared with that of its arrival")]
    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        if let Some(date) = date {
            self.0.store((date.with_timezone(&Utc) - Utc::now()).num_seconds(), Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_session_is_named_after_the_user() {
        for (arn, name) in [
            ("arn:aws:iam::123456789012:user/team/alice", "alice"),
            ("arn:aws:sts::123456789012:assumed-role/Admin/bob@example.com", "bob@example.com"),
            ("arn:aws:iam::123456789012:root", "root"),
            ("arn:aws:iam::123456789012:user/x", "x_"),
        ] {
            assert_eq!(Identity { arn: arn.into(), account: String::new() }.role_session_name(), name);
        }
    }
}
