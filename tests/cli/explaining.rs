//! `explain`: each row of the strategy table in words, how a code would come, and where each value came from.

use crate::support::World;

/// The sentences for `credential-process` (or for both kinds of caller), without serials and ARNs.
fn plan(world: &World, args: &[&str]) -> String {
    let run = world.run([&["explain"], args].concat()).success();
    let text = run.stdout.replace(&world.aws.account(), "111122223333").replace("arn:aws:iam::111122223333:role/", "");
    let text = text.replace(&world.alice.access_key_id, "AKIA");
    text.split("\n\n").nth(1).unwrap_or_default().to_owned()
}

fn because(world: &World, args: &[&str]) -> String {
    let text = plan(world, args);
    text.lines().find_map(|line| line.strip_prefix("  because ")).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn every_row_of_the_table_is_told_with_its_reason() {
    let world = World::new();
    let (alone, one) = (World::with_one_role(), ["-p", "admin"]);
    assert_eq!(because(&alone, &one), "one code is worth most as a session of twelve hours");
    assert_eq!(because(&world, &one), "several roles are behind the device: one code serves them all");
    assert_eq!(because(&world, &["-p", "nomfa"]), "the role is assumed without MFA");
    assert_eq!(because(&world, &["-p", "mfabase"]), "the profile has MFA and no role: it is a shared MFA session");
    assert!(because(&world, &["-p", "admin", "--duration", "2h"]).starts_with("more than an hour is asked for"));
    for (kind, why) in
        [("shared", "the profile says mfa_session = shared"), ("role", "the profile says mfa_session = role")]
    {
        alone.write_config(&format!("{}mfa_session = {kind}\n", alone.role_profile("admin")));
        assert!(because(&alone, &one).starts_with(why));
    }
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    assert!(because(&world, &one).starts_with("a shared MFA session is cached"));
    assert_eq!(
        plan(&world, &one).replace("12h 00m", "11h 59m"),
        "cached shared MFA session: 11h 59m left\n\
         any command: signed with the cached shared MFA session,\n  1. AssumeRole admin, for 1h 00m\n  \
         because a shared MFA session is cached, and gives an hour at a time without a code\n  no code is needed\n"
    );
    world.command(["credential-process", "-p", "admin"]).may_print_secrets().run().success();
    assert!(
        plan(&world, &one).contains("the cached session is handed out; no call is made and no code is asked for\n"),
        "{}",
        plan(&world, &one)
    );
    assert!(because(&world, &["-p", "hop"]).starts_with("the session of an earlier role of the chain is cached"));
}

#[cfg(unix)]
#[test]
fn how_a_code_would_come_is_said() {
    let world = World::with_one_role();
    let code = |args: &[&str]| plan(&world, args).lines().last().unwrap_or_default().to_owned();
    assert_eq!(
        code(&["-p", "admin"]),
        "  a code is needed: nobody can be asked (there is no terminal), and it ends with exit code 3"
    );
    assert!(code(&["-p", "admin", "--no-prompt"]).contains("(prompts are turned off)"));
    assert_eq!(code(&["-p", "admin", "--token-code", "123456"]), "  a code is needed: it comes from --token-code");
    let terminal = world.on_terminal(["explain", "-p", "admin"]).wait().success();
    assert!(
        terminal.stdout.ends_with("  a code is needed: it is asked for on the terminal\n"),
        "{}",
        terminal.report()
    );
    world.write_config(&format!("{}mfa_process = oathtool --secret planted-seed\n", world.role_profile("admin")));
    world.secret("planted-seed");
    assert_eq!(code(&["-p", "admin"]), "  a code is needed: mfa_process prints it");
    world.write(".aws/config", world.role_profile("admin") + "mfa_process = oathtool --secret planted-seed\n");
}

#[test]
fn each_value_has_its_origin() {
    let world = World::new();
    let run =
        world.command(["explain", "-p", "external", "--tag", "a=b", "--json"]).env("AWS_REGION", "eu-north-1").run();
    let json: serde_json::Value = serde_json::from_str(&run.success().stdout).unwrap();
    let from = |name: &str| {
        let settings = json["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["name"] == name).unwrap_or_else(|| panic!("{name}"));
        format!("{} from {}", found["value"].as_str().unwrap(), found["from"].as_str().unwrap().replace('\\', "/"))
    };
    assert_eq!(from("external ID"), "unique-id-1234 from ~/.aws/config:17, profile external");
    assert_eq!(from("region"), "eu-north-1 from $AWS_REGION");
    assert_eq!(from("tags"), "a=b from --tag");
    assert!(from("source").ends_with(" of base from ~/.aws/credentials:2"), "{}", from("source"));
    assert_eq!(from("STS endpoint"), format!("{} from $AWS_ENDPOINT_URL_STS", world.aws.endpoint()));
    assert_eq!(json["callers"][0]["calls"][0]["call"], "GetSessionToken");
}

#[test]
fn what_sdks_disagree_about_is_warned_of() {
    let world = World::with_one_role();
    world.write_config(&format!("{}credential_process = other\n[profile admin]\n", world.role_profile("admin")));
    let run = world.run(["explain", "-p", "admin"]).success();
    assert!(run.stdout.contains("warning: role_arn stands beside credential_process"), "{}", run.stdout);
    assert!(run.stdout.contains("warning: config file, line 6: "), "{}", run.stdout);
}
