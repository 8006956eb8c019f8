//! What AWS refuses, and what is done about it: another way once, an explanation, never a second question for the same.

use crate::support::World;
use fake_aws::RoleSpec;
use serde_json::json;

/// A role that is granted to fresh codes only, behind a login that is too old for it.
fn stale_login() -> World {
    let world = World::new();
    world.aws.set_clock_offset(-400);
    world.log_in("fresh");
    world.aws.set_clock_offset(0);
    world.aws.clear_log();
    world
}

#[cfg(unix)]
#[test]
fn a_role_that_wants_a_fresh_code_is_asked_for_directly_and_remembered() {
    let world = stale_login();
    let mut terminal = world.process("fresh").on_terminal();
    terminal.expect("some roles want a fresh code").expect(&world.prompt("fresh")).send_line(&world.code());
    assert_eq!(terminal.wait().success().stderr, "");
    assert_eq!(world.assumed(), ["3600", "code 43200"]);

    world.aws.clear_log();
    let mut terminal = world.process("fresh").arg("--refresh").on_terminal();
    terminal.expect(&world.prompt("fresh")).send_line(&world.code());
    terminal.wait().success();
    assert_eq!(world.assumed(), ["code 43200"], "the shared session is not tried again");
}

#[test]
fn nobody_to_ask_and_refused_is_exit_4() {
    let world = stale_login();
    world.process("fresh").run().error(4).says(&["not authorized", "hint: "]);
    assert_eq!(world.codes_used(), 0);
}

#[cfg(unix)]
/// The account whose identity policies see MFA in a GetSessionToken session only.
fn sees_mfa_in_sessions_only() -> World {
    let world = World::with_one_role();
    world.aws.configure(|settings| settings.identity_policies_see_direct_mfa = false);
    world.aws.set_user_policies(
        "alice",
        &[json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:GetSessionToken", "Resource": "*"},
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*",
             "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
        ]})],
    );
    world
}

#[cfg(unix)]
#[test]
fn a_role_that_is_granted_to_shared_sessions_only_is_remembered() {
    for duration in [&[][..], &["--duration", "2h"]] {
        let world = sees_mfa_in_sessions_only();
        let args = ["-p", "admin"].iter().chain(duration).chain(&["--", "true"]).copied();
        let mut terminal = world.command(args.clone()).on_terminal();
        terminal.expect(&world.prompt("admin")).send_line(&world.code());
        terminal.expect("a shared MFA session only. The next code comes in ");
        terminal.expect(&world.prompt("admin")).send_line(&world.code());
        terminal.wait().success();
        assert_eq!(world.calls().replace("GetCallerIdentity ", ""), "AssumeRole GetSessionToken AssumeRole");
        world.run(["logout", "-p", "admin"]).success();
        world.aws.clear_log();
        let mut terminal = world.command(args).on_terminal();
        terminal.expect(&world.prompt("admin")).send_line(&world.code());
        terminal.wait().success();
        assert!(world.calls().ends_with("GetSessionToken AssumeRole") && world.codes_used() == 1, "{}", world.calls());
    }
}

#[cfg(unix)]
#[test]
fn refused_both_ways_is_explained_and_not_asked_twice_within_the_hour() {
    let world = World::with_one_role();
    let arn = world.aws.role_arn("no-such-role");
    world.write_config(&world.role_profile("admin").replace(&world.aws.role_arn("admin"), &arn));
    let mut terminal = world.process("admin").on_terminal();
    for _ in 0..2 {
        terminal.expect(&world.prompt("admin")).send_line(&world.code());
    }
    let hint = [&*arn, "trust policy"];
    terminal.wait().error(4).says(&hint).says(&["refused directly and from a shared MFA session"]);
    assert_eq!(world.codes_used(), 2);
    let mut terminal = world.process("admin").on_terminal();
    let run = terminal.wait().error(4).says(&hint);
    assert_eq!((run.screen.as_str(), world.codes_used()), ("", 2), "the shared session is there: no code");
}

#[cfg(unix)]
#[test]
fn a_wrong_role_behind_a_shared_device_costs_one_code() {
    let world = World::new();
    let arn = world.aws.role_arn("no-such-role");
    let config = world.read(".aws/config").replace(&world.aws.role_arn("readonly"), &arn);
    world.write_config(&config);
    let mut terminal = world.process("readonly").on_terminal();
    terminal.expect(&world.prompt("readonly")).send_line(&world.code());
    terminal.wait().error(4).says(&["is not authorized to perform: sts:AssumeRole", &arn]);
    world.process("readonly").on_terminal().wait().error(4);
    assert_eq!(world.codes_used(), 1);
    world.process("admin").run().success();
}

#[test]
fn a_device_that_is_not_the_users_is_explained() {
    let world = World::with_one_role();
    let wrong = world.alice.mfa_serial.replace("alice", "bob");
    world.write_config(&world.role_profile("admin").replace(&world.alice.mfa_serial, &wrong));
    let code = world.code();
    let run = world.process("admin").args(["--token-code", &code]).run().error(4);
    run.says(&["unable to validate MFA code", &wrong, "mfa-run device list -p admin"]);
    let fido = world.alice.mfa_serial.replace(":mfa/", ":u2f/");
    world.write_config(&world.role_profile("admin").replace(&world.alice.mfa_serial, &fido));
    world
        .process("admin")
        .args(["--token-code", &code])
        .run()
        .error(2)
        .says(&["FIDO", "hint: register a virtual device beside it"]);
}

#[cfg(unix)]
#[test]
fn a_key_that_does_not_work_is_found_before_the_code_is_spent() {
    let world = World::with_one_role();
    world.aws.set_access_key_active(&world.alice.access_key_id, false);
    let mut terminal = world.process("admin").on_terminal();
    terminal.expect(&world.prompt("admin"));
    while world.calls().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    terminal.send_line(&world.code());
    terminal.wait().error(4).says(&[&world.alice.access_key_id, "active"]);
    assert_eq!((world.codes_used(), world.calls().as_str()), (0, "GetCallerIdentity"));

    world.aws.set_access_key_active(&world.alice.access_key_id, true);
    world.write_credentials(
        &world.access_key("base").replace(&world.alice.secret_access_key, "not/the+secret/of/alice"),
    );
    let run = world.process("admin").args(["--token-code", &world.code()]).run().error(4);
    run.says(&["hint: check the secret of access key AKIA"]);
    assert_eq!(world.codes_used(), 0);
}

#[test]
fn a_role_that_wants_an_external_id_is_refused_without_it() {
    let world = World::with_one_role();
    world.write_config(&world.role_profile("external"));
    world.log_in("external");
    world.process("external").run().error(4).says(&["external_id"]);
    world.process("external").args(["--external-id", "unique-id-1234"]).run().success();
}

#[test]
fn a_source_whose_session_is_over_says_so() {
    let world = World::new();
    let arn = world.aws.add_role(RoleSpec::new("open").trusts(&world.aws.account(), json!({})));
    world.process("nomfa").run().success();
    let session = world.command(["export", "-p", "nomfa", "--format", "json"]).may_print_secrets().run().success();
    let session: serde_json::Value = serde_json::from_str(&session.stdout).unwrap();
    let field = |name: &str| session[name].as_str().unwrap().to_owned();
    let config =
        world.read(".aws/config") + &format!("[profile chained]\nrole_arn = {arn}\nsource_profile = session\n");
    world.write_config(&config);
    world.write_credentials(&format!(
        "{}[session]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        world.access_key("base"),
        field("AccessKeyId"),
        field("SecretAccessKey"),
        field("SessionToken")
    ));
    world.process("chained").run().success();
    world.aws.expire_session(&field("AccessKeyId"));
    world.process("chained").arg("--refresh").run().error(4).says(&["expired", "hint: the source's session is over"]);
}

#[cfg(unix)]
#[test]
fn mfa_on_a_source_that_gives_a_session_is_refused_before_anybody_is_asked() {
    let world = World::new();
    let config = format!(
        "[profile base]\ncredential_process = give-session --password hunter2\n{}",
        world.role_profile("admin")
    );
    world.write_config(&config);
    world.write_credentials("");
    let json = json!({"Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "x", "SessionToken": "y",
        "Expiration": "2099-01-01T00:00:00Z"});
    world.program("give-session", &format!("echo '{json}'"));
    let mut terminal = world.process("admin").on_terminal();
    let run = terminal.wait().error(2).says(&["temporary session", "hint: remove mfa_serial"]);
    assert!(run.screen.is_empty() && !run.stderr.contains("hunter2"), "{}", run.report());
    assert_eq!(world.calls(), "");
}
