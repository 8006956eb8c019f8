//! The container-credentials endpoint: what `AWS_CONTAINER_CREDENTIALS_FULL_URI` names, as ECS and EKS have it.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
//!
//! Its callers wait for a second (JavaScript) or two (botocore): a request never waits for a person. It takes the session
//! that lies on the [`Desk`]; whoever renews it puts the next one there, on a thread of its own.

use super::loopback::{self, Answer, Counts, Refused, Server};
use super::process;
use crate::credentials::Session;
use crate::env::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::{Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// How long a request waits for a renewal that needs nobody. The JavaScript SDK gives up after a second.
const PATIENCE: Duration = Duration::from_millis(800);
/// SDKs begin to ask again when their session has 15 minutes left.
const RENEW: i64 = 15 * 60;
/// After a renewal failed, before the next try.
const REST: i64 = 2;

const PATH: &str = "/credentials";

/// A running endpoint; dropping it ends it.
#[derive(Debug)]
pub struct Endpoint {
    server: Server,
    token: SecretString,
    counts: Arc<Counts>,
    desk: Arc<Desk>,
}

/// Where requests find the session, and leave word that a new one is wanted.
#[derive(Debug)]
pub struct Desk {
    clock: Clock,
    /// `--min-ttl`
    min_ttl: Option<u32>,
    tray: watch::Sender<Tray>,
    wants: SyncSender<()>,
}

/// The requests' word that a new session is wanted.
#[derive(Debug)]
pub struct Wants(Receiver<()>);

/// Why there is no new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A person is being asked for a code; nobody can tell for how long.
    Asking(String),
    /// A code is needed, and nobody can be asked or the one who was asked did not want to.
    CodeNeeded(String),
    /// AWS refused it.
    Refused(String),
    /// Anything that may be over soon: the network.
    Failed(String),
}

struct Tray {
    body: Bytes,
    expiration: DateTime<Utc>,
    /// When the next session is due.
    renew_from: DateTime<Utc>,
    trouble: Option<Trouble>,
    /// Until then nobody is to ask for another try.
    rest_until: DateTime<Utc>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Object<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

impl Endpoint {
    /// Listens when it returns. `min_ttl` is what a session should have left, in seconds.
    pub fn start(first: &Session, min_ttl: Option<u32>, clock: Clock) -> io::Result<(Self, Wants)> {
        let (wants, wanted) = sync_channel(1);
        let tray = watch::Sender::new(Tray::new(first, min_ttl, clock.now()));
        let desk = Arc::new(Desk { clock, min_ttl, tray, wants });
        let (counts, token) = (Arc::new(Counts::default()), loopback::token()?);
        let service = {
            let (desk, counts, token) = (Arc::clone(&desk), Arc::clone(&counts), Arc::new(token.clone()));
            move |request: Request<Incoming>| {
                let (desk, counts, token) = (Arc::clone(&desk), Arc::clone(&counts), Arc::clone(&token));
                async move {
                    match refuse(&request, token.expose_secret()) {
                        Some((why, answer)) => {
                            counts.refuse(why);
                            answer
                        }
                        None => {
                            counts.serve();
                            desk.answer().await
                        }
                    }
                }
            }
        };
        let server = Server::start(Arc::clone(&counts), service)?;
        Ok((Self { server, token, counts, desk }, Wants(wanted)))
    }

    /// `http://127.0.0.1:PORT/credentials`. SDKs take plain http from loopback only.
    pub fn uri(&self) -> String {
        format!("http://{}{PATH}", self.server.address())
    }

    /// What has to be in the `Authorization` header.
    pub fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// Where the next session is to be put.
    pub fn desk(&self) -> Arc<Desk> {
        Arc::clone(&self.desk)
    }

    /// What it answered and refused so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Wants {
    /// Waits until a new session is wanted; false when there is nobody left to want one.
    pub fn wait(&self, desk: &Desk) -> bool {
        while self.0.recv().is_ok() {
            // said twice for one session, or too soon after a failure
            if desk.is_due() {
                return true;
            }
        }
        false
    }
}

impl Desk {
    /// A new session.
    pub fn put(&self, session: &Session) {
        self.tray.send_replace(Tray::new(session, self.min_ttl, self.clock.now()));
    }

    /// There is none, and why.
    pub fn report(&self, trouble: Trouble) {
        let rest_until = match trouble {
            Trouble::Asking(_) => DateTime::<Utc>::MAX_UTC,
            _ => self.clock.now() + TimeDelta::seconds(REST),
        };
        self.tray.send_modify(|tray| {
            tray.trouble = Some(trouble);
            tray.rest_until = rest_until;
        });
    }

    /// Seconds the session that lies here should have left; with less, it is to be renewed.
    pub fn margin(&self) -> u32 {
        let tray = self.tray.borrow();
        u32::try_from((tray.expiration - tray.renew_from).num_seconds()).unwrap_or(0)
    }

    fn is_due(&self) -> bool {
        let (tray, now) = (self.tray.borrow(), self.clock.now());
        now >= tray.renew_from && now >= tray.rest_until
    }

    async fn answer(&self) -> Answer {
        let mut tray = self.tray.subscribe();
        if self.is_due() {
            // a full channel has the same word in it
            let _ = self.wants.try_send(());
            let _ = tokio::time::timeout(PATIENCE, tray.changed()).await;
        }
        let tray = tray.borrow();
        if self.clock.now() < tray.expiration {
            return loopback::answer(StatusCode::OK, "application/json", tray.body.clone());
        }
        // Go, Java and Rust try a 5xx again and give up at a 4xx; botocore and JavaScript try both again, three times a
        // second apart, which is too short for a person. So 4xx says what has to be done first, at once.
        let (status, code, message) = match &tray.trouble {
            Some(Trouble::Asking(message) | Trouble::CodeNeeded(message)) => {
                (StatusCode::FORBIDDEN, "MfaCodeNeeded", message.as_str())
            }
            Some(Trouble::Refused(message)) => (StatusCode::FORBIDDEN, "AccessDenied", message.as_str()),
            Some(Trouble::Failed(message)) => (StatusCode::SERVICE_UNAVAILABLE, "SessionNotRenewed", message.as_str()),
            None => (StatusCode::SERVICE_UNAVAILABLE, "SessionNotRenewed", "the session is being renewed"),
        };
        loopback::error(status, code, message)
    }
}

// Security: not the body.
impl fmt::Debug for Tray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tray")
            .field("expiration", &self.expiration)
            .field("trouble", &self.trouble)
            .finish_non_exhaustive()
    }
}

impl Tray {
    fn new(session: &Session, min_ttl: Option<u32>, now: DateTime<Utc>) -> Self {
        let left = (session.expiration - now).num_seconds().max(0);
        // a session shorter than that has to be of some use too
        let margin = min_ttl.map_or(RENEW.min(left / 2), |least| i64::from(least).min(left * 3 / 4));
        Self {
            body: body(session),
            expiration: session.expiration,
            renew_from: session.expiration - TimeDelta::seconds(margin),
            trouble: None,
            rest_until: now,
        }
    }
}

/// Security: wiped when the last answer that holds it is gone.
fn body(session: &Session) -> Bytes {
    let (secret, token) = (session.secret_access_key.expose_secret(), session.session_token.expose_secret());
    let object = Object {
        access_key_id: &session.access_key_id,
        secret_access_key: secret,
        token,
        expiration: &process::expiration(session),
        account_id: session.account_id.as_deref(),
    };
    let mut json = Zeroizing::new(Vec::with_capacity(256 + secret.len() + token.len()));
    serde_json::to_writer(&mut *json, &object).expect("strings are JSON, and a Vec takes everything");
    Bytes::from_owner(json)
}

fn refuse(request: &Request<Incoming>, token: &str) -> Option<(Refused, Answer)> {
    if request.uri().path() != PATH {
        let answer = loopback::error(StatusCode::NOT_FOUND, "NotFound", "there is nothing here");
        return Some((Refused::Path, answer));
    }
    let unauthorized = |why, message| Some((why, loopback::error(StatusCode::UNAUTHORIZED, "Unauthorized", message)));
    let Some(given) = request.headers().get(AUTHORIZATION) else {
        return unauthorized(Refused::NoToken, "AWS_CONTAINER_AUTHORIZATION_TOKEN is not set");
    };
    if !bool::from(given.as_bytes().ct_eq(token.as_bytes())) {
        return unauthorized(Refused::WrongToken, "AWS_CONTAINER_AUTHORIZATION_TOKEN is another endpoint's");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn session(seconds: i64) -> Session {
        Session {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "secret".into(),
            session_token: "token".into(),
            expiration: NOW + TimeDelta::seconds(seconds),
            account_id: Some("123456789012".into()),
        }
    }

    fn desk(first: &Session, min_ttl: Option<u32>) -> (Desk, Wants) {
        let (wants, wanted) = sync_channel(1);
        let tray = watch::Sender::new(Tray::new(first, min_ttl, NOW));
        (Desk { clock: Env::fixed(&[], NOW).clock(), min_ttl, tray, wants }, Wants(wanted))
    }

    #[test]
    fn the_object_is_what_sdks_read() {
        assert_eq!(
            body(&session(0)),
            concat!(
                r#"{"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"secret","Token":"token","#,
                r#""Expiration":"1970-01-01T00:00:00Z","AccountId":"123456789012"}"#
            )
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let (endpoint, _wants) = Endpoint::start(&session(0), None, Env::fixed(&[], NOW).clock()).unwrap();
        let shown = format!("{endpoint:?}");
        assert!(!shown.contains(endpoint.token()) && !shown.contains("ASIAEXAMPLE"), "{shown}");
    }

    #[test]
    fn a_session_is_renewed_fifteen_minutes_before_its_end_a_short_one_at_half() {
        for (seconds, min_ttl, margin) in
            [(3_600, None, 900), (900, None, 450), (8, None, 4), (3_600, Some(3_000), 2_700), (3_600, Some(60), 60)]
        {
            assert_eq!(desk(&session(seconds), min_ttl).0.margin(), margin, "{seconds} {min_ttl:?}");
        }
    }

    #[test]
    fn a_failure_is_followed_by_a_rest_and_a_question_by_nothing() {
        let (desk, _wants) = desk(&session(0), None);
        assert!(desk.is_due());
        for trouble in [Trouble::Failed(String::new()), Trouble::Asking(String::new())] {
            desk.report(trouble);
            assert!(!desk.is_due());
        }
        desk.put(&session(3_600));
        assert!(!desk.is_due());
        desk.put(&session(0));
        assert!(desk.is_due());
    }
}
