//! The Secret Service, for real: gnome-keyring on a session bus of the test's own.

#[path = "../../../tests/cli/support/desktop.rs"]
pub(super) mod desktop;

use super::*;
use crate::credentials::AccessKey;
use desktop::{Desktop, KEYRING, SECRETS};
use secrecy::ExposeSecret;
use std::time::Duration;

/// A sandbox whose secrets go to the Secret Service at that desktop.
pub(super) fn at(desktop: &Desktop, sandbox: Sandbox) -> Sandbox {
    sandbox.with("MFA_RUN_KEYCHAIN", "secret-service").with("DBUS_SESSION_BUS_ADDRESS", &desktop.address())
}

fn unlocked() -> Option<(Desktop, Sandbox)> {
    let sandbox = Sandbox::sealed();
    let desktop = Desktop::unlocked(sandbox.folder.path(), &[(SECRETS, KEYRING)])?;
    let sandbox = at(&desktop, sandbox);
    Some((desktop, sandbox))
}

/// As `secret-tool` finds it: by our attributes and others.
fn store(desktop: &Desktop, name: &str, more: &[&str], bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let attributes = ["store", "--label=x", "service", "mfa-run", "username", name];
    let output = desktop.secret_tool(&[&attributes[..], more].concat(), text);
    assert!(output.status.success(), "{output:?}");
}

fn found(desktop: &Desktop, name: &str) -> usize {
    let output = desktop.secret_tool(&["search", "--all", "service", "mfa-run", "username", name], "");
    String::from_utf8(output.stdout).unwrap().matches("secret = ").count()
}

#[test]
fn what_was_put_comes_back_and_goes() {
    let Some((desktop, sandbox)) = unlocked() else { return };
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    assert_eq!(keychain.get("a").unwrap(), None);
    let long = |length| (0..length).map(|i| b' ' + u8::try_from(i % 95).unwrap()).collect::<Vec<u8>>();
    for secret in [b"one".to_vec(), Vec::new(), long(4096), long(30_000), b"two".to_vec()] {
        keychain.put("a", &secret, sandbox.hour(), &mut nobody()).unwrap();
        assert_eq!(keychain.get("a").unwrap().unwrap().as_slice(), secret);
        assert_eq!(Keychain::new(&env).unwrap().get("a").unwrap().unwrap().as_slice(), secret, "another process");
        assert_eq!(found(&desktop, "a"), 1, "in place of the older one");
    }
    assert_eq!(keychain.get("b").unwrap(), None);
    assert!(keychain.delete("a").unwrap());
    assert!(!keychain.delete("a").unwrap());
    assert_eq!(keychain.get("a").unwrap(), None);
    assert!(!sandbox.sealed_folder().exists(), "no file was needed");
    assert_eq!(keychain.description(), "Secret Service; MFA_RUN_KEYCHAIN says so");
    assert!(keychain.take_warnings().is_empty());
}

#[test]
fn access_keys_are_there_by_auto_and_nowhere_in_the_clear() {
    let Some((_desktop, sandbox)) = unlocked() else { return };
    let sandbox = sandbox.with("MFA_RUN_KEYCHAIN", "auto");
    let env = sandbox.env();
    let key = AccessKey { id: "AKIAONE".into(), secret: "planted-secret-of-AKIAONE".to_owned().into() };
    Keychain::new(&env).unwrap().keep_access_key(&key).unwrap();
    let keychain = Keychain::new(&env).unwrap();
    let kept = keychain.access_key("AKIAONE").unwrap().expect("kept");
    assert_eq!(kept.secret.expose_secret(), key.secret.expose_secret());
    assert!(keychain.description_for_keys().starts_with("Secret Service, else sealed files"));
    assert!(!sandbox.sealed_folder().exists(), "one store is enough");
    let keyrings = files(&sandbox.folder.path().join(".local/share/keyrings"));
    assert!(!keyrings.is_empty(), "gnome-keyring keeps its files in the test's home");
    for file in files(sandbox.folder.path()) {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        assert!(!bytes.windows(7).any(|word| word == b"planted"), "{}", file.display());
    }
    assert!(keychain.forget_access_key("AKIAONE").unwrap());
    assert!(keychain.access_key("AKIAONE").unwrap().is_none());
    assert!(!keychain.forget_access_key("AKIAONE").unwrap());
}

#[test]
fn an_expired_session_is_not_there() {
    let Some((_desktop, sandbox)) = unlocked() else { return };
    let env = sandbox.env();
    Keychain::new(&env).unwrap().put("a", b"secret", sandbox.hour(), &mut nobody()).unwrap();
    let vars: Vec<_> = sandbox.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let later = Env::fixed(&vars, sandbox.hour());
    assert_eq!(Keychain::new(&later).unwrap().get("a").unwrap(), None);
}

#[test]
fn of_two_items_with_one_name_ours_counts_and_one_stays() {
    let Some((desktop, sandbox)) = unlocked() else { return };
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    let item = |secret: &str, hours| envelope::wrap("a", secret.as_bytes(), sandbox.now + TimeDelta::hours(hours));
    store(&desktop, "a", &["by", "another"], b"not of ours");
    store(&desktop, "a", &["by", "short"], &item("short", 1));
    store(&desktop, "a", &["by", "long"], &item("long", 2));
    assert_eq!(keychain.get("a").unwrap().unwrap().as_slice(), b"long");
    assert_eq!(keychain.take_warnings(), ["an item of the Secret Service is damaged: taken as not there"]);
    keychain.put("a", b"new", sandbox.hour(), &mut nobody()).unwrap();
    assert_eq!(keychain.get("a").unwrap().unwrap().as_slice(), b"new");
    assert_eq!(found(&desktop, "a"), 1);
    store(&desktop, "a", &["by", "another"], b"not of ours");
    assert!(keychain.delete("a").unwrap());
    assert_eq!(found(&desktop, "a"), 0);
}

#[test]
fn of_two_that_live_for_ever_the_newest_in_the_default_collection_counts() {
    let Some((desktop, sandbox)) = unlocked() else { return };
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    let item = |secret: &str| envelope::wrap("a", secret.as_bytes(), DateTime::<Utc>::MAX_UTC);
    // times are in whole seconds
    for (secret, more) in
        [("old", &["by", "old"][..]), ("new", &["by", "new"]), ("elsewhere", &["--collection=session"])]
    {
        store(&desktop, "a", more, &item(secret));
        std::thread::sleep(Duration::from_millis(1100));
    }
    assert_eq!(found(&desktop, "a"), 3);
    for _ in 0..10 {
        assert_eq!(keychain.kept("a").unwrap().unwrap().as_slice(), b"new");
    }
}

#[test]
fn what_is_damaged_older_or_another_items_is_not_there() {
    let Some((desktop, sandbox)) = unlocked() else { return };
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    let good = envelope::wrap("a", b"secret", sandbox.hour());
    let of_another = envelope::wrap("b", b"secret", sandbox.hour());
    for (bytes, refused) in [
        (&good[..good.len() - 1], "damaged"),
        (b"mfa-run 0 secret\n", "of another version's format"),
        (&of_another, "not the item of that name"),
    ] {
        store(&desktop, "a", &[], bytes);
        assert_eq!(keychain.get("a").unwrap(), None);
        let warnings = keychain.take_warnings();
        assert!(
            warnings.len() == 1 && warnings[0].contains(refused) && !warnings[0].contains("secret"),
            "{warnings:?}"
        );
    }
}

/// It dies of clients that open a session and are gone at once (g_variant_new: expected GVariant of type 'v').
#[test]
fn two_hundred_reads_one_after_the_other_and_fifty_at_once_leave_it_alive() {
    let Some((mut desktop, sandbox)) = unlocked() else { return };
    let env = sandbox.env();
    Keychain::new(&env).unwrap().put("a", b"secret", sandbox.hour(), &mut nobody()).unwrap();
    let read = || {
        let secret = Keychain::new(&env).unwrap().get("a").unwrap().unwrap();
        assert_eq!(secret.as_slice(), b"secret");
    };
    let begun = Instant::now();
    (0..200).for_each(|_| read());
    let sequential = begun.elapsed();
    std::thread::scope(|scope| (0..50).for_each(|_| drop(scope.spawn(read))));
    terminal::say(&format!("200 reads: {sequential:?}; 50 at once: {:?}", begun.elapsed() - sequential));
    assert!(desktop.keyring_lives());
}

#[test]
fn a_keyring_that_was_started_anew_is_connected_to_anew() {
    let Some((mut desktop, sandbox)) = unlocked() else { return };
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    keychain.put("a", b"secret", sandbox.hour(), &mut nobody()).unwrap();
    desktop.kill_keyring();
    // The bus starts it again, locked.
    assert!(matches!(keychain.get("a"), Err(Error::StoreLocked { .. })));
    drop(desktop);
    assert!(matches!(keychain.get("a"), Err(Error::StoreAbsent { .. })), "{:?}", keychain.get("a"));
}
