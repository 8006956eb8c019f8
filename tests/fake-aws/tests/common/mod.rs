//! A client of a hundred lines: raw HTTP over a socket, signed with this crate's signer, which the published test vectors
//! keep honest.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use fake_aws::sigv4::{SignedRequest, sign};
use fake_aws::{FakeAws, UserKeys};

/// What a request is signed with.
#[derive(Clone, Debug)]
pub struct Keys {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

impl From<UserKeys> for Keys {
    fn from(user: UserKeys) -> Self {
        Self { id: user.access_key_id, secret: user.secret_access_key, token: None }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The text of the first element of that name.
    pub fn get(&self, tag: &str) -> &str {
        let Some((_, rest)) = self.body.split_once(&format!("<{tag}>")) else { return "" };
        rest.split_once(&format!("</{tag}>")).map_or("", |(text, _)| text)
    }

    pub fn code(&self) -> &str {
        self.get("Code")
    }

    pub fn message(&self) -> &str {
        self.get("Message")
    }

    /// The session in the answer.
    #[track_caller]
    pub fn session(&self) -> Keys {
        assert_eq!(self.status, 200, "{}", self.body);
        let own = |tag| self.get(tag).to_owned();
        Keys { id: own("AccessKeyId"), secret: own("SecretAccessKey"), token: Some(own("SessionToken")) }
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.body);
        self
    }

    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, message: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.body);
        assert!(self.message().contains(message), "{message:?} is not in {:?}", self.message());
    }
}

/// A request before it is signed, so that a test can spoil it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub region: String,
    pub service: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// `X-Amz-Date` form
    pub time: String,
}

pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

pub fn stamp(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap().format("%Y%m%dT%H%M%SZ").to_string()
}

pub fn draft(aws: &FakeAws, keys: &Keys, service: &str, parameters: &[(&str, &str)]) -> Draft {
    let version = if service == "iam" { "2010-05-08" } else { "2011-06-15" };
    let mut pairs: Vec<String> = vec![format!("Version={version}")];
    pairs.extend(parameters.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))));
    let time = stamp(aws.now());
    let host = aws.endpoint().trim_start_matches("http://").to_owned();
    let mut headers = vec![
        ("host".to_owned(), host),
        ("content-type".into(), "application/x-www-form-urlencoded; charset=utf-8".into()),
        ("x-amz-date".into(), time.clone()),
    ];
    headers.extend(keys.token.as_ref().map(|t| ("x-amz-security-token".to_owned(), t.clone())));
    Draft { region: "us-east-1".into(), service: service.to_owned(), headers, body: pairs.join("&"), time }
}

impl Draft {
    pub fn authorization(&self, keys: &Keys) -> String {
        let request =
            SignedRequest { method: "POST", path: "/", query: "", headers: &self.headers, body: self.body.as_bytes() };
        sign(&request, &self.region, &self.service, &self.time, &keys.id, &keys.secret)
    }

    pub fn signed(mut self, keys: &Keys) -> Self {
        let header = self.authorization(keys);
        self.headers.push(("authorization".into(), header));
        self
    }

    pub fn text(&self) -> String {
        let headers: String = self.headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
        format!("POST / HTTP/1.1\r\n{headers}content-length: {}\r\n\r\n{}", self.body.len(), self.body)
    }

    pub fn send(&self, aws: &FakeAws) -> Answer {
        exchange(&mut connect(aws), &self.text()).unwrap()
    }
}

pub fn connect(aws: &FakeAws) -> TcpStream {
    let stream = TcpStream::connect(aws.endpoint().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends `text` and reads one answer; the connection stays open.
pub fn exchange<S: Read + Write>(stream: &mut S, text: &str) -> std::io::Result<Answer> {
    stream.write_all(text.as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Answer { status, head, body: String::from_utf8(body).unwrap() })
}

pub fn sts(aws: &FakeAws, keys: &Keys, parameters: &[(&str, &str)]) -> Answer {
    draft(aws, keys, "sts", parameters).signed(keys).send(aws)
}

pub fn iam(aws: &FakeAws, keys: &Keys, parameters: &[(&str, &str)]) -> Answer {
    draft(aws, keys, "iam", parameters).signed(keys).send(aws)
}

pub fn get_session_token(aws: &FakeAws, user: &UserKeys, code: &str) -> Answer {
    let parameters = [("Action", "GetSessionToken"), ("SerialNumber", user.mfa_serial.as_str()), ("TokenCode", code)];
    sts(aws, &user.clone().into(), &parameters)
}

pub fn assume_role(aws: &FakeAws, keys: &Keys, role: &str, more: &[(&str, &str)]) -> Answer {
    let arn = aws.role_arn(role);
    let mut parameters = vec![("Action", "AssumeRole"), ("RoleArn", &arn), ("RoleSessionName", "alice")];
    parameters.retain(|(key, _)| !more.iter().any(|(k, _)| k == key));
    parameters.extend(more);
    sts(aws, keys, &parameters)
}

pub fn control(aws: &FakeAws, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
    let text = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let answer = exchange(&mut connect(aws), &text).unwrap();
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}
