//! Thin wrappers over the AWS SDK: our types in, our types out. Here is what the SDK leaves to its users: `AWS_CA_BUNDLE`,
//! proxies, a clock that can be put right, time limits, and errors in AWS's words without its secrets.

mod error;
pub mod iam;
pub mod signin;
pub mod source;
pub mod sts;

pub use error::{Error, Refusal};

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::timeout::TimeoutConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;
use std::time::Duration;

/// A code dies after 30 seconds and a caller waits for a minute: no call may take longer than this.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(20))
        .build()
}

/// The HTTP client: rustls with ring, the system's roots or `ca_bundle` alone, proxies from the environment. `plain` spares
/// the roots where the endpoint is `http://`.
fn http_client(ca_bundle: Option<&Path>, plain: bool) -> Result<SharedHttpClient, Error> {
    let context = tls_context(ca_bundle, plain)?;
    let sleep = |components: &RuntimeComponents| components.sleep_impl();
    Ok(Builder::new()
        .build_with_connector_fn(move |settings, components| {
            connector(context.clone(), settings.cloned(), components.and_then(sleep))
        })
        .into_shared())
}

fn tls_context(ca_bundle: Option<&Path>, plain: bool) -> Result<TlsContext, Error> {
    let trust = match ca_bundle {
        Some(path) => TrustStore::empty().with_pem_certificate(read_bundle(path)?),
        None if plain => TrustStore::empty(),
        None => TrustStore::default(),
    };
    TlsContext::builder().with_trust_store(trust).build().map_err(|error| Error::Client { reason: error.to_string() })
}

fn connector(
    context: TlsContext,
    settings: Option<HttpConnectorSettings>,
    sleep: Option<SharedAsyncSleep>,
) -> Connector {
    let mut connector =
        ConnectorBuilder::default().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).tls_context(context);
    connector.set_connector_settings(settings);
    connector.set_sleep_impl(sleep);
    connector.set_proxy_config(Some(ProxyConfig::from_env()));
    connector.build()
}

/// Whether a CA bundle can be used.
pub fn check_bundle(path: &Path) -> Result<(), Error> {
    read_bundle(path).map(drop)
}

/// The SDK panics on a malformed bundle, so that it is read here first.
fn read_bundle(path: &Path) -> Result<Vec<u8>, Error> {
    let bundle = |reason: String| Error::CaBundle { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| bundle(error.to_string()))?;
    let mut certificates = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| bundle(error.to_string()))?;
        webpki::anchor_from_trusted_cert(&certificate).map_err(|error| bundle(error.to_string()))?;
        certificates += 1;
    }
    if certificates == 0 {
        return Err(bundle("it holds no PEM certificate".into()));
    }
    Ok(pem)
}
