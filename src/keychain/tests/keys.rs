//! Access keys: kept until forgotten, never taken for another's.

use super::*;
use crate::credentials::AccessKey;
use secrecy::ExposeSecret;

fn key(id: &str) -> AccessKey {
    AccessKey { id: id.into(), secret: format!("planted-secret-of-{id}").into() }
}

#[test]
fn an_access_key_is_kept_until_it_is_forgotten() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    assert!(keychain.access_key("AKIAONE").unwrap().is_none());
    keychain.keep_access_key(&key("AKIAONE")).unwrap();
    keychain.keep_access_key(&key("AKIATWO")).unwrap();

    let later = Env::fixed(
        &sandbox.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(),
        sandbox.now + TimeDelta::days(10_000),
    );
    let keychain = Keychain::new(&later).unwrap();
    let found = keychain.access_key("AKIAONE").unwrap().expect("years later");
    assert_eq!((found.id.as_str(), found.secret.expose_secret()), ("AKIAONE", "planted-secret-of-AKIAONE"));
    assert!(keychain.forget_access_key("AKIAONE").unwrap());
    assert!(!keychain.forget_access_key("AKIAONE").unwrap());
    assert!(keychain.access_key("AKIAONE").unwrap().is_none());
    assert!(keychain.access_key("AKIATWO").unwrap().is_some(), "the other stays");
}

#[test]
fn an_item_that_is_damaged_or_another_keys_is_not_there() {
    let sandbox = Sandbox::sealed();
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    for item in [
        &b""[..],
        b"not JSON",
        br#"{"Version":2,"AccessKeyId":"AKIAONE","SecretAccessKey":"x"}"#,
        br#"{"Version":1,"AccessKeyId":"AKIATWO","SecretAccessKey":"x"}"#,
    ] {
        keychain.keep("key-AKIAONE", item).unwrap();
        assert!(keychain.access_key("AKIAONE").unwrap().is_none());
        assert_eq!(keychain.take_warnings().len(), 1);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_keyring_is_for_sessions() {
    let env = Sandbox::of("sessions=file,keys=keyutils").env();
    let error = Keychain::new(&env).unwrap_err();
    assert!(matches!(error, Error::ForgetsKeys) && error.is_usage(), "{error:?}");
    let env = Sandbox::of("keyutils").env();
    assert!(!Keychain::new(&env).unwrap().keys.list.contains(&Kind::Keyutils), "one word, where both can be had");
}
