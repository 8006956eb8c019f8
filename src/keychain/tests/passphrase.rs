//! Sealed files with a passphrase. Each stretching takes 64 MiB and a moment.

use super::*;
use std::fs;
#[cfg(unix)]
use std::time::{Duration, Instant};

fn passphrase(passphrase: &str) -> Sandbox {
    Sandbox::of("file").with("MFA_RUN_PASSPHRASE", passphrase)
}

/// The error of putting an item, nothing kept in the kernel.
fn refused(sandbox: &Sandbox) -> Error {
    let env = sandbox.env();
    Keychain::choose(&env, true).unwrap().put("refused", b"x", sandbox.hour(), &mut nobody()).unwrap_err()
}

#[test]
fn a_wrong_passphrase_is_an_error_and_writes_nothing() {
    let sandbox = passphrase("right");
    let env = sandbox.env();
    Keychain::choose(&env, true).unwrap().put("a", b"one", sandbox.hour(), &mut nobody()).unwrap();
    let sandbox = sandbox.with("MFA_RUN_PASSPHRASE", "wrong");
    let error = refused(&sandbox);
    assert!(matches!(error, Error::WrongPassphrase { from: PassphraseSource::Variable }), "{error:?}");
    assert!(!sandbox.item("refused").exists());
    let wrong = sandbox.env();
    let got = Keychain::choose(&wrong, true).unwrap().get("a");
    assert!(matches!(got, Err(Error::WrongPassphrase { .. })), "{got:?}");
    let kdf = fs::read_to_string(sandbox.sealed_folder().join("kdf.json")).unwrap();
    assert!(kdf.contains("argon2id") && kdf.contains("65536") && !kdf.contains("right"), "{kdf}");
    assert_eq!(Keychain::choose(&env, true).unwrap().get("a").unwrap().unwrap().as_slice(), b"one");
}

#[test]
fn no_key_and_nobody_to_ask_is_an_error_that_names_the_ways() {
    let sandbox = Sandbox::of("file");
    assert!(matches!(refused(&sandbox), Error::NoKey));
    assert!(!sandbox.sealed_folder().exists(), "not even a folder");
    let env = sandbox.env();
    assert_eq!(Keychain::choose(&env, true).unwrap().get("a").unwrap(), None, "no item, no key needed");
}

#[test]
fn a_damaged_kdf_json_is_an_error_and_is_not_replaced() {
    let sandbox = passphrase("right");
    let path = sandbox.sealed_folder().join("kdf.json");
    let good = r#"{"version":1,"algorithm":"argon2id","memory_kib":64,"passes":1,"lanes":1,"salt":"00112233445566778899aabbccddeeff","verifier":"00"}"#;
    for (bad, words) in [
        (String::new(), "damaged"),
        (good.replace("1,\"alg", "2,\"alg"), "another version"),
        (good.replace("argon2id", "scrypt"), "another version"),
        (good.replace(":64,", ":4294967295,"), "beyond all bounds"),
        (good.replace(":64,", ":0,"), "beyond all bounds"),
        (good.replace("0011", "zz"), "damaged"),
    ] {
        crate::fsio::write_private(&path, bad.as_bytes()).unwrap();
        let error = refused(&sandbox);
        assert!(matches!(error, Error::Stretching { .. }) && error.to_string().contains(words), "{bad}: {error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
    crate::fsio::write_private(&path, good.as_bytes()).unwrap();
    assert!(matches!(refused(&sandbox), Error::WrongPassphrase { .. }), "a verifier that opens for nobody");
}

#[test]
fn eight_first_processes_agree_on_one_salt() {
    let sandbox = passphrase("right").with("MFA_RUN_TEST_CONTAINER", "1");
    let children: Vec<_> = (0..8)
        .map(|i| {
            let task = format!("put item{i} secret{i} 3600");
            sandbox.child(&[], &task).stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        assert_eq!(said(&child.wait_with_output().unwrap()), "Ok(())");
    }
    let env = sandbox.env();
    let keychain = Keychain::choose(&env, true).unwrap();
    for i in 0..8 {
        let secret = keychain.get(&format!("item{i}")).unwrap().expect("sealed with the one key");
        assert_eq!(secret.as_slice(), format!("secret{i}").as_bytes());
    }
    let names = fs::read_dir(sandbox.sealed_folder()).unwrap().count();
    assert_eq!(names, 8 + 3, "items, kdf.json and two locks; no temporary file");
}

#[test]
#[cfg(unix)]
fn a_command_prints_the_passphrase_and_never_sees_one() {
    let sandbox = passphrase("planted").with("MFA_RUN_PASSPHRASE_COMMAND", "planted");
    let env = sandbox.env();
    let run = |command: &str| super::super::passphrase::from_command(&env, OsStr::new(command), None);
    for (command, printed) in [
        ("echo 'two words'", &b"two words"[..]),
        ("printf 'a\\n\\n'", b"a\n"),
        ("printf a", b"a"),
        ("env | grep -c '^MFA_RUN_PASSPHRASE'", b""),
        ("printf %s \"$MFA_RUN_KEYCHAIN\"", b"file"),
        ("head -c 4096 /dev/zero", &[0; 4096]),
    ] {
        match run(command) {
            Ok(passphrase) => assert_eq!(passphrase.as_slice(), printed, "{command}"),
            Err(error) => {
                assert!(printed.is_empty() && error.to_string().ends_with("failed (exit status: 1)"), "{error}")
            }
        }
    }
    for (command, words) in [
        ("true", "printed nothing"),
        ("echo", "printed nothing"),
        ("echo planted; exit 7", "failed (exit status: 7)"),
        ("kill -9 $$", "failed (signal: 9"),
        ("yes planted", "prints more than 4096 bytes"),
    ] {
        let error = run(command).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("planted"), "{command}: {error}");
    }
}

#[test]
#[cfg(unix)]
fn a_command_that_never_ends_is_ended_at_the_deadline() {
    for command in ["sleep 20", "echo planted; sleep 20; true"] {
        let sandbox = Sandbox::of("file").with("MFA_RUN_PASSPHRASE_COMMAND", command);
        let (env, started) = (sandbox.env(), Instant::now());
        let keychain = Keychain::choose(&env, true).unwrap().deadline(Some(started + Duration::from_millis(300)));
        let error = keychain.put("a", b"one", sandbox.hour(), &mut nobody()).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(5), "{command}: {:?}", started.elapsed());
        assert_eq!(error.to_string(), "MFA_RUN_PASSPHRASE_COMMAND: did not end in time", "{command}");
        assert_eq!(fs::read_dir(sandbox.sealed_folder()).unwrap().count(), 1, "{command}: the lock alone");
    }
}

#[test]
#[cfg(unix)]
fn what_a_command_leaves_behind_is_not_waited_for() {
    let (env, started) = (Sandbox::of("file").env(), Instant::now());
    let printed = super::super::passphrase::from_command(&env, OsStr::new("sleep 20 & echo 'two words'"), None);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(printed.unwrap().as_slice(), b"two words");
}

#[test]
#[cfg(target_os = "linux")]
fn the_stretched_key_is_kept_in_the_kernel_until_it_is_locked_away() {
    if keyutils::usable().is_err() {
        return skip("no kernel keyring");
    }
    let sandbox = Sandbox::of("file");
    let count = sandbox.folder.path().join("count");
    let command = format!("echo x >> {}; echo right", count.display());
    let sandbox = sandbox.with("MFA_RUN_PASSPHRASE_COMMAND", &command);
    let env = sandbox.env();
    let asked = || fs::read_to_string(&count).map_or(0, |lines| lines.lines().count());
    let keychain = || Keychain::choose(&env, false).unwrap();
    assert!(!keychain().lock_away().unwrap());
    keychain().put("a", b"one", sandbox.hour(), &mut nobody()).unwrap();
    assert_eq!(asked(), 1);
    assert_eq!(keychain().get("a").unwrap().unwrap().as_slice(), b"one");
    keychain().put("b", b"two", sandbox.hour(), &mut nobody()).unwrap();
    assert_eq!(asked(), 1, "kept in the kernel");
    assert!(Keychain::choose(&env, true).unwrap().get("a").unwrap().is_some());
    assert_eq!(asked(), 2, "in a container it is not");
    assert!(!Keychain::choose(&env, true).unwrap().lock_away().unwrap());
    assert!(keychain().lock_away().unwrap());
    let after = keychain().get("a").unwrap();
    assert!(keychain().lock_away().unwrap());
    assert!(after.is_some());
    assert_eq!(asked(), 3, "asked again after it was locked away");
}

#[test]
#[cfg(target_os = "linux")]
fn a_key_in_the_kernel_that_is_not_ours_is_not_used() {
    if keyutils::usable().is_err() {
        return skip("no kernel keyring");
    }
    let sandbox = passphrase("right");
    let env = sandbox.env();
    let keychain = || Keychain::choose(&env, false).unwrap();
    keychain().put("a", b"one", sandbox.hour(), &mut nobody()).unwrap();
    let name = kept_name(&sandbox);
    for planted in [&[7; 32][..], b"short"] {
        keyutils::write(&name, planted, 60).unwrap();
        let got = keychain().get("a");
        assert_eq!(got.unwrap().unwrap().as_slice(), b"one");
    }
    assert!(keychain().lock_away().unwrap());
}

/// `kdf:<hash of folder and salt>`, found as the kernel shows it.
#[cfg(target_os = "linux")]
fn kept_name(sandbox: &Sandbox) -> String {
    let folder = sandbox.sealed_folder();
    super::super::key::kept_as(&folder).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_person_at_the_terminal_is_asked_without_echo() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::Read;
    if !has("setsid") {
        return skip("no setsid to give a child a terminal");
    }
    let sandbox = Sandbox::of("file").with("MFA_RUN_TEST_CONTAINER", "1").with("MFA_RUN_TEST_ASK", "1");
    let converse = |task: &str, answers: &[&str]| {
        let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&pty).and_then(|()| unlockpt(&pty)).unwrap();
        let slave = ptsname(&pty, Vec::new()).unwrap();
        let tty = fs::OpenOptions::new().read(true).write(true).open(slave.to_str().unwrap()).unwrap();
        let before = rustix::termios::tcgetattr(&tty).unwrap().local_modes;
        let child = sandbox
            .child(&["setsid", "--ctty", "--wait"], task)
            .stdin(tty.try_clone().unwrap())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut master = fs::File::from(pty);
        let mut shown = String::new();
        for answer in answers {
            let mut byte = [0; 256];
            while !shown.ends_with(": ") {
                let size = master.read(&mut byte).unwrap();
                shown.push_str(&String::from_utf8_lossy(&byte[..size]));
            }
            // The echo is off only after the prompt is shown.
            while rustix::termios::tcgetattr(&tty).unwrap().local_modes == before {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            shown.push('|');
            master.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(rustix::termios::tcgetattr(&tty).unwrap().local_modes, before, "the terminal is as it was");
        assert!(!shown.contains("planted"), "{shown}");
        (shown, said(&output))
    };
    let (shown, said) = converse("put a secret 3600", &["planted", "planted"]);
    assert_eq!(said, "Ok(())", "{shown}");
    assert!(shown.contains("New passphrase") && shown.contains("The same again"), "{shown:?}");
    let (shown, said) = converse("get a", &["wrong", "planted"]);
    assert_eq!(said, "secret", "{shown}");
    assert!(!shown.contains("New"), "{shown}");
    assert_eq!(converse("get a", &[""]).1, "Err(NoKey)");
    assert_eq!(converse("get a", &["x", "y", "z"]).1, "Err(WrongPassphrase { from: Prompt })");
    // Nobody there: no terminal.
    assert_eq!(sandbox.says(&["setsid", "--wait"], "get a"), "Err(NoKey)");
}
