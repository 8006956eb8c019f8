//! `write`: which section, which keys, what it refuses; and `logout`, which takes it away.

use super::{aws_mfa_world, credentials, section};
use crate::support::World;

#[test]
fn a_session_becomes_a_named_profile_and_logout_takes_it_away() {
    let world = World::new();
    let before = world.read(".aws/credentials");
    let run = world.run(["write", "-p", "admin", "--token-code", &world.code()]).success();
    assert!(run.stdout.is_empty() && run.stderr.contains("wrote [admin-session] to "), "{}", run.report());
    let text = credentials(&world);
    assert!(text.starts_with(&before), "nothing else is touched");
    let written = section(&text, "admin-session");
    let keys: Vec<_> = written.keys().map(String::as_str).collect();
    let expected = "assumed_role assumed_role_arn aws_access_key_id aws_secret_access_key aws_security_token aws_session_token \
                    expiration mfa_run_profile region";
    assert_eq!(keys.join(" "), expected);
    assert_eq!((written["assumed_role"].as_str(), written["mfa_run_profile"].as_str()), ("True", "admin"));
    assert_eq!(written["assumed_role_arn"], world.aws.role_arn("admin"));
    let until = world.aws.session_expiration(&written["aws_access_key_id"]).unwrap();
    assert_eq!(written["expiration"], until.replace('T', " ").trim_end_matches('Z'));

    // again, from the cache, in the same place
    world.run(["write", "-p", "admin", "--no-prompt"]).success();
    assert_eq!(credentials(&world), text);
    world.run(["write", "-p", "admin", "--to", "elsewhere"]).success();
    credentials(&world);
    let run = world.run(["logout", "-p", "admin"]).success();
    assert!(run.stderr.contains("took the session out of [elsewhere]"), "{}", run.report());
    assert_eq!(world.read(".aws/credentials").trim_end(), before.trim_end());
}

/// A file that is mounted by itself can't be replaced; in place it stays the file that it is.
#[test]
fn logout_in_place_writes_into_the_file() {
    use std::os::unix::fs::MetadataExt;
    let world = World::new();
    let before = world.read(".aws/credentials");
    let file = || std::fs::metadata(world.home().join(".aws/credentials")).unwrap().ino();
    world.run(["write", "-p", "admin", "--token-code", &world.code()]).success();
    let written = file();
    world.run(["logout", "-p", "admin", "--in-place"]).success();
    assert_eq!((file(), world.read(".aws/credentials").trim_end()), (written, before.trim_end()));
}

#[test]
fn logout_leaves_the_sessions_of_others() {
    let world = World::new();
    world.log_in("admin");
    for profile in ["admin", "readonly"] {
        world.run(["write", "-p", profile, "--no-prompt"]).success();
    }
    credentials(&world);
    world.run(["logout", "-p", "admin"]).success();
    let text = credentials(&world);
    assert!(section(&text, "admin-session").is_empty() && !section(&text, "readonly-session").is_empty());
    world.run(["logout", "--all"]).success();
    assert!(!world.read(".aws/credentials").contains("-session"));
}

#[test]
fn what_it_did_not_write_is_not_overwritten() {
    let world = World::new();
    let mut config = world.read(".aws/config");
    config += "[profile served]\ncredential_process = x\n";
    world.write_config(&config);
    let session = "aws_access_key_id = ASIA1\naws_secret_access_key = other1\naws_session_token = other2\n";
    let text = format!("{}[pasted]\n{session}[by-awsume]\nmanager = awsume\n{session}", world.read(".aws/credentials"));
    world.write_credentials(&text);
    for (to, what) in [
        ("base", "holds a long-lived access key"),
        ("pasted", "was not written by mfa-run"),
        ("by-awsume", "was not written by mfa-run"),
        ("admin", "has role_arn in the config file"),
        ("served", "has credential_process in the config file"),
    ] {
        // known before a code is asked for
        world.run(["write", "-p", "admin", "--to", to]).error(2).says(&[what]);
    }
    world
        .run(["write", "--role-arn", &world.aws.role_arn("admin"), "--source-profile", "base"])
        .error(2)
        .says(&["--to NAME"]);
    assert_eq!(world.read(".aws/credentials"), text);
    world.log_in("admin");
    world.run(["write", "-p", "admin", "--to", "base", "--force"]).error(2).says(&["long-lived"]);
    world.run(["write", "-p", "admin", "--to", "pasted", "--force"]).success();
    assert!(!credentials(&world).contains("other2\n[by-awsume]"));
}

#[test]
fn in_aws_mfas_layout_it_is_the_profile_itself_and_its_variables_count() {
    let world = aws_mfa_world();
    let before = world.read(".aws/credentials");
    world.run(["write", "-p", "default", "--token-code", &world.code()]).success();
    let text = credentials(&world);
    let written = section(&text, "default");
    assert_eq!((written["assumed_role"].as_str(), written["output"].as_str()), ("False", "json"));
    assert!(text.contains("; mine\n") && text.starts_with("# the keys\n"));
    world.run(["logout"]).success();
    assert_eq!(world.read(".aws/credentials"), before);

    let role = world.aws.role_arn("readonly");
    let run = world
        .command(["write", "--token-code", &world.code()])
        .env("MFA_ASSUME_ROLE", &role)
        .env("MFA_STS_DURATION", "1800")
        .env("MFA_DEVICE", &world.alice.mfa_serial);
    run.run().success();
    assert_eq!(section(&credentials(&world), "default")["assumed_role_arn"], role);
    assert_eq!(world.aws.calls("AssumeRole")[0].parameters["DurationSeconds"], "1800");
    world
        .command(["write", "--no-prompt"])
        .env("MFA_STS_DURATION", "a while")
        .run()
        .error(2)
        .says(&["MFA_STS_DURATION"]);
}
