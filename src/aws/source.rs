//! Sources that are not access keys: another program's `credential_process`, SSO, web identity, instance metadata. aws-config
//! knows them all.

use super::{Error, http_client};
use crate::credentials::{AccessKey, Session};
use crate::env::Env;
use crate::profile::{SdkSource, Sts};
use aws_config::credential_process::CredentialProcessProvider;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::Region;
use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error as _;
use std::ffi::OsStr;
use std::path::Path;
use tokio::runtime::Runtime;

/// What a source gave.
#[derive(Debug)]
pub enum Loaded {
    /// A long-lived access key: MFA can be used with it.
    AccessKey(AccessKey),
    /// A temporary session.
    Session(Session),
}

/// Runs another program's `credential_process`.
pub fn process(runtime: &Runtime, profile: &str, command: &str, env: &Env) -> Result<Loaded, Error> {
    let now = env.now();
    let provider = CredentialProcessProvider::new(without_passphrase(command, env));
    let hint = format!("run the credential_process of profile {profile} by hand");
    load(runtime, provider.provide_credentials(), format!("credential_process of profile {profile}"), hint, now)
}

/// The command line without what opens our own files. aws-config hands it to a shell, with all of our environment; the shell
/// is the one that can take something out of it.
fn without_passphrase(command: &str, env: &Env) -> String {
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let names = env.passphrase_variables().filter_map(OsStr::to_str).filter(plain);
    if cfg!(windows) {
        return names.map(|name| format!("set \"{name}=\"&")).chain([command.to_owned()]).collect();
    }
    names.map(|name| format!("unset {name}\n")).chain([command.to_owned()]).collect()
}

/// Has aws-config load it.
pub fn sdk(runtime: &Runtime, source: &SdkSource, sts: &Sts, now: DateTime<Utc>) -> Result<Loaded, Error> {
    let bundle = sts.ca_bundle.as_ref().map(|path| Path::new(path.value.as_str()));
    let config = ProviderConfig::without_region()
        .with_http_client(http_client(bundle, false)?)
        .with_region(Some(Region::new(sts.region.clone())));
    match source {
        SdkSource::Profile { name, .. } => {
            let provider = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build();
            let hint = format!("aws sso login --profile {name}");
            load(runtime, provider.provide_credentials(), format!("profile {name}"), hint, now)
        }
        SdkSource::EcsContainer => {
            let provider = EcsCredentialsProvider::builder().configure(&config).build();
            load(
                runtime,
                provider.provide_credentials(),
                "EcsContainer".into(),
                "run it in an ECS task or EKS pod with a role".into(),
                now,
            )
        }
        SdkSource::Ec2InstanceMetadata => {
            let provider = ImdsCredentialsProvider::builder().configure(&config).build();
            load(
                runtime,
                provider.provide_credentials(),
                "Ec2InstanceMetadata".into(),
                "run it on an EC2 instance with an instance profile".into(),
                now,
            )
        }
    }
}

fn load(
    runtime: &Runtime,
    provide: impl Future<Output = Result<Credentials, CredentialsError>>,
    source_name: String,
    hint: String,
    now: DateTime<Utc>,
) -> Result<Loaded, Error> {
    let credentials = runtime.block_on(provide).map_err(|error| {
        // Security: the error of a credential_process can quote what the program printed; only its kind is told.
        let reason = match error.source().map(ToString::to_string) {
            Some(reason) if !matches!(error, CredentialsError::ProviderError(_)) => reason,
            _ => error.to_string(),
        };
        Error::Source { source_name, reason, hint }
    })?;
    let (id, secret) = (credentials.access_key_id().to_owned(), credentials.secret_access_key().into());
    Ok(match credentials.session_token() {
        None => Loaded::AccessKey(AccessKey { id, secret }),
        Some(token) => Loaded::Session(Session {
            access_key_id: id,
            secret_access_key: secret,
            session_token: token.into(),
            expiration: credentials.expiry().map_or_else(|| now + TimeDelta::hours(1), DateTime::from),
            account_id: None,
        }),
    })
}
