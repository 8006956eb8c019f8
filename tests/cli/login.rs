//! `login`: one code, and what it is good for; `login --all` assumes every role behind the device.

use crate::support::World;
use fake_aws::Options;

#[test]
fn one_login_then_ten_roles_need_no_other_code() {
    let world = World::bare(Options::default());
    let names: Vec<_> = (0..10).map(|number| format!("role{number}")).collect();
    let mut config = String::new();
    for name in &names {
        world.aws.add_role(fake_aws::RoleSpec::new(name));
        config += &world.role_profile(name);
    }
    world.write_config(&config);
    world.write_credentials(&world.access_key("base"));
    world.run(["login", "-p", "role0", "--token-code", &world.code()]).success();
    for name in &names {
        world.command(["credential-process", "-p", name]).may_print_secrets().run().success();
    }
    assert_eq!(world.codes_used(), 1, "{}", world.calls());
    assert_eq!(world.aws.calls("AssumeRole").len(), 10);
}

#[test]
fn all_roles_are_assumed_and_failures_are_named() {
    let world = World::new();
    world.aws.remove_role(&world.aws.role_arn("named"));
    let config = world.read(".aws/config").replace("role/readonly\n", "role/readonly\nmfa_session = role\n");
    world.write_config(&config);
    let run = world.run(["login", "--all", "-p", "admin", "--token-code", &world.code()]).expect_code(4);
    let result = |profile: &str| {
        let line = run
            .stdout
            .lines()
            .find(|line| line.starts_with(&format!("{profile} ")))
            .unwrap_or_else(|| panic!("{}", run.report()));
        line.split("  ").last().unwrap().trim().to_owned()
    };
    for profile in ["admin", "external", "hop", "short"] {
        assert!(result(profile).ends_with(" left"), "{}", run.report());
    }
    assert_eq!(result("readonly"), "wants a code of its own");
    assert!(result("named").contains("AssumeRole"), "{}", run.report());
    assert!(!run.stdout.contains("nomfa"), "it is not behind the device");
    assert!(run.stderr.contains(" is logged in until "), "{}", run.report());
    assert_eq!(world.codes_used(), 1);
    let calls = world.calls();
    world.command(["credential-process", "-p", "hop"]).may_print_secrets().run().success();
    assert_eq!(world.calls(), calls, "it is cached");
}

#[test]
fn a_shared_session_may_last_36_hours() {
    let world = World::new();
    world.run(["login", "-p", "admin", "--duration", "36h", "--token-code", &world.code()]).success();
    let status = world.run(["status", "--json"]).success().stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert!(status["sessions"][0]["seconds_left"].as_i64().unwrap() > 129_000, "{status}");
    world.run(["login", "-p", "admin", "--duration", "37h"]).expect_code(2);
}

#[cfg(unix)]
#[test]
fn a_renewal_that_needs_no_code_waits_for_no_person() {
    let world = World::new();
    let config = world.read(".aws/config").replace("role/readonly\n", "role/readonly\nmfa_session = role\n");
    world.write_config(&config);
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    let mut asked = world.command(["credential-process", "-p", "readonly"]).may_print_secrets().on_terminal();
    asked.expect(&world.prompt("readonly"));
    world.command(["credential-process", "-p", "admin"]).may_print_secrets().run().success();
    asked.send_line(&world.code()).wait().success();
}
