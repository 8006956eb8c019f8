//! `key import`: what is moved, what is left behind, and what is refused.

use super::{in_plain_text, plain};
use crate::support::World;
#[cfg(target_os = "linux")]
use crate::support::skip;
use fake_aws::{FaultKind, Options};

#[test]
fn a_key_moves_and_the_profile_goes_on_to_work() {
    let world = plain();
    let (id, secret) = (world.alice.access_key_id.clone(), world.alice.secret_access_key.clone());
    let text = format!(
        "# mine\r\n[base]\r\nregion=eu-west-1\r\naws_access_key_id={id}\r\n; why\r\naws_secret_access_key={secret}\r\n"
    );
    world.write_credentials(&text);

    let dry = world.run(["key", "import", "-p", "base", "--dry-run"]).success();
    assert!(dry.stdout.contains("-aws_secret_access_key= ****\n"), "{}", dry.stdout);
    assert_eq!(world.read(".aws/credentials"), text);
    let asked = world.run(["key", "import", "-p", "base"]).error(2);
    assert!(asked.stderr.contains("--dry-run, agree to it with --yes"), "{}", asked.stderr);
    assert!(world.read(".aws/credentials") == text && !world.home().join(".local/share/mfa-run/sealed").exists());

    let run = world.run(["key", "import", "-p", "base", "--yes"]).success();
    assert_eq!(run.stdout, "");
    let run = run.says(&[
        &format!("access key {id} of arn:aws:iam::123456789012:user/alice is in the keychain: sealed files below "),
        "\nprofile base names it there, and AWS tools get sessions from mfa-run\n",
        "\nnote: the secret was in plain text, and copies may be left (backups, an editor's files, git); mfa-run key rotate",
    ]);
    drop(run);
    assert_eq!(
        world.read(".aws/credentials"),
        format!("# mine\r\n[base]\r\nregion=eu-west-1\r\nmfa_run_access_key_id={id}\r\n; why\r\n")
    );
    let program = world.home().join("bin/mfa-run");
    let (program, serial) = (program.display(), &world.alice.mfa_serial);
    let served =
        format!("\n[profile base]\ncredential_process = {program} credential-process -p base\nmfa_serial = {serial}\n");
    assert!(world.read(".aws/config").ends_with(&served), "{}", world.read(".aws/config"));

    // both the profile and the role behind it, from a key that is in no file
    world.log_in("base");
    world.process("base").run().success();
    world.process("admin").run().success();
    let again = world.run(["key", "import", "-p", "base", "--yes"]).error(2);
    assert!(
        again.stderr.contains("names access key") && again.stderr.contains("in the keychain already"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_key_that_does_not_work_stays_where_it_is() {
    let world = plain();
    let before = world.read(".aws/credentials");
    world.aws.set_access_key_active(&world.alice.access_key_id, false);
    let run = world.run(["key", "import", "-p", "base", "--yes"]).error(4);
    assert!(run.stderr.contains("sts:GetCallerIdentity was refused by AWS"), "{}", run.stderr);
    world.aws.set_access_key_active(&world.alice.access_key_id, true);
    world.write_credentials(&before.replace(&world.alice.secret_access_key[..8], "wrongwro"));
    world.run(["key", "import", "-p", "base", "--yes"]).error(4).says(&["check the secret of access key"]);
    world.write_credentials(&before);
    world.aws.fail("GetCallerIdentity", FaultKind::Http500, 9);
    world.run(["key", "import", "-p", "base", "--yes"]).error(1);
    assert_eq!(world.read(".aws/credentials"), before);
    assert!(!world.home().join(".local/share/mfa-run/sealed").exists());
    world.aws.clear_faults();
    world
        .run(["key", "import", "-p", "admin", "--yes", "--no-check", "--mfa-serial", &world.alice.mfa_serial])
        .success();
    assert!(!in_plain_text(&world, &world.alice.secret_access_key), "also by the role that it is the source of");
}

#[test]
fn every_profile_with_the_key_names_it_and_each_is_left_in_its_own_way() {
    let world = World::bare(Options::default());
    let bob = world.aws.add_user("bob");
    let key = |name: &str| world.access_key(name);
    let bobs = |name: &str| {
        key(name)
            .replace(&world.alice.access_key_id, &bob.access_key_id)
            .replace(&world.alice.secret_access_key, &bob.secret_access_key)
    };
    let config = format!(
        "[profile roled]\nrole_arn = {0}\nsource_profile = roled\nmfa_serial = {1}\n[profile inconfig]\n{2}[profile other]\n\
         credential_process = aws-vault export other\n[profile short]\nrole_arn = {0}\nsource_profile = bob\nmfa_serial = {3}\n",
        world.aws.role_arn("admin"),
        world.alice.mfa_serial,
        key("x").split_once('\n').unwrap().1,
        bob.mfa_serial,
    );
    world.write_config(&config);
    let all = [key("roled"), key("other"), key("mine-long-term"), bobs("bob"), bobs("default")].concat();
    world.write_credentials(&format!(
        "{all}[session]\naws_access_key_id = ASIAAAAAAAAAAAAAAAAA\naws_secret_access_key = s\naws_session_token = t\n"
    ));
    world.write(".aws/credentials~", world.access_key("base"));
    world.aws.add_device("alice", "arn:aws:iam::123456789012:mfa/second");
    let run = world.run(["key", "import", "--all", "--yes"]).expect_code(0);
    run.says(&[
        "note: roled has a role: mfa-run configure -p roled",
        "note: other has another program's credential_process",
        "credentials~",
        "profile mine-long-term names it there\n",
        "profile inconfig names it there, and AWS tools get sessions from mfa-run\n",
        "profile bob names it there, and AWS tools get sessions from mfa-run\n",
    ]);
    for user in [&world.alice, &bob] {
        assert!(!in_plain_text(&world, &user.secret_access_key));
    }
    assert!(world.read(".aws/credentials").contains("aws_session_token = t"), "a session is none of its business");
    assert_eq!(world.read(".aws/credentials").matches("mfa_run_access_key_id").count(), 5);
    assert_eq!(world.read(".aws/config").matches("mfa_run_access_key_id").count(), 1);
    world.log_in("roled");
    world.run(["configure", "-p", "roled"]).success();
    for profile in ["roled", "inconfig"] {
        world.process(profile).run().success();
    }
    let code = world.aws.fresh_code(&bob.mfa_serial);
    world.run(["login", "-p", "short", "--token-code", &code]).success();
    for profile in ["short", "bob", "default"] {
        world.process(profile).run().success();
    }
}

#[test]
fn devices_are_found_asked_for_or_enrolled_later() {
    let world = World::bare(Options::default());
    world.write_config("");
    world.write_credentials(&world.access_key("base"));
    let second = "arn:aws:iam::123456789012:mfa/second";
    world.aws.add_device("alice", second);
    let several = world.run(["key", "import", "-p", "base", "--yes"]).error(2);
    assert!(
        several.stderr.contains("there are several MFA devices") && several.stderr.contains("--mfa-serial ARN"),
        "{}",
        several.stderr
    );
    let mut terminal =
        world.command(["key", "import", "-p", "base"]).env("TERM", "xterm").env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("MFA device of profile base").expect("mfa/second").send("\u{1b}[B\r");
    terminal.expect("+mfa_serial = ").expect("into the keychain and write this?").send("y");
    terminal.wait().success();
    assert!(world.read(".aws/config").contains(&format!("mfa_serial = {second}\n")), "{}", world.read(".aws/config"));

    let world = World::bare(Options::default());
    world.write_config("");
    world.write_credentials(&world.access_key("base"));
    world.aws.remove_device(&world.alice.mfa_serial);
    world
        .run(["key", "import", "-p", "base", "--yes"])
        .success()
        .says(&["base has no MFA device yet: mfa-run device enroll -p base"]);
    assert!(!world.read(".aws/config").contains("credential_process"));
}

#[test]
fn a_no_changes_nothing() {
    let world = plain();
    let before = (world.read(".aws/config"), world.read(".aws/credentials"));
    let mut terminal =
        world.command(["key", "import", "-p", "base"]).env("TERM", "xterm").env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("-aws_secret_access_key = ****").expect("write this?").send("n");
    terminal.wait().expect_code(130);
    assert_eq!((world.read(".aws/config"), world.read(".aws/credentials")), before);
    assert!(!world.home().join(".local/share/mfa-run/sealed").exists());
}

#[test]
fn keys_come_from_stdin_and_from_the_environment() {
    let world = World::bare(Options::default());
    world.write_config(&world.role_profile("admin"));
    world.write_credentials("");
    let (id, secret) = (world.alice.access_key_id.clone(), world.alice.secret_access_key.clone());
    let json =
        format!(r#"{{"AccessKey": {{"AccessKeyId": "{id}", "Status": "Active", "SecretAccessKey": "{secret}"}}}}"#);
    world.command(["key", "import", "-p", "base", "--from-stdin", "--yes"]).stdin(json).run().success();
    assert!(world.read(".aws/config").contains("[profile base]\ncredential_process = "));
    assert!(world.read(".aws/config").contains(&format!("mfa_run_access_key_id = {id}\n")));
    world.log_in("admin");
    world.process("admin").run().success();

    let (second, its_secret) = world.aws.add_access_key("alice");
    world.secret(&its_secret);
    let in_env = |force: &[&str]| {
        let command = world.command(["key", "import", "-p", "base", "--from-env", "--yes"]).args(force);
        command.env("AWS_ACCESS_KEY_ID", &second).env("AWS_SECRET_ACCESS_KEY", &its_secret).run()
    };
    let config = world.read(".aws/config");
    let names = format!("profile base names another access key in the keychain: {id}\n");
    in_env(&[]).error(2).says(&[&names, "the same again with --force"]);
    assert_eq!(world.read(".aws/config"), config);
    in_env(&["--force"]).success().says(&[
        &format!("note: {id} is still in the keychain: mfa-run key remove {id}\n"),
        "out of the environment: they come before every profile",
    ]);
    assert!(world.read(".aws/config").contains(&format!("mfa_run_access_key_id = {second}\n")));
    let two = format!("{id} {secret}\n{second} {its_secret}\n");
    world
        .command(["key", "import", "--from-stdin", "--yes"])
        .stdin(&two)
        .run()
        .success()
        .says(&["to use it: mfa_run_access_key_id = "]);
    world.command(["key", "import", "--from-stdin", "--yes"]).stdin(&id).run().error(2);
    let session = world.command(["key", "import", "--from-env", "--yes"]).env("AWS_ACCESS_KEY_ID", &id);
    session.env("AWS_SECRET_ACCESS_KEY", &secret).env("AWS_SESSION_TOKEN", "t").run().error(2);
}

#[test]
fn what_would_have_to_be_guessed_is_refused() {
    let world = plain();
    let (second, its_secret) = world.aws.add_access_key("alice");
    let mine = world.read(".aws/credentials");
    for (text, says) in [
        (format!("{mine}aws_secret_access_key = another\n"), "is no"),
        (
            format!("{mine}aws_access_key_id = {second}\naws_secret_access_key = {its_secret}\n"),
            "is another access key of profile base",
        ),
        (
            format!(
                "{mine}{}aws_session_token =\n",
                world.access_key("x").replace(&world.alice.secret_access_key, &its_secret)
            ),
            "have two secrets for",
        ),
    ] {
        world.write_credentials(&text);
        let run = world.run(["key", "import", "-p", "base", "--yes"]);
        assert_ne!(run.code(), Some(0), "{}", run.report());
        assert!(says == "is no" || run.stderr.contains(says), "{}", run.report());
        assert_eq!(world.read(".aws/credentials"), text);
    }
    world.write_credentials(&mine);
    let other =
        world.command(["key", "import", "-p", "base", "--from-stdin", "--yes"]).stdin(format!("{second} {its_secret}"));
    other.run().error(2).says(&["profile base has another access key in plain text"]);
}

#[test]
fn aws_mfas_layout_stays_one() {
    let world = World::bare(Options::default());
    world.write_config("");
    let device = format!("aws_mfa_device = {}\n", world.alice.mfa_serial);
    world.write_credentials(&(world.access_key("default-long-term") + &device));
    world.run(["key", "import", "-p", "default", "--yes"]).success();
    let id = &world.alice.access_key_id;
    assert_eq!(world.read(".aws/credentials"), format!("[default-long-term]\nmfa_run_access_key_id = {id}\n{device}"));
    assert_eq!(world.read(".aws/config"), "");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mfa-run"), world.home().join("bin/aws-mfa")).unwrap();
    world.other("aws-mfa", ["--token", &world.code()]).run().success();
    assert!(
        world.read(".aws/credentials").contains("[default]\nassumed_role = False\n"),
        "{}",
        world.read(".aws/credentials")
    );
    world.process("default").run().success();
    // a session in plain text is what aws-mfa is for
    world.write(".aws/credentials", world.read(".aws/credentials"));
}

#[test]
fn without_a_store_nothing_is_taken_away() {
    let mut world = plain();
    let before = (world.read(".aws/config"), world.read(".aws/credentials"));
    world.unset("MFA_RUN_KEY_FILE");
    world.run(["key", "import", "-p", "base", "--yes"]).error(1);
    let nowhere = world.home().join("no/such/file");
    world.set("MFA_RUN_KEY_FILE", nowhere);
    assert_ne!(world.run(["key", "import", "-p", "base", "--yes"]).code(), Some(0));
    assert_eq!((world.read(".aws/config"), world.read(".aws/credentials")), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_replaced_keeps_the_key_until_it_is_written_into() {
    let world = plain();
    let before = world.read(".aws/credentials");
    let credentials = world.home().join(".aws/credentials");
    let mounted = |args: &[&str]| {
        let script =
            ["-m", "sh", "-c", "mount --bind \"$0\" \"$0\" && exec mfa-run \"$@\"", credentials.to_str().unwrap()];
        world.other("unshare", script).args(args).run()
    };
    if mounted(&["list"]).code() != Some(0) {
        return skip("no mount allowed");
    }
    let import = ["key", "import", "-p", "base", "--yes", "--in-place"];
    mounted(&import[..5]).error(2).says(&["--in-place writes into it"]);
    assert_eq!(world.read(".aws/credentials"), before);
    world.process("admin").args(["--token-code", &world.code()]).run().success();
    mounted(&import).success();
    assert!(!in_plain_text(&world, &world.alice.secret_access_key));

    // a new key that finds no way into the files waits beside the old one
    world.aws.advance(60);
    world.log_in("base");
    let old = world.alice.access_key_id.clone();
    let rotate = ["key", "rotate", "-p", "base", "--grace", "0", "--in-place"];
    mounted(&rotate[..6]).error(2).says(&["--in-place writes into it"]);
    assert_eq!((world.aws.access_keys("alice").len(), world.aws.access_key_active(&old)), (2, Some(true)));
    world.process("base").run().success();
    mounted(&rotate).success().says(&["going on with the rotation", "is deleted"]);
    assert_eq!(world.aws.access_keys("alice").len(), 1);
    world.process("base").run().success();
}
