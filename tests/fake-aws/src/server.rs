//! The wire: accept loop, HTTP/1.1 with keep-alive, TLS, and connections that break on demand.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::api::HttpRequest;
use crate::dispatch::{self, Reply};
use crate::world::World;
use crate::{clock, control, federation};

const MAX_BODY: usize = 1 << 20;

pub(crate) type Shared = Arc<Mutex<World>>;

pub(crate) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves connections until the runtime is gone.
pub(crate) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, world: Shared) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let number = {
            let mut world = lock(&world);
            world.connections += 1;
            world.connections
        };
        let _ = tcp.set_nodelay(true);
        let reset = Arc::new(AtomicBool::new(false));
        let tcp = Connection { tcp, reset: reset.clone() };
        let (tls, world) = (tls.clone(), world.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(tcp, reset, number, world).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(tcp).await {
                        serve(stream, reset, number, world).await;
                    }
                }
            }
        });
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, reset: Arc<AtomicBool>, number: u64, world: Shared) {
    let service = service_fn(move |request| {
        let (world, reset) = (world.clone(), reset.clone());
        async move { handle(request, number, &world, &reset).await }
    });
    // An error is a client that went away, or a fault on demand.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(
    request: Request<Incoming>,
    connection: u64,
    world: &Shared,
    reset: &AtomicBool,
) -> io::Result<Response<Full<Bytes>>> {
    let request = read(request).await?;
    let reply = match request.path.as_str() {
        path if path == "/_fake" || path.starts_with("/_fake/") => control::handle(&mut lock(world), &request),
        "/federation" => federation::handle(&mut lock(world), &request, connection),
        _ => dispatch::call(&mut lock(world), &request, connection),
    };
    match reply {
        Reply::Send { status, content_type, body, request_id, delay_ms } => {
            if delay_ms > 0 {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            }
            let date = clock::http_date(lock(world).now());
            Response::builder()
                .status(status)
                .header("x-amzn-requestid", request_id)
                .header("content-type", content_type)
                .header("date", date)
                .body(Full::new(Bytes::from(body)))
                .map_err(io::Error::other)
        }
        Reply::Silence { delay_ms: None, .. } => match std::future::pending::<Infallible>().await {},
        Reply::Silence { delay_ms: Some(delay_ms), reset: with_reset } => {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            reset.store(with_reset, Ordering::SeqCst);
            Err(io::Error::other("closed on demand"))
        }
    }
}

async fn read(request: Request<Incoming>) -> io::Result<HttpRequest> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(HttpRequest {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    })
}

/// A TCP stream that can be told to end in RST instead of FIN.
struct Connection {
    tcp: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
