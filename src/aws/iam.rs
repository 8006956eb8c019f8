//! IAM: the MFA devices of a user.

use super::error::translate;
use super::{Error, http_client, timeouts};
use crate::credentials::AccessKey;
use crate::profile::Sts;
use crate::profile::request::MfaSerial;
use aws_credential_types::Credentials;
use aws_sdk_iam::config::{BehaviorVersion, Region};
use aws_smithy_types::retry::RetryConfig;
use secrecy::ExposeSecret;
use std::path::Path;

/// The devices of the user whose access key it is, those whose codes STS takes: not FIDO keys. `endpoint_url` stands in for
/// IAM's own. Errors: no permission (`iam:ListMFADevices`), no network.
pub fn list_mfa_devices(key: &AccessKey, sts: &Sts, endpoint_url: Option<&str>) -> Result<Vec<MfaSerial>, Error> {
    let client_error = |error: std::io::Error| Error::Client { reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(client_error)?;
    // IAM is one a partition, and takes no signature for another Region
    let home = match sts.partition.as_str() {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    };
    let plain = endpoint_url.is_some_and(|url| url.starts_with("http://"));
    let bundle = sts.ca_bundle.as_ref().map(|path| Path::new(path.value.as_str()));
    let mut config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(home))
        .credentials_provider(Credentials::new(&key.id, key.secret.expose_secret(), None, None, "mfa-run"))
        .http_client(http_client(bundle.filter(|_| !plain), plain)?)
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard().with_max_attempts(2));
    if let Some(url) = endpoint_url {
        config = config.endpoint_url(url);
    }
    let client = aws_sdk_iam::Client::from_conf(config.build());
    let answer = runtime.block_on(client.list_mfa_devices().send());
    let endpoint = endpoint_url.unwrap_or("IAM");
    let answer = answer.map_err(|error| translate("iam:ListMFADevices", endpoint, &error, None))?;
    Ok(answer.mfa_devices.iter().filter_map(|device| device.serial_number.parse().ok()).collect())
}
