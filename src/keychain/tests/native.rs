//! Credential Manager, for real. Names are random; what a test keeps, it forgets.

use super::*;

#[test]
fn a_session_of_any_size_comes_back_and_goes() {
    let sandbox = Sandbox::of("windows");
    let env = sandbox.env();
    let keychain = Keychain::new(&env).unwrap();
    let name = format!("test-{}", random());
    assert_eq!(keychain.get(&name).unwrap(), None);
    for length in [3_500, 10, 2_500, 30_000, 0] {
        let secret = vec![b'x'; length];
        keychain.put(&name, &secret, sandbox.hour(), &mut nobody()).unwrap();
        assert_eq!(keychain.get(&name).unwrap().unwrap().as_slice(), secret, "{length}");
    }
    assert!(keychain.delete(&name).unwrap());
    assert!(!keychain.delete(&name).unwrap());
    assert_eq!(keychain.get(&name).unwrap(), None);
    assert_eq!(keychain.description(), "Credential Manager; MFA_RUN_KEYCHAIN says so");
    assert!(keychain.take_warnings().is_empty());
}
