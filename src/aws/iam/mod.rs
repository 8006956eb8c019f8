//! IAM through the SDK: a user's MFA devices, access keys and roles.

mod devices;
mod keys;
mod roles;

pub use devices::{Assignment, Device, DeviceKind, MOST_DEVICES};
pub use keys::{LastUsed, ListedKey};
pub use roles::RoleFacts;

use super::error::translate;
use super::sts::Signer;
use super::{Error, http_client, timeouts};
use crate::env::Env;
use crate::profile::Sts;
use aws_sdk_iam::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use std::fmt;
use std::future::Future;
use std::path::Path;
use tokio::runtime::Runtime;

/// A client of IAM for one set of credentials.
pub struct Iam {
    client: aws_sdk_iam::Client,
    runtime: Runtime,
    /// For messages.
    endpoint: String,
}

impl Iam {
    /// Signs as `signer`, in the partition of `sts`. `AWS_ENDPOINT_URL_IAM` and `AWS_ENDPOINT_URL` stand in for IAM's own
    /// endpoint. Connects to nothing yet. Errors: the CA bundle, the HTTP client.
    pub fn new(signer: Signer<'_>, sts: &Sts, env: &Env) -> Result<Self, Error> {
        let client_error = |error: std::io::Error| Error::Client { reason: error.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(client_error)?;
        // IAM is one a partition, and takes no signature for another Region
        let home = match sts.partition.as_str() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        };
        let url = env.var("AWS_ENDPOINT_URL_IAM").or_else(|| env.var("AWS_ENDPOINT_URL"));
        let plain = url.is_some_and(|url| url.starts_with("http://"));
        let bundle = sts.ca_bundle.as_ref().map(|path| Path::new(path.value.as_str()));
        let mut config = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(home))
            .credentials_provider(signer.credentials())
            .http_client(http_client(bundle.filter(|_| !plain), plain)?)
            .timeout_config(timeouts())
            .retry_config(RetryConfig::standard().with_max_attempts(2));
        if let Some(url) = url {
            config = config.endpoint_url(url);
        }
        let client = aws_sdk_iam::Client::from_conf(config.build());
        Ok(Self { client, runtime, endpoint: url.unwrap_or("IAM").to_owned() })
    }

    /// One call.
    fn call<T, E>(
        &self,
        operation: &'static str,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Error>
    where
        E: ProvideErrorMetadata,
    {
        self.runtime.block_on(send).map_err(|error| translate(operation, &self.endpoint, &error, None))
    }
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iam").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
