//! When a cached session serves and when a new one is made. `session::cache` has the table of the rules.

use crate::support::World;

/// The session the profile gets, by its expiration and key.
fn session(world: &World, profile: &str, args: &[&str]) -> String {
    world.process(profile).args(args).run().success().stdout
}

#[test]
fn what_costs_no_code_is_renewed_at_fifteen_minutes() {
    for (seconds, renewed) in [(14 * 60, true), (17 * 60, false)] {
        let world = World::new();
        world.log_in("admin");
        world.aws.limit_sessions(Some(seconds));
        let first = session(&world, "admin", &[]);
        assert_eq!(session(&world, "admin", &[]) != first, renewed, "{seconds}");
        let before = world.calls();
        world.run(["-p", "admin", "--", "true"]).success();
        assert_eq!(world.calls() != before, renewed, "{seconds}");
    }
}

#[cfg(unix)]
#[test]
fn what_costs_a_code_is_kept_to_five_minutes() {
    for (seconds, asked) in [(4 * 60, true), (6 * 60, false)] {
        let world = World::with_one_role();
        world.aws.limit_sessions(Some(seconds));
        let args = ["--token-code", &world.code()];
        let first = session(&world, "admin", &args);
        let mut terminal = world.process("admin").on_terminal();
        if asked {
            terminal.expect(&world.prompt("admin")).send_line(&world.code());
        }
        assert_eq!(terminal.wait().success().stdout != first, asked);
        assert_eq!(world.codes_used(), 1 + usize::from(asked));
    }
}

#[test]
fn with_nobody_to_ask_what_is_left_serves() {
    let world = World::with_one_role();
    world.aws.limit_sessions(Some(120));
    let first = session(&world, "admin", &["--token-code", &world.code()]);
    let run = world.process("admin").run().success();
    assert_eq!((run.stdout, run.stderr.as_str()), (first, ""));
    world.run(["-p", "admin", "--no-prompt", "--", "true"]).success();
    world.process("admin").args(["--min-ttl", "3m"]).run().error(3);
    world.process("admin").arg("--refresh").run().error(3);
}

#[test]
fn min_ttl_is_the_least_that_serves() {
    let world = World::new();
    world.log_in("admin");
    let first = session(&world, "admin", &[]);
    assert_eq!(session(&world, "admin", &["--min-ttl", "59m"]), first);
    assert_ne!(session(&world, "admin", &["--min-ttl", "61m"]), first);
    world.aws.limit_sessions(Some(60));
    let short = session(&world, "admin", &["--refresh", "--token-code", &world.code()]);
    assert_eq!(session(&world, "admin", &["--min-ttl", "0"]), short);
}

#[cfg(unix)]
#[test]
fn refresh_asks_anew_and_five_at_once_ask_once() {
    let world = World::with_one_role();
    world.write_config(&format!("{}mfa_process = authenticator\n", world.role_profile("admin")));
    world.program("authenticator", "sleep 0.5; cat code");
    world.write("code", world.code());
    let first = session(&world, "admin", &[]);
    world.write("code", world.code());
    let running: Vec<_> = (0..5).map(|_| world.process("admin").arg("--refresh").start()).collect();
    let made: Vec<_> = running.into_iter().map(|running| running.wait().success().stdout).collect();
    assert!(made.iter().all(|session| *session == made[0] && *session != first), "one new session for all");
    assert_eq!(world.codes_used(), 2);
}

#[test]
fn another_role_key_or_policy_is_another_session() {
    let world = World::new();
    world.log_in("admin");
    session(&world, "admin", &[]);
    for (calls, args) in
        [(1, &[][..]), (2, &["--role-session-name", "other"]), (3, &["--tag", "a=b"]), (3, &["--tag", "a=b"])]
    {
        session(&world, "admin", args);
        assert_eq!(world.assumed().len(), calls, "{args:?}");
    }
    let (id, secret) = world.aws.add_access_key("alice");
    world.write_credentials(&format!("[base]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
    world.process("admin").run().error(3);
}
