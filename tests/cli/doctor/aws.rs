//! What AWS has to be asked for: clock, access keys, devices, roles. And what becomes of it where AWS does not answer.

use super::planted::{OF_AWS, holds_up};
use super::{clean, filled, findings, ids};
use crate::support::World;
use fake_aws::{Fault, FaultKind, RoleSpec};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

type Plant = fn(&mut World);

const MFA: &str = "aws:MultiFactorAuthPresent";

const ROWS: &[(&[&str], Plant)] = &[
    (&["clock"], |world| world.aws.set_clock_offset(10 * 60)),
    (&["clock"], |world| world.aws.set_clock_offset(-20 * 60)),
    (&["key-refused"], |world| world.aws.set_access_key_active(&world.alice.access_key_id, false)),
    (&["key-without-mfa"], |world| world.aws.set_user_policies("alice", &[everything()])),
    (&["no-device"], |world| world.aws.remove_device(&world.alice.mfa_serial)),
    (&["fido-only"], |world| {
        world.aws.remove_device(&world.alice.mfa_serial);
        world.aws.add_device("alice", "arn:aws:iam::123456789012:u2f/user/alice/key");
    }),
    (&["device-unknown"], |world| {
        let other = world.read(".aws/config").replace("mfa/alice", "mfa/alice-old");
        world.write_config(&other);
    }),
    (&["old-key"], |world| {
        may_all_but_list_roles(world);
        world.aws.set_access_key_age(&world.alice.access_key_id, 100 * 86_400);
    }),
    (&["root-key", "no-device", "key-without-mfa"], |world| {
        let root = world.aws.add_user("root");
        world.aws.remove_device(&root.mfa_serial);
        let config =
            "[profile root]\nrole_arn = 123456789012:x\nsource_profile = root\ncredential_source = Environment\n";
        world.write_config(&config.replace("source_profile = root\n", ""));
        world.set("AWS_ACCESS_KEY_ID", root.access_key_id);
        world.set("AWS_SECRET_ACCESS_KEY", root.secret_access_key);
    }),
    (&["role-without-mfa"], |world| {
        let arn = format!("arn:aws:iam::{}:root", world.aws.account());
        world.aws.add_role(RoleSpec::new("admin").trusts(&arn, json!({})));
        may_all_but_list_roles(world);
    }),
    (&["role-without-mfa"], |world| {
        let arn = format!("arn:aws:iam::{}:root", world.aws.account());
        world.aws.add_role(RoleSpec::new("admin").trusts(&arn, json!({ "BoolIfExists": { MFA: "true" } })));
        may_all_but_list_roles(world);
    }),
    (&["mfa-serial-missing"], |world| {
        may_all_but_list_roles(world);
        let config = "[profile base]\nmfa_run_access_key_id = {ID}\n\
                      [profile admin]\nrole_arn = {ACCOUNT}:admin\nsource_profile = base\n";
        world.write_config(&filled(world, config));
    }),
    (&["duration-over-maximum"], |world| {
        may_all_but_list_roles(world);
        let config = world.read(".aws/config").replace("{ACCOUNT}:admin", "");
        let line = "--source-profile base --duration 2h\n";
        let config = config.replace("--source-profile base\n", line).replace(":admin ", ":short ");
        world.write_config(&config);
    }),
    (&["no-answer"], |world| world.set("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")),
];

fn everything() -> serde_json::Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] })
}

/// Sees its own account without MFA, and is not found out.
fn may_all_but_list_roles(world: &World) {
    let deny = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Deny", "Action": "iam:ListRoles", "Resource": "*" }] });
    world.aws.set_user_policies("alice", &[everything(), deny]);
}

#[test]
fn what_is_planted_in_the_account_is_found_and_nothing_else_is() {
    let mut planted = BTreeSet::new();
    for (number, (wanted, plant)) in ROWS.iter().enumerate() {
        let mut world = clean();
        plant(&mut world);
        let (mut found, run) = findings(world.command(["doctor"]));
        // root's key has to be somewhere
        found.retain(|finding| finding["id"] != "key-in-environment");
        let mut sorted: Vec<&str> = wanted.to_vec();
        sorted.sort_unstable();
        assert_eq!(ids(&found), sorted, "row {number}\n{}", run.report());
        assert_eq!(run.stderr, "", "{}", run.report());
        assert_eq!(world.codes_used(), 0, "it never asks for a code");
        found.iter().for_each(holds_up);
        planted.extend(*wanted);
    }
    assert_eq!(planted, OF_AWS.into_iter().collect(), "planted, in the table of ids");
}

#[test]
fn a_cached_session_shows_what_the_bare_key_may_not_see() {
    let world = clean();
    let open = format!("arn:aws:iam::{}:root", world.aws.account());
    world.aws.add_role(RoleSpec::new("open").trusts(&open, json!({})));
    let config = "[profile x]\nrole_arn = {ACCOUNT}:open\nsource_profile = base\n";
    world.write_config(&(world.read(".aws/config") + &filled(&world, config)));
    let (found, run) = findings(world.command(["doctor"]));
    assert_eq!(ids(&found), [""; 0], "{}", run.stdout);
    assert!(run.stdout.contains("3 roles may not be looked at"), "{}", run.stdout);
    world.run(["login", "-p", "base", "--token-code", &world.code()]).success();
    let (found, run) = findings(world.command(["doctor"]));
    assert_eq!(ids(&found), ["role-without-mfa"], "{}", run.report());
    assert_eq!(world.codes_used(), 1);
}

#[test]
fn who_does_not_answer_is_waited_for_five_seconds_at_most() {
    for action in ["GetCallerIdentity", "ListMFADevices"] {
        let world = clean();
        world.aws.fault(Fault::new(action, FaultKind::Hang).times(9));
        let (found, run) = findings(world.command(["doctor"]));
        assert_eq!((ids(&found), run.code()), (vec!["no-answer".to_owned()], Some(0)), "{}", run.report());
        assert!(run.elapsed < Duration::from_secs(6), "{:?}", run.elapsed);
        assert!(run.stdout.contains("has not answered in time"), "{}", run.stdout);
    }
}

#[test]
fn the_key_of_a_stand_in_never_goes_to_the_real_iam() {
    let mut world = clean();
    world.unset("AWS_ENDPOINT_URL_IAM");
    let (found, run) = findings(world.command(["doctor"]));
    assert_eq!((ids(&found), run.code()), (vec![], Some(0)), "{}", run.report());
    assert_eq!(world.calls(), "GetCallerIdentity");
}

#[test]
fn offline_asks_nobody() {
    let world = clean();
    let run = world.run(["doctor", "--offline"]).success();
    assert!(run.stdout.contains("AWS          not asked: --offline\n"), "{}", run.stdout);
    assert_eq!((world.calls().as_str(), world.aws.connections()), ("", 0));
}
