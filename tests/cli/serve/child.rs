//! The command behind `--serve`: signals, terminal and end are as if it ran alone.

use super::{Endpoint, logged_in};
use crate::support::{Command, World};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::time::{Duration, Instant};

const MOMENT: Duration = Duration::from_secs(5);

fn behind(world: &World, script: &str) -> Command {
    world.command(["--serve", "-p", "admin", "--", "sh", "-c", script])
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.try_into().expect("a pid")).expect("a pid")
}

/// Waits until the command said it.
fn said(stdout: impl Fn() -> String, word: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while !stdout().contains(word) {
        assert!(Instant::now() < until, "it does not say {word}: {}", stdout());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn its_end_is_our_end() {
    let world = logged_in();
    for code in [0, 1, 37, 255] {
        behind(&world, &format!("exit {code}")).run().expect_code(code);
    }
    for signal in [1, 2, 9, 15] {
        let run = behind(&world, &format!("kill -{signal} $$")).run();
        assert_eq!(run.signal(), Some(signal), "{}", run.report());
    }
    let run = world.run(["--serve", "-p", "admin", "--", "no-such-program"]).expect_code(127);
    assert!(run.stderr.starts_with("error: no-such-program cannot be run"), "{}", run.report());
    world.run(["--serve", "-p", "admin", "--", "/"]).expect_code(126);
}

#[test]
fn it_has_streams_arguments_and_an_endpoint_but_no_keys() {
    let world = logged_in();
    let script = "cat; echo \"$1\" >&2; env";
    let run = world
        .command(["--serve", "-p", "admin", "--", "sh", "-c", script, "sh", "two  words"])
        .env("AWS_ACCESS_KEY_ID", "AKIAOLD")
        .env("AWS_SECRET_ACCESS_KEY", "old")
        .env("AWS_PROFILE", "readonly")
        .env("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")
        .env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")
        .env("MFA_RUN_PASSPHRASE", "planted")
        .stdin("typed\n")
        .run()
        .success();
    assert_eq!(run.stderr, "two  words\n");
    let variables: Vec<_> = run.stdout.lines().collect();
    assert_eq!(variables[0], "typed");
    assert!(variables.contains(&"MFA_RUN_PROFILE=admin") && !run.stdout.contains("planted"), "{}", run.report());
    let mut aws: Vec<_> = variables.iter().filter_map(|line| line.strip_prefix("AWS_")?.split('=').next()).collect();
    aws.sort_unstable();
    let expected = [
        "CONTAINER_AUTHORIZATION_TOKEN",
        "CONTAINER_CREDENTIALS_FULL_URI",
        "DEFAULT_REGION",
        "EC2_METADATA_DISABLED",
        "ENDPOINT_URL_IAM",
        "ENDPOINT_URL_STS",
        "REGION",
    ];
    assert_eq!(aws, expected);
}

#[test]
fn what_is_sent_to_us_reaches_it() {
    let world = logged_in();
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
    ] {
        let script = format!("trap 'echo got {name}; exit 3' {name}; echo ready; while :; do sleep 0.05; done");
        let running = behind(&world, &script).start();
        said(|| running.stdout(), "ready");
        kill_process(pid(running.id()), signal).expect("it runs");
        let run = running.wait().expect_code(3);
        assert_eq!(run.stdout, format!("ready\ngot {name}\n"));
    }
}

#[test]
fn ctrl_c_reaches_it_once() {
    let world = logged_in();
    let script =
        "trap 'n=$((n+1)); echo interrupt $n' INT; echo ready; while :; do sleep 0.05; test \"$n\" = 2 && exit 5; done";
    let mut terminal = behind(&world, script).all_on_terminal();
    terminal.expect("ready").interrupt().expect("interrupt 1");
    assert!(!terminal.shows_within("interrupt 2", Duration::from_millis(500)), "{}", terminal.screen());
    terminal.interrupt().expect("interrupt 2");
    terminal.wait().expect_code(5);

    let mut terminal = behind(&world, "echo ready; exec sleep 30").all_on_terminal();
    terminal.expect("ready").interrupt();
    assert_eq!(terminal.wait().signal(), Some(2));

    let script = "for i in 1 2 3; do mfa-run --serve -p admin -- sleep 30; echo round $i; done";
    let mut terminal = world.shell_on_terminal("bash", &format!("echo ready; {script}"));
    terminal.expect("ready");
    std::thread::sleep(Duration::from_millis(700));
    terminal.interrupt();
    let run = terminal.wait();
    assert!(run.signal() == Some(2) && !run.screen.contains("round"), "a loop ends: {}", run.report());
}

#[test]
fn ctrl_z_and_fg_stop_and_continue_both() {
    let world = logged_in();
    let mut terminal = world.shell_on_terminal("bash", "");
    terminal.send_line("PS1='> '; echo rea''dy").expect("ready\r\n").expect("> ");
    terminal.send_line("mfa-run --serve -p admin -- sh -c 'echo beg''un; read line; echo \"got $line\"; exit 6'");
    terminal.expect("begun\r\n");
    for _ in 0..3 {
        terminal.suspend().expect("Stopped").expect("> ");
        terminal.send_line("fg").expect("mfa-run --serve");
        std::thread::sleep(Duration::from_millis(200));
        assert!(!terminal.shows_within("Stopped", Duration::from_millis(200)), "{}", terminal.screen());
    }
    terminal.send_line("hello").expect("got hello\r\n");
    terminal.send_line("echo \"code $?\"").expect("code 6\r\n");
}

#[test]
fn a_command_that_stops_itself_stops_us() {
    let world = logged_in();
    let mut terminal = behind(&world, "echo ready; kill -STOP $$; echo resumed; exit 4").all_on_terminal();
    terminal.expect("ready");
    assert!(terminal.stops_within(MOMENT), "the shell has to know");
    terminal.kill(Signal::CONT);
    terminal.expect("resumed");
    terminal.wait().expect_code(4);
}

#[test]
fn ctrl_z_is_its_to_ignore() {
    let world = logged_in();
    let script = "trap '' TSTP; echo ready; while :; do sleep 0.05; test -e done && exit 7; done";
    let mut terminal = behind(&world, script).all_on_terminal();
    terminal.expect("ready").suspend();
    assert!(!terminal.stops_within(Duration::from_millis(300)));
    world.write("done", "");
    terminal.wait().expect_code(7);
}

#[test]
fn a_new_window_size_reaches_it() {
    let world = logged_in();
    let script = "trap 'stty size; exit 0' WINCH; stty size; while :; do sleep 0.05; done";
    let mut terminal = behind(&world, script).all_on_terminal();
    terminal.expect("50 200");
    terminal.resize(40, 100);
    terminal.expect("40 100");
    terminal.wait().success();
}

#[test]
fn it_reads_the_terminal_and_leaves_it_as_it_found_it() {
    let world = logged_in();
    let mut terminal = behind(&world, "read line </dev/tty; echo \"got $line\"").all_on_terminal();
    let before = terminal.stty();
    terminal.send_line("hello").expect("got hello");
    terminal.wait().success();
    assert_eq!(terminal.stty(), before);
}

#[test]
fn nothing_is_left_behind() {
    let world = logged_in();
    let script = "echo \"{\\\"AWS_CONTAINER_CREDENTIALS_FULL_URI\\\":\\\"$AWS_CONTAINER_CREDENTIALS_FULL_URI\\\",\
                  \\\"AWS_CONTAINER_AUTHORIZATION_TOKEN\\\":\\\"$AWS_CONTAINER_AUTHORIZATION_TOKEN\\\"}\"; exec sleep 60";
    let endpoint_of = |stdout: &str| Endpoint::parse(stdout).expect("an endpoint");

    // ended by a service manager
    let running = behind(&world, script).start();
    said(|| running.stdout(), "}");
    let endpoint = endpoint_of(&running.stdout());
    assert_eq!(endpoint.get().status, 200);
    kill_process(pid(running.id()), Signal::TERM).expect("it runs");
    assert_eq!(running.wait().signal(), Some(15), "its output is closed: the command is gone");
    assert!(!endpoint.is_up());

    // the window closed
    let mut terminal = behind(&world, script).on_terminal();
    said(|| terminal.stdout(), "}");
    let endpoint = endpoint_of(&terminal.stdout());
    assert!(terminal.hang_up(MOMENT), "something holds its output");
    assert!(!endpoint.is_up());

    // what the command left running is its own affair; the endpoint goes all the same
    let running = behind(&world, &script.replace("exec sleep 60", "sleep 1 & exit 0")).start();
    said(|| running.stdout(), "}");
    let endpoint = endpoint_of(&running.stdout());
    running.wait().success();
    assert!(!endpoint.is_up());
}

#[test]
fn nohup_is_its_affair_too() {
    let world = logged_in();
    let line =
        "nohup mfa-run --serve -p admin -- sh -c 'echo ready; while test ! -e done; do sleep 0.05; done; exit 8'";
    let running = world.other("sh", ["-c", &format!("exec {line}")]).start();
    said(|| running.stdout(), "ready");
    kill_process_group(pid(running.id()), Signal::HUP).expect("it runs");
    std::thread::sleep(Duration::from_millis(200));
    world.write("done", "");
    running.wait().expect_code(8);
}

#[test]
fn the_first_prompt_is_before_the_command() {
    let world = World::with_one_role();
    let mut terminal = behind(&world, "echo begun").all_on_terminal();
    terminal.expect(&world.prompt("admin"));
    assert!(!terminal.screen().contains("begun"));
    terminal.send_line(&world.code()).expect("begun");
    terminal.wait().success();

    let world = World::with_one_role();
    let mut terminal = behind(&world, "echo begun").all_on_terminal();
    terminal.expect(&world.prompt("admin")).interrupt();
    let run = terminal.wait();
    assert!(run.signal() == Some(2) && !run.screen.contains("begun"), "{}", run.report());
}
