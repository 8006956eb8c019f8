//! Called as `aws-mfa`: what aws-mfa 0.0.12 prints and writes on the same file, compared.

use super::{aws_mfa_file, aws_mfa_world, credentials, form, ours, peer, section};
use crate::support::World;
use std::time::{Duration, Instant};

/// The lines of a log, with numbers and times replaced.
fn lines(stdout: &str) -> Vec<String> {
    let log = stdout.replace("):", "):\n");
    let log = log.lines().filter(|line| !line.trim().is_empty());
    let digits = |line: &str| {
        let mut shown = String::new();
        for c in line.chars() {
            let c = if c.is_ascii_digit() { '9' } else { c };
            // 1234.5 and 1234.567 are both seconds
            if !(c == '9' && shown.ends_with(".9")) {
                shown.push(c);
            }
        }
        shown.replace("9999999999.9", "99999.9")
    };
    log.map(digits).collect()
}

/// Arguments, the credentials file, variables, and the section to compare.
type Case<'a> = (&'a [&'a str], &'a dyn Fn(&World) -> String, &'a [(&'a str, &'a str)], &'a str);

/// Both programs with the same arguments on the same file, a code on stdin. Returns both outputs and files.
fn both(args: &[&str], file: &dyn Fn(&World) -> String, vars: &[(&str, &str)]) -> Option<[(String, String); 2]> {
    let peer = peer("aws-mfa")?;
    Some([true, false].map(|theirs| {
        let world = aws_mfa_world();
        world.write_credentials(&file(&world));
        let mut args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        for arg in &mut args {
            *arg = arg.replace("ROLE", &world.aws.role_arn("admin")).replace("DEVICE", &world.alice.mfa_serial);
        }
        let mut command = match theirs {
            true => world.tool(&peer, &args).may_print_secrets(),
            false => ours(&world, "aws-mfa", args.iter().map(String::as_str)),
        };
        command = command.env("AWS_DEFAULT_REGION", "us-east-1").stdin(format!("{}\n", world.code()));
        for (name, value) in vars {
            command = command.env(name, value.replace("ROLE", &world.aws.role_arn("admin")));
        }
        let run = command.run();
        let text = credentials(&world);
        let account = world.aws.account();
        (
            format!("{}exit {}", run.stdout.replace(&account, "ACCOUNT"), run.code().unwrap()),
            text.replace(&account, "ACCOUNT"),
        )
    }))
}

fn usual(world: &World) -> String {
    aws_mfa_file(world)
}

#[test]
fn the_same_log_and_the_same_section() {
    let with_role = |world: &World| {
        usual(world)
            .replace("aws_mfa_device", &format!("assume_role = {}\naws_mfa_device", world.aws.role_arn("admin")))
    };
    let dated = |world: &World, days: i64| {
        let at =
            chrono::DateTime::from_timestamp(world.aws.now() + days * 86_400, 0).unwrap().format("%Y-%m-%d %H:%M:%S");
        format!(
            "{}assumed_role = False\naws_access_key_id = ASIA1\naws_secret_access_key = x\naws_session_token = y\naws_security_token = y\nexpiration = {at}\n",
            usual(world)
        )
    };
    let expired = |world: &World| dated(world, -1);
    let valid = |world: &World| dated(world, 1);
    let no_device = |world: &World| usual(world).replace("aws_mfa_device", "x");
    let none: &[(&str, &str)] = &[];
    let cases: &[Case<'_>] = &[
        (&[], &usual, none, "default"),
        (&["--assume-role", "ROLE", "--role-session-name", "me"], &usual, none, "default"),
        (&[], &with_role, &[("USER", "me")], "default"),
        (&["--short-suffix", "s", "--duration", "1800"], &usual, none, "default-s"),
        (&["--profile", "other", "--long-term-suffix", "none", "--short-term-suffix", "x"], &usual, none, "other-x"),
        (&["--long-suffix", "a", "--short-suffix", "a"], &usual, none, "default"),
        (
            &["--device", "DEVICE", "--assume", "ROLE"],
            &no_device,
            &[("MFA_STS_DURATION", "900"), ("USER", "me")],
            "default",
        ),
        (&[], &no_device, none, "default"),
        (&[], &usual, &[("MFA_ASSUME_ROLE", "ROLE"), ("USER", "me")], "default"),
        (&[], &expired, none, "default"),
        (&[], &valid, none, "default"),
        (&["--force"], &valid, none, "default"),
        (&["--assume-role", "ROLE", "--log-level", "ERROR"], &valid, &[("USER", "me")], "default"),
    ];
    for (args, file, vars, name) in cases {
        let Some([(log, theirs), (our_log, ours)]) = both(args, file, vars) else { return };
        assert_eq!(ordered(&our_log), ordered(&log), "{args:?} {vars:?}");
        assert_eq!(form(&ours, name), form(&theirs, name), "{args:?} {vars:?}");
        // aws-mfa 0.0.12 loses comments
        assert!(ours.contains("# the keys\n") && ours.contains("; mine\n"), "{args:?}");
    }
}

/// aws-mfa asks, then says what it does; ours says it, and asks only where the keychain has nothing.
fn ordered(log: &str) -> Vec<String> {
    let mut lines = lines(log);
    lines.sort();
    lines
}

#[test]
fn a_cached_session_serves_and_force_does_not_take_it() {
    let world = aws_mfa_world();
    world.run(["login", "-p", "default", "--token-code", &world.code()]).success();
    let run = ours(&world, "aws-mfa", []).run().success();
    assert!(
        run.stdout.contains("INFO - Success! Your credentials will expire in 43200 seconds at: "),
        "{}",
        run.report()
    );
    assert_eq!(world.codes_used(), 1);
    assert_eq!(section(&credentials(&world), "default")["mfa_run_profile"], "default");
    let run = ours(&world, "aws-mfa", []).run().success();
    assert!(run.stdout.contains("INFO - Your credentials are still valid for 4"), "{}", run.report());
    ours(&world, "aws-mfa", ["--force", "--token", &world.code()]).run().success();
    credentials(&world);
    assert_eq!(world.codes_used(), 2);
    world.run(["logout"]).success();
    assert_eq!(world.read(".aws/credentials"), aws_mfa_file(&world));
}

#[test]
fn a_long_lived_key_is_not_overwritten_and_errors_are_one_line() {
    let world = aws_mfa_world();
    let text = format!("{}aws_access_key_id = AKIAOTHER\naws_secret_access_key = other-secret\n", aws_mfa_file(&world));
    world.write_credentials(&text);
    for args in [&["--token", "123456"][..], &["--force", "--token", "123456"]] {
        let run = ours(&world, "aws-mfa", args.iter().copied()).run().expect_code(1);
        assert!(
            run.stdout.contains("ERROR - [default] of the credentials file holds a long-lived access key"),
            "{}",
            run.report()
        );
    }
    assert_eq!((world.read(".aws/credentials"), world.calls()), (text, String::new()));

    world.write_credentials(&aws_mfa_file(&world));
    let run = ours(&world, "aws-mfa", []).stdin("12345\n").run().expect_code(1);
    assert!(run.stdout.ends_with("ERROR - Token must be six digits\n"), "{}", run.report());
    let wrong = world.aws.wrong_code(&world.alice.mfa_serial);
    let run = ours(&world, "aws-mfa", []).stdin(format!("{wrong}\n")).run().expect_code(1);
    assert!(run.stdout.contains("ERROR - An error occured while calling assume role: "), "{}", run.report());
    ours(&world, "aws-mfa", ["--log-level", "LOUD"]).run().expect_code(2);
}

#[test]
fn setup_asks_for_a_key_and_does_not_show_it() {
    let world = aws_mfa_world();
    let mut pty = ours(&world, "aws-mfa", ["--setup"]).all_on_terminal();
    pty.expect("Profile name to [default]").send_line("fresh");
    for (prompt, typed) in [("aws_access_key_id", "AKIAFRESH"), ("aws_secret_access_key", "typed-secret")] {
        pty.expect(prompt);
        // the echo goes off just after the prompt is shown; no person is that fast
        let until = Instant::now() + Duration::from_secs(20);
        while !pty.stty().contains("-echo ") {
            assert!(Instant::now() < until, "the echo stays on: {}", pty.stty());
            std::thread::sleep(Duration::from_millis(10));
        }
        pty.send_line(typed);
    }
    let run = pty.wait().success();
    assert!(!run.screen.contains("typed-secret") && !run.screen.contains("AKIAFRESH"), "{}", run.report());
    let written = section(&world.read(".aws/credentials"), "fresh-long-term");
    assert_eq!(
        (written["aws_access_key_id"].as_str(), written["aws_secret_access_key"].as_str()),
        ("AKIAFRESH", "typed-secret")
    );
}
