//! The way to STS: TLS, proxies, endpoints, and how often a connection is opened.

use crate::support::World;
use fake_aws::Options;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(unix)]
use std::time::Duration;

fn with_tls() -> World {
    let mut world = World::bare(Options { tls: true, ..Options::default() });
    world.write_config(&world.role_profile("admin"));
    world.write_credentials(&world.access_key("base"));
    world.write("ca.pem", world.aws.ca_pem());
    let endpoint = world.aws.tls_endpoint();
    world.set("AWS_ENDPOINT_URL_STS", endpoint);
    world
}

fn log_in(world: &World) -> crate::support::Command {
    world.command(["login", "-p", "admin", "--token-code", &world.code()])
}

#[test]
fn a_ca_bundle_is_trusted_alone() {
    let world = with_tls();
    log_in(&world).run().error(1).says(&["no connection to https://127.0.0.1", "caused by: "]);
    assert_eq!(world.codes_used(), 0);
    log_in(&world).env("AWS_CA_BUNDLE", world.home().join("ca.pem")).run().success();
    world.run(["logout", "--all"]).success();
    let bundle = world.home().join("ca.pem");
    world.write_config(&format!("{}ca_bundle = {}\n", world.role_profile("admin"), bundle.display()));
    log_in(&world).run().success();
}

#[test]
fn a_bundle_that_is_none_is_an_error() {
    let world = with_tls();
    world.write("bad.pem", "-----BEGIN CERTIFICATE-----\nbm90IGE gY2VydA==\n-----END CERTIFICATE-----\n");
    world.write("junk.pem", "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydA==\n-----END CERTIFICATE-----\n");
    world.write("empty.pem", "");
    for name in ["bad.pem", "junk.pem", "empty.pem", "gone.pem"] {
        let run = log_in(&world).env("AWS_CA_BUNDLE", world.home().join(name)).run();
        let run = run.error(2).says(&["the CA bundle", name, "hint: check AWS_CA_BUNDLE"]);
        assert!(!run.stderr.contains("panicked"), "{}", run.report());
    }
    assert_eq!(world.calls(), "");
}

/// A forward proxy on loopback for CONNECT and for absolute URLs; how many requests it has seen.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, seen) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&seen);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || forward(client, &counter));
        }
    });
    (url, seen)
}

fn forward(mut client: TcpStream, seen: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    seen.fetch_add(1, Ordering::Relaxed);
    let target = head.split(' ').nth(1)?;
    let host = target.trim_start_matches("http://").split('/').next()?.to_owned();
    let mut server = TcpStream::connect(&host).ok()?;
    if head.starts_with("CONNECT") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    } else {
        server.write_all(head.replacen(&format!("http://{host}"), "", 1).as_bytes()).ok()?;
    }
    let (mut from, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let _ = std::io::copy(&mut reader, &mut server);
    Some(())
}

#[test]
fn proxies_are_used_and_spared() {
    let (url, seen) = proxy();
    let world = with_tls();
    let tls = |world: &World| log_in(world).env("AWS_CA_BUNDLE", world.home().join("ca.pem")).arg("--refresh");
    tls(&world).env("HTTPS_PROXY", &url).run().success();
    assert_eq!(seen.load(Ordering::Relaxed), 1, "CONNECT");
    tls(&world).env("HTTPS_PROXY", &url).env("NO_PROXY", "127.0.0.1").run().success();
    assert_eq!(seen.load(Ordering::Relaxed), 1, "NO_PROXY");
    let world = World::with_one_role();
    log_in(&world).env("HTTP_PROXY", &url).run().success();
    assert_eq!(seen.load(Ordering::Relaxed), 2, "a plain endpoint through HTTP_PROXY");
    log_in(&world).arg("--refresh").env("HTTP_PROXY", "http://127.0.0.1:1").run().error(1).says(&["HTTPS_PROXY"]);
}

#[test]
fn an_endpoint_is_taken_from_where_the_sdks_take_it() {
    let mut world = World::with_one_role();
    world.unset("AWS_ENDPOINT_URL_STS");
    let (endpoint, profile) = (world.aws.endpoint(), world.role_profile("admin"));
    log_in(&world).env("AWS_ENDPOINT_URL", &endpoint).run().success();
    world.write_config(&format!("{profile}endpoint_url = {endpoint}\n"));
    log_in(&world).arg("--refresh").run().success();
    world.write_config(&format!("{profile}services = local\n[services local]\nsts =\n  endpoint_url = {endpoint}\n"));
    log_in(&world).arg("--refresh").run().success();
    assert_eq!(world.codes_used(), 3);
}

#[cfg(unix)]
#[test]
fn a_refused_connection_ends_soon_and_the_next_try_works() {
    let world = World::with_one_role();
    let mut terminal = world.process("admin").env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").on_terminal();
    terminal.expect(&world.prompt("admin")).send_line(&world.code());
    let run = terminal.wait().error(1).says(&["no connection to http://127.0.0.1:1", "hint: check the endpoint"]);
    assert!(run.elapsed < Duration::from_secs(4), "{:?}", run.elapsed);
    world.process("admin").args(["--token-code", &world.code()]).run().success();
}

#[cfg(unix)]
#[test]
fn a_typed_code_is_answered_in_one_round_trip_on_the_open_connection() {
    for login in [false, true] {
        let world = World::with_one_role();
        let args = if login { ["login", "-p", "admin"] } else { ["credential-process", "-p", "admin"] };
        let mut terminal = world.command(args).may_print_secrets().on_terminal();
        terminal.expect(&world.prompt("admin"));
        while world.calls().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50));
        terminal.send_line(&world.code());
        terminal.wait().success();
        let log = world.aws.log();
        assert_eq!((log.len(), world.aws.connections()), (2, 1), "{}", world.calls());
    }
}
