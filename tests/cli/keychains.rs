//! Where sessions are kept: kernel keyring, sealed file with key file or passphrase, nowhere.

use crate::support::World;
#[cfg(target_os = "linux")]
use crate::support::skip;

/// Cold, warm, logged out: whether the second call was served without a code.
fn keeps(world: &World) -> bool {
    let first = world.process("admin").args(["--token-code", &world.code()]).run().success();
    assert_eq!(first.stderr, "");
    let second = world.process("admin").run();
    if second.code() == Some(3) {
        return false;
    }
    assert_eq!(second.success().stdout, first.stdout);
    world.run(["logout", "-p", "admin"]).success().says(&["forgot 1 cached session; AWS revokes nothing"]);
    world.process("admin").run().error(3);
    true
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_keyring_keeps_a_session() {
    let mut world = World::with_one_role();
    world.set("MFA_RUN_KEYCHAIN", "keyutils");
    // the access key is random, and so the item's name: nobody else's item is touched
    if !keeps(&world) {
        skip("the kernel keyring is blocked here");
    }
    assert!(!world.home().join(".local/share/mfa-run/sealed").exists());
}

#[test]
fn a_sealed_file_keeps_a_session_by_key_file_or_passphrase() {
    for (name, value) in [
        ("MFA_RUN_KEY_FILE", None),
        ("MFA_RUN_PASSPHRASE", Some("correct horse")),
        ("MFA_RUN_PASSPHRASE_COMMAND", Some("echo correct horse")),
    ] {
        let mut world = World::with_one_role();
        if let Some(value) = value {
            world.unset("MFA_RUN_KEY_FILE");
            world.set(name, value);
        }
        assert!(keeps(&world), "{name}");
        world.run(["logout", "--all"]).success();
    }
}

#[test]
fn without_a_store_it_is_said_once_and_the_session_comes() {
    let mut world = World::with_one_role();
    world.unset("MFA_RUN_KEY_FILE");
    let run = world.run(["-p", "admin", "--token-code", &world.code(), "--", "echo", "ran"]).success();
    assert_eq!(run.stdout.trim_end(), "ran");
    assert_eq!(run.stderr.matches("warning: no cache").count(), 1, "{}", run.report());
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.report());
    let run = world.process("admin").args(["--token-code", &world.code()]).run().success();
    assert_eq!(run.stderr, "");
}

#[test]
fn a_wrong_passphrase_or_a_damaged_file_costs_the_cache_only() {
    let world = World::with_one_role();
    world.process("admin").args(["--token-code", &world.code()]).run().success();
    let folder = world.home().join(".local/share/mfa-run/sealed");
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let inside = format!(".local/share/mfa-run/sealed/{}", entry.file_name().to_str().unwrap());
        world.write(&inside, "damaged");
    }
    world.process("admin").args(["--token-code", &world.code()]).run().success();
    world.process("admin").run().success();
    world.write(".local/share/mfa-run/index.json", "{\"sessions\": 1");
    world.process("admin").run().success();
    world.run(["logout", "--all"]).success();
}

#[test]
fn a_store_nobody_knows_is_an_error_with_the_known_ones() {
    let mut world = World::with_one_role();
    world.set("MFA_RUN_KEYCHAIN", "sesame");
    world.process("admin").run().error(2).says(&["sesame", "hint: MFA_RUN_KEYCHAIN=auto"]);
}
