//! Which store is chosen.

use super::*;

#[test]
fn mfa_run_keychain_names_the_store_for_sessions() {
    for (value, stores) in [
        #[cfg(target_os = "linux")]
        ("auto", &[Kind::Keyutils, Kind::File][..]),
        #[cfg(target_os = "linux")]
        ("", &[Kind::Keyutils, Kind::File]),
        #[cfg(target_os = "linux")]
        ("keyutils", &[Kind::Keyutils]),
        #[cfg(target_os = "linux")]
        ("sessions=keyutils,keys=file", &[Kind::Keyutils]),
        #[cfg(target_os = "linux")]
        ("keys=file", &[Kind::Keyutils, Kind::File]),
        #[cfg(target_os = "linux")]
        ("secret-service", &[Kind::SecretService]),
        #[cfg(target_os = "macos")]
        ("macos", &[Kind::Native][..]),
        #[cfg(windows)]
        ("windows", &[Kind::Native][..]),
        #[cfg(any(target_os = "macos", windows))]
        ("auto", &[Kind::Native]),
        ("file", &[Kind::File][..]),
        ("keys=auto, sessions=file", &[Kind::File]),
    ] {
        let env = Sandbox::of(value).env();
        assert_eq!(Keychain::choose(&env, false).unwrap().sessions.list, stores, "{value}");
    }
}

#[test]
fn and_the_store_for_keys() {
    #[cfg(target_os = "linux")]
    let auto = &[Kind::SecretService, Kind::File][..];
    #[cfg(any(target_os = "macos", windows))]
    let auto = &[Kind::Native][..];
    for (value, stores) in [
        ("auto", auto),
        ("sessions=file", auto),
        #[cfg(target_os = "linux")]
        ("keyutils", auto),
        #[cfg(target_os = "linux")]
        ("secret-service", &[Kind::SecretService]),
        #[cfg(target_os = "linux")]
        ("sessions=auto,keys=secret-service", &[Kind::SecretService]),
        ("file", &[Kind::File]),
        ("sessions=auto,keys=file", &[Kind::File]),
    ] {
        let env = Sandbox::of(value).env();
        // in a container as elsewhere: the keyring of the kernel is the host's, a session bus is not
        for in_container in [false, true] {
            assert_eq!(Keychain::choose(&env, in_container).unwrap().keys.list, stores, "{value}");
        }
    }
}

#[test]
fn an_unknown_store_is_a_usage_error_that_names_the_values() {
    for value in ["sesame", "File", "sessions=", "sessions=file,keys=sesame", "sessions=file,file"] {
        let env = Sandbox::of(value).env();
        let error = Keychain::new(&env).unwrap_err();
        assert!(error.is_usage(), "{value}: {error:?}");
        assert!(error.hint().starts_with("MFA_RUN_KEYCHAIN="), "{value}: {}", error.hint());
    }
    let env = Sandbox::of("sesame").env();
    let error = Keychain::new(&env).unwrap_err();
    assert_eq!(error.to_string(), "MFA_RUN_KEYCHAIN: no store is called `sesame`");
    assert!(
        error.hint().ends_with("auto, keyutils, secret-service or file") || !cfg!(target_os = "linux"),
        "{}",
        error.hint()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn in_a_container_auto_is_the_sealed_file() {
    let env = Sandbox::of("auto").with("KUBERNETES_SERVICE_HOST", "10.0.0.1").env();
    let keychain = Keychain::new(&env).unwrap();
    assert_eq!(keychain.sessions.list, [Kind::File]);
    assert!(!keychain.files.source.keep, "nor is the stretched key kept there");
    assert!(keychain.description().contains("container"), "{}", keychain.description());
    let env = Sandbox::of("keyutils").with("KUBERNETES_SERVICE_HOST", "10.0.0.1").env();
    assert_eq!(Keychain::new(&env).unwrap().sessions.list, [Kind::Keyutils], "who asks for it gets it");
}

#[test]
fn without_a_data_folder_the_sealed_file_is_an_error_and_nothing_else() {
    let env = Sandbox::of("file").env();
    let mut keychain = Keychain::new(&env).unwrap();
    // As where there is neither HOME nor an entry in the user database.
    keychain.files.folder = None;
    assert!(matches!(keychain.get("a"), Err(Error::NoFolder)));
    assert!(matches!(keychain.delete("a"), Err(Error::NoFolder)));
    assert!(!keychain.lock_away().unwrap());
    assert!(keychain.description().contains("no folder"), "{}", keychain.description());
}
