//! `key rotate`: a new key takes the place of the old one, with one code, and what AWS refuses leaves what was.

use super::{accept_files, in_plain_text, kept, plain};
use crate::support::World;
use fake_aws::{Fault, FaultKind};
use serde_json::json;

/// The access key ID that the profile `base` has now.
fn id_now(world: &World) -> String {
    let text = world.read(".aws/credentials");
    let line = text.lines().find(|line| line.contains("access_key_id")).expect("an ID");
    line.rsplit(' ').next().unwrap().to_owned()
}

fn rotate(world: &World, more: &[&str]) -> crate::support::Run {
    world.command(["key", "rotate", "-p", "base", "--token-code", &world.code()]).args(more).run()
}

#[test]
fn a_key_in_the_keychain_is_replaced_with_one_code() {
    let world = kept();
    let old = world.alice.access_key_id.clone();
    world.aws.configure(|settings| settings.propagation_delay_seconds = 2);
    world.process("admin").args(["--token-code", &world.code()]).run().success();
    let run = rotate(&world, &[]).success();
    let new = id_now(&world);
    assert_ne!(new, old);
    assert_eq!(run.stdout, "");
    let run = run.says(&[
        &format!("replacing access key {old} of alice (profiles: base)\n"),
        &format!("{new} is in its place (profiles: base)\n"),
        "cached sessions go on with it, 0 forgotten\n",
        &format!("{old} is inactive; mfa-run key rotate -p base deletes it after "),
    ]);
    drop(run);
    assert_eq!((world.aws.access_key_active(&old), world.aws.access_key_active(&new)), (Some(false), Some(true)));
    assert!(
        world
            .aws
            .calls("GetCallerIdentity")
            .iter()
            .any(|call| call.error_code.as_deref() == Some("InvalidClientTokenId"))
    );

    // the sessions of before serve, and no code is asked for
    let codes = world.codes_used();
    world.process("admin").run().success();
    world.process("base").run().success();
    let early = world.run(["key", "rotate", "-p", "base"]).success();
    assert!(early.stderr.contains("is inactive; "), "{}", early.stderr);
    world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success().says(&[&format!("{old} is deleted\n")]);
    assert_eq!(world.codes_used(), codes);
    assert_eq!(world.aws.access_keys("alice"), std::slice::from_ref(&new));
    world.run(["key", "remove", &old, "--yes"]).error(2).says(&["is not in the keychain"]);
    // and the new key makes sessions of its own
    world.run(["logout", "--all"]).success();
    world.aws.advance(60);
    world.log_in("base");
    assert_eq!(world.aws.calls("GetSessionToken").last().unwrap().access_key_id, new);
}

#[test]
fn a_key_in_plain_text_is_replaced_in_its_place() {
    let world = plain();
    let old = world.alice.access_key_id.clone();
    let more = "# end\n[other]\nregion = x\n";
    let text = world.read(".aws/credentials") + &world.access_key("same") + more;
    world.write_credentials(&text);
    let config = world.read(".aws/config");
    world.write_config(&format!("{config}[profile base]\nmfa_serial = {}\n", world.alice.mfa_serial));
    rotate(&world, &["--grace", "0"]).success().says(&["(profiles: base, same)", "is deleted"]);
    let (new, now) = (id_now(&world), world.read(".aws/credentials"));
    let secret = now.lines().find_map(|line| line.strip_prefix("aws_secret_access_key = ")).unwrap();
    assert_eq!(now, text.replace(&old, &new).replace(&world.alice.secret_access_key, secret));
    assert_eq!(world.aws.access_keys("alice"), [new]);
    assert!(!world.home().join(".local/share/mfa-run/rotations").read_dir().unwrap().any(|_| true));
    world.run(["logout", "--all"]).success();
    world.aws.advance(60);
    world.log_in("base");
    accept_files(&world);
}

#[test]
fn a_key_that_is_in_both_is_replaced_in_both() {
    let world = kept();
    let old = world.alice.access_key_id.clone();
    world.write_credentials(&(world.read(".aws/credentials") + &world.access_key("same")));
    rotate(&world, &["--grace", "0"]).success();
    let (new, now) = (id_now(&world), world.read(".aws/credentials"));
    assert!(!now.contains(&old) && now.matches(&new).count() == 2, "{now}");
    assert!(!in_plain_text(&world, &world.alice.secret_access_key));
    world.run(["logout", "--all"]).success();
    world.aws.advance(60);
    world.log_in("base");
    accept_files(&world);
}

#[test]
fn two_keys_are_said_with_what_to_do() {
    let world = kept();
    let (second, secret) = world.aws.add_access_key("alice");
    world.secret(&secret);
    let run = rotate(&world, &[]).error(2);
    let run = run.says(&[
        &format!("and {second} (active, never used)"),
        &format!("aws iam delete-access-key --access-key-id {second}"),
    ]);
    drop(run);
    world.aws.set_access_key_active(&second, false);
    world.run(["key", "rotate", "-p", "base"]).error(2).says(&["(inactive, never used)", "--delete-inactive"]);
    assert!(world.aws.calls("CreateAccessKey").is_empty());
    world.run(["key", "rotate", "-p", "base", "--delete-inactive", "--grace", "0"]).success();
    assert_eq!(world.aws.access_keys("alice"), [id_now(&world)]);
    // a key that another profile needs is not for the taking
    let (third, secret) = world.aws.add_access_key("alice");
    world.aws.set_access_key_active(&third, false);
    let other = format!("[other]\naws_access_key_id = {third}\naws_secret_access_key = {secret}\n");
    world.write_credentials(&(world.read(".aws/credentials") + &other));
    world.run(["key", "rotate", "-p", "base", "--delete-inactive"]).error(2).says(&["of profile other"]);
    assert_eq!(world.aws.access_keys("alice").len(), 2);
}

#[test]
fn without_permission_for_a_call_nothing_is_lost_and_the_next_run_goes_on() {
    for (action, made) in
        [("ListAccessKeys", false), ("CreateAccessKey", false), ("UpdateAccessKey", true), ("DeleteAccessKey", true)]
    {
        let world = kept();
        let old = world.alice.access_key_id.clone();
        let everything = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        let deny = json!({"Statement": [everything["Statement"], {"Effect": "Deny", "Action": format!("iam:{action}"), "Resource": "*"}]});
        world.aws.set_user_policies("alice", &[deny]);
        let run = rotate(&world, &["--grace", "0"]).error(4);
        run.says(&[&format!("iam:{action} was refused by AWS"), "manage_own_access_keys = true"]);
        assert!(world.aws.access_key_active(&old).is_some());
        assert_eq!(world.aws.access_keys("alice").len(), 1 + usize::from(made), "{action}");
        world.process("base").run().success();
        world.aws.set_user_policies("alice", &[everything]);
        world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
        assert_eq!(world.aws.access_keys("alice"), [id_now(&world)], "{action}");
        assert_ne!(id_now(&world), old);
    }
}

#[test]
fn an_answer_that_is_lost_makes_no_orphan() {
    for kind in [FaultKind::Http500, FaultKind::Reset, FaultKind::Close, FaultKind::Garbage] {
        let world = kept();
        world.aws.fault(Fault::new("CreateAccessKey", kind).after_commit());
        let run = rotate(&world, &["--grace", "0"]).error(1);
        run.says(&["goes on where it stopped"]);
        assert_eq!(world.aws.calls("CreateAccessKey").len(), 1, "a second attempt would make a second key");
        assert_eq!(world.aws.access_keys("alice").len(), 2);
        let noted = world.run(["key", "list", "--offline"]).success();
        assert!(noted.stderr.contains("is not finished: mfa-run key rotate -p base"), "{}", noted.stderr);
        let next = world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
        next.says(&["which that run made and did not live to keep"]);
        assert_eq!(world.aws.access_keys("alice"), [id_now(&world)]);
    }
}

#[test]
fn a_new_key_that_is_not_proven_takes_no_place() {
    let world = kept();
    let old = world.alice.access_key_id.clone();
    world.log_in("base");
    world.aws.fail("GetCallerIdentity", FaultKind::AccessDenied, 1);
    world.run(["key", "rotate", "-p", "base"]).error(4);
    assert_eq!((id_now(&world), world.aws.access_key_active(&old)), (old.clone(), Some(true)));
    world.process("base").run().success();
    world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
    assert_eq!(world.aws.access_keys("alice"), [id_now(&world)]);
}

#[test]
fn a_key_without_a_device_is_replaced_with_itself() {
    let world = kept();
    world.write_config("");
    world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
    assert_eq!(world.aws.access_keys("alice"), [id_now(&world)]);
    assert_eq!(world.codes_used(), 0);
    world.run(["key", "import", "-p", "base", "--yes"]).error(2);
}

#[test]
fn somebody_elses_key_of_the_same_time_is_left_alone() {
    let world = kept();
    world.aws.fault(Fault::new("CreateAccessKey", FaultKind::Close));
    rotate(&world, &[]).error(1);
    let (theirs, secret) = world.aws.add_access_key("alice");
    world.secret(&secret);
    // used since: somebody has its secret
    world
        .command(["key", "import", "--from-stdin", "--yes", "-p", "theirs"])
        .stdin(format!("{theirs} {secret}"))
        .run()
        .success();
    let run = world.run(["key", "rotate", "-p", "base"]).error(2);
    run.says(&["the user has two access keys"]);
    assert_eq!(world.aws.access_key_active(&theirs), Some(true));
}
