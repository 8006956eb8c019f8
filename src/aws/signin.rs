//! The console's federation endpoint: a session in, a sign-in URL out. It is no AWS API: no signature, and errors in HTML.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>
//!
//! Security: the session goes in the body of a POST; a URL would be in the logs of every proxy on the way. The URL that comes
//! out signs in whoever opens it within 15 minutes: a secret until it was used.

use super::{Error, Refusal, connector, tls_context};
use crate::credentials::Session;
use crate::profile::Sts;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use form_urlencoded::Serializer;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

const OPERATION: &str = "getSigninToken";
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the console of a partition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// `https://signin.aws.amazon.com/federation`
    endpoint: String,
    /// `https://console.aws.amazon.com/`
    home: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SigninToken")]
    token: String,
}

impl Console {
    /// `endpoint_url` is `AWS_ENDPOINT_URL_SIGNIN`. `None`: a partition whose console nobody told us about.
    pub fn of(partition: &str, endpoint_url: Option<&str>) -> Option<Self> {
        let (signin, home) = match partition {
            "aws" => ("https://signin.aws.amazon.com", "https://console.aws.amazon.com/"),
            "aws-cn" => ("https://signin.amazonaws.cn", "https://console.amazonaws.cn/"),
            "aws-us-gov" => ("https://signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com/"),
            _ => return None,
        };
        let host = endpoint_url.unwrap_or(signin).trim_end_matches('/');
        let endpoint = format!("{}/federation", host.strip_suffix("/federation").unwrap_or(host));
        Some(Self { endpoint, home })
    }

    /// The page of a service (its path in the console's URLs) in a Region; without either, the console's home.
    pub fn page(&self, service: Option<&str>, region: Option<&str>) -> String {
        let path = match service.map(|service| service.trim_matches('/')) {
            None => "console/home".to_owned(),
            Some(service) if service.contains('/') => service.to_owned(),
            Some(service) => format!("{service}/home"),
        };
        let region = region.map(|region| {
            let query = Serializer::new(String::new()).append_pair("region", region).finish();
            format!("{}{query}", if path.contains('?') { '&' } else { '?' })
        });
        // what follows a # is the page's own
        let (path, fragment) = path.find('#').map_or((path.as_str(), ""), |at| path.split_at(at));
        format!("{}{path}{}{fragment}", self.home, region.unwrap_or_default())
    }

    /// Exchanges a role's or a federated user's session for a URL that opens `page` signed in. The console's session ends
    /// with this one.
    pub fn sign_in(&self, session: &Session, sts: &Sts, page: &str) -> Result<SecretString, Error> {
        let bundle = sts.ca_bundle.as_ref().map(|path| Path::new(path.value.as_str()));
        let plain = self.endpoint.starts_with("http://");
        let connector = connector(tls_context(bundle.filter(|_| !plain), plain)?, None, None);
        let client = |reason: String| Error::Client { reason };
        let request = self.request(session).map_err(client)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| client(error.to_string()))?.block_on(async {
            let endpoint = || self.endpoint.clone();
            let exchange = async {
                let answer = connector.call(request).await.map_err(|error| Error::Unreachable {
                    operation: OPERATION,
                    endpoint: endpoint(),
                    reason: super::error::innermost(&error),
                })?;
                let status = answer.status().as_u16();
                let body = ByteStream::new(answer.into_body()).collect().await;
                let body = Zeroizing::new(body.map(|body| body.to_vec()).unwrap_or_default());
                self.read(status, &body)
            };
            let late = || Error::TimedOut { operation: OPERATION, endpoint: endpoint() };
            let token = tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| late())??;
            Ok(self.url(&token, page))
        })
    }

    fn request(&self, session: &Session) -> Result<HttpRequest, String> {
        let object = serde_json::json!({
            "sessionId": session.access_key_id,
            "sessionKey": session.secret_access_key.expose_secret(),
            "sessionToken": session.session_token.expose_secret(),
        });
        // SessionDuration is not sent: it is refused for chained roles and federated users, and without it the console's
        // session lasts as long as ours
        let body = Serializer::new(String::new())
            .append_pair("Action", OPERATION)
            .append_pair("Session", &object.to_string())
            .finish();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(|error| error.to_string())?;
        request.set_uri(self.endpoint.as_str()).map_err(|error| error.to_string())?;
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
        request.headers_mut().insert("user-agent", concat!("mfa-run/", env!("CARGO_PKG_VERSION")));
        Ok(request)
    }

    fn read(&self, status: u16, body: &[u8]) -> Result<SecretString, Error> {
        let garbage = || Error::Garbage {
            operation: OPERATION,
            endpoint: self.endpoint.clone(),
            reason: format!("HTTP status {status}, and no sign-in token"),
        };
        match status {
            200 => serde_json::from_slice::<Answer>(body).map(|answer| answer.token.into()).map_err(|_| garbage()),
            // the page that comes with it is for browsers
            400..=499 => Err(Error::Refused {
                operation: OPERATION,
                refusal: Refusal::Other,
                code: status.to_string(),
                message: format!("the session is not accepted for the console (HTTP status {status})"),
            }),
            500.. => Err(Error::Server { operation: OPERATION, status }),
            _ => Err(garbage()),
        }
    }

    fn url(&self, token: &SecretString, page: &str) -> SecretString {
        let before = format!("{}?", self.endpoint);
        let start = before.len();
        let mut query = Serializer::for_suffix(before, start);
        query.append_pair("Action", "login").append_pair("Destination", page);
        query.append_pair("SigninToken", token.expose_secret());
        query.finish().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_a_console_and_no_other_is_guessed() {
        for (partition, endpoint, page) in [
            ("aws", "https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/console/home"),
            ("aws-cn", "https://signin.amazonaws.cn/federation", "https://console.amazonaws.cn/console/home"),
            (
                "aws-us-gov",
                "https://signin.amazonaws-us-gov.com/federation",
                "https://console.amazonaws-us-gov.com/console/home",
            ),
        ] {
            let console = Console::of(partition, None).unwrap();
            assert_eq!((console.endpoint.as_str(), console.page(None, None).as_str()), (endpoint, page));
        }
        assert_eq!(Console::of("aws-iso", None), None);
        for url in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/federation"] {
            assert_eq!(Console::of("aws", Some(url)).unwrap().endpoint, "http://127.0.0.1:1/federation");
        }
    }

    #[test]
    fn a_service_is_a_path_of_the_console() {
        let console = Console::of("aws", None).unwrap();
        for (service, region, page) in [
            (Some("s3"), None, "s3/home"),
            (Some("s3"), Some("eu-west-1"), "s3/home?region=eu-west-1"),
            (None, Some("eu-west-1"), "console/home?region=eu-west-1"),
            (Some("cloudwatch/home#logsV2:"), Some("eu-west-1"), "cloudwatch/home?region=eu-west-1#logsV2:"),
            (Some("/ec2/v2/home?x=y"), Some("a&b"), "ec2/v2/home?x=y&region=a%26b"),
        ] {
            assert_eq!(console.page(service, region), format!("https://console.aws.amazon.com/{page}"));
        }
    }

    #[test]
    fn the_token_is_a_secret_and_so_is_the_url() {
        let console = Console::of("aws", None).unwrap();
        let token = console.read(200, br#"{"SigninToken":"pla+nted"}"#).unwrap();
        let url = console.url(&token, "https://console.aws.amazon.com/");
        assert!(!format!("{token:?} {url:?}").contains("pla"));
        assert_eq!(
            url.expose_secret(),
            "https://signin.aws.amazon.com/federation?Action=login\
             &Destination=https%3A%2F%2Fconsole.aws.amazon.com%2F&SigninToken=pla%2Bnted"
        );
        for (status, body) in [(200, "{}"), (302, ""), (400, "<html>"), (503, "")] {
            assert!(console.read(status, body.as_bytes()).is_err(), "{status}");
        }
    }
}
