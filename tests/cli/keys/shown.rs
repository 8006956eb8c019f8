//! `key list`, `key export`, `key remove`.

use super::{accept_files, kept, plain};
use fake_aws::FaultKind;
use serde_json::{Value, json};

#[test]
fn keys_are_listed_with_what_aws_tells() {
    let world = kept();
    let (second, secret) = world.aws.add_access_key("alice");
    world.secret(&secret);
    world.aws.set_access_key_active(&second, false);
    let run = world.run(["key", "list", "--json"]).success();
    assert_eq!(run.stderr, "");
    let listed: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(listed.len(), 2);
    let (mine, other) = (&listed[0], &listed[1]);
    assert_eq!(mine["access_key_id"], json!(world.alice.access_key_id));
    assert_eq!(mine["user"], json!("arn:aws:iam::123456789012:user/alice"));
    assert_eq!((&mine["profiles"], &mine["kept_in"]), (&json!(["base"]), &json!("keychain")));
    assert_eq!((&mine["active"], &mine["last_service"]), (&json!(true), &json!("iam")));
    assert_eq!((&other["access_key_id"], &other["kept_in"]), (&json!(second), &Value::Null));
    assert_eq!((&other["active"], &other["last_used"]), (&json!(false), &Value::Null));
    let table = world.run(["key", "list"]).success().stdout;
    assert!(table.starts_with("ACCESS KEY "), "{table}");
    assert!(
        table.contains(" alice  base      keychain  active    0d   ") && table.contains("not here  inactive"),
        "{table}"
    );
}

#[test]
fn a_list_needs_neither_network_nor_permission_nor_passphrase() {
    let mut world = kept();
    for kind in [FaultKind::Close, FaultKind::AccessDenied, FaultKind::Http500] {
        world.aws.clear_faults();
        world.aws.fail("*", kind, 9);
        let run = world.run(["key", "list"]).success();
        assert!(run.stdout.contains("alice  base      keychain  -       -    -"), "{}", run.report());
        assert!(run.stderr.starts_with("note: "), "{}", run.report());
    }
    world.aws.clear_faults();
    let calls = world.aws.log().len();
    assert_eq!(world.run(["key", "list", "--offline"]).success().stderr, "");
    world.unset("MFA_RUN_KEY_FILE");
    world.run(["key", "list"]).success().says(&["is not in the keychain, or that cannot be opened without asking"]);
    assert_eq!(world.aws.log().len(), calls);
}

#[test]
fn a_key_is_printed_for_a_person_who_types_its_id() {
    let world = kept();
    let id = world.alice.access_key_id.clone();
    let lines = format!("aws_access_key_id = {id}\naws_secret_access_key = {}\n", world.alice.secret_access_key);
    world.run(["key", "export", "-p", "base"]).error(2).says(&["for a person at a terminal only"]);
    let export = |redirected: &str| {
        let script = format!("umask 022; exec mfa-run key export -p base {redirected}");
        world.other("sh", ["-c", &script]).env("TERM", "xterm").env("NO_COLOR", "1")
    };
    let mut wrong = export("> out").all_on_terminal();
    wrong.wait().expect_code(2);
    let mut wrong = export("| cat").all_on_terminal();
    wrong.expect(&format!("Type {id} to go on")).send_line("yes");
    assert!(!wrong.wait().screen.contains("aws_secret"), "nothing but the ID will do");
    let mut right = export("| cat").may_print_secrets().all_on_terminal();
    right.expect("to go on").send_line(&id);
    let screen = right.wait().screen.replace("\r\n", "\n");
    assert!(screen.ends_with(&lines), "{screen}");

    // and the way back in
    world.run(["key", "remove", &id, "--force", "--yes"]).success();
    world
        .process("base")
        .args(["--token-code", &world.code()])
        .run()
        .error(1)
        .says(&["is not in the keychain", "hint: mfa-run key import --from-stdin -p base"]);
    world.command(["key", "import", "-p", "base", "--from-stdin", "--yes"]).stdin(lines).run().success();
    world.log_in("base");
    accept_files(&world);
}

#[test]
fn a_key_in_use_is_not_forgotten_by_accident() {
    let world = kept();
    let id = world.alice.access_key_id.clone();
    world.run(["key", "remove", "-p", "base", "--yes"]).error(2).says(&["is used by profile base"]);
    world.run(["key", "remove", &id, "--force"]).error(2).says(&["agree to it with --yes"]);
    let mut terminal =
        world.command(["key", "remove", &id, "--force"]).env("TERM", "xterm").env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("This may be its only copy").send("n");
    terminal.wait().expect_code(130);
    assert!(world.run(["key", "list", "--offline"]).success().stdout.contains(" keychain "));
    world.log_in("base");
    world.run(["key", "remove", &id, "--force", "--yes"]).success().says(&["AWS still takes it"]);
    assert!(world.run(["key", "list", "--offline"]).success().stdout.contains(" named "), "no more than that");
    world.run(["key", "remove", &id, "--force", "--yes"]).error(2).says(&["is not in the keychain"]);
    assert_eq!(world.aws.access_key_active(&id), Some(true));
}

#[test]
fn without_keys_it_says_how_to_get_one() {
    let world = plain();
    world.write_credentials("");
    assert!(world.run(["key", "list"]).success().stderr.starts_with("there are no access keys: mfa-run key import"));
    world.run(["key", "import", "--all", "--yes"]).success().says(&["there is no access key to import"]);
}
