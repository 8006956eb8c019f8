//! The AWS CLI: splits the command line itself, captures stderr and shows it on failure only.

use super::{
    Layout, assert_prints_role, cold, cold_then_warm, installed, ours, up_to_prompt, wait_for_ours, warm, world,
};
use crate::support::{Command, Tool, World};
use rustix::process::Signal;

/// `aws sts get-caller-identity`
fn identity(world: &World) -> Option<Command> {
    Some(identity_with(world, &installed("aws")?))
}

fn identity_with(world: &World, aws: &Tool) -> Command {
    world.tool(aws, ["sts", "get-caller-identity", "--output", "json"])
}

/// It keeps the sessions of roles it assumes itself, in plain text: neither ours, nor to be found instead of ours.
fn forget_its_own(world: &World) {
    let _ = std::fs::remove_dir_all(world.home().join(".aws/cli/cache"));
}

#[test]
fn one_code_serves_every_call() {
    let Some(aws) = installed("aws") else { return };
    for layout in [Layout::OneEach, Layout::SharedBase] {
        let world = cold_then_warm(layout, |world| {
            forget_its_own(world);
            identity_with(world, &aws).args(["--profile", "admin"])
        });
        forget_its_own(&world);
    }
}

#[test]
fn the_variable_names_the_profile_and_is_not_read_again_inside() {
    let world = world(Layout::OneEach, &["admin", "readonly"]);
    let Some(client) = identity(&world) else { return };
    // stdin is the client's own business, even in front of a person.
    let first = cold(&world, client.env("AWS_PROFILE", "readonly").stdin("999999\n"));
    assert_prints_role(&first, &world, "readonly");

    let other = |profile, variable| {
        let client = identity(&world).unwrap().args(["--profile", profile]).env("AWS_PROFILE", variable);
        assert_prints_role(&warm(client.env("AWS_DEFAULT_PROFILE", variable)), &world, profile);
    };
    other("admin", "readonly");
    other("readonly", "admin");
    other("admin", "admin");
    assert_eq!(world.codes_used(), 1, "{}", world.calls());
}

#[test]
fn a_line_that_names_its_own_profile_is_no_loop() {
    let mut world = world(Layout::OneEach, &["admin"]);
    let Some(_) = identity(&world) else { return };
    let role = world.role_profile("admin").replace("= base", "= keys");
    let line = "credential_process = mfa-run credential-process -p admin-role";
    world.write_config(&format!(
        "{}[profile x]\nregion = eu-west-1\n{line}\n",
        role.replace("[profile admin]", "[profile admin-role]")
    ));
    world.set("AWS_PROFILE", "x");
    assert_prints_role(&cold(&world, identity(&world).unwrap()), &world, "admin");
    // A line without any profile means the default one: AWS_PROFILE names the profile that called.
    world.write_config(&format!(
        "{}[profile y]\nregion = eu-west-1\ncredential_process = mfa-run credential-process\n",
        role.replace("[profile admin]", "[default]")
    ));
    world.set("AWS_PROFILE", "y");
    let run = world.command(["credential-process", "-p", "y"]).may_print_secrets().run().success();
    assert!(run.stdout.starts_with("{\"Version\":1,"));
    assert_prints_role(&warm(identity(&world).unwrap()), &world, "admin");
    assert_eq!(ours(&world), 1, "{}", world.calls());
}

#[test]
fn a_failure_shows_what_to_type() {
    let world = world(Layout::OneEach, &["admin"]);
    let Some(client) = identity(&world) else { return };
    let run = client.args(["--profile", "admin"]).run();
    assert_ne!(run.code(), Some(0), "{}", run.report());
    assert_eq!((run.stdout.as_str(), world.calls().as_str()), ("", ""));
    let hints: Vec<&str> = run.stderr.split("hint: ").skip(1).collect();
    assert_eq!(hints.len(), 1, "{}", run.report());

    // What it says helps.
    let typed = hints[0].strip_prefix("in a terminal: ").and_then(|hint| hint.split_once(';')).expect("a command").0;
    assert!(typed.starts_with("mfa-run login -p keys "), "{typed}");
    cold(&world, world.other("sh", ["-c", typed]));
    assert_prints_role(&warm(identity(&world).unwrap().args(["--profile", "admin"])), &world, "admin");
    assert_eq!(world.codes_used(), 1, "{}", world.calls());
}

#[test]
fn ctrl_c_at_the_prompt_ends_it_too() {
    let world = world(Layout::OneEach, &["admin"]);
    let Some(client) = identity(&world) else { return };
    let mut pty = up_to_prompt(client.args(["--profile", "admin"]));
    let modes = pty.stty();
    let run = pty.interrupt().wait();
    assert_ne!(run.code(), Some(0), "{}", run.report());
    assert_eq!(pty.stty(), modes);
    assert_eq!(ours(&world), 0, "{}", world.calls());
}

#[test]
fn configure_list_says_where_the_session_is_from() {
    let world = world(Layout::OneEach, &["admin"]);
    let Some(aws) = installed("aws") else { return };
    let run = cold(&world, world.tool(&aws, ["configure", "list", "--profile", "admin"]));
    assert_eq!(run.stdout.matches("custom-process").count(), 2, "{}", run.report());
}

#[test]
fn a_code_typed_after_the_caller_gave_up_is_not_lost() {
    let world = world(Layout::OneEach, &["admin"]);
    let Some(client) = identity(&world) else { return };
    let mut given_up = up_to_prompt(client.args(["--profile", "admin"]));
    given_up.kill(Signal::KILL);
    std::thread::sleep(std::time::Duration::from_millis(200));
    given_up.send_line(&world.code());
    given_up.expect("its next try will find the session");
    assert_eq!(given_up.wait().signal(), Some(9));
    wait_for_ours(&world, 1);

    let next = warm(identity(&world).unwrap().args(["--profile", "admin"]));
    assert_prints_role(&next, &world, "admin");
    assert_eq!(ours(&world), 1, "{}", world.calls());
}

#[test]
fn it_runs_with_the_session_in_its_environment() {
    let Some(aws) = installed("aws") else { return };
    let aws = aws.path.to_str().expect("its path");
    for layout in [Layout::OneEach, Layout::SharedBase] {
        let mut world = world(layout, &["admin"]);
        world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
        // What the caller's environment says otherwise is overruled.
        world.set("AWS_PROFILE", "no-such-profile");
        world.set("AWS_DEFAULT_REGION", "eu-central-1");
        let wrapped = world.run(["-p", "admin", "--", aws, "sts", "get-caller-identity"]).success();
        assert_prints_role(&wrapped, &world, "admin");
        for shell in ["sh", "bash"] {
            let script = format!("eval \"$(mfa-run export -p admin)\" && '{aws}' sts get-caller-identity");
            assert_prints_role(&world.other(shell, ["-c", &script]).run().success(), &world, "admin");
        }
        assert_eq!((ours(&world), world.codes_used()), (2, 1), "{}", world.calls());
    }
}
