//! `configure`: a profile becomes one that every SDK gets its credentials for from mfa-run, its undoing, and what it refuses.

use crate::support::World;
use fake_aws::Options;

/// The config file with `$PATH`s and ARNs as short words.
#[cfg(unix)]
fn short(world: &World, text: &str) -> String {
    let program = world.home().join("bin/mfa-run");
    text.replace(program.to_str().unwrap(), "MFA-RUN")
        .replace(&world.alice.mfa_serial, "SERIAL")
        .replace(&format!("arn:aws:iam::{}:role/", world.aws.account()), "ROLE/")
}

#[cfg(unix)]
fn config(world: &World) -> String {
    short(world, &world.read(".aws/config"))
}

#[cfg(unix)] // how words are quoted
#[test]
fn a_role_profile_becomes_a_credential_process_and_the_rest_stays() {
    let world = World::with_one_role();
    let text = "# mine\n[profile base]\nregion = eu-west-1\n\n[profile admin] # the big one\n".to_owned()
        + world.role_profile("admin").split_once('\n').unwrap().1
        + "region   =  eu-central-1\nexternal_id = it's me\nduration_seconds = 7200\nrole_session_name = ann\n\
           session_tags = team=a b, cost=12\ntransitive_session_tags = team\ns3 =\n  addressing_style = path\noutput=json\n# end";
    world.write_config(&text);
    world.run(["configure", "-p", "admin"]).success();
    assert_eq!(
        config(&world),
        "# mine\n[profile base]\nregion = eu-west-1\n\n[profile admin] # the big one\n\
         region   =  eu-central-1\ns3 =\n  addressing_style = path\noutput=json\n\
         credential_process=MFA-RUN credential-process -p admin --role-arn ROLE/admin --source-profile base \
         --mfa-serial SERIAL --external-id \"it's me\" --role-session-name ann --duration 7200 --tag 'team=a b' \
         --tag 'cost=12' --transitive-tag team\n# end"
    );
    let again = world.run(["configure", "-p", "admin"]).success();
    assert_eq!(again.stderr, "nothing to change\n");
    let explained = world.run(["explain", "-p", "admin"]).success().stdout;
    assert!(explained.contains("--external-id in credential_process of admin"), "{explained}");
    world.run(["configure", "-p", "admin", "--duration", "1h"]).success();
    assert!(config(&world).contains(" --duration 3600 "), "{}", config(&world));
    for _ in 0..2 {
        world.run(["configure", "--undo", "-p", "admin"]).success();
    }
    assert_eq!(world.read(".aws/config"), text);
    let none = world.run(["configure", "--undo", "-p", "admin"]).expect_code(2);
    assert!(none.stderr.starts_with("error: no change of profile admin is on record\nhint: "), "{}", none.stderr);
}

#[test]
fn undo_takes_back_one_change_whatever_came_after() {
    let world = World::new();
    let before = world.read(".aws/config");
    world.run(["configure", "-p", "admin"]).success();
    let only_admin = world.read(".aws/config");
    world.run(["configure", "-p", "readonly"]).success();
    world.write_config(&(world.read(".aws/config") + "\n[profile mine]\nregion = x\n"));
    world.run(["configure", "--undo", "-p", "admin"]).success();
    let config = world.read(".aws/config");
    assert!(config.contains("-p readonly") && !config.contains("-p admin"), "{config}");
    world.run(["configure", "--undo", "-p", "readonly"]).success();
    assert_eq!(world.read(".aws/config"), before.clone() + "\n[profile mine]\nregion = x\n");

    world.write_config(&only_admin.replace("--source-profile base", "--source-profile other"));
    world.run(["configure", "-p", "short"]).success();
    world.run(["configure", "--undo"]).success();
    assert!(world.read(".aws/config").contains("--source-profile other"), "the newest alone");
}

#[test]
fn a_change_that_somebody_changed_is_left_alone() {
    let world = World::new();
    world.run(["configure", "-p", "admin"]).success();
    let touched = world.read(".aws/config").replace("-p admin --role-arn", "-p admin --no-prompt --role-arn");
    world.write_config(&touched);
    let run = world.run(["configure", "--undo", "-p", "admin"]).expect_code(2);
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    assert_eq!(world.read(".aws/config"), touched);
}

#[test]
fn odd_files_come_back_byte_for_byte() {
    let world = World::with_one_role();
    let (arn, serial) = (world.aws.role_arn("admin"), world.alice.mfa_serial.clone());
    let body = format!("role_arn = {arn}\nsource_profile = base\nmfa_serial = {serial}\n");
    let texts = [
        ("two words", format!("[profile \"two words\"]\n{body}")),
        ("two words", format!("[profile 'two words']\r\n{}", body.replace('\n', "\r\n"))),
        ("admin", format!("[profile admin]\n{}", body.trim_end())),
        ("admin", format!("\n\n;c\n[profile admin]\n{body}\n\n\n[profile z]\nregion=x\n\n")),
        ("admin", format!("[profile admin]\nregion: x\n{}", body.replace(" = ", "="))),
        ("it's", format!("[profile \"it's\"]\n{body}")),
        ("default", format!("[default]\n{body}[profile z]\nsource_profile = default\n")),
    ];
    for (name, text) in texts {
        world.write_config(&text);
        world.run(["configure", "-p", name]).success();
        let configured = world.read(".aws/config");
        assert!(configured.contains("credential_process") && !configured.contains("role_arn ="), "{configured}");
        world.run(["explain", "-p", name]).success();
        world.run(["configure", "--undo", "-p", name]).success();
        assert_eq!(world.read(".aws/config"), text, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let world = World::with_one_role();
    let text = world.read(".aws/config");
    world.write("dotfiles/aws", &text);
    let link = world.home().join(".aws/config");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../dotfiles/aws", &link).unwrap();
    world.run(["configure", "-p", "admin"]).success();
    assert!(link.is_symlink() && world.read("dotfiles/aws").contains("credential_process"));
    world.run(["configure", "--undo"]).success();
    assert_eq!((link.is_symlink(), world.read("dotfiles/aws")), (true, text));
}

#[cfg(unix)] // how words are quoted
#[test]
fn a_profile_with_mfa_and_a_key_becomes_the_shared_session() {
    let world = World::bare(Options::default());
    let text = format!("[profile base]\nregion = eu-west-1\nmfa_serial = {}\n", world.alice.mfa_serial);
    let keys = format!("{}region = eu-west-2\noutput = json\n", world.access_key("base"));
    world.write_config(&text);
    world.write_credentials(&keys);
    let refused = world.run(["configure", "-p", "base"]).expect_code(2);
    assert_eq!(
        refused.stderr,
        "error: the access key in [base] moves to [base-long-term]: SDKs would take it before credential_process\n\
         hint: look at it with --dry-run, agree to it with --yes\n"
    );
    assert_eq!((world.read(".aws/config"), world.read(".aws/credentials")), (text.clone(), keys.clone()));

    let dry = world.run(["configure", "-p", "base", "--dry-run"]).success();
    assert!(dry.stdout.contains("-[base]\n+[base-long-term]\n"), "{}", dry.stdout);
    assert!(dry.stdout.contains("\n aws_secret_access_key = ****\n"), "{}", dry.stdout);
    assert_eq!(world.read(".aws/credentials"), keys);

    world.run(["configure", "-p", "base", "--yes"]).success();
    assert!(
        config(&world).contains("\ncredential_process = MFA-RUN credential-process -p base\n"),
        "{}",
        config(&world)
    );
    assert!(config(&world).contains("\noutput = json\n"), "what stood beside the key still counts");
    assert_eq!(world.read(".aws/credentials"), keys.replace("[base]", "[base-long-term]"));
    world.run(["login", "-p", "base", "--token-code", &world.code()]).success();
    world.command(["credential-process", "-p", "base"]).may_print_secrets().run().success();
    world.run(["configure", "--undo"]).success();
    assert_eq!((world.read(".aws/config"), world.read(".aws/credentials")), (text, keys));
}

#[test]
fn keys_in_the_config_file_come_back_from_where_they_went() {
    let world = World::bare(Options::default());
    let key = world.access_key("base").split_once('\n').unwrap().1.to_owned();
    let text = format!("[profile base]\n{key}mfa_serial = {}\n", world.alice.mfa_serial);
    world.write_config(&text);
    world.write_credentials("");
    world.run(["configure", "-p", "base", "--yes"]).success();
    assert!(!world.read(".aws/config").contains("secret"));
    world.run(["login", "-p", "base", "--token-code", &world.code()]).success();
    world.run(["configure", "--undo"]).success();
    assert_eq!((world.read(".aws/config"), world.read(".aws/credentials").as_str()), (text, ""));
}

#[test]
fn all_is_every_role_with_mfa_behind_any_device() {
    let world = World::new();
    let bob = world.aws.add_user("bob");
    let other = format!(
        "[profile bobs]\nrole_arn = {}\nsource_profile = bob\nmfa_serial = {}\n",
        world.aws.role_arn("admin"),
        bob.mfa_serial
    );
    let keys = format!(
        "[bob]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        bob.access_key_id, bob.secret_access_key
    );
    let (config, credentials) = (world.read(".aws/config") + &other, world.read(".aws/credentials") + &keys);
    world.write_config(&config);
    world.write_credentials(&credentials);
    world.run(["configure", "--all", "--mfa-session", "shared"]).success();
    let now = world.read(".aws/config");
    assert_eq!(now.matches("credential_process").count(), 8, "{now}");
    assert_eq!(now.matches("mfa_session = shared").count(), 8, "{now}");
    assert_eq!(now.matches("role_arn = ").count(), 1, "nomfa stays as it is: {now}");
    assert!(now.contains(&format!("--source-profile bob --mfa-serial {}", bob.mfa_serial)), "{now}");
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    world.command(["credential-process", "-p", "hop"]).may_print_secrets().run().success();
    world.command(["credential-process", "-p", "bobs"]).run().expect_code(3);
    world.run(["configure", "--all", "--undo"]).success();
    assert_eq!((world.read(".aws/config"), world.read(".aws/credentials")), (config, credentials));
}

#[cfg(unix)] // how words are quoted
#[test]
fn flags_alone_make_a_profile_and_what_is_missing_is_named() {
    let world = World::with_one_role();
    for (args, hint) in [
        (&[][..], "hint: mfa-run configure -p NAME, or --all\n"),
        (&["-p", "new"], "hint: mfa-run configure -p new --role-arn ARN --source-profile NAME --mfa-serial ARN\n"),
        (&["-p", "new", "--role-arn", "123456789012:x"], "hint: mfa-run configure -p new --source-profile NAME\n"),
        (&["-p", "base", "--yes"], "hint: mfa-run configure -p base --mfa-serial ARN\n"),
    ] {
        let run = world.run([&["configure"], args].concat()).expect_code(2);
        assert!(run.stderr.ends_with(hint), "{}", run.stderr);
    }
    let before = world.read(".aws/config");
    let arn = world.aws.role_arn("readonly");
    let new = ["configure", "-p", "new one", "--role-arn", &arn, "--source-profile", "base", "--region", "eu-west-3"];
    world.run([&new[..], &["--mfa-serial", &world.alice.mfa_serial]].concat()).success();
    assert!(
        config(&world).ends_with(
            "\n[profile \"new one\"]\ncredential_process = MFA-RUN credential-process -p 'new one' --role-arn ROLE/readonly \
             --source-profile base --mfa-serial SERIAL\nregion = eu-west-3\n"
        ),
        "{}",
        config(&world)
    );
    world.run(["login", "-p", "new one", "--token-code", &world.code()]).success();
    world.run(["configure", "--undo"]).success();
    assert_eq!(world.read(".aws/config"), before);
}

#[test]
fn another_programs_process_is_replaced_with_consent_only() {
    let world = World::with_one_role();
    let text = "[profile admin]\ncredential_process = aws-vault export --format=json admin\n";
    world.write_config(text);
    let arn = world.aws.role_arn("admin");
    let args = ["configure", "-p", "admin", "--role-arn", &arn, "--source-profile", "base"];
    let run = world.run(args).expect_code(2);
    assert!(
        run.stderr.starts_with("error: credential_process of [admin], now aws-vault, is replaced\n"),
        "{}",
        run.stderr
    );
    world.run([&args[..], &["--yes"]].concat()).success();
    assert!(!world.read(".aws/config").contains("aws-vault"));
    world.run(["configure", "--undo"]).success();
    assert_eq!(world.read(".aws/config"), text);
}

#[cfg(unix)]
#[test]
fn a_person_is_led_through_it() {
    let world = World::bare(Options::default());
    world.write_config("[profile base]\nregion = eu-west-1\n");
    world.write_credentials(&world.access_key("base"));
    let mut terminal = world.command(["configure"]).env("TERM", "xterm").env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("Profile to set up").send("\u{1b}[B\r");
    terminal.expect("Name of the new profile").send_line("prod");
    terminal.expect("Role ARN").send_line(&world.aws.role_arn("admin"));
    terminal.expect("Source profile, whose access key is used").send("base\r");
    // what IAM lists
    terminal.expect("MFA device").expect(&world.alice.mfa_serial).send("\r");
    terminal.expect("Duration").send("\r");
    terminal.expect("Region").send("\r");
    terminal.expect("+[profile prod]").expect("Write this?").send("y");
    let run = terminal.wait().success();
    assert!(run.screen.contains("prod gets its credentials from mfa-run"), "{}", run.screen);
    assert_eq!(
        config(&world),
        "[profile base]\nregion = eu-west-1\n\n[profile prod]\ncredential_process = MFA-RUN credential-process -p prod \
         --role-arn ROLE/admin --source-profile base --mfa-serial SERIAL\n"
    );
    assert_eq!(world.calls(), "ListMFADevices");
}

#[cfg(unix)]
#[test]
fn several_roles_are_offered_one_code() {
    let world = World::new();
    let mut terminal =
        world.command(["configure", "-p", "admin"]).env("TERM", "xterm").env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("6 other roles are behind this device. One code for all").send("y");
    terminal.expect("Write this?").send("n");
    terminal.wait().expect_code(130);
    assert!(!world.read(".aws/config").contains("mfa_session"));
    let mut terminal =
        world.command(["configure", "-p", "admin"]).env("TERM", "xterm").env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("One code for all").send("y");
    terminal.expect("Write this?").send("y");
    terminal.wait().success();
    assert!(world.read(".aws/config").contains("mfa_session = shared"));
}
