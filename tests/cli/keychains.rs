//! Where sessions are kept: kernel keyring, sealed file with key file or passphrase, nowhere.

use crate::support::World;
#[cfg(target_os = "linux")]
use crate::support::{Desktop, Display, GCR_PROMPTER, KEYRING, PROMPTER, SECRETS, skip};

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

#[cfg(target_os = "linux")]
#[test]
fn the_secret_service_keeps_a_session_for_who_asks_for_it() {
    let mut world = World::with_one_role();
    // its files are below the test's HOME, where no secret may be
    let Some(desktop) = Desktop::unlocked(&world.home(), &[]) else { return };
    world.set("MFA_RUN_KEYCHAIN", "secret-service");
    world.set("DBUS_SESSION_BUS_ADDRESS", desktop.address());
    assert!(keeps(&world));
    let run = world.run(["-p", "admin", "--token-code", &world.code(), "--", "echo", "ran"]).success();
    assert_eq!((&*run.stdout, &*run.stderr), ("ran\n", ""));
    desktop.lock();
    let run = world.run(["-p", "admin", "--token-code", &world.code(), "--", "echo", "ran"]).success();
    assert!(
        run.stderr.contains("warning: no cache") && run.stderr.contains("Secret Service is locked"),
        "{}",
        run.report()
    );
    assert!(!world.home().join(".local/share/mfa-run/sealed").exists());
}

/// A key in a locked keyring, and an X server with the real prompter of GNOME.
#[cfg(target_os = "linux")]
fn locked_at_a_display() -> Option<(World, Desktop, Display)> {
    let mut world = World::with_one_role();
    let display = Display::start()?;
    let prompter = format!("/usr/bin/env DISPLAY={} GDK_BACKEND=x11 NO_AT_BRIDGE=1 {GCR_PROMPTER}", display.name);
    let desktop = Desktop::unlocked(&world.home(), &[(PROMPTER, &prompter)])?;
    world.set("MFA_RUN_KEYCHAIN", "sessions=file,keys=auto");
    world.set("DBUS_SESSION_BUS_ADDRESS", desktop.address());
    world.set("DISPLAY", &display.name);
    let run = world.run(["key", "import", "-p", "base", "--yes"]).success();
    assert!(run.stderr.contains("is in the keychain: Secret Service\n"), "{}", run.report());
    assert!(!world.home().join(".local/share/mfa-run/sealed").exists());
    desktop.lock();
    Some((world, desktop, display))
}

#[cfg(target_os = "linux")]
const UNLOCK: &str = "^Unlock Login Keyring$";

#[cfg(target_os = "linux")]
#[test]
fn a_person_at_the_display_unlocks_the_keyring_for_a_command_but_is_not_asked_for_an_sdk() {
    let Some((world, desktop, display)) = locked_at_a_display() else { return };
    let run = world.process("admin").args(["--token-code", &world.code()]).run().error(1);
    assert!(run.stderr.contains("the Secret Service is locked"), "{}", run.report());
    world.command(["login", "-p", "admin"]).args(["--no-prompt", "--token-code", &world.code()]).run().error(1);
    assert_eq!(desktop.started(), [""; 0], "no dialog for an SDK");

    let login = world.command(["login", "-p", "admin", "--token-code", &world.code()]).start();
    display.dialog(UNLOCK);
    display.keys(&["x", "Return"]);
    std::thread::sleep(std::time::Duration::from_millis(500));
    display.dialog(UNLOCK);
    let password: Vec<_> = "the login password".split("").map(|key| if key == " " { "space" } else { key }).collect();
    display.keys(&password[1..password.len() - 1]);
    display.keys(&["Return"]);
    assert_eq!(login.wait().success().stdout, "");
    world.process("admin").run().success();
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_wait_for_the_keyrings_dialog_and_escape_is_a_no() {
    let Some((world, mut desktop, display)) = locked_at_a_display() else { return };
    let mut terminal = world.on_terminal(["login", "-p", "admin", "--token-code", &world.code()]);
    display.dialog(UNLOCK);
    assert_eq!(terminal.interrupt().wait().signal(), Some(2));
    // the dialog is gnome-keyring's, and stays until somebody closes it
    display.keys(&["Escape"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while display.window(UNLOCK).is_some() {
        assert!(std::time::Instant::now() < until, "the dialog stays");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let login = world.command(["login", "-p", "admin", "--token-code", &world.code()]).start();
    display.dialog(UNLOCK);
    display.keys(&["Escape"]);
    let run = login.wait().error(1);
    assert!(run.stderr.contains("the Secret Service is locked"), "{}", run.report());
    assert!(desktop.keyring_lives());
}

#[test]
fn a_key_that_is_nowhere_in_sight_may_be_in_the_desktops_keychain() {
    let mut world = World::with_one_role();
    world.run(["key", "import", "-p", "base", "--yes"]).success();
    world.run(["key", "remove", "-p", "base", "--yes", "--force"]).success();
    let login = |world: &World| world.run(["login", "-p", "admin", "--token-code", &world.code()]).error(1);
    let run = login(&world).says(&["is not in the keychain", "hint: mfa-run key import "]);
    assert!(!run.stderr.contains("caused by"), "{}", run.report());
    if cfg!(target_os = "linux") {
        world.set("MFA_RUN_KEYCHAIN", "sessions=file,keys=auto");
        login(&world).says(&[
            "is not in the keychain",
            "caused by: there is no Secret Service here: there is no D-Bus session bus",
        ]);
    }
}

/// Nothing looks at the session bus where the cache is elsewhere: a warm call would pay for it.
#[cfg(target_os = "linux")]
#[test]
fn by_auto_no_session_is_looked_for_in_the_secret_service() {
    let mut world = World::with_one_role();
    let Some(desktop) = Desktop::start(&world.home(), &[(SECRETS, KEYRING)]) else { return };
    world.set("MFA_RUN_KEYCHAIN", "auto");
    world.set("DBUS_SESSION_BUS_ADDRESS", desktop.address());
    keeps(&world);
    assert_eq!(desktop.started(), [""; 0], "the bus was not asked for it");
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
