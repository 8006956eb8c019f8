//! Renewed without a code as long as there is a shared MFA session; with one, asked for in good time, after it.

use super::{Endpoint, logged_in, serve, stop};
use crate::support::{Pty, World};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Asks again and again until the answer does, for at most this long.
#[track_caller]
fn wait_for(endpoint: &Endpoint, status: u16) -> super::Answer {
    let until = Instant::now() + Duration::from_secs(15);
    loop {
        let answer = endpoint.get();
        if answer.status == status {
            return answer;
        }
        assert!(Instant::now() < until, "{}, not {status}: {}", answer.status, answer.body);
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn serve_on_terminal(world: &World, code: &str) -> (Pty, Endpoint) {
    let mut terminal = world
        .command(["serve", "-p", "admin", "--format", "json", "--token-code", code])
        .may_print_secrets()
        .on_terminal();
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(endpoint) = Endpoint::parse(&terminal.stdout()) {
            return (terminal, endpoint);
        }
        assert!(Instant::now() < until, "it does not serve: {}", terminal.screen());
        assert!(!terminal.shows_within("error", Duration::from_millis(10)));
    }
}

#[test]
fn no_request_sees_the_end_of_a_session() {
    let world = logged_in();
    world.aws.limit_sessions(Some(4));
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json", "--no-prompt"]));
    let started = Instant::now();
    let mut sessions = BTreeSet::new();
    while started.elapsed() < Duration::from_secs(10) {
        let id = endpoint.get().access_key_id();
        let now = fake_now(&world);
        let expiration = world.aws.session_expiration(&id).expect("a session of the stand-in");
        assert!(expiration > now, "handed out at {now}, and it ended at {expiration}");
        sessions.insert(id);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!((3..=8).contains(&sessions.len()), "{} sessions of four seconds in ten", sessions.len());
    assert_eq!(world.aws.calls("AssumeRole").len(), sessions.len(), "each is made once: {}", world.calls());
    assert_eq!(world.codes_used(), 1);
    stop(running);
}

fn fake_now(world: &World) -> String {
    chrono::DateTime::from_timestamp(world.aws.now(), 0).expect("a time").format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[test]
fn a_hundred_at_once_make_one_session() {
    let world = logged_in();
    world.aws.limit_sessions(Some(2));
    let (_running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json", "--no-prompt"]));
    std::thread::sleep(Duration::from_millis(2_500));
    world.aws.limit_sessions(None);
    let before = world.aws.calls("AssumeRole").len();
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| wait_for(&endpoint, 200));
        }
    });
    assert_eq!(world.aws.calls("AssumeRole").len(), before + 1);
}

#[test]
fn while_a_person_is_asked_requests_are_answered_at_once() {
    let world = World::with_one_role();
    world.aws.limit_sessions(Some(8));
    let (mut terminal, endpoint) = serve_on_terminal(&world, &world.code());
    let first = endpoint.get().access_key_id();

    // some seconds before the end the person is asked, and requests get what there is
    while !terminal.shows_within(&world.prompt("admin"), Duration::from_millis(50)) {
        assert_eq!(endpoint.get().access_key_id(), first);
    }
    assert_eq!(endpoint.get().access_key_id(), first);
    let needed = wait_for(&endpoint, 403);
    assert_eq!(needed.code(), "MfaCodeNeeded");
    assert!(needed.body.contains("answer it there"), "{}", needed.body);
    assert!(endpoint.get().took < Duration::from_millis(500), "nobody waits for a person");

    world.aws.limit_sessions(None);
    terminal.send_line(&world.code());
    assert_ne!(wait_for(&endpoint, 200).access_key_id(), first);
    assert_eq!(terminal.screen().matches(&world.prompt("admin")).count(), 1, "{}", terminal.screen());
    terminal.interrupt();
    terminal.wait().success();
    assert_eq!(world.codes_used(), 2);
}

#[test]
fn who_cancels_is_left_in_peace() {
    let world = World::with_one_role();
    world.aws.limit_sessions(Some(4));
    let (mut terminal, endpoint) = serve_on_terminal(&world, &world.code());
    while !terminal.shows_within(&world.prompt("admin"), Duration::from_millis(50)) {
        endpoint.get();
    }
    terminal.end_of_file();
    wait_for(&endpoint, 403);
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(endpoint.get().status, 403);
    assert!(!terminal.shows_within(&world.prompt("admin"), Duration::from_millis(500)), "{}", terminal.screen());
}

#[test]
fn with_nobody_to_ask_a_login_elsewhere_is_found() {
    let world = World::with_one_role();
    world.aws.limit_sessions(Some(2));
    let code = world.code();
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json", "--token-code", &code]));
    std::thread::sleep(Duration::from_millis(2_100));
    let needed = wait_for(&endpoint, 403);
    assert_eq!(needed.code(), "MfaCodeNeeded");
    assert!(needed.body.contains("mfa-run login -p admin"), "{}", needed.body);
    assert!(endpoint.get().took < Duration::from_millis(500), "known already");

    world.aws.limit_sessions(None);
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    wait_for(&endpoint, 200);
    stop(running);
}

#[test]
fn trouble_at_aws_is_told_and_passes() {
    let world = logged_in();
    world.aws.limit_sessions(Some(2));
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json"]));
    world.aws.fail("AssumeRole", fake_aws::FaultKind::Http503, 50);
    std::thread::sleep(Duration::from_millis(2_100));
    let trouble = wait_for(&endpoint, 503);
    assert_eq!(trouble.code(), "SessionNotRenewed");
    world.aws.clear_faults();
    wait_for(&endpoint, 200);
    stop(running);
}

#[test]
fn with_nobody_to_ask_what_there_is_has_to_do() {
    let world = World::with_one_role();
    world.aws.limit_sessions(Some(600));
    let code = world.code();
    world.command(["credential-process", "-p", "admin", "--token-code", &code]).may_print_secrets().run().success();
    let (running, endpoint) = serve(world.command(["serve", "-p", "admin", "--format", "json"]));
    assert_eq!(endpoint.get().status, 200);
    stop(running);
    world.run(["serve", "-p", "admin", "--min-ttl", "15m"]).expect_code(3);

    // somebody is there: ten minutes are not much to begin with
    let mut terminal = world.command(["serve", "-p", "admin"]).may_print_secrets().on_terminal();
    terminal.expect(&world.prompt("admin"));
}
