//! The whole of it at one terminal: a device, a role's session, another access key.

use super::{arn, type_pair, without_device};

#[test]
fn a_device_is_enrolled_a_role_is_had_and_the_key_is_rotated() {
    let world = without_device();
    let role = world.aws.role_arn("admin");
    world.write_config(&format!("[profile base]\n\n[profile admin]\nrole_arn = {role}\nsource_profile = base\n"));
    let script = "mfa-run key import -p base --yes && mfa-run device enroll -p base && mfa-run credential-process -p admin | grep -c ASIA \
                  && mfa-run key rotate -p base --grace 0 && mfa-run credential-process -p admin | grep -c ASIA";
    let mut terminal = world.other("sh", ["-c", script]).may_print_secrets().all_on_terminal();
    let serial = arn("/alice");
    type_pair(&world, &mut terminal, &serial);
    terminal.expect("is enabled for alice");
    for profile in ["admin", "base"] {
        terminal.expect(&format!("MFA code for {serial} (profile {profile}): "));
        terminal.send_line(&world.aws.fresh_code(&serial));
    }
    let old = &world.alice.access_key_id;
    terminal.expect(&format!("{old} is deleted"));
    // the sessions went over to the new key: no code
    terminal.wait().success();
    let keys = world.aws.access_keys("alice");
    assert!(keys.len() == 1 && keys[0] != *old, "{keys:?}");
    assert!(world.read(".aws/credentials").contains(&format!("mfa_run_access_key_id = {}", keys[0])));
    assert_eq!(world.codes_used(), 2, "beside the two of the enrolment");
}
