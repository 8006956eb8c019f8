//! What can be wrong with a profile.

use crate::config::Origin;

/// Why there is no plan. All of these are the user's to mend: exit code 2.
#[derive(Debug, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("there is no profile {name} in the AWS files")]
    NotFound { name: String, close: Option<String>, named_by: Option<String> },
    #[error("the source profiles go round in a circle: {}", names.join(" -> "))]
    Loop { names: Vec<String> },
    #[error(
        "profile {profile} leads to no credentials: it has neither an access key nor role_arn nor anything else to begin with"
    )]
    NoSource { profile: String },
    #[error("profile {profile} has role_arn but neither source_profile nor credential_source")]
    NoSourceForRole { profile: String },
    #[error("profile {profile} has an access key but neither role_arn nor mfa_serial: there is no session to make")]
    NothingToDo { profile: String },
    #[error("profile {profile} gets its credentials from {source_kind}, which mfa-run uses as a source for roles only")]
    NoRole { profile: String, source_kind: &'static str },
    #[error("profile {profile} holds a temporary session, and MFA needs the access key of an IAM user")]
    TemporaryKeys { profile: String },
    #[error("the environment holds a temporary session ({access_key_id}), which cannot be a source")]
    TemporaryKeysInEnvironment { access_key_id: String },
    #[error("the environment has no access key, and profile {profile} says credential_source = Environment")]
    NoKeyInEnvironment { profile: String },
    #[error("{key} = {value} at {}:{}: {why}", origin.file.name(), origin.line)]
    BadValue { key: &'static str, value: String, origin: Origin, why: String },
    #[error("{name}={value}: {why}")]
    BadVariable { name: &'static str, value: String, why: String },
    #[error("the credential_process of profile {profile} is not a command line mfa-run understands: {why}")]
    BadOwnCommandLine { profile: String, why: String },
    #[error("--duration {asked} s is more than a role session can last (12h)")]
    TooLongForRole { asked: u32 },
}

impl Error {
    /// Nothing is wrong: the profile is not one that a session is made from, and this is what it is.
    pub fn no_session(&self) -> Option<String> {
        match self {
            Self::NothingToDo { .. } => Some("an access key, without role or MFA".into()),
            Self::NoSource { .. } => Some("settings only, no credentials".into()),
            Self::NoRole { source_kind, .. } => Some(format!("credentials from {source_kind}")),
            _ => None,
        }
    }

    /// What to type next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotFound { close: Some(close), .. } => format!("did you mean {close}?"),
            Self::NotFound { named_by: Some(by), .. } => format!("correct source_profile in profile {by}"),
            Self::NotFound { .. } => "name one with -p NAME, or add it to ~/.aws/config".into(),
            Self::Loop { names } => format!("give one of them another source_profile, for example [profile {}]", names[0]),
            Self::NoSource { profile } => format!("aws configure --profile {profile}"),
            Self::NoSourceForRole { profile } => {
                format!("add source_profile = NAME to [profile {profile}], or use --role-arn ARN --source-profile NAME")
            }
            Self::NothingToDo { profile } => {
                format!("add mfa_serial = arn:aws:iam::ACCOUNT:mfa/NAME to [profile {profile}], or use --mfa-serial or --role-arn")
            }
            Self::NoRole { .. } => "add --role-arn ARN, or use the profile without mfa-run".into(),
            Self::TemporaryKeys { profile } => format!("put the access key (AKIA...) into [{profile}-long-term] or another profile and name it in source_profile"),
            Self::TemporaryKeysInEnvironment { .. } => {
                "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN, or name a source with --source-profile NAME".into()
            }
            Self::NoKeyInEnvironment { .. } => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into(),
            Self::BadValue { value, .. } | Self::BadVariable { value, .. } if names_fido_key(value) => {
                "register a virtual device beside it, AWS allows several: mfa-run device enroll".into()
            }
            Self::BadValue { origin, .. } => format!("correct line {} of the {} file", origin.line, origin.file.name()),
            Self::BadVariable { name, .. } => format!("unset {name}, or correct it"),
            Self::BadOwnCommandLine { .. } => "mfa-run credential-process --help".into(),
            Self::TooLongForRole { .. } => "--duration 12h".into(),
        }
    }
}

/// `arn:aws:iam::111122223333:u2f/user/ann/key`: security keys and passkeys, which STS has no way to use.
fn names_fido_key(value: &str) -> bool {
    value.contains(":u2f/")
}
