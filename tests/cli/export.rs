//! `export`: lines for the shell that calls, nothing on failure. What each shell makes of them is tested with the shells.

#[cfg(unix)]
use crate::support::Tool;
use crate::support::World;

#[cfg(unix)]
#[test]
fn the_shell_that_calls_is_the_default() {
    let world = World::new();
    world.log_in("admin");
    for (shell, line) in [
        ("sh", "export AWS_ACCESS_KEY_ID="),
        ("bash", "export AWS_ACCESS_KEY_ID="),
        ("zsh", "export AWS_ACCESS_KEY_ID="),
        ("fish", "set -gx AWS_ACCESS_KEY_ID"),
    ] {
        let Some(shell) = Tool::find(shell) else { continue };
        // two commands: with one alone, the shell would become it
        let run = world.tool(&shell, ["-c", "mfa-run export -p admin; true"]).may_print_secrets().run().success();
        assert!(run.stdout.contains(line) && run.stderr.is_empty(), "{}", run.report());
    }
    let script = "eval \"$(mfa-run export -p admin)\" && echo $MFA_RUN_PROFILE; eval \"$(mfa-run export --unset)\"; echo .$MFA_RUN_PROFILE$AWS_SESSION_TOKEN";
    assert_eq!(world.other("sh", ["-c", script]).run().success().stdout, "admin\n.\n");
}

#[test]
fn json_is_a_session_with_its_profile() {
    let world = World::new();
    world.log_in("admin");
    let run = world.command(["export", "-p", "admin", "--format", "json"]).may_print_secrets().run().success();
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((json["Profile"].as_str(), json["Region"].as_str()), (Some("admin"), Some("eu-west-1")));
    assert_eq!(json["AccountId"].as_str(), Some(world.aws.account().as_str()));
    let expiration = world.aws.session_expiration(json["AccessKeyId"].as_str().unwrap());
    assert_eq!(json["Expiration"].as_str(), expiration.as_deref());
}

#[test]
fn nothing_is_on_stdout_where_it_fails() {
    let world = World::new();
    world.run(["export", "-p", "admin"]).error(3);
    world.run(["export", "-p", "admni"]).error(2).says(&["no profile admni", "hint: did you mean admin?"]);
    world.run(["export", "--unset", "--format", "json"]).error(2);
    let wrong = world.aws.wrong_code(&world.alice.mfa_serial);
    world.run(["export", "-p", "admin", "--token-code", &wrong]).error(4);
}

#[cfg(unix)]
#[test]
fn a_stdout_that_is_closed_or_full_is_an_error() {
    let world = World::new();
    world.log_in("admin");
    for command in ["export -p admin --format sh", "credential-process -p admin"] {
        let run = world.other("sh", ["-c", &format!("mfa-run {command} >/dev/full")]).run().error(1);
        run.says(&["cannot be written to stdout"]);
    }
}
