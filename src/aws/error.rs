//! What AWS, or the way to it, answered. Matched on the code first and on a stable part of the message second: the messages'
//! exact wording varies. No error holds a token code or a secret.

use crate::terminal::escape;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::path::PathBuf;

/// Why there is no answer that helps.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("{operation} was refused by AWS: {}", escape(message))]
    Refused { operation: &'static str, refusal: Refusal, code: String, message: String },
    #[error("{operation}: AWS is too busy ({})", escape(code))]
    Throttled { operation: &'static str, code: String },
    #[error("{operation}: AWS had an error of its own ({status})")]
    Server { operation: &'static str, status: u16 },
    #[error("{operation}: no connection to {}", escape(endpoint))]
    Unreachable { operation: &'static str, endpoint: String, reason: String },
    #[error("{operation}: no answer from {} in time", escape(endpoint))]
    TimedOut { operation: &'static str, endpoint: String },
    #[error("{operation}: the answer from {} makes no sense", escape(endpoint))]
    Garbage { operation: &'static str, endpoint: String, reason: String },
    #[error("the CA bundle {} cannot be used", path.display())]
    CaBundle { path: PathBuf, reason: String },
    #[error("the HTTP client cannot be set up")]
    Client { reason: String },
    #[error("the source {} gives no credentials", escape(source_name))]
    Source { source_name: String, reason: String, hint: String },
}

/// What AWS refused a request for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A wrong code, or one that was used before: AWS says the same of both.
    InvalidCode,
    /// The device is unknown, somebody else's, or locked after too many wrong codes.
    UnknownDevice,
    /// Longer than the role's MaxSessionDuration. AWS does not say what that is.
    TooLongForRole,
    /// Longer than the hour that STS allows for role chaining.
    TooLongForChaining,
    /// No permission, no such role, or no MFA where the trust policy wants it.
    NotAuthorized,
    /// The signature's time is more than 15 minutes off. The request was refused before its code was looked at.
    ClockSkew,
    /// The credentials have expired.
    Expired,
    /// The access key is unknown, deleted or inactive.
    UnknownKey,
    /// The secret does not fit the access key ID.
    WrongSecret,
    /// IAM: the two codes are wrong, used before or not in a row.
    InvalidPair,
    /// IAM: this changes MFA devices, and the user has one: it takes a session with MFA.
    NeedsMfaSession,
    /// IAM: something of that name is there already, or in use.
    AlreadyExists,
    /// IAM: there is no such thing.
    NotFound,
    /// IAM: as many as AWS allows.
    LimitExceeded,
    /// Anything else.
    Other,
}

impl Refusal {
    /// Whether it is the credentials that don't work, whatever they are used for.
    pub fn is_of_the_key(self) -> bool {
        matches!(self, Self::UnknownKey | Self::WrongSecret | Self::Expired)
    }
}

impl Error {
    /// The refusal, where it is one.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }

    /// What lies behind it, for `caused by:`.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unreachable { reason, .. }
            | Self::Garbage { reason, .. }
            | Self::CaBundle { reason, .. }
            | Self::Client { reason }
            | Self::Source { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// Turns the SDK's error into ours. `secret` is the token code that went along: an endpoint that echoes it is not quoted.
pub(super) fn translate<E: ProvideErrorMetadata>(
    operation: &'static str,
    endpoint: &str,
    error: &SdkError<E, HttpResponse>,
    secret: Option<&str>,
) -> Error {
    let endpoint = endpoint.to_owned();
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let meta = service.err().meta();
            let (code, message) = (meta.code().unwrap_or_default(), meta.message().unwrap_or_default().trim());
            if code.is_empty() {
                return if status >= 500 {
                    Error::Server { operation, status }
                } else {
                    Error::Garbage { operation, endpoint, reason: format!("HTTP status {status}") }
                };
            }
            if matches!(
                code,
                "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" | "SlowDown"
            ) {
                return Error::Throttled { operation, code: code.to_owned() };
            }
            if status >= 500 {
                return Error::Server { operation, status };
            }
            let refusal = classify(code, message);
            let message = match secret {
                Some(secret) => message.replace(secret, "******"),
                None => message.to_owned(),
            };
            Error::Refused { operation, refusal, code: code.to_owned(), message }
        }
        SdkError::TimeoutError(_) => Error::TimedOut { operation, endpoint },
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Error::TimedOut { operation, endpoint },
        SdkError::DispatchFailure(failure) => {
            let reason = failure
                .as_connector_error()
                .map_or_else(|| "the request was not sent".into(), |error| innermost(error));
            Error::Unreachable { operation, endpoint, reason }
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            if status >= 500 {
                Error::Server { operation, status }
            } else {
                Error::Garbage { operation, endpoint, reason: format!("HTTP status {status}, and no answer of STS") }
            }
        }
        _ => Error::Client { reason: "the request cannot be built".into() },
    }
}

/// The last of a chain of causes is the one that says something: `Connection refused (os error 111)`.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(next) = error.source() {
        error = next;
    }
    error.to_string()
}

fn classify(code: &str, message: &str) -> Refusal {
    let says = |text: &str| message.contains(text);
    match code {
        _ if says("invalid MFA one time pass code") => Refusal::InvalidCode,
        _ if says("unable to validate MFA code") => Refusal::UnknownDevice,
        _ if says("exceeds the MaxSessionDuration") => Refusal::TooLongForRole,
        _ if says("1 hour session limit") => Refusal::TooLongForChaining,
        "SignatureDoesNotMatch" | "RequestExpired" | "InvalidSignatureException"
            if says("is now earlier than") || says("still later than") =>
        {
            Refusal::ClockSkew
        }
        "SignatureDoesNotMatch" => Refusal::WrongSecret,
        "ExpiredToken" | "ExpiredTokenException" => Refusal::Expired,
        "InvalidClientTokenId" => Refusal::UnknownKey,
        "AccessDenied" if says("authenticated with an MFA device") => Refusal::NeedsMfaSession,
        "AccessDenied" | "AccessDeniedException" if says("is not authorized to perform") => Refusal::NotAuthorized,
        "InvalidAuthenticationCode" | "InvalidAuthenticationCodeException" => Refusal::InvalidPair,
        "EntityAlreadyExists" | "EntityAlreadyExistsException" => Refusal::AlreadyExists,
        "NoSuchEntity" | "NoSuchEntityException" => Refusal::NotFound,
        "LimitExceeded" | "LimitExceededException" => Refusal::LimitExceeded,
        _ => Refusal::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_go_by_code_and_a_stable_part_of_the_text() {
        for (code, message, refusal) in [
            (
                "AccessDenied",
                "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
                Refusal::InvalidCode,
            ),
            (
                "AccessDenied",
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
                Refusal::UnknownDevice,
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                Refusal::TooLongForRole,
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
                Refusal::TooLongForChaining,
            ),
            (
                "AccessDenied",
                "User: arn:aws:iam::1:user/U is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/R with an explicit deny in an identity-based policy",
                Refusal::NotAuthorized,
            ),
            ("AccessDenied", "Cannot call GetSessionToken with session credentials", Refusal::Other),
            (
                "SignatureDoesNotMatch",
                "Signature expired: 20220127T001427Z is now earlier than 20220127T014428Z (20220127T015928Z - 15 min.)",
                Refusal::ClockSkew,
            ),
            (
                "SignatureDoesNotMatch",
                "Signature not yet current: 20220127T001427Z is still later than 20220127T000028Z",
                Refusal::ClockSkew,
            ),
            (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
                Refusal::WrongSecret,
            ),
            ("ExpiredToken", "The security token included in the request is expired", Refusal::Expired),
            (
                "AccessDenied",
                "To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.",
                Refusal::NeedsMfaSession,
            ),
            ("InvalidAuthenticationCode", "Authentication code for device is not valid.", Refusal::InvalidPair),
            (
                "EntityAlreadyExists",
                "MFADevice entity at the same path and name already exists.",
                Refusal::AlreadyExists,
            ),
            ("NoSuchEntity", "VirtualMFADevice with serial number x doesn't exist.", Refusal::NotFound),
            ("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8", Refusal::LimitExceeded),
            ("InvalidClientTokenId", "The security token included in the request is invalid.", Refusal::UnknownKey),
        ] {
            assert_eq!(classify(code, message), refusal, "{message}");
        }
    }
}
