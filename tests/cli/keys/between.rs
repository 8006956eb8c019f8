//! What happens between two runs of `key rotate`: an import, a key made active again, a store that does not open.

use super::{kept, plain};
use crate::support::World;
use fake_aws::FaultKind;

/// A rotation that ended when AWS was asked whether the new key works: the new key is kept beside the old one.
fn interrupted(world: &World) {
    world.log_in("base");
    world.aws.fail("GetCallerIdentity", FaultKind::AccessDenied, 1);
    world.run(["key", "rotate", "-p", "base"]).error(4);
}

fn with_device(world: World) -> World {
    let config = world.read(".aws/config");
    world.write_config(&format!("{config}[profile base]\nmfa_serial = {}\n", world.alice.mfa_serial));
    world
}

#[test]
fn a_key_that_is_being_replaced_is_not_imported() {
    let world = with_device(plain());
    interrupted(&world);
    let before = world.read(".aws/credentials");
    let refused = world.run(["key", "import", "-p", "base", "--yes"]).error(2);
    refused.says(&["the rotation is not finished", "hint: mfa-run key rotate -p base"]);
    assert_eq!(world.read(".aws/credentials"), before);
    world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
    world.run(["key", "import", "-p", "base", "--yes"]).success();
    world.run(["logout", "--all"]).success();
    world.aws.advance(60);
    world.log_in("base");
}

#[test]
fn a_profile_that_came_to_name_the_old_key_gets_the_new_one_from_the_keychain() {
    let world = with_device(plain());
    world.write_credentials(&(world.read(".aws/credentials") + &world.access_key("same")));
    interrupted(&world);
    // by hand: `same` takes the key from the keychain, which has it
    let (id, secret) = (world.alice.access_key_id.clone(), world.alice.secret_access_key.clone());
    let more = format!("[same]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let text = world.read(".aws/credentials").replace(&more, &format!("[same]\nmfa_run_access_key_id = {id}\n"));
    world.write_credentials(&text);
    world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
    world.run(["logout", "--all"]).success();
    world.aws.advance(60);
    world.log_in("base");
    let config = world.read(".aws/config") + &format!("[profile same]\nmfa_serial = {}\n", world.alice.mfa_serial);
    world.write_config(&config);
    world.run(["logout", "--all"]).success();
    world.aws.advance(60);
    world.log_in("same");
}

#[test]
fn a_key_made_active_again_is_not_deleted() {
    let world = kept();
    world.log_in("base");
    world.run(["key", "rotate", "-p", "base", "--grace", "1h"]).success();
    let old = world.alice.access_key_id.clone();
    world.aws.set_access_key_active(&old, true);
    // as if the first run had been an hour ago
    let folder = world.home().join(".local/share/mfa-run/rotations");
    let path = folder.read_dir().unwrap().next().expect("a record").unwrap().path();
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let since = record["stage"]["Inactive"]["since"].as_i64().unwrap();
    record["stage"]["Inactive"]["since"] = (since - 7200).into();
    mfa_run::fsio::write_private(&path, record.to_string().as_bytes()).unwrap();
    let refused = world.run(["key", "rotate", "-p", "base", "--grace", "1h"]).error(2);
    refused.says(&["was made active again, so it is not deleted", "--status Inactive; then the same again"]);
    assert_eq!(world.aws.access_key_active(&old), Some(true));
    world.aws.set_access_key_active(&old, false);
    world.run(["key", "rotate", "-p", "base", "--grace", "1h"]).success().says(&["is deleted"]);
}

#[test]
fn a_new_key_that_does_not_work_any_more_leaves_the_old_one() {
    let world = kept();
    world.log_in("base");
    world.run(["key", "rotate", "-p", "base"]).success();
    let old = world.alice.access_key_id.clone();
    let new = world.aws.access_keys("alice").into_iter().find(|id| *id != old).expect("a new key");
    world.aws.set_access_key_active(&new, false);
    let refused = world.run(["key", "rotate", "-p", "base", "--grace", "0"]).error(2);
    refused.says(&[&format!("{new}, which took the place of {old}, is inactive: {old} stays as it is")]);
    assert_eq!(world.aws.access_keys("alice").len(), 2);
}

#[test]
fn a_store_that_does_not_open_is_no_lost_secret() {
    let world = kept();
    interrupted(&world);
    let key = world.home().join(".key");
    let right = std::fs::read(&key).unwrap();
    mfa_run::fsio::write_private(&key, &[7; 32]).unwrap();
    // the cached session is sealed with the right key as well: another code
    world.aws.advance(60);
    let refused = world.run(["key", "rotate", "-p", "base", "--token-code", &world.code()]);
    assert_ne!(refused.code(), Some(0), "{}", refused.report());
    assert_eq!(world.aws.access_keys("alice").len(), 2, "nothing is deleted: {}", refused.report());
    mfa_run::fsio::write_private(&key, &right).unwrap();
    world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
    assert_eq!(world.aws.access_keys("alice").len(), 1);
}
