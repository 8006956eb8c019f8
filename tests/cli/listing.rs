//! `list` and `status`: the files and the index, for people, programs and prompts.

use crate::support::World;

/// Within a second of the login it may still be the full time.
fn steady(text: &str) -> String {
    text.replace("12h 00m", "11h 59m").replace("1h 00m", "59m")
}

fn logged_in() -> World {
    let world = World::new();
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    world.command(["credential-process", "-p", "readonly"]).may_print_secrets().run().success();
    world
}

#[test]
fn a_pipe_gets_an_aligned_table_without_escapes() {
    let world = logged_in();
    world.write_config(
        &(world.read(".aws/config") + "[profile loop]\nrole_arn = 111122223333:x\nsource_profile = loop\n"),
    );
    let run = world.run(["list"]).success();
    let account = world.aws.account();
    let expected = "\
PROFILE   ACCOUNT       ROLE      SOURCE        MFA    REGION     LEFT
admin     111122223333  admin     base          alice  eu-west-1  ██████ 11h 59m
base      an access key, without role or MFA
external  111122223333  external  base          alice  eu-west-1  ██████ 11h 59m
fresh     111122223333  fresh     base          alice  eu-west-1  ██████ 11h 59m
hop       111122223333  hop       base > admin  alice  eu-west-1  ██████ 11h 59m
loop      profile loop leads to no credentials: it has neither an access key nor role_arn nor anything else to begin with
mfabase   111122223333  -         mfabase       alice  -          ██████ 11h 59m
named     111122223333  named     base          alice  eu-west-1  ██████ 11h 59m
nomfa     111122223333  nomfa     base          -      eu-west-1  -
readonly  111122223333  readonly  base          alice  eu-west-1  ██████ 11h 59m
short     111122223333  short     base          alice  eu-west-1  ██████ 11h 59m
";
    assert_eq!(steady(&run.stdout).replace(&account, "111122223333"), expected);
    assert_eq!(run.stderr, "");
    let ascii = world.command(["list", "admin"]).env("LANG", "C").run().success();
    assert!(ascii.stdout.contains("###### 11h 59m") || ascii.stdout.contains("###### 12h 00m"), "{}", ascii.stdout);
    assert!(ascii.stdout.is_ascii());
}

#[cfg(unix)]
#[test]
fn eighty_columns_are_enough_for_a_terminal() {
    let world = World::new();
    let long = "[profile a-name-longer-than-most-people-would-choose]\nrole_arn = 111122223333:team/deployer-of-everything\n\
                source_profile = base\nregion = ap-southeast-2\n";
    world.write_config(&(world.read(".aws/config") + long));
    let show = |no_color: &str| {
        let command = world.other("sh", ["-c", "stty cols 80; exec mfa-run list"]).env("TERM", "xterm-256color");
        command.env("NO_COLOR", no_color).all_on_terminal().wait().success().screen
    };
    let plain = show("1");
    assert!(!plain.contains('\u{1b}'), "{plain}");
    assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
    assert!(plain.contains("a-name-long") && plain.contains('…'), "{plain}");
    assert!(show("").contains("\u{1b}[1mPROFILE\u{1b}[0m"));
}

#[test]
fn words_filter_and_keys_sort() {
    let world = logged_in();
    let names = |args: &[&str]| {
        let run = world.run([&["list"], args].concat()).success();
        run.stdout.lines().skip(1).map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["ADM", "alice"]), ["admin", "hop"]);
    assert_eq!(names(&["--sort", "file"])[..3], ["base", "admin", "readonly"]);
    assert_eq!(names(&["--sort", "left"]).last().unwrap(), "nomfa");
    let none = world.run(["list", "nothing-like-it"]).success();
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no profile has these words\n"));
}

#[test]
fn json_has_the_documented_shape() {
    let world = logged_in();
    let run = world.run(["list", "--json", "readonly"]).success();
    let all: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let one = &all[0];
    let keys: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    let mut documented = [
        "profile",
        "kind",
        "role_arn",
        "account",
        "source",
        "via",
        "mfa_serial",
        "region",
        "session",
        "shared_session",
        "note",
        "error",
    ];
    documented.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, documented);
    assert_eq!((one["profile"].as_str(), one["kind"].as_str()), (Some("readonly"), Some("role")));
    assert_eq!(one["role_arn"], world.aws.role_arn("readonly"));
    assert!((3_590..=3_600).contains(&one["session"]["seconds_left"].as_i64().unwrap()), "{one}");
    assert!(one["shared_session"]["expires"].as_str().unwrap().ends_with('Z'), "{one}");
    let help = world.run(["list", "--help"]).success().stdout;
    for key in documented {
        assert!(help.contains(&format!("\n  {key} ")), "{key} is not in the help");
    }
}

#[test]
fn no_keychain_is_looked_into_and_no_call_made() {
    let world = logged_in();
    let calls = world.calls();
    for args in
        [&["list"][..], &["status"], &["status", "-p", "admin"], &["status", "--prompt"], &["explain", "-p", "admin"]]
    {
        world.command(args).env("MFA_RUN_KEYCHAIN", "no-such-store").run().success();
    }
    assert_eq!(world.calls(), calls);
}

#[test]
fn status_says_what_is_cached_for_how_long() {
    let world = logged_in();
    let all = steady(&world.run(["status"]).success().stdout);
    let lines: Vec<_> = all
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>())
        .collect();
    assert_eq!(lines[0], ["PROFILE", "ACCOUNT", "SESSION", "MFA", "LEFT"]);
    assert_eq!(lines[1][2..4], ["shared MFA session", "alice"]);
    assert!(lines[1][4].starts_with("██████ 11h 59m, until "), "{all}");
    assert_eq!(lines[2][0], "readonly");

    let one = steady(&world.run(["status", "-p", "readonly"]).success().stdout);
    assert!(one.contains("\n  session             ██████ 59m, until "), "{one}");
    assert!(one.ends_with("; renews the session without a code\n"), "{one}");
    let none = world.run(["status", "-p", "nomfa"]).success().stdout;
    assert!(none.ends_with("\n  nothing is cached; no code is needed\n"), "{none}");

    let json = world.run(["status", "--json", "-p", "readonly"]).success().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["profile"]["role_arn"], world.aws.role_arn("readonly"));
    assert_eq!(json["sessions"].as_array().unwrap().len(), 2);
    assert!(json["shell"].is_null());

    let empty = World::new().run(["status"]).success();
    assert_eq!((empty.stdout.as_str(), empty.stderr.as_str()), ("", "nothing is cached\n"));
}

#[test]
fn a_prompt_line_is_short_and_never_an_error() {
    let world = logged_in();
    let prompt = |args: &[&str], vars: &[(&str, &str)]| {
        let command = world.command([&["status", "--prompt"], args].concat());
        let run = vars.iter().fold(command, |command, (name, value)| command.env(name, value)).run().success();
        assert_eq!(run.stderr, "");
        steady(&run.stdout)
    };
    assert_eq!(prompt(&["-p", "admin"], &[]), "admin 11h 59m\n");
    assert_eq!(prompt(&[], &[("AWS_PROFILE", "readonly")]), "readonly 11h 59m\n");
    // nothing cached, no such profile, no files
    for profile in ["nomfa", "no-such-profile", "base"] {
        assert_eq!(prompt(&["-p", profile], &[]), "");
    }
    assert_eq!(prompt(&["-p", "admin"], &[("AWS_CONFIG_FILE", "/nonexistent")]), "");
    // what this shell has wins
    let shell = [("MFA_RUN_PROFILE", "hop"), ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")];
    assert_eq!(prompt(&[], &shell), "hop expired\n");
    let inside = world.run(["-p", "admin", "--", "mfa-run", "status", "--prompt"]).success();
    assert_eq!(steady(&inside.stdout), "admin 59m\n");
}
