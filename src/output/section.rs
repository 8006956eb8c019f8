//! A session as a section of the credentials file: the keys of aws-mfa's short-term section, in its formats and its order,
//! so that scripts and prompts that read `expiration` go on.

use crate::credentials::Session;
use chrono::Local;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

/// aws-mfa's and awsume's way to write a time. aws-mfa's is UTC, awsume's is local; neither says so.
pub const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// Keys and values of a section.
pub type Properties = Vec<(&'static str, Zeroizing<String>)>;

/// What aws-mfa writes. `aws_security_token` is the old name of the session token, for boto 2.
pub fn aws_mfa(session: &Session, role_arn: Option<&str>) -> Properties {
    let token = session.session_token.expose_secret();
    let mut properties = vec![plain("assumed_role", if role_arn.is_some() { "True" } else { "False" })];
    properties.extend(role_arn.map(|arn| plain("assumed_role_arn", arn)));
    properties.extend([
        plain("aws_access_key_id", &session.access_key_id),
        plain("aws_secret_access_key", session.secret_access_key.expose_secret()),
        plain("aws_session_token", token),
        plain("aws_security_token", token),
        plain("expiration", &session.expiration.format(TIME).to_string()),
    ]);
    properties
}

/// What `awsume -o` writes; `expiration` is local time there.
pub fn awsume(session: &Session, region: Option<&str>) -> Properties {
    let mut properties = vec![
        plain("manager", "awsume"),
        plain("aws_access_key_id", &session.access_key_id),
        plain("aws_secret_access_key", session.secret_access_key.expose_secret()),
        plain("aws_session_token", session.session_token.expose_secret()),
    ];
    properties.extend(region.map(|region| plain("region", region)));
    properties.push(plain("expiration", &session.expiration.with_timezone(&Local).format(TIME).to_string()));
    properties
}

/// A property that is no secret, beside those that are.
pub fn plain(key: &'static str, value: &str) -> (&'static str, Zeroizing<String>) {
    (key, Zeroizing::new(value.to_owned()))
}
