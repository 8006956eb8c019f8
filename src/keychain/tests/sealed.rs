//! Sealed files with a key file.

use super::*;
use std::fs;

fn warning(keychain: &Keychain<'_>) -> String {
    keychain.take_warnings().join("\n")
}

#[test]
fn what_was_put_comes_back_and_goes() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    assert_eq!(keychain.get("a1").unwrap(), None);
    let large = vec![7; LIMIT];
    for (name, secret) in [("a1", &b"one"[..]), ("a1", b"two"), ("b2", b""), ("c3", &large)] {
        keychain.put(name, secret, sandbox.hour(), &mut nobody()).unwrap();
        assert_eq!(keychain.get(name).unwrap().unwrap().as_slice(), secret);
    }
    let again = Keychain::new(&env).unwrap();
    assert_eq!(again.get("a1").unwrap().unwrap().as_slice(), b"two");
    assert!(again.delete("a1").unwrap());
    assert!(!again.delete("a1").unwrap());
    assert_eq!(again.get("a1").unwrap(), None);
    assert_eq!(again.take_warnings(), [""; 0]);
    let long = again.put("d4", &vec![7; LIMIT + 1], sandbox.hour(), &mut nobody());
    assert!(matches!(long, Err(Error::TooLong { size: 32_768 })));
}

#[test]
fn an_expired_item_is_not_there_and_its_file_goes() {
    let mut sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    keychain.put("a", b"one", sandbox.hour(), &mut nobody()).unwrap();
    sandbox.now += TimeDelta::hours(1);
    let later = sandbox.env();
    assert!(keychain.get("a").unwrap().is_some());
    assert_eq!(Keychain::new(&later).unwrap().get("a").unwrap(), None);
    assert!(!sandbox.item("a").exists());
    // Putting what has no life left only takes the older one away.
    keychain.put("a", b"one", sandbox.now, &mut nobody()).unwrap();
    Keychain::new(&later).unwrap().put("a", b"two", sandbox.now, &mut nobody()).unwrap();
    assert!(!sandbox.item("a").exists());
}

#[test]
fn a_flipped_byte_anywhere_is_not_there_with_a_warning() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    keychain.put("a", b"planted", sandbox.hour(), &mut nobody()).unwrap();
    let path = sandbox.item("a");
    let good = fs::read(&path).unwrap();
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 1;
        crate::fsio::write_private(&path, &bad).unwrap();
        assert_eq!(keychain.get("a").unwrap(), None, "byte {i}");
        let warning = warning(&keychain);
        let words = match i {
            7 => "another version",
            8..16 => "another key",
            _ => "damaged",
        };
        assert!(warning.contains(words) && warning.contains(path.to_str().unwrap()), "byte {i}: {warning}");
    }
    for size in 0..good.len() {
        crate::fsio::write_private(&path, &good[..size]).unwrap();
        assert_eq!(keychain.get("a").unwrap(), None, "{size} bytes");
        assert!(warning(&keychain).contains("damaged"));
    }
    crate::fsio::write_private(&path, &[good.clone(), vec![0; 1 << 20]].concat()).unwrap();
    assert_eq!(keychain.get("a").unwrap(), None);
    assert!(warning(&keychain).contains("damaged"));
    crate::fsio::write_private(&path, &good).unwrap();
    assert!(keychain.get("a").unwrap().is_some());
    assert_eq!(warning(&keychain), "");
}

#[test]
fn an_item_copied_over_anothers_name_is_refused() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    for name in ["a", "b"] {
        keychain.put(name, name.as_bytes(), sandbox.hour(), &mut nobody()).unwrap();
    }
    fs::copy(sandbox.item("a"), sandbox.item("b")).unwrap();
    assert_eq!(keychain.get("b").unwrap(), None);
    assert!(warning(&keychain).contains("not the item of that name"));
    keychain.put("b", b"again", sandbox.hour(), &mut nobody()).unwrap();
    assert!(keychain.get("b").unwrap().is_some(), "the next one takes its place");
}

#[test]
fn another_key_is_told_from_damage() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    Keychain::new(&env).unwrap().put("a", b"one", sandbox.hour(), &mut nobody()).unwrap();
    crate::fsio::write_private(&sandbox.folder.path().join("key"), &[9; 32]).unwrap();
    let keychain = Keychain::new(&env).unwrap();
    assert_eq!(keychain.get("a").unwrap(), None);
    assert!(warning(&keychain).contains("another key"));
    assert!(sandbox.item("a").exists(), "it may be the variable that is wrong");
}

#[test]
fn no_name_leaves_the_folder() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    for name in ["../../out", "kdf.json", ".", "a/b", "a:b", "ä", "a%2Fb"] {
        keychain.put(name, name.as_bytes(), sandbox.hour(), &mut nobody()).unwrap();
    }
    for name in ["../../out", "kdf.json", ".", "a/b", "a:b", "ä", "a%2Fb"] {
        assert_eq!(keychain.get(name).unwrap().unwrap().as_slice(), name.as_bytes(), "{name}");
    }
    assert_eq!(fs::read_dir(sandbox.sealed_folder()).unwrap().count(), 8, "seven items and the lock");
}

#[test]
fn nothing_in_the_folder_holds_the_secret() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    keychain.put("a", b"planted-secret", sandbox.hour(), &mut nobody()).unwrap();
    keychain.put("a", b"planted-secret", sandbox.hour(), &mut nobody()).unwrap();
    let found = files(sandbox.folder.path());
    assert!(found.contains(&sandbox.item("a")));
    for path in found {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"planted"), "{}", path.display());
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600,
            "{}",
            path.display()
        );
    }
}

#[test]
#[cfg(unix)]
fn a_key_file_others_can_read_is_refused_with_the_chmod_to_type() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::sealed();
    let key = sandbox.folder.path().join("key");
    let env = sandbox.env();
    for mode in [0o640, 0o604, 0o660, 0o606, 0o610] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let refused = Keychain::new(&env).unwrap().put("a", b"x", sandbox.hour(), &mut nobody()).unwrap_err();
        assert!(matches!(refused, Error::KeyFileExposed { mode: found, .. } if found == mode), "{refused:?}");
        assert_eq!(refused.hint(), format!("chmod 600 {}", key.display()));
    }
    assert!(!sandbox.item("a").exists());
    for mode in [0o600, 0o400] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        Keychain::new(&env).unwrap().put("a", b"x", sandbox.hour(), &mut nobody()).unwrap();
    }
}

#[test]
fn a_key_file_is_32_bytes_or_64_hex_digits() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let key = sandbox.folder.path().join("key");
    let raw = [0xab; 32];
    crate::fsio::write_private(&key, &raw).unwrap();
    Keychain::new(&env).unwrap().put("a", b"x", sandbox.hour(), &mut nobody()).unwrap();
    for same in ["ab".repeat(32), "AB".repeat(32) + "\n", "aB".repeat(32) + "\r\n"] {
        crate::fsio::write_private(&key, same.as_bytes()).unwrap();
        assert!(Keychain::new(&env).unwrap().get("a").unwrap().is_some(), "{same:?}");
    }
    for bad in [&b""[..], &raw[..31], &[&raw[..], b"\n"].concat(), "ag".repeat(32).as_bytes(), &[b'a'; 63], &[b'a'; 99]]
    {
        crate::fsio::write_private(&key, bad).unwrap();
        let refused = Keychain::new(&env).unwrap().get("a");
        assert!(matches!(refused, Err(Error::KeyFileFormat { .. })), "{} bytes", bad.len());
    }
    fs::remove_file(&key).unwrap();
    assert!(matches!(Keychain::new(&env).unwrap().get("a"), Err(Error::File { .. })));
    assert!(Keychain::new(&env).unwrap().get("b").unwrap().is_none(), "no item, no key needed");
}

#[test]
fn threads_that_put_the_same_item_leave_one_of_theirs() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    std::thread::scope(|scope| {
        for i in 0..8_u8 {
            let (keychain, hour) = (&keychain, sandbox.hour());
            scope.spawn(move || keychain.put("a", &[i; 20_000], hour, &mut nobody()).unwrap());
        }
    });
    let secret = keychain.get("a").unwrap().unwrap();
    assert!(secret.len() == 20_000 && secret.iter().all(|byte| *byte == secret[0]));
    assert_eq!(keychain.take_warnings(), [""; 0]);
}
