//! Codes from a seed that was kept: nobody is asked, and no window is used twice.

use crate::support::World;
use chrono::DateTime;
use fake_aws::TokenCode;
use mfa_run::credentials::Seed;
use mfa_run::env::Env;
use mfa_run::keychain::Keychain;
use mfa_run::profile::Source;
use mfa_run::session::seed;

/// The environment of the sandbox, as the library takes it.
fn env(world: &World) -> Env {
    let home = world.home();
    let inside = |name: &str| home.join(name).to_str().expect("a path in UTF-8").to_owned();
    let vars = [
        ("HOME", inside("")),
        ("XDG_DATA_HOME", inside(".local/share")),
        ("MFA_RUN_KEY_FILE", inside(".key")),
        ("MFA_RUN_KEYCHAIN", "file".into()),
    ];
    let vars: Vec<_> = vars.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Env::fixed(&vars, DateTime::UNIX_EPOCH)
}

/// A world with one role, whose device's seed is kept.
fn with_seed() -> World {
    let world = World::with_one_role();
    let env = env(&world);
    let keychain = Keychain::new(&env).expect("a keychain");
    let kept = Seed::from_base32(&world.alice.totp_seed).expect("a seed");
    let elsewhere = Source::Process { profile: "base".into(), command: "x".into() };
    seed::keep(&keychain, &env, &world.alice.mfa_serial, &kept, &elsewhere, false, None).expect("it is kept");
    world
}

#[test]
fn a_seed_gives_the_code_where_nobody_could_be_asked() {
    let world = with_seed();
    let run = world.process("admin").run().success();
    assert_eq!((run.stderr.as_str(), world.codes_used()), ("", 1));
    let explained = world.run(["explain", "-p", "admin", "--refresh"]).success();
    assert!(explained.stdout.contains("it is made of the seed in the keychain"), "{}", explained.report());
    world.run(["logout", "--all"]).success();
    assert!(world.read(".local/share/mfa-run/index.json").contains("\"seeds\":{\"arn:"), "it is no session");
}

#[test]
fn the_access_key_does_not_join_it_in_the_keychain_unless_forced() {
    let mut world = with_seed();
    let before = world.read(".aws/credentials");
    let refused = world.run(["key", "import", "-p", "base", "--yes"]).error(2);
    assert!(refused.stderr.contains("needs no second factor") && refused.stderr.contains("--force"), "{refused:?}");
    assert_eq!(world.read(".aws/credentials"), before);
    let (second, its_secret) = world.aws.add_access_key("alice");
    let (id, secret) = (&world.alice.access_key_id, &world.alice.secret_access_key);
    let import = |args: &[&str], keys: &str| {
        let run = world.command(["key", "import", "--yes"]).args(args).stdin(keys).run();
        run.expect_code(2).says(&["has the seed of", "the same again with --force"]);
    };
    import(&["--all"], "");
    import(&["-p", "base", "--no-check"], "");
    import(&["--from-stdin"], &format!("{id} {secret}\n{second} {its_secret}\n"));
    world.aws.add_device("alice", "arn:aws:iam::123456789012:mfa/phone");
    import(&["-p", "base", "--mfa-serial", "arn:aws:iam::123456789012:mfa/phone"], "");
    assert_eq!(world.read(".aws/credentials"), before);
    assert!(!world.read(".local/share/mfa-run/index.json").contains("AKIA"), "none is kept");
    world.run(["key", "import", "-p", "base", "--yes", "--force"]).success();
    assert!(!world.read(".aws/credentials").contains("aws_secret_access_key"));
    world.set("MFA_RUN_PROMPT", "never");
    world.process("admin").run().success();
}

#[test]
fn what_is_nearer_comes_first() {
    let world = with_seed();
    world.program("authenticator", &format!("echo asked >>asked; echo {}", world.code()));
    world.write_config(&format!("{}mfa_process = authenticator\n", world.role_profile("admin")));
    world.process("admin").run().success();
    assert_eq!(world.read("asked"), "asked\n");
}

/// Waits for the turn of the window, for real.
#[test]
fn a_window_is_used_once_whatever_the_processes() {
    let world = with_seed();
    world.process("admin").run().success();
    let mut second = world.process("admin").arg("--refresh").on_terminal();
    second.expect("waiting ").expect(" s for the next code");
    second.wait().success();
    let codes: Vec<_> = world.aws.log().iter().filter_map(|call| call.token_code).collect();
    assert!(matches!(codes[..], [TokenCode::Accepted { .. }, TokenCode::Accepted { .. }]), "{codes:?}");
}

#[test]
fn a_seed_that_cannot_be_read_is_no_dead_end() {
    let world = with_seed();
    world.write(".key", "another key for tests: thirty-tw");
    let mut terminal = world.process("admin").on_terminal();
    terminal.expect("warning: the seed of ").expect(" is not in the keychain");
    terminal.expect(&world.prompt("admin")).send_line(&world.code());
    assert_eq!(terminal.wait().success().stderr, "");
    world.process("admin").arg("--refresh").run().error(3).says(&["nobody can be asked: there is no terminal"]);
    world.process("admin").arg("--refresh").env("MFA_RUN_KEY_FILE", "/nowhere").run().error(1).says(&["/nowhere"]);
}
