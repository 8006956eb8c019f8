//! Called as `awsumepy`: what awsumepy 4.5.4 prints and writes on the same files, compared.

use super::{credentials, form, ours, peer, prepare, section};
use crate::support::{Command, World};

fn world() -> World {
    let mut world = World::new();
    prepare(&mut world);
    // not UTC, so that local times show
    world.set("TZ", "Asia/Tokyo");
    world
}

/// A world whose file has what awsume 4.5.4 stumbles over taken out.
fn both(args: &[&str]) -> Option<[(World, String); 2]> {
    let peer = peer("awsumepy")?;
    Some([true, false].map(|theirs| {
        let world = world();
        let args: Vec<String> = args.iter().map(|arg| arg.replace("ROLE", &world.aws.role_arn("admin"))).collect();
        let code = ["--mfa-token".to_owned(), world.code()];
        let args: Vec<&str> = args.iter().chain(&code).map(String::as_str).collect();
        let command: Command = match theirs {
            true => world.tool(&peer, args).may_print_secrets(),
            false => ours(&world, "awsumepy", args),
        };
        let run = command.run().success();
        // awsume keeps the shared session in the clear
        for file in std::fs::read_dir(world.home().join(".cache/awsume")).into_iter().flatten().flatten() {
            let inside = format!(".cache/awsume/{}", file.file_name().to_str().unwrap());
            world.write(&inside, world.read(&inside));
        }
        (world, run.stdout)
    }))
}

/// A wire line with secrets as their first letters and times as their format.
fn words(line: &str) -> Vec<String> {
    let word = |(at, word): (usize, &str)| match at {
        1 => word[..4].to_owned(),
        2 | 3 => "secret".to_owned(),
        7 => word.replace(|c: char| c.is_ascii_digit(), "9"),
        _ => word.to_owned(),
    };
    line.split_whitespace().enumerate().map(word).collect()
}

#[test]
fn the_same_words_for_the_wrapper() {
    for args in [
        &["admin"][..],
        &["admin", "--region", "us-west-2", "--role-duration", "3700"],
        &["admin", "-r", "--session-name", "me", "-t", "team=infra"],
        &["external"],
        // awsume 4.5 looks for a Region in the profile and its source, no further
        &["hop", "--region", "eu-west-1"],
        &["mfabase"],
        &["--role-arn", "ROLE", "--source-profile", "mfabase", "--region", "eu-west-1"],
    ] {
        let Some([(theirs, line), (ours, our_line)]) = both(args) else { return };
        let line = line.replace(&theirs.aws.account(), "ACCOUNT");
        let our_line = our_line.replace(&ours.aws.account(), "ACCOUNT");
        assert_eq!(words(&our_line), words(&line), "{args:?}");
    }
}

#[test]
fn the_same_output_profile() {
    let Some([(theirs, _), (ours, _)]) = both(&["admin", "-o", "out"]) else { return };
    let (theirs, ours) = (credentials(&theirs), credentials(&ours));
    assert_eq!(form(&ours, "out"), form(&theirs, "out"));
    // both local time, an hour from now
    let hour = |text: &str| section(text, "out")["expiration"][..13].to_owned();
    assert_eq!(hour(&ours), hour(&theirs));
}

#[test]
fn the_same_table() {
    let Some(peer) = peer("awsumepy") else { return };
    let world = world();
    let theirs = world.tool(&peer, ["-l"]).run().success();
    let ours = ours(&world, "awsumepy", ["-l"]).run().success();
    assert_eq!(ours.stdout, theirs.stdout);
    let theirs = world.tool(&peer, ["-u"]).run().success();
    let ours = super::ours(&world, "awsumepy", ["-u"]).run().success();
    assert_eq!(ours.stdout, theirs.stdout);
}

#[test]
fn one_code_serves_every_role() {
    let world = world();
    ours(&world, "awsumepy", ["admin", "--mfa-token", &world.code()]).run().success();
    for role in ["readonly", "short", "external", "hop"] {
        ours(&world, "awsumepy", [role]).run().success();
    }
    assert_eq!(world.codes_used(), 1);
    // awsume 4.5 takes the Region of the last session for the next; ours is the profile's
    let run = ours(&world, "awsumepy", ["admin"]).env("AWS_REGION", "xx-left-1").run().success();
    assert_eq!(words(&run.stdout)[4], "eu-west-1");
}

#[test]
fn an_output_profile_is_never_somebody_elses() {
    let world = world();
    world.log_in("admin");
    let text = format!(
        "{}[pasted]\naws_access_key_id = ASIA1\naws_secret_access_key = other1\naws_session_token = other2\n\
         [old]\nmanager = awsume\naws_access_key_id = ASIA2\naws_secret_access_key = other3\naws_session_token = other4\nexpiration = 2020-01-01 00:00:00\n",
        world.read(".aws/credentials")
    );
    world.write_credentials(&text);
    // awsume 4.5 prints the keys first and refuses then
    for to in ["pasted", "base", "admin"] {
        let run = ours(&world, "awsumepy", ["admin", "-o", to]).run().expect_code(2);
        assert_eq!(run.stdout, "", "{}", run.report());
    }
    ours(&world, "awsumepy", ["admin", "-o", "old"]).run().success();
    let written = section(&credentials(&world), "old");
    assert_eq!((written["manager"].as_str(), written["mfa_run_profile"].as_str()), ("awsume", "admin"));
    world.run(["logout", "-p", "admin"]).success();
    assert!(!credentials(&world).contains("[old]"));
}

#[test]
fn clean_takes_only_what_it_or_awsume_wrote() {
    let world = world();
    let keys = "aws_access_key_id = ASIA1\naws_secret_access_key = other1\naws_session_token = other2\n";
    // a minute ago in Tokyo, as local time; the same digits are in the future as UTC
    let local =
        chrono::DateTime::from_timestamp(world.aws.now() + 9 * 3_600 - 60, 0).unwrap().format("%Y-%m-%d %H:%M:%S");
    let kept = format!(
        "# kept\n[default]\n{keys}assumed_role = False\nexpiration = 2020-01-01 00:00:00\n[zone]\n{keys}expiration = 2020-01-01T00:00:00Z\n\
         [auto]\n{keys}manager = awsume\nautoawsume = true\nexpiration = 2020-01-01 00:00:00\n\
         [ours-alive]\n{keys}mfa_run_profile = a\nexpiration = {local}\n"
    );
    let gone = format!(
        "[theirs]\n{keys}manager = awsume\nexpiration = {local}\n[ours]\n{keys}mfa_run_profile = a\nexpiration = 2020-01-01 00:00:00\n"
    );
    world.write_credentials(&format!("{kept}{gone}"));
    ours(&world, "awsumepy", ["--clean"]).run().success();
    assert_eq!(world.read(".aws/credentials"), kept);
    // awsume 4.5 deletes aws-mfa's [default], or dies of the stamp with a zone
    let run = ours(&world, "awsumepy", ["-k"]).run().success();
    assert_eq!(run.stdout, "Kill\n");
    assert!(!world.read(".aws/credentials").contains("[auto]") && run.stderr.contains("no daemon"));
}

#[test]
fn config_yaml_says_what_nobody_else_does() {
    let mut world = world();
    let config = world.home().join("awsume-config").to_str().unwrap().to_owned();
    world.set("XDG_CONFIG_HOME", &config);
    world.write(
        "awsume-config/awsume/config.yaml",
        "colors: true\nregion: ap-southeast-2\nrole-duration: 7200\nrole-session-name: 'from yaml'\n"
            .replace("from yaml", "from-yaml"),
    );
    world.write_config(&world.read(".aws/config").replace("region = eu-west-1\n", ""));
    let run = ours(&world, "awsumepy", ["admin", "--mfa-token", &world.code()]).run().success();
    assert_eq!(words(&run.stdout)[4], "ap-southeast-2");
    let call = &world.aws.calls("AssumeRole")[0].parameters;
    assert_eq!((call["DurationSeconds"].as_str(), call["RoleSessionName"].as_str()), ("7200", "from-yaml"));
}

#[test]
fn what_it_can_not_do_is_said() {
    let world = world();
    world.write_config(
        &(world.read(".aws/config")
            + &world.role_profile("readonly").replace("profile readonly", "profile \"two words\"")),
    );
    for (args, words) in [
        (&["x", "--with-saml"][..], "plugin"),
        (&["-cl", "admin"], "console"),
        (&["--config", "set", "region", "x"], "config.yaml"),
        (&["-a", "--json", "{}"], "-a cannot be used with --json"),
        (&["admin", "--role-duration", "43201"], "900 to 43200"),
        (&["--json", "{\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"x\"}"], "has no session in it"),
        (&["two words"], "mfa-run init bash --awsume"),
        (&["base"], "no session to make"),
    ] {
        let run = ours(&world, "awsumepy", args.iter().copied()).run().expect_code(2);
        assert!(run.stdout.is_empty() && run.stderr.contains(words), "{args:?} {}", run.report());
    }
    assert_eq!(world.calls(), "");
}

#[test]
fn auto_refresh_is_a_profile_that_renews_itself() {
    let world = world();
    let arn = world.aws.role_arn("admin");
    let line = format!(
        "[profile auto]\nregion = eu-west-1\ncredential_process = mfa-run credential-process --role-arn {arn} --source-profile base\n"
    );
    world.write_config(&(world.read(".aws/config") + &line));
    let run = ours(&world, "awsumepy", ["auto", "-a"]).run().success();
    assert_eq!(run.stdout, "Awsume None None None eu-west-1 auto auto None\n");
    let run = ours(&world, "awsumepy", ["admin", "-a", "--mfa-token", &world.code()]).run().success();
    assert!(
        run.stdout.starts_with("Awsume ASIA") && run.stderr.contains("mfa-run configure -p admin"),
        "{}",
        run.report()
    );
}
