//! `serve` and `--serve`: the endpoint, what renews it, and the command behind it.

mod child;
mod default_profile;
mod load;
mod refusals;
mod renewal;

use crate::support::{Command, Run, Running, World};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Where an endpoint is, and what it wants to see.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Endpoint {
    /// From what `serve --format json` printed.
    pub(crate) fn parse(stdout: &str) -> Option<Self> {
        let object: serde_json::Value = serde_json::from_str(stdout.lines().next()?).ok()?;
        let uri = object["AWS_CONTAINER_CREDENTIALS_FULL_URI"].as_str()?;
        let address = uri.strip_prefix("http://")?.strip_suffix("/credentials")?.parse().ok()?;
        Some(Self { address, token: object["AWS_CONTAINER_AUTHORIZATION_TOKEN"].as_str()?.to_owned() })
    }

    /// What an SDK asks.
    pub(crate) fn get(&self) -> Answer {
        self.ask(self.head("GET", &format!("Authorization: {}\r\n", self.token)))
    }

    /// A request without its last line end.
    pub(crate) fn head(&self, method: &str, more: &str) -> String {
        format!("{method} /credentials HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n{more}\r\n", self.address)
    }

    /// Sends this and reads to the end. Status 0: closed without an answer.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let started = Instant::now();
        let mut stream = self.connect();
        // it may have answered and closed before it was sent all of that
        let _ = stream.write_all(request.as_ref());
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..count]);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned(), took: started.elapsed() }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the endpoint is up");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        stream
    }

    pub(crate) fn is_up(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
    }
}

impl Answer {
    /// The session's access key ID; a test that gets another answer fails.
    #[track_caller]
    pub(crate) fn access_key_id(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        let object: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        object["AccessKeyId"].as_str().expect("an access key ID").to_owned()
    }

    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let object: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        object["code"].as_str().expect("a code").to_owned()
    }
}

/// A world where alice is logged in: roles cost no code.
pub(crate) fn logged_in() -> World {
    let world = World::new();
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    world
}

/// `serve --format json`, up.
pub(crate) fn serve(command: Command) -> (Running, Endpoint) {
    let running = command.may_print_secrets().start();
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(endpoint) = Endpoint::parse(&running.stdout()) {
            return (running, endpoint);
        }
        assert!(Instant::now() < until, "it does not serve: {}", running.stdout());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ctrl-C, or what a service manager sends; what it said of its work.
pub(crate) fn stop(running: Running) -> Run {
    let pid = rustix::process::Pid::from_raw(running.id().try_into().expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    running.wait().success()
}
