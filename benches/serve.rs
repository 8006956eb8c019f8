//! The endpoint of `serve` under load: fifty clients, a thousand requests a second at first, then as fast as they can. It
//! prints; that no request fails is held by `tests/cli/serve/load.rs` too.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::Bench;

const CLIENTS: u32 = 50;
const ROUND: Duration = Duration::from_secs(5);

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let bench = Bench::new();
    let (store, config) = (("MFA_RUN_KEYCHAIN", "file"), bench.config("3"));
    bench.log_in(store, "3");
    let arguments = ["serve", "-p", "admin", "--format", "json"];
    let mut command = bench.command(&support::program(), &arguments, &[store, ("AWS_CONFIG_FILE", &config)]);
    let mut serving = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(serving.stdout.take().expect("a pipe")).read_line(&mut line).expect("what to export");
    let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let text = |name: &str| object[name].as_str().expect(name).to_owned();
    let uri = text("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let host = uri.trim_start_matches("http://").trim_end_matches("/credentials").to_owned();
    let token = text("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let request = format!("GET /credentials HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n");

    println!(
        "{:<32} {:>9} {:>7} {:>9} {:>9} {:>9} {:>8}",
        "", "a second", "failed", "median ms", "p99 ms", "max ms", "RSS MB"
    );
    for (name, every) in [("warming up", 50), ("50 clients, 1,000 a second", 50), ("50 clients, without a pause", 0)] {
        let started = Instant::now();
        let (mut times, failed) = round(&host, &request, Duration::from_millis(every));
        times.sort();
        let rate = times.len() as f64 / started.elapsed().as_secs_f64();
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
        let resident = resident(serving.id()) as f64 / 1024.0;
        println!("{name:<32} {rate:>9.0} {failed:>7} {:>9.2} {:>9.2} {:>9.2} {resident:>8.1}", at(50), at(99), at(100));
    }
    let _ = serving.kill();
    let _ = serving.wait();
}

/// How long each answer took, and how many there were none of.
fn round(host: &str, request: &str, every: Duration) -> (Vec<Duration>, usize) {
    let until = Instant::now() + ROUND;
    let client = |number: u32| {
        let (mut times, mut failed) = (Vec::new(), 0);
        std::thread::sleep(every * number / CLIENTS);
        while Instant::now() < until {
            let started = Instant::now();
            match ask(host, request) {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => times.push(started.elapsed()),
                _ => failed += 1,
            }
            std::thread::sleep(every.saturating_sub(started.elapsed()));
        }
        (times, failed)
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        clients.into_iter().fold((Vec::new(), 0), |(mut times, failed), client| {
            let (more, more_failed) = client.join().expect("a client");
            times.extend(more);
            (times, failed + more_failed)
        })
    })
}

fn ask(host: &str, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(host)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// kB
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
