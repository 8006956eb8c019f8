//! A page on loopback that leads the browser to a URL, once.
//!
//! Security: a browser is started with its URL among its arguments, which every user of the machine can read. What is there is
//! the address of this page; it can be opened once, from a process of this user where the system tells whose it is (Linux).
//! Not a file: browsers from Snap and Flatpak cannot read those that are private.

use super::loopback::{self, Counts, Peer, Server};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue, LOCATION};
use hyper::{Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The page; dropping it closes it.
#[derive(Debug)]
pub struct Doorway {
    address: String,
    opened: Receiver<()>,
    _server: Server,
}

impl Doorway {
    /// Leads to `url`.
    pub fn open(url: SecretString) -> io::Result<Self> {
        let path = format!("/{}", loopback::token()?.expose_secret());
        let (tell, opened) = channel();
        let url = Arc::new(Mutex::new(Some((url, tell))));
        let expected = path.clone();
        let server = Server::start(Arc::new(Counts::default()), move |request: Request<Incoming>| {
            let found =
                request.uri().path() == expected && request.extensions().get().is_none_or(|peer| !is_strangers(peer));
            let taken = found.then(|| url.lock().unwrap_or_else(PoisonError::into_inner).take()).flatten();
            std::future::ready(
                match taken.and_then(|(url, tell)| Some((HeaderValue::from_str(url.expose_secret()).ok()?, tell))) {
                    Some((mut url, tell)) => {
                        url.set_sensitive(true);
                        let mut answer = loopback::answer(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
                        answer.headers_mut().insert(LOCATION, url);
                        let quiet = HeaderValue::from_static("no-referrer");
                        answer.headers_mut().insert(HeaderName::from_static("referrer-policy"), quiet);
                        let _ = tell.send(());
                        answer
                    }
                    None => {
                        loopback::error(StatusCode::NOT_FOUND, "NotFound", "there is nothing here, or not any more")
                    }
                },
            )
        })?;
        Ok(Self { address: format!("http://{}{path}", server.address()), opened, _server: server })
    }

    /// What the browser is to open.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether the browser came in that time.
    pub fn opened_within(&self, patience: Duration) -> bool {
        match self.opened.recv_timeout(patience) {
            // the answer is on its way: the server ends with us, and it has to be out by then
            Ok(()) => {
                std::thread::sleep(Duration::from_millis(200));
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}

/// Whether the other end of the connection belongs to another user. Only Linux tells; root may come from anywhere.
fn is_strangers(peer: &Peer) -> bool {
    if !cfg!(target_os = "linux") {
        return false;
    }
    #[cfg(unix)]
    let own = rustix::process::getuid().as_raw();
    #[cfg(not(unix))]
    let own = 0;
    let tables =
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    tables.iter().find_map(|table| owner(table, peer.theirs, peer.ours)).is_some_and(|uid| uid != own)
}

/// ` 1: 0100007F:A5CE 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000 ...`
fn owner(table: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    let port = |field: Option<&str>| u16::from_str_radix(field?.rsplit(':').next()?, 16).ok();
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let ends = (port(fields.next())?, port(fields.next())?);
        (ends == (from.port(), to.port())).then(|| fields.nth(4)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_connection_is_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n\
             \x20  1: 0100007F:1F90 0100007F:A5CE 01 00000000:00000000 00:00000000 00000000     0        0 2 1\n\
             \x20  2: 0100007F:A5CE 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 3 1\n";
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(owner(table, at(0xa5ce), at(0x1f90)), Some(1000));
        assert_eq!(owner(table, at(0x1f90), at(0xa5ce)), Some(0));
        assert_eq!(owner(table, at(1), at(2)), None);
    }
}
