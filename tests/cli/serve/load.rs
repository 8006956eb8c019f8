//! Fifty clients, a thousand requests a second: none fails, and memory stays where it is. The bench has the times.

use super::{Endpoint, logged_in, serve, stop};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: u32 = 50;
/// Each client's; together a thousand a second.
const EVERY: Duration = Duration::from_millis(50);
const ROUND: Duration = Duration::from_secs(2);

#[test]
fn fifty_clients_are_served_and_memory_is_flat() {
    let world = logged_in();
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json"]));
    let first = round(&endpoint);
    let warm = resident(running.id());
    let second = round(&endpoint);
    let grown = resident(running.id()).saturating_sub(warm);
    assert!(grown < 1_024, "{grown} kB more after {second} requests");
    let run = stop(running);
    assert!(run.stderr.ends_with(&format!("answered {} requests\n", first + second)), "{}", run.report());
    assert_eq!(world.aws.calls("AssumeRole").len(), 1);
}

/// Requests that were answered; the others fail the test.
fn round(endpoint: &Endpoint) -> u32 {
    let answered = AtomicU32::new(0);
    let until = Instant::now() + ROUND;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let answered = &answered;
            scope.spawn(move || {
                std::thread::sleep(EVERY * client / CLIENTS);
                while Instant::now() < until {
                    let started = Instant::now();
                    endpoint.get().access_key_id();
                    answered.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(EVERY.saturating_sub(started.elapsed()));
                }
            });
        }
    });
    answered.into_inner()
}

/// kB
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
