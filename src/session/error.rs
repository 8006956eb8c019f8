//! Why there is no session, with something to type.

use crate::aws::{self, Refusal};
use crate::keychain;
use crate::mfa;
use crate::profile::Plan;
use crate::terminal::quote;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error(transparent)]
    Code(#[from] mfa::Error),
    #[error("{error}")]
    Aws { error: aws::Error, hint: Option<String> },
    #[error("{source_name} gives a temporary session, and MFA codes go with the access key of an IAM user")]
    SourceIsSession { source_name: String },
    #[error(transparent)]
    Keychain(#[from] keychain::Error),
    #[error("access key {access_key_id} of profile {profile} is not in the keychain")]
    KeyNotKept { access_key_id: String, profile: String, not_looked_into: Option<String> },
    #[error("another mfa-run still waits for the MFA code of {serial}")]
    Busy { serial: String, login: String },
}

impl Error {
    /// Adds what to type to what AWS said.
    pub fn aws(error: aws::Error, plan: &Plan, tried_both: bool) -> Self {
        let hint = hint(&error, plan, tried_both);
        Self::Aws { error, hint }
    }

    /// The same for what IAM said: no role and no code is in play there.
    pub fn of_iam(error: aws::Error, plan: &Plan) -> Self {
        let hint = match (&error, error.refusal()) {
            (aws::Error::Refused { operation, .. }, Some(Refusal::NotAuthorized)) => {
                Some(format!("whoever manages the account has to allow you {operation} on your own user"))
            }
            _ => hint(&error, plan, false),
        };
        Self::Aws { error, hint }
    }

    /// What to type.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Code(error) => error.hint(),
            Self::Aws { hint, .. } => hint.clone(),
            Self::SourceIsSession { .. } => Some("remove mfa_serial, or name another source_profile".into()),
            Self::Keychain(error) => Some(error.hint()),
            Self::KeyNotKept { profile, .. } => Some(format!("mfa-run key import --from-stdin -p {}", quote(profile))),
            Self::Busy { login, .. } => Some(format!("answer it there, or get the session first: {login}")),
        }
    }
}

/// What to type, where there is something.
fn hint(error: &aws::Error, plan: &Plan, tried_both: bool) -> Option<String> {
    Some(match error {
        aws::Error::Refused { refusal, .. } => return refusal_hint(*refusal, plan, tried_both),
        aws::Error::Throttled { .. } | aws::Error::Server { .. } if plan.mfa.is_some() => {
            "try again in a moment; where a code was asked for, with the next one".into()
        }
        aws::Error::Throttled { .. } | aws::Error::Server { .. } => "try again in a moment".into(),
        aws::Error::Unreachable { .. } | aws::Error::TimedOut { .. } => match &plan.sts.endpoint_url {
            Some(url) => format!("check the endpoint {}, HTTPS_PROXY and NO_PROXY", url.value),
            None => "check the network, HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE".into(),
        },
        aws::Error::Garbage { .. } => "check HTTPS_PROXY and the endpoint: something that is not AWS answers".into(),
        aws::Error::CaBundle { .. } => "check AWS_CA_BUNDLE or ca_bundle: a PEM file".into(),
        aws::Error::Client { .. } => "check HTTPS_PROXY and the endpoint".into(),
        aws::Error::Source { hint, .. } => hint.clone(),
    })
}

fn refusal_hint(refusal: Refusal, plan: &Plan, tried_both: bool) -> Option<String> {
    let role = plan.roles.last();
    let device = plan.mfa.as_ref().map_or("", |mfa| mfa.serial.value.as_str());
    let source = plan.source.name();
    Some(match refusal {
        Refusal::InvalidCode => "a code works once and for about 30 seconds: run it again with the next one".into(),
        Refusal::UnknownDevice => {
            let profile = quote(plan.login_profile());
            format!(
                "is {device} one of `mfa-run device list -p {profile}`? Another: --mfa-serial ARN, for good with mfa-run configure; \
                 after many wrong codes AWS locks a device for some minutes"
            )
        }
        Refusal::TooLongForRole if plan.mfa.is_some() => {
            "run it again with the next code for a session of 1h, or raise MaxSessionDuration of the role".into()
        }
        Refusal::TooLongForRole => "--duration 1h, or raise MaxSessionDuration of the role".into(),
        Refusal::TooLongForChaining => "--duration 1h: AWS allows an hour where a session assumes a role".into(),
        Refusal::NotAuthorized => {
            let both = if tried_both { "refused directly and from a shared MFA session: " } else { "" };
            let arn = role.map_or("", |role| role.arn.value.as_str());
            let id = if role.is_some_and(|role| role.external_id.is_none()) { " (external_id?)" } else { "" };
            let mfa = if plan.mfa.is_none() { "; if it wants MFA: --mfa-serial ARN" } else { "" };
            format!("{both}check the ARN {arn}, its trust policy{id} and your sts:AssumeRole permission{mfa}")
        }
        Refusal::ClockSkew => format!("set this machine's clock: {SET_CLOCK}"),
        Refusal::Expired => "the source's session is over: get a new one, then run it again".into(),
        Refusal::UnknownKey => format!("check that {source} exists and is active: aws iam list-access-keys"),
        Refusal::WrongSecret => format!("check the secret of {source}"),
        // what was done says what to type
        Refusal::InvalidPair
        | Refusal::NeedsMfaSession
        | Refusal::AlreadyExists
        | Refusal::NotFound
        | Refusal::LimitExceeded
        | Refusal::Other => return None,
    })
}

/// What puts the clock right.
pub const SET_CLOCK: &str = if cfg!(target_os = "macos") {
    "sudo sntp -sS time.apple.com"
} else if cfg!(windows) {
    "w32tm /resync"
} else {
    "sudo timedatectl set-ntp true"
};
