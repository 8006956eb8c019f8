//! A small HTTP server on loopback, for the programs of this user: the endpoint of `serve`, the page of `console`.
//!
//! Every user of the machine can connect to it, and so can a web page by way of a browser. It answers one request a
//! connection, to its own name only (a page that rebinds its name to 127.0.0.1 sends another `Host`), and bounds what a
//! client can make it hold: size and time of a request, and connections. What it refuses is counted.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

/// A request of an SDK has about 300 bytes.
const LARGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
/// An SDK sends its request in one packet.
const HEAD_IN: Duration = Duration::from_secs(2);
/// Request, renewal, answer: SDKs have given up by then.
const LONGEST: Duration = Duration::from_secs(10);
/// Beyond so many, the connection that is open longest makes room: a request that is complete is answered within
/// milliseconds, so that it is a slow client that goes.
const MOST_CONNECTIONS: usize = 256;

pub(super) type Answer = Response<Full<Bytes>>;

/// A running server; dropping it ends it.
pub(super) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Both ends of a connection; an extension of every request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pub(super) theirs: SocketAddr,
    pub(super) ours: SocketAddr,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not HTTP, or too large.
    NotHttp,
    /// Too slow, or crowded out by others.
    CutOff,
    /// `Host` is not ours.
    OtherHost,
    /// Another method than GET.
    Method,
    /// Another path than ours.
    Path,
    /// Without the token.
    NoToken,
    /// With a wrong token.
    WrongToken,
}

impl Refused {
    const ALL: [(Self, &'static str); 7] = [
        (Self::NotHttp, "no HTTP or too large"),
        (Self::CutOff, "too slow"),
        (Self::OtherHost, "for another host"),
        (Self::Method, "no GET"),
        (Self::Path, "for another path"),
        (Self::NoToken, "without the token"),
        (Self::WrongToken, "with a wrong token"),
    ];
}

/// How many requests were answered with what was asked for, and how many refused.
#[derive(Debug, Default)]
pub struct Counts {
    served: AtomicU64,
    refused: [AtomicU64; Refused::ALL.len()],
}

impl Counts {
    pub(super) fn serve(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, why: Refused) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Whether anything was refused.
    pub fn refused(&self) -> bool {
        self.refused.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }
}

impl fmt::Display for Counts {
    /// `answered 12 requests; refused 2 without the token, 1 for another host`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {} requests", self.served.load(Ordering::Relaxed))?;
        let counted = self.refused.iter().map(|count| count.load(Ordering::Relaxed)).zip(Refused::ALL);
        for (at, (count, (_, words))) in counted.filter(|(count, _)| *count > 0).enumerate() {
            write!(f, "{} {count} {words}", if at == 0 { "; refused" } else { "," })?;
        }
        Ok(())
    }
}

impl Server {
    /// Listens when it returns, on a port of the system's choice.
    pub(super) fn start<S, F>(counts: Arc<Counts>, service: S) -> io::Result<Self>
    where
        S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("endpoint".into()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(listener, address, counts, service) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

async fn accept<S, F>(listener: TcpListener, address: SocketAddr, counts: Arc<Counts>, service: S)
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut open: VecDeque<AbortHandle> = VecDeque::with_capacity(MOST_CONNECTIONS);
    loop {
        let Ok((stream, theirs)) = listener.accept().await else {
            // out of file descriptors, most likely: they come back
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if open.len() >= MOST_CONNECTIONS {
            open.retain(|connection| !connection.is_finished());
        }
        if open.len() >= MOST_CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
            counts.refuse(Refused::CutOff);
        }
        let peer = Peer { theirs, ours: address };
        open.push_back(tokio::spawn(connection(stream, peer, Arc::clone(&counts), service.clone())).abort_handle());
    }
}

async fn connection<S, F>(stream: TcpStream, peer: Peer, counts: Arc<Counts>, service: S)
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(|mut request: Request<Incoming>| {
        let (service, counts) = (service.clone(), Arc::clone(&counts));
        async move {
            let refused = refuse(&request, peer.ours);
            request.extensions_mut().insert(peer);
            let answer = match refused {
                None => service(request).await,
                Some((why, answer)) => {
                    counts.refuse(why);
                    answer
                }
            };
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_IN)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        // one request a connection: nothing idle to keep, and no race with a client that sends while we close
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(LONGEST, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if error.is_parse() => counts.refuse(Refused::NotHttp),
        Ok(Err(error)) if error.is_timeout() => counts.refuse(Refused::CutOff),
        // gone in the middle: a port scan, a client that was stopped
        Ok(Err(_)) => {}
        Err(_) => counts.refuse(Refused::CutOff),
    }
}

/// Whether it is a GET for this server by its own name.
fn refuse(request: &Request<Incoming>, address: SocketAddr) -> Option<(Refused, Answer)> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let named = request.uri().authority().is_none_or(|authority| authority.as_str() == host);
    let ours = host.rsplit_once(':').is_some_and(|(name, port)| {
        ["127.0.0.1", "localhost"].iter().any(|own| name.eq_ignore_ascii_case(own))
            && port == address.port().to_string()
    });
    if !ours || !named || hosts.next().is_some() {
        let answer = error(StatusCode::MISDIRECTED_REQUEST, "OtherHost", "this endpoint has another name");
        return Some((Refused::OtherHost, answer));
    }
    if request.method() != Method::GET {
        let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "only GET");
        answer.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET"));
        return Some((Refused::Method, answer));
    }
    None
}

/// An answer with a body, which nobody is to keep.
pub(super) fn answer(status: StatusCode, content_type: &str, body: Bytes) -> Answer {
    let answer =
        Response::builder().status(status).header(CONTENT_TYPE, content_type).header(CACHE_CONTROL, "no-store");
    answer.body(Full::new(body)).expect("these are good headers")
}

/// An error as SDKs read it: Go, botocore and Java look for `code` and `message`, JavaScript and Rust for the others.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    let body = serde_json::json!({ "code": code, "message": message, "Code": code, "Message": message });
    answer(status, "application/json", Bytes::from(body.to_string()))
}

/// 256 random bits in hexadecimal.
pub(super) fn token() -> io::Result<SecretString> {
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *random).map_err(io::Error::other)?;
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("a hex digit");
    let mut text = String::with_capacity(2 * random.len());
    random.iter().for_each(|byte| text.extend([digit(byte >> 4), digit(byte & 15)]));
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn every_refusal_has_its_counter_and_its_words() {
        let counts = Counts::default();
        assert_eq!(counts.to_string(), "answered 0 requests");
        for (at, (why, _)) in Refused::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, at);
            counts.refuse(why);
        }
        counts.refuse(Refused::WrongToken);
        counts.serve();
        let words = counts.to_string();
        assert!(words.starts_with("answered 1 requests; refused 1 no HTTP or too large, 1 too slow,"), "{words}");
        assert!(words.ends_with(", 2 with a wrong token"), "{words}");
    }

    #[test]
    fn tokens_are_256_bits_and_differ() {
        let (one, other) = (token().unwrap(), token().unwrap());
        let (one, other) = (one.expose_secret(), other.expose_secret());
        assert!(one.len() == 64 && one.bytes().all(|byte| byte.is_ascii_hexdigit()) && one != other);
    }
}
