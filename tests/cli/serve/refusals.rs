//! What the endpoint refuses, and that it counts it; what it survives.

use super::{Endpoint, logged_in, serve, stop};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a_request_needs_token_host_method_and_path() {
    let world = logged_in();
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json"]));
    let token = format!("Authorization: {}\r\n", endpoint.token);
    let good = endpoint.get();
    assert!(good.access_key_id().starts_with("ASIA"));
    let head = good.head.to_lowercase();
    assert!(!head.contains("access-control") && head.contains("cache-control: no-store"), "{head}");
    assert!(!head.contains("server:"), "{head}");

    let ask = |method: &str, more: &str| endpoint.ask(endpoint.head(method, more)).status;
    assert_eq!(ask("GET", ""), 401);
    for wrong in ["", "x", &endpoint.token[1..], &format!("{}0", endpoint.token), &format!("Bearer {}", endpoint.token)]
    {
        assert_eq!(ask("GET", &format!("Authorization: {wrong}\r\n")), 401, "{wrong}");
    }
    for method in ["POST", "PUT", "OPTIONS", "HEAD", "DELETE"] {
        assert_eq!(ask(method, &token), 405, "{method}");
    }
    let hosts = ["example.com", "example.com:80", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.example.com"];
    let port = endpoint.address.port();
    for host in hosts.map(str::to_owned).into_iter().chain([format!("example.com:{port}"), format!("127.1:{port}")]) {
        let request = format!("GET /credentials HTTP/1.1\r\nHost: {host}\r\n{token}\r\n");
        assert_eq!(endpoint.ask(request).status, 421, "{host}");
    }
    assert_eq!(endpoint.ask(format!("GET /credentials HTTP/1.0\r\n{token}\r\n")).status, 421, "no Host");
    let two = format!("GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: x\r\n{token}\r\n");
    assert_eq!(endpoint.ask(two).status, 421, "two Hosts");
    let absolute = format!("GET http://example.com/credentials HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{token}\r\n");
    assert_eq!(endpoint.ask(absolute).status, 421, "another authority");
    let other_path = format!("GET / HTTP/1.1\r\nHost: LocalHost:{port}\r\n{token}\r\n");
    assert_eq!(endpoint.ask(other_path).status, 404);

    let run = stop(running);
    assert!(
        run.stderr.ends_with(
            "answered 1 requests; refused 10 for another host, 5 no GET, 1 for another path, 1 without the token, \
             5 with a wrong token\n"
        ),
        "{}",
        run.report()
    );
}

#[test]
fn every_endpoint_has_a_port_and_a_token_of_its_own() {
    let world = logged_in();
    let [(_one, one), (_other, other)] =
        [(); 2].map(|()| serve(world.command(["serve", "-p", "admin", "--format", "json"])));
    assert!(one.address.port() != other.address.port() && one.token != other.token && one.token.len() == 64);
    let mixed = Endpoint { token: other.token, ..one };
    assert_eq!(mixed.get().status, 401);
}

#[test]
fn it_stays_up_whatever_comes() {
    let world = logged_in();
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json"]));
    let alive = |after: &str| {
        let answer = endpoint.get();
        assert_eq!(answer.status, 200, "after {after}: {}", answer.body);
        // JavaScript's SDK waits for a second
        assert!(answer.took < Duration::from_secs(1), "after {after}: {:?}", answer.took);
    };

    // a port scan
    for _ in 0..500 {
        drop(endpoint.connect());
    }
    alive("a port scan");

    // 10 MB of headers, of one header, of a request line, of a body
    let mega = "x".repeat(10 << 20);
    let many =
        (0..200_000).map(|n| format!("X-Header-{n}: some value or other that is not short\r\n")).collect::<String>();
    for flood in [
        endpoint.head("GET", &many),
        endpoint.head("GET", &format!("X: {mega}\r\n")),
        format!("GET /{mega} HTTP/1.1\r\n\r\n"),
    ] {
        let answer = endpoint.ask(&flood);
        assert!([0, 400, 414, 431].contains(&answer.status), "{}", answer.status);
    }
    let body = format!("{}{mega}", endpoint.head("POST", "Content-Length: 10485760\r\n"));
    assert!([0, 405].contains(&endpoint.ask(body).status));
    alive("10 MB");

    // binary garbage, and the first bytes of TLS, HTTP/2 and SSH
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..200 {
        let garbage: Vec<u8> = (0..round * 7)
            .map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()[0]
            })
            .collect();
        let mut stream = endpoint.connect();
        let _ = stream.write_all(&garbage);
    }
    for hello in ["\x16\x03\x01\x02\0\x01\0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n", "\0\0\0\0\r\n\r\n"] {
        assert_ne!(endpoint.ask(hello).status, 200);
    }
    alive("garbage");

    let report = stop(running);
    assert!(report.stderr.contains("no HTTP or too large"), "{}", report.report());
}

#[test]
fn slow_clients_are_cut_off_and_stop_nobody() {
    let world = logged_in();
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json"]));
    // more than it holds, each with the beginning of a request
    let mut slow: Vec<TcpStream> = (0..400)
        .map(|_| {
            let mut stream = endpoint.connect();
            stream.write_all(b"GET /credentials HTTP/1.1\r\nHost: ").expect("it is taken");
            stream
        })
        .collect();
    let answer = endpoint.get();
    assert_eq!(answer.status, 200);
    assert!(answer.took < Duration::from_secs(1), "{:?}", answer.took);

    // a byte now and then does not keep a connection
    let started = Instant::now();
    let last = slow.last_mut().expect("there are some");
    last.set_read_timeout(Some(Duration::from_millis(300))).expect("a time limit");
    let mut byte = [0];
    loop {
        let _ = last.write_all(b"1");
        match last.read(&mut byte) {
            Ok(1) => {}
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            _ => break,
        }
        assert!(started.elapsed() < Duration::from_secs(8), "it is never cut off");
    }
    assert_eq!(endpoint.get().status, 200);
    let run = stop(running);
    assert!(run.stderr.contains(" too slow"), "{}", run.report());
}
