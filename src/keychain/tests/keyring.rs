//! The kernel keyring, for real. Names are random and keys removed; what is left behind by a crash times out.

use super::*;
use linux_keyutils::{KeyRing, KeyRingIdentifier};
use std::thread::sleep;
use std::time::Duration;

/// A name nobody uses, forgotten at the end.
struct Name(String);

impl Name {
    fn new() -> Self {
        Self(format!("test-{}", random()))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = keyutils::remove(&self.0);
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn usable() -> bool {
    keyutils::usable().inspect_err(|error| skip(&error.to_string())).is_ok()
}

/// Permissions and seconds left of a key, as `/proc/keys` shows them.
fn in_proc(name: &str) -> Option<(String, String)> {
    let keys = std::fs::read_to_string("/proc/keys").unwrap();
    let line = keys.lines().find(|line| line.contains(&format!("mfa-run:{name}: ")))?;
    let words: Vec<_> = line.split_whitespace().collect();
    Some((words[4].into(), words[3].into()))
}

#[test]
fn what_was_put_comes_back_and_goes() {
    if !usable() {
        return;
    }
    let sandbox = Sandbox::of("keyutils");
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    let name = Name::new();
    assert_eq!(keychain.get(&name).unwrap(), None);
    for secret in [&b"one"[..], &[7; 4096], &[8; 4097], &[9; LIMIT], b"two"] {
        keychain.put(&name, secret, sandbox.hour(), &mut nobody()).unwrap();
        assert_eq!(keychain.get(&name).unwrap().unwrap().as_slice(), secret);
    }
    assert!(keychain.delete(&name).unwrap());
    assert!(!keychain.delete(&name).unwrap());
    assert_eq!(keychain.get(&name).unwrap(), None);
    assert!(!sandbox.sealed_folder().exists(), "no file was needed");
}

#[test]
fn a_key_is_for_possessor_and_user_and_has_its_timeout() {
    if !usable() {
        return;
    }
    let sandbox = Sandbox::of("keyutils");
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    let name = Name::new();
    keychain.put(&name, b"one", sandbox.hour(), &mut nobody()).unwrap();
    let (permissions, left) = in_proc(&name).unwrap();
    assert_eq!(permissions, "3f3f0000");
    assert!(["59m", "60m", "1h"].contains(&left.as_str()), "{left}");
    keychain.put(&name, b"two", sandbox.now + TimeDelta::minutes(5), &mut nobody()).unwrap();
    let ring = KeyRing::from_special_id(KeyRingIdentifier::User, false).unwrap();
    let key = ring.search(&format!("mfa-run:{}", &*name)).unwrap();
    let serial = format!("{:08x}", key.get_id().as_raw_id());
    let keys = std::fs::read_to_string("/proc/keys").unwrap();
    let line = keys.lines().find(|line| line.starts_with(&serial)).unwrap();
    assert!(line.contains(" 4m ") || line.contains(" 5m "), "a new timeout with the new secret: {line}");
    let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).unwrap();
    assert!(own.search(&format!("mfa-run:{}", &*name)).is_err(), "nothing stays in the thread keyring");
}

#[test]
fn a_key_vanishes_when_its_session_expires() {
    if !usable() {
        return;
    }
    let sandbox = Sandbox::of("keyutils");
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    let (short, long, updated) = (Name::new(), Name::new(), Name::new());
    let second = sandbox.now + TimeDelta::seconds(1);
    keychain.put(&short, b"one", second, &mut nobody()).unwrap();
    keychain.put(&long, b"two", sandbox.hour(), &mut nobody()).unwrap();
    keychain.put(&updated, b"three", sandbox.hour(), &mut nobody()).unwrap();
    keychain.put(&updated, b"three", second, &mut nobody()).unwrap();
    assert!(keychain.get(&updated).unwrap().is_some());
    sleep(Duration::from_millis(2200));
    assert_eq!(keychain.get(&short).unwrap(), None);
    assert_eq!(keychain.get(&updated).unwrap(), None, "an update brings its own timeout");
    assert!(keychain.get(&long).unwrap().is_some());
    keychain.put(&short, b"four", sandbox.hour(), &mut nobody()).unwrap();
    assert_eq!(keychain.get(&short).unwrap().unwrap().as_slice(), b"four", "an expired key is no obstacle");
    keychain.put(&short, b"five", sandbox.now, &mut nobody()).unwrap();
    assert_eq!(keychain.get(&short).unwrap(), None, "no life left: nothing is kept, least of all for ever");
}

#[test]
fn a_revoked_key_is_not_there_and_no_obstacle() {
    if !usable() {
        return;
    }
    let name = Name::new();
    keyutils::write(&name, b"one", 60).unwrap();
    let ring = KeyRing::from_special_id(KeyRingIdentifier::User, false).unwrap();
    ring.search(&format!("mfa-run:{}", &*name)).unwrap().revoke().unwrap();
    assert_eq!(keyutils::read(&name).unwrap(), None);
    assert!(!keyutils::remove(&name).unwrap());
    keyutils::write(&name, b"two", 60).unwrap();
    assert_eq!(keyutils::read(&name).unwrap().unwrap().as_slice(), b"two");
}

#[test]
fn a_reader_never_misses_a_key_that_is_being_replaced() {
    if !usable() {
        return;
    }
    let name = Name::new();
    keyutils::write(&name, &[0; 900], 60).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (1..=250_u8).for_each(|i| keyutils::write(&name, &[i; 900], 60).unwrap()));
        while !writer.is_finished() {
            let secret = keyutils::read(&name).unwrap().expect("always one");
            assert!(secret.len() == 900 && secret.iter().all(|byte| *byte == secret[0]));
        }
    });
}

/// Runs its arguments in a new session keyring that has no link to the user keyring, as `keyctl session` does.
const NEW_SESSION: &str = "import ctypes, os, sys; c = ctypes.CDLL(None, use_errno=True); \
    n = {'x86_64': 250, 'aarch64': 219}[os.uname().machine]; \
    assert c.syscall(n, 1, None) > 0; os.execv(sys.argv[1], sys.argv[1:])";

#[test]
fn another_login_session_of_the_user_reads_it() {
    if !usable() {
        return;
    }
    if !has("python3") {
        return skip("no python3 to join a new session keyring with");
    }
    let sandbox = Sandbox::of("keyutils");
    let name = Name::new();
    keyutils::write(&name, b"from-here", 60).unwrap();
    let elsewhere = ["python3", "-c", NEW_SESSION];
    assert_eq!(sandbox.says(&elsewhere, &format!("get {}", &*name)), "from-here");
    // And the other way round: what a session made stays when that session is gone.
    assert_eq!(sandbox.says(&elsewhere, &format!("put {} from-there 60", &*name)), "Ok(())");
    assert_eq!(keyutils::read(&name).unwrap().unwrap().as_slice(), b"from-there");
    if let Some(uid) = spare_user() {
        assert_eq!(sandbox.says(&as_user(&uid), &format!("get {}", &*name)), "Ok(None)", "another user does not");
    }
}

/// A uid nobody has, so that its quota is our own; `None`, said, where we may not become it.
fn spare_user() -> Option<String> {
    let uid = (300_000 + u64::generate() % 1_000_000).to_string();
    if Command::new("setpriv")
        .args(["--reuid", &uid, "--clear-groups", "true"])
        .output()
        .is_ok_and(|o| o.status.success())
    {
        return Some(uid);
    }
    skip("cannot become a spare user (needs root and setpriv)");
    None
}

fn as_user(uid: &str) -> [&str; 5] {
    ["setpriv", "--reuid", uid, "--clear-groups", "--"]
}

fn small_quota() -> bool {
    let quota = std::fs::read_to_string("/proc/sys/kernel/keys/maxbytes").unwrap_or_default();
    let small = quota.trim().parse().is_ok_and(|bytes: u32| bytes <= 200_000);
    if !small {
        skip("the quota of the kernel keyring is too large to fill");
    }
    small
}

#[test]
fn a_full_keyring_drops_what_has_least_life_left() {
    if usable()
        && small_quota()
        && let Some(uid) = spare_user()
    {
        let sandbox = Sandbox::of("keyutils");
        assert_eq!(sandbox.says(&as_user(&uid), "fill"), "good");
    }
}

/// In the spare user's process: more sessions than the quota holds.
pub(super) fn fill(env: &Env, keychain: &Keychain<'_>) -> String {
    let secret = |i: usize| vec![u8::try_from(i % 256).unwrap(); 2900];
    let expires = |i: usize| env.now() + TimeDelta::seconds(60 + i64::try_from(i).unwrap());
    let name = |i: usize| format!("fill{i}");
    let count = 100;
    for i in 0..count {
        let mut others = (0..i).map(name);
        if let Err(error) = keychain.put(&name(i), &secret(i), expires(i), &mut others) {
            return format!("{i}: {error:?}");
        }
    }
    let there: Vec<_> = (0..count).filter(|i| keychain.get(&name(*i)).unwrap().is_some()).collect();
    if there.len() < 4 || there != (count - there.len()..count).collect::<Vec<_>>() {
        return format!("left: {there:?}");
    }
    // Replacing one where all is full costs none of the others.
    let before = there.len();
    if let Err(error) = keychain.put(&name(count - 2), &secret(1), expires(count), &mut (0..0).map(name)) {
        return format!("replacing: {error:?}");
    }
    if there.iter().filter(|i| keychain.get(&name(**i)).unwrap().is_some()).count() != before {
        return "replacing cost another".into();
    }
    let full = keychain.put("more", &secret(1), expires(1), &mut nobody());
    there.iter().for_each(|i| drop(keychain.delete(&name(*i))));
    if matches!(full, Err(Error::KeyringFull)) { "good".into() } else { format!("nothing to drop: {full:?}") }
}

#[test]
fn auto_goes_on_in_sealed_files_when_nothing_more_can_be_dropped() {
    if usable()
        && small_quota()
        && let Some(uid) = spare_user()
    {
        let sandbox = Sandbox::sealed().with("MFA_RUN_KEYCHAIN", "auto");
        let own = |path: &Path| std::os::unix::fs::chown(path, uid.parse().ok(), None).unwrap();
        own(sandbox.folder.path());
        files(sandbox.folder.path()).iter().for_each(|path| own(path));
        assert_eq!(sandbox.says(&as_user(&uid), "spill"), "good");
    }
}

/// In the spare user's process: fills the keyring, dropping none.
pub(super) fn spill(env: &Env, keychain: &Keychain<'_>) -> String {
    let expires = env.now() + TimeDelta::minutes(1);
    let put = |name: &str, byte| keychain.put(name, &[byte; 2900], expires, &mut nobody()).unwrap();
    let in_file = |name: &str| env.data_folder().unwrap().join("sealed").join(name).exists();
    let names: Vec<_> = (0..100).map(|i| format!("spill{i}")).collect();
    let Some(first) = names.iter().position(|name| {
        put(name, 1);
        in_file(name)
    }) else {
        return "nothing went to a file".into();
    };
    let names = &names[..=first];
    if !names.iter().all(|name| keychain.get(name).unwrap().is_some()) {
        return "not all are found".into();
    }
    // Room again: the keyring has it, and the older one in the file is gone.
    keychain.delete(&names[0]).unwrap();
    put(&names[first], 2);
    if in_file(&names[first]) || keychain.get(&names[first]).unwrap().unwrap()[0] != 2 {
        return "an older one stayed in the file".into();
    }
    // Full again, and one that is in the keyring grows out of it: its file is the only one.
    put("spill-more", 3);
    put("spill-more2", 3);
    keychain.put(&names[1], &[4; 20_500], expires, &mut nobody()).unwrap();
    if !in_file(&names[1]) || keyutils::read(&names[1]).unwrap().is_some() {
        return "an older one stayed in the keyring".into();
    }
    let found = keychain.get(&names[1]).unwrap().unwrap()[0];
    for name in names[1..].iter().map(String::as_str).chain(["spill-more", "spill-more2"]) {
        if !keychain.delete(name).unwrap() {
            return format!("{name} was gone");
        }
    }
    if found == 4 && keychain.take_warnings().is_empty() { "good".into() } else { format!("found {found}") }
}

/// As seccomp in Docker blocks it.
#[test]
fn where_the_keyring_is_blocked_auto_uses_sealed_files() {
    if !has("strace") {
        return skip("no strace to block the keyring with");
    }
    for (errno, syscalls) in [("EPERM", "keyctl,add_key"), ("ENOSYS", "keyctl,add_key"), ("EPERM", "add_key")] {
        let sandbox = Sandbox::sealed().with("MFA_RUN_KEYCHAIN", "auto");
        let inject = format!("inject={syscalls}:error={errno}");
        let blocked = ["strace", "-f", "-o", "/dev/null", "-e", &inject];
        assert_eq!(sandbox.says(&blocked, "put a secret 60"), "Ok(())");
        assert!(sandbox.item("a").exists());
        assert_eq!(sandbox.says(&blocked, "get a"), "secret");
        assert_eq!(sandbox.says(&blocked, "get b"), "Ok(None)");
        let alone = Sandbox::sealed().with("MFA_RUN_KEYCHAIN", "keyutils");
        assert_eq!(alone.says(&blocked, "put a secret 60"), format!("Err(KeyringBlocked {{ reason: \"{errno}\" }})"));
        assert!(!alone.sealed_folder().exists(), "who asks for the keyring gets no file");
    }
}
