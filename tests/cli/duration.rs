//! How long a session lasts: the role's maximum, what was asked, what is cached.

use crate::support::World;

const HOUR: i64 = 3_600;

/// A role that allows an hour, alone behind its device.
fn short() -> World {
    let world = World::with_one_role();
    world.write_config(&world.role_profile("short"));
    world
}

#[cfg(unix)]
#[test]
fn a_role_that_refuses_our_default_gets_a_shared_session_and_is_remembered() {
    let world = short();
    let mut terminal = world.process("short").on_terminal();
    terminal.expect(&world.prompt("short")).send_line(&world.code());
    terminal.expect("the role does not allow 12h").expect("The next code comes in ");
    terminal.expect(&world.prompt("short")).send_line(&world.code());
    assert_eq!(terminal.wait().success().stderr, "");
    assert_eq!(world.calls().replace("GetCallerIdentity ", ""), "AssumeRole GetSessionToken AssumeRole");

    world.run(["logout", "-p", "short"]).success();
    world.aws.clear_log();
    world.process("short").args(["--token-code", &world.code()]).run().success();
    assert_eq!(world.calls(), "GetSessionToken AssumeRole", "one code ever after");
    world.run(["-p", "short", "--", "true"]).success();
}

#[test]
fn a_given_code_is_not_enough_the_first_time_and_the_hint_says_what_to_do() {
    let world = short();
    let once = |code: &str| world.process("short").args(["--token-code", code]).run();
    once(&world.code()).error(4).says(&["MaxSessionDuration", "hint: run it again with the next code"]);
    once(&world.code()).success();
    assert_eq!(world.codes_used(), 2);
}

#[cfg(unix)]
#[test]
fn what_was_asked_and_refused_is_an_hour_and_said_so() {
    let world = short();
    let asked = ["-p", "short", "--duration", "12h", "--", "true"];
    let mut terminal = world.command(asked).on_terminal();
    terminal.expect(&world.prompt("short")).send_line(&world.code());
    terminal.expect("the role does not allow 12h").expect(&world.prompt("short")).send_line(&world.code());
    terminal.wait().success().says(&["this session lasts 1h"]);
    assert_eq!(world.assumed(), ["code 43200", "code 3600"]);

    let run = world.run(asked).success();
    assert_eq!((run.stderr.as_str(), world.codes_used()), ("", 2), "served from the cache");
    // remembered: one code, and it is said again
    let code = world.code();
    world.run(["logout", "-p", "short"]).success();
    world
        .run(["-p", "short", "--duration", "12h", "--token-code", &code, "--", "true"])
        .success()
        .says(&["this session lasts 1h"]);
    assert_eq!(world.assumed(), ["code 43200", "code 3600", "code 3600"]);
}

#[test]
fn a_role_without_mfa_that_allows_less_than_asked_ends_in_an_hour_too() {
    let world = World::new();
    let trust = serde_json::json!({});
    let arn = world.aws.add_role(
        fake_aws::RoleSpec::new("brief")
            .max_session_duration(HOUR)
            .trusts(&world.aws.role_arn("admin").replace("role/admin", "root"), trust),
    );
    let run = world.run(["--role-arn", &arn, "--source-profile", "base", "--duration", "12h", "--", "true"]).success();
    let run = run.says(&["this session lasts 1h"]);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.report());
    assert_eq!(world.assumed(), ["43200", "3600"]);
}

#[test]
fn a_chain_gets_an_hour_and_says_so_where_more_was_asked() {
    let world = World::new();
    let args = ["-p", "hop", "--duration", "2h", "--token-code", &world.code(), "--", "true"];
    world.run(args).success().says(&["this session lasts 1h"]);
    assert_eq!(world.assumed().last().map(String::as_str), Some("3600"));
    world.run(["-p", "hop", "--duration", "2h", "--", "true"]).success();
    assert_eq!(world.codes_used(), 1, "it is the longest there is: served");
}

#[test]
fn an_hour_that_is_cached_does_not_serve_two() {
    let world = World::new();
    world.log_in("admin");
    world.run(["-p", "admin", "--", "true"]).success();
    world.run(["-p", "admin", "--duration", "2h", "--", "true"]).error(3);
    let code = world.code();
    world.run(["-p", "admin", "--duration", "2h", "--token-code", &code, "--", "true"]).success();
    world.run(["-p", "admin", "--duration", "2h", "--", "true"]).success();
    world.run(["-p", "admin", "--duration", "1h", "--", "true"]).success();
    assert_eq!(world.assumed(), ["3600", "code 7200"]);
}

#[test]
fn a_login_may_last_36_hours_and_a_role_may_not() {
    let world = World::new();
    world.run(["login", "-p", "admin", "--duration", "36h", "--token-code", &world.code()]).success();
    assert_eq!(world.aws.calls("GetSessionToken")[0].parameters["DurationSeconds"], "129600");
    world.run(["-p", "admin", "--duration", "36h", "--", "true"]).error(2).says(&["12h", "hint: "]);
    world.run(["login", "-p", "admin", "--duration", "37h"]).expect_code(2).says(&["36h"]);
}
