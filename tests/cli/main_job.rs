//! The main job: a code is asked for once, a session comes out, the second call is served from the keychain.

use crate::support::World;
use std::time::Duration;

#[cfg(unix)]
#[test]
fn one_code_then_every_caller_is_served() {
    let world = World::with_one_role();
    let mut cold = world.command(["credential-process", "-p", "admin"]).may_print_secrets().on_terminal();
    cold.expect(&world.prompt("admin")).send_line(&world.code());
    let cold = cold.wait().success();
    assert!(cold.stdout.starts_with("{\"Version\":1,") && cold.stderr.is_empty(), "{}", cold.report());
    assert_eq!(world.calls(), "GetCallerIdentity AssumeRole");

    let warm = world.command(["credential-process", "-p", "admin"]).may_print_secrets().run().success();
    assert_eq!(warm.stdout, cold.stdout);
    world.command(["export", "-p", "admin", "--format", "sh"]).may_print_secrets().run().success();
    world.run(["-p", "admin", "--", "true"]).success();
    assert_eq!(world.calls(), "GetCallerIdentity AssumeRole");
}

#[test]
fn nobody_to_ask_is_known_at_once() {
    let world = World::new();
    let run = world.run(["credential-process", "-p", "admin"]).expect_code(3);
    assert!(run.elapsed < Duration::from_millis(900), "{:?}", run.elapsed);
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr.lines().filter(|line| line.starts_with("hint:")).count(), 1, "{}", run.report());
    assert_eq!(world.calls(), "");
}

#[test]
fn one_login_serves_every_role_behind_the_device() {
    let world = World::new();
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    for profile in ["admin", "readonly", "short", "external", "nomfa", "hop"] {
        world.command(["credential-process", "-p", profile]).may_print_secrets().run().success();
    }
    assert_eq!(world.codes_used(), 1);
}
