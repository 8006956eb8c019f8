//! Every way the Secret Service can fail us, with the time it takes: each ends soon, in an error that says what to do, and
//! under `auto` in the next store.

use super::secret_service::at;
use super::secret_service::desktop::{Desktop, GCR_PROMPTER, KEYRING, PROMPTER, SECRETS};
use super::*;
use crate::credentials::AccessKey;
use std::time::Duration;

/// The limit is two; a loaded machine may be late.
const SOON: Duration = Duration::from_secs(3);
const HANGS: &str = "/bin/sleep 600";

/// Tries a situation without a person: sessions in this store alone, then keys by `auto`. What it is like, the error that
/// is due on writing and, where it differs, on reading.
fn fails(what: &str, sandbox: Sandbox, writing: &str, reading: Option<&str>) {
    let timed = |act: &mut dyn FnMut()| {
        let begun = Instant::now();
        act();
        let took = begun.elapsed();
        assert!(took < SOON, "{what}: {took:?}");
        took.as_millis()
    };
    let env = sandbox.with("MFA_RUN_KEYCHAIN", "secret-service");
    let (hour, env) = (env.hour(), env.env());
    let check = |failed: Result<(), Error>, due: Option<&str>| {
        assert_eq!(failed.as_ref().map_err(ToString::to_string).err().as_deref(), due, "{what}");
        assert!(failed.err().is_none_or(|error| error.hint().contains("MFA_RUN_KEYCHAIN=file")), "{what}");
    };
    let reading = reading.map_or(Some(writing), |due| Some(due).filter(|due| !due.is_empty()));
    let put = timed(&mut || check(Keychain::new(&env).unwrap().put("a", b"x", hour, &mut nobody()), Some(writing)));
    let get = timed(&mut || check(Keychain::new(&env).unwrap().get("a").map(drop), reading));

    let env = env.with("MFA_RUN_KEYCHAIN", "auto");
    let key = AccessKey { id: "AKIAONE".into(), secret: "planted-secret".to_owned().into() };
    let keep = timed(&mut || drop(Keychain::new(&env).unwrap().keep_access_key(&key).unwrap()));
    assert!(env.data_folder().unwrap().join("sealed/key-AKIAONE").exists(), "{what}: the next store has it");
    let find = timed(&mut || assert!(Keychain::new(&env).unwrap().access_key("AKIAONE").unwrap().is_some(), "{what}"));
    // What could not be looked into may have it: not there is not said of that.
    let other = Keychain::new(&env).unwrap();
    let found = other.access_key("AKIATWO");
    let absent = writing.starts_with("there is no") || reading.is_none();
    assert_eq!(found.is_ok(), absent, "{what}: {found:?}");
    terminal::say(&format!("{what:52} {put:>5} {get:>5} | {keep:>5} {find:>5}  {writing}"));
}

#[test]
fn the_table_of_failures_and_their_times() {
    let absent = |reason: &str| format!("there is no Secret Service here: {reason}");
    let silent = "the Secret Service does not answer";
    let locked = "the Secret Service is locked";
    terminal::say(&format!(
        "{:52} {:>5} {:>5} | {:>5} {:>5}  (ms)",
        "alone: put, get | auto, for keys: keep, find", "", "", "", ""
    ));

    fails("no session bus", Sandbox::sealed(), &absent("there is no D-Bus session bus"), None);
    let stale = Sandbox::sealed().with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    fails("a stale address", stale, &absent("the D-Bus session bus does not answer"), None);
    let odd = Sandbox::sealed().with("DBUS_SESSION_BUS_ADDRESS", "autolaunch:");
    fails("an address for libdbus alone", odd, &absent("the address of the D-Bus session bus is odd"), None);
    let deaf = Sandbox::sealed();
    let socket = deaf.folder.path().join("deaf");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let deaf = deaf.with("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", socket.display()));
    fails("a bus that says nothing", deaf, silent, None);

    for (what, services, error) in [
        ("a bus without the service", &[][..], absent("no program provides it")),
        (
            "its program is missing",
            &[(SECRETS, "/nonexistent/program")],
            absent("the program that provides it does not start"),
        ),
        ("its program ends at once", &[(SECRETS, "/bin/false")], absent("the program that provides it does not start")),
        ("its program hangs at the start", &[(SECRETS, HANGS)], silent.to_owned()),
    ] {
        let sandbox = Sandbox::sealed();
        let Some(desktop) = Desktop::start(sandbox.folder.path(), services) else { return };
        let sandbox = at(&desktop, sandbox);
        fails(what, sandbox, &error, None);
    }

    let sandbox = Sandbox::sealed();
    let Some(desktop) = Desktop::start(sandbox.folder.path(), &[]) else { return };
    let hung = desktop.hang(SECRETS);
    fails("the service hangs", at(&desktop, sandbox), silent, None);
    drop(hung);

    let sandbox = Sandbox::sealed();
    let Some(desktop) = Desktop::start(sandbox.folder.path(), &[(SECRETS, KEYRING)]) else { return };
    let sandbox = at(&desktop, sandbox);
    fails("a fresh home without a collection", sandbox, "the Secret Service has no default keyring", Some(""));

    for (what, prompter) in [
        ("locked, and the prompter finds no display", GCR_PROMPTER),
        ("locked, and the prompter hangs at the start", HANGS),
    ] {
        let sandbox = Sandbox::sealed();
        let Some(desktop) = Desktop::unlocked(sandbox.folder.path(), &[(PROMPTER, prompter)]) else { return };
        desktop.lock();
        fails(what, at(&desktop, sandbox), locked, None);
        assert_eq!(desktop.started(), [""; 0], "no dialog was asked for");
    }
    let sandbox = Sandbox::sealed();
    let Some(desktop) = Desktop::unlocked(sandbox.folder.path(), &[]) else { return };
    desktop.lock();
    let hung = desktop.hang(PROMPTER);
    fails("locked, and the prompter never answers", at(&desktop, sandbox), locked, None);
    drop(hung);
}

#[test]
fn where_no_store_can_keep_a_key_the_locked_one_is_the_reason() {
    let sandbox = Sandbox::of("auto");
    let home = sandbox.folder.path().to_owned();
    let Some(desktop) = Desktop::unlocked(&home, &[]) else { return };
    let sandbox = at(&desktop, sandbox).with("MFA_RUN_KEYCHAIN", "auto");
    let env = sandbox.env();
    let key = AccessKey { id: "AKIAONE".into(), secret: "planted-secret".to_owned().into() };
    desktop.lock();
    let failed = Keychain::new(&env).unwrap().keep_access_key(&key);
    assert!(matches!(failed, Err(Error::StoreLocked { .. })), "{failed:?}");
    drop(desktop);
    let failed = Keychain::new(&env).unwrap().keep_access_key(&key);
    assert!(matches!(failed, Err(Error::NoKey)), "{failed:?}");
}

/// Where a person may be asked, it is the person's time that limits a dialog.
#[test]
fn a_dialog_that_nobody_answers_ends_at_the_deadline() {
    let second = Duration::from_secs(1);
    for (display, prompter, hangs, least, most) in [
        // over ssh there is no display to look at: no dialog
        ("", HANGS, false, Duration::ZERO, second),
        (":99", HANGS, false, second, SOON),
        (":99", GCR_PROMPTER, false, Duration::ZERO, second),
        (":99", "/nonexistent", true, second, SOON),
    ] {
        let sandbox = Sandbox::sealed();
        let Some(mut desktop) = Desktop::unlocked(sandbox.folder.path(), &[(PROMPTER, prompter)]) else { return };
        let sandbox = at(&desktop, sandbox).with("DISPLAY", display);
        let env = sandbox.env();
        let fresh = || Keychain::new(&env).unwrap().may_ask(true);
        fresh().put("a", b"secret", sandbox.hour(), &mut nobody()).unwrap();
        desktop.lock();
        let hung = hangs.then(|| desktop.hang(PROMPTER));
        for act in [
            &|keychain: &Keychain<'_>| keychain.get("a").map(drop),
            &|keychain| keychain.put("a", b"x", sandbox.hour(), &mut nobody()),
            &|keychain| keychain.delete("a").map(drop),
        ] as [&dyn Fn(&Keychain<'_>) -> Result<(), Error>; 3]
        {
            let begun = Instant::now();
            let keychain = fresh().deadline(Some(begun + second));
            let done = act(&keychain);
            let took = begun.elapsed();
            assert!(matches!(done, Err(Error::StoreLocked { .. })), "{display} {prompter}: {done:?}");
            assert!(took >= least && took < most, "{display} {prompter}: {took:?}");
            assert!(desktop.keyring_lives());
        }
        drop(hung);
    }
}
