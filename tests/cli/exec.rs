//! `mfa-run -- COMMAND`: this process becomes the command.

use crate::support::World;
use rustix::process::Signal;

/// Logged in: every command below runs without a code.
fn world() -> World {
    let world = World::new();
    world.log_in("admin");
    world
}

#[test]
fn ends_as_the_command_ended() {
    let world = world();
    let run = |command: &[&str]| world.command(["-p", "admin", "--"]).args(command).run();
    run(&["sh", "-c", "exit 37"]).expect_code(37);
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]).signal(), Some(15));
    run(&["no-such-command"]).error(127).says(&["no-such-command cannot be run"]);
    world.write("not-executable", "#!/bin/sh\n");
    run(&["./not-executable"]).error(126).says(&["not-executable cannot be run"]);
    run(&["./.aws"]).error(126);
    run(&[]).expect_code(2);
    world.run(["-p", "admin", "true"]).expect_code(2);
}

#[test]
fn the_command_is_this_very_process() {
    let world = world();
    let mut running = world.command(["-p", "admin", "--", "sh", "-c", "echo $$; exec sleep 30"]).start();
    while !running.stdout().ends_with('\n') {
        assert!(running.is_running());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(running.stdout().trim(), running.id().to_string());
    running.kill();
    assert_eq!(running.wait().signal(), Some(Signal::KILL.as_raw()));
}

#[test]
fn arguments_and_stdin_reach_it_untouched() {
    let world = world();
    let odd = ["--", "-p", "--token-code", "", "a b", "$HOME", "'\"\\", "\n"];
    let run = world.command(["-p", "admin", "--", "printf", "[%s]"]).args(odd).run().success();
    assert_eq!(run.stdout, odd.map(|arg| format!("[{arg}]")).concat());
    assert_eq!(world.command(["-p", "admin", "--", "cat"]).stdin("typed\n").run().success().stdout, "typed\n");
}

#[test]
fn its_environment_has_the_session_and_nothing_that_wins_over_it() {
    let world = world();
    let mut command = world.command(["-p", "admin", "--", "env"]).may_print_secrets();
    let stale = [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SECURITY_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SESSION_EXPIRATION",
        "AWSUME_PROFILE",
        "AWS_VAULT",
        "MFA_RUN_PASSPHRASE",
        "MFA_RUN_PASSPHRASE_COMMAND",
    ];
    for name in stale {
        command = command.env(name, "stale");
    }
    let run = command.env("AWS_SESSION_TOKEN", "stale").env("KEPT", "1").run().success();
    assert!(
        !run.stdout.contains("stale"),
        "{}",
        run.stdout.lines().filter(|line| line.contains("stale")).collect::<String>()
    );
    let names: Vec<_> = run.stdout.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "KEPT"]
    {
        assert!(names.contains(&name), "{name}");
    }
    assert!(run.stdout.contains("MFA_RUN_PROFILE=admin\n"));
}

#[test]
fn inside_it_mfa_run_means_the_same_profile() {
    let world = world();
    let inner = "mfa-run -- sh -c 'echo $MFA_RUN_PROFILE'; mfa-run -p readonly -- sh -c 'echo $MFA_RUN_PROFILE'";
    let run = world.run(["-p", "admin", "--", "sh", "-c", inner]).success();
    assert_eq!(run.stdout, "admin\nreadonly\n");
    assert_eq!(world.codes_used(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn it_inherits_no_file_and_no_signal_of_ours() {
    let world = World::with_one_role();
    // cold: runtime, lock and connection were all there
    let script = "ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status; ulimit -c";
    let code = world.code();
    let ours = world.command(["-p", "admin", "--token-code", &code, "--", "sh", "-c", script]).run().success();
    let theirs = world.other("sh", ["-c", script]).run().success();
    assert_eq!(ours.stdout, theirs.stdout, "as without mfa-run");
    let ignored = world.other("sh", ["-c", "trap '' INT; mfa-run -p admin -- sh -c 'kill -INT $$; echo lives'"]).run();
    assert_eq!(ignored.success().stdout, "lives\n");
    let yes = world.other("bash", ["-c", "mfa-run -p admin -- yes | head -1; echo ${PIPESTATUS[0]}"]).run();
    assert_eq!(yes.success().stdout, "y\n141\n", "SIGPIPE ends it");
}

#[test]
fn little_time_left_is_said_before_it_starts() {
    let world = world();
    world.aws.limit_sessions(Some(200));
    let run = world.run(["-p", "admin", "--", "echo", "begun"]).success();
    assert!(
        run.stderr.starts_with("warning: the session ends in 3 min; with --serve it is renewed\n"),
        "{}",
        run.report()
    );
    assert_eq!(run.stdout, "begun\n");
    assert_eq!(world.run(["-p", "admin", "--min-ttl", "60", "--", "true"]).success().stderr, "");

    world.aws.limit_sessions(None);
    let run = world.run(["-p", "admin", "--min-ttl", "2h", "--", "true"]).success();
    assert!(run.stderr.starts_with("warning: the session ends in 59 min"), "{}", run.report());
    assert_eq!(world.run(["-p", "admin", "--", "true"]).success().stderr, "");
}
