//! Why there is no session, with something to type.

use crate::aws::{self, Refusal};
use crate::mfa;
use crate::profile::Plan;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error(transparent)]
    Code(#[from] mfa::Error),
    #[error("{error}")]
    Aws { error: aws::Error, hint: String },
    #[error("another mfa-run still waits for the MFA code of {serial}")]
    Busy { serial: String, login: String },
}

impl Error {
    /// Adds what to type to what AWS said.
    pub(super) fn aws(error: aws::Error, plan: &Plan, shared_too: bool) -> Self {
        let hint = hint(&error, plan, shared_too);
        Self::Aws { error, hint }
    }

    /// What to type.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Code(error) => error.hint(),
            Self::Aws { hint, .. } => Some(hint.clone()),
            Self::Busy { login, .. } => Some(format!("answer it there, or get the session first: {login}")),
        }
    }
}

fn hint(error: &aws::Error, plan: &Plan, shared_too: bool) -> String {
    let role = plan.roles.last().map_or("", |role| role.arn.value.as_str());
    let device = plan.mfa.as_ref().map_or("", |mfa| mfa.serial.value.as_str());
    let key = plan.source.identity();
    match error {
        aws::Error::Refused { refusal, .. } => match refusal {
            Refusal::InvalidCode => "a code works once and for about 30 seconds: run it again with the next one".into(),
            Refusal::UnknownDevice => format!(
                "check mfa_serial ({device}): aws iam list-mfa-devices; after many wrong codes AWS locks the device for some minutes"
            ),
            Refusal::TooLongForRole => "--duration 1h, or raise MaxSessionDuration of the role".into(),
            Refusal::TooLongForChaining => "--duration 1h: AWS allows an hour where a session assumes a role".into(),
            Refusal::NotAuthorized => {
                let ways = if shared_too { "directly and from a shared MFA session" } else { "with these credentials" };
                let mfa = if plan.mfa.is_none() { "; if it wants MFA: --mfa-serial ARN" } else { "" };
                format!(
                    "tried {ways}: check the ARN ({role}), the role's trust policy and the user's sts:AssumeRole permission{mfa}"
                )
            }
            Refusal::ClockSkew { .. } => "set this machine's clock: sudo timedatectl set-ntp true".into(),
            Refusal::Expired => "the source's session is over: get a new one, then run it again".into(),
            Refusal::UnknownKey => {
                format!("check that the access key {key} exists and is active: aws iam list-access-keys")
            }
            Refusal::WrongSecret => format!("check the secret access key of {key}"),
            Refusal::Other => "mfa-run --help".into(),
        },
        aws::Error::Throttled { .. } | aws::Error::Server { .. } => "try again in a moment, with a new code".into(),
        aws::Error::Unreachable { .. } | aws::Error::TimedOut { .. } => match &plan.sts.endpoint_url {
            Some(url) => format!("check the endpoint {}, HTTPS_PROXY and NO_PROXY", url.value),
            None => "check the network, HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE".into(),
        },
        aws::Error::Garbage { .. } => "check HTTPS_PROXY and the endpoint: something that is not AWS answers".into(),
        aws::Error::CaBundle { .. } => "check AWS_CA_BUNDLE or ca_bundle: a PEM file".into(),
        aws::Error::Client { .. } => "check HTTPS_PROXY and the endpoint".into(),
        aws::Error::Source { hint, .. } => hint.clone(),
    }
}
