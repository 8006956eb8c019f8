//! What strace sees and does: how many system calls a read takes, and a put that is killed at any of its own.

use super::*;

/// Each system call between the marks, with its number of that name in its thread, as `strace -f` counts for `when=`.
fn traced(sandbox: &Sandbox, task: &str) -> Vec<(String, usize)> {
    let log = sandbox.folder.path().join("strace.log");
    let said = sandbox.says(&["strace", "-f", "-o", log.to_str().unwrap()], task);
    assert!(!said.starts_with("Err"), "{said}");
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<_> = log.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let begin = lines.iter().position(|(_, line)| line.contains("/mark-begin")).unwrap();
    let end = lines.iter().position(|(_, line)| line.contains("/mark-end")).unwrap();
    let thread = lines[begin].0;
    let mut counts = std::collections::HashMap::new();
    let mut calls = Vec::new();
    for (i, (pid, line)) in lines.iter().enumerate() {
        let line = line.trim_start();
        if *pid != thread || !line.starts_with(|c: char| c.is_ascii_lowercase()) {
            continue;
        }
        let name = line.split('(').next().unwrap();
        let count = counts.entry(name.to_owned()).or_insert(0);
        *count += 1;
        if i > begin && i < end {
            calls.push((name.to_owned(), *count));
        }
    }
    calls
}

fn can_trace() -> bool {
    let works = has("strace")
        && Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status().is_ok_and(|s| s.success());
    if !works {
        skip("no strace");
    }
    works
}

#[test]
fn one_warm_read_is_a_handful_of_system_calls() {
    if !can_trace() {
        return;
    }
    if keyutils::usable().is_ok() {
        let sandbox = Sandbox::of("keyutils");
        let name = format!("test-{}", random());
        keyutils::write(&name, &[b'x'; 3000], 60).unwrap();
        let calls = traced(&sandbox, &format!("get {name}"));
        keyutils::remove(&name).unwrap();
        assert!(calls.len() <= 3, "{calls:?}");
    } else {
        skip("no kernel keyring");
    }
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    Keychain::new(&env).unwrap().put("a", &[b'x'; 3000], sandbox.hour(), &mut nobody()).unwrap();
    let calls = traced(&sandbox, "get a");
    assert!(calls.len() <= 12, "{calls:?}");
    assert!(!calls.iter().any(|(name, _)| name == "getdents64" || name == "clone3" || name == "flock"), "{calls:?}");
}

/// Kills `put a new` at each of its system calls; `old` or `new` is there each time, and the next put works.
fn killed_anywhere(sandbox: &Sandbox, name: &str, check: impl Fn(&str)) {
    let put = |secret: &str| format!("put {name} {secret} 60");
    assert_eq!(sandbox.says(&[], &put("old")), "Ok(())");
    let calls = traced(sandbox, &put("new"));
    let (mut killed, mut seen) = (0, std::collections::BTreeSet::new());
    for (call, when) in &calls {
        assert_eq!(sandbox.says(&[], &put("old")), "Ok(())");
        let inject = format!("inject={call}:signal=KILL:when={when}");
        let output = sandbox.child(&["strace", "-f", "-o", "/dev/null", "-e", &inject], &put("new")).output().unwrap();
        killed += usize::from(!output.status.success());
        let found = sandbox.says(&[], &format!("get {name}"));
        assert!(found == "old" || found == "new", "killed at {call} {when}: {found}");
        seen.insert(found);
        check(call);
    }
    assert!(killed >= calls.len() * 3 / 4 && calls.len() > 5, "killed at {killed} of {calls:?}");
    assert_eq!(seen.len(), 2, "killed before and after it counts: {calls:?}");
    assert_eq!(sandbox.says(&[], &put("newer")), "Ok(())");
    assert_eq!(sandbox.says(&[], &format!("get {name}")), "newer");
}

#[test]
fn a_put_killed_anywhere_leaves_the_old_or_the_new() {
    if !can_trace() {
        return;
    }
    killed_anywhere(&Sandbox::sealed(), "a", |_| ());
    if keyutils::usable().is_ok() {
        let name = format!("test-{}", random());
        killed_anywhere(&Sandbox::of("keyutils"), &name, |call| nothing_for_ever(&name, call));
        keyutils::remove(&name).unwrap();
    } else {
        skip("no kernel keyring");
    }
}

/// No key of that name without a timeout. What was not linked yet goes with its thread; the kernel collects it a little
/// later.
fn nothing_for_ever(name: &str, after: &str) {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let key = || {
        let keys = std::fs::read_to_string("/proc/keys").unwrap();
        keys.lines().find(|line| line.contains(name) && line.contains(" perm ")).map(str::to_owned)
    };
    while let Some(key) = key() {
        assert!(std::time::Instant::now() < patience, "{after}: a key without a timeout stays: {key}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_key_whose_timeout_or_permissions_cannot_be_set_is_removed() {
    if !can_trace() {
        return;
    }
    if keyutils::usable().is_err() {
        return skip("no kernel keyring");
    }
    let sandbox = Sandbox::of("keyutils");
    let name = format!("test-{}", random());
    let put = format!("put {name} secret 60");
    let calls = traced(&sandbox, &put);
    keyutils::remove(&name).unwrap();
    let calls: Vec<_> = calls.iter().filter(|(call, _)| call == "keyctl").collect();
    assert_eq!(calls.len(), 6, "user keyring, own keyring, timeout, permissions, link, unlink");
    for (_, when) in &calls[..5] {
        let inject = format!("inject=keyctl:error=EACCES:when={when}");
        let said = sandbox.says(&["strace", "-f", "-o", "/dev/null", "-e", &inject], &put);
        assert_eq!(said, "Err(KeyringBlocked { reason: \"EACCES\" })", "keyctl {when}");
        assert_eq!(keyutils::read(&name).unwrap(), None, "keyctl {when}");
        nothing_for_ever(&name, "keyctl");
    }
}

/// As far as a first use of a passphrase: no half `kdf.json`, no lock that stays.
#[test]
fn a_first_use_killed_anywhere_does_not_spoil_the_next() {
    if !can_trace() {
        return;
    }
    let sandbox = || Sandbox::of("file").with("MFA_RUN_PASSPHRASE", "right").with("MFA_RUN_TEST_CONTAINER", "1");
    let calls = traced(&sandbox(), "put a new 60");
    for call in ["openat", "write", "fsync", "rename", "flock", "mkdir"] {
        let sandbox = sandbox();
        for (call, when) in calls.iter().filter(|(name, _)| name == call) {
            let inject = format!("inject={call}:signal=KILL:when={when}");
            let words = ["strace", "-f", "-o", "/dev/null", "-e", &inject];
            let output = sandbox.child(&words, "put a new 60").output().unwrap();
            assert!(!output.status.success() || *when > 1, "killed at {call} {when}");
        }
        assert_eq!(sandbox.says(&[], "put a newer 60"), "Ok(())", "killed at {call}");
        assert_eq!(sandbox.says(&[], "get a"), "newer");
    }
}
