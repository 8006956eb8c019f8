//! A first device and a second one, as a person enrols them.

use super::{arn, enroll, pair, type_pair, with_device, without_device};
use fake_aws::RoleSpec;
use std::time::Duration;

#[test]
fn a_first_device_is_enrolled_with_the_access_key_alone_and_the_role_profiles_find_it() {
    let world = without_device();
    let role = world.aws.role_arn("admin");
    let config =
        format!("# mine\n[profile base]\nregion=eu-west-1\n\n[profile admin]\nrole_arn={role}\nsource_profile=base\n");
    world.write_config(&config);
    let mut terminal = enroll(&world, &[]);
    terminal.expect("Scan this with an authenticator app, or type the seed:");
    type_pair(&world, &mut terminal, &arn("/alice"));
    let run = terminal.wait().success();
    for part in ["mfa/alice is enabled for alice", "the QR code is still on the screen", "a minute or two"] {
        assert!(run.screen.contains(part), "{part}: {}", run.screen);
    }
    assert_eq!(world.calls(), "GetCallerIdentity ListMFADevices CreateVirtualMFADevice EnableMFADevice");
    let named = config.replace("region=eu-west-1\n", &format!("region=eu-west-1\nmfa_serial={}\n", arn("/alice")));
    assert_eq!(world.read(".aws/config"), named);

    let code = world.aws.fresh_code(&arn("/alice"));
    world.process("admin").args(["--token-code", &code]).run().success();
    world.run(["configure", "--undo", "-p", "base"]).success();
    assert_eq!(world.read(".aws/config"), config);
}

#[test]
fn the_second_code_is_asked_for_when_the_window_has_turned() {
    let world = without_device();
    let mut terminal = enroll(&world, &[]);
    terminal.expect("First code: ");
    let code = world.aws.code(&arn("/alice"));
    let window = world.aws.now() / 30;
    terminal.send_line(&code).expect("The next code comes in ");
    assert!(terminal.shows_within("The next code: ", Duration::from_secs(35)));
    assert!(world.aws.now() / 30 > window, "not before");
    // the app's next code, whichever it is by now
    let offset = window + 1 - world.aws.now() / 30;
    terminal.send_line(&world.aws.code_at(&arn("/alice"), offset));
    terminal.wait().success();
}

#[test]
fn codes_that_cannot_be_right_never_reach_aws() {
    let world = without_device();
    let mut terminal = enroll(&world, &[]);
    terminal.expect("First code: ");
    let serial = arn("/alice");
    terminal
        .send_line(&world.aws.wrong_code(&serial))
        .expect("That is not a code of the new device")
        .expect("First code: ");
    // two windows ago, and now: not in a row
    let old = world.aws.code_at(&serial, -2);
    terminal.send_line(&old).expect("The next code: ").send_line(&old).expect("That is the first code again");
    let [_, now] = pair(&world, &serial);
    terminal.expect("The next code: ").send_line(&now).expect("this one is the first now");
    assert!(terminal.shows_within("The next code: ", Duration::from_secs(35)));
    assert!(world.aws.calls("EnableMFADevice").is_empty());
    terminal.send_line(&world.aws.code(&serial));
    terminal.wait().success();
    assert_eq!(world.aws.calls("EnableMFADevice").len(), 1);
}

#[test]
fn a_second_device_is_enrolled_with_a_code_of_the_first() {
    let world = with_device();
    let mut terminal = enroll(&world, &[]);
    terminal.expect("AWS wants its code for another one").expect(&world.prompt("base")).send_line(&world.code());
    let serial = arn("/alice/alice-2");
    type_pair(&world, &mut terminal, &serial);
    terminal.expect("Use the new one for profile base").send("n");
    let run = terminal.wait().success();
    assert!(run.screen.contains("base keeps arn:aws:iam::123456789012:mfa/alice;"), "{}", run.screen);
    assert!(world.read(".aws/config").contains("mfa/alice\n"));

    // the session is there now; and this one is to be used
    let mut terminal = enroll(&world, &["--name", "phone"]);
    type_pair(&world, &mut terminal, &arn("/alice/phone"));
    terminal.expect("Use the new one for profile base").send("y");
    terminal.wait().success();
    assert!(world.read(".aws/config").contains("mfa/alice/phone\n"));
}

#[test]
fn keys_of_the_environment_and_of_aws_mfa_get_their_device_where_they_look_for_it() {
    let mut world = without_device();
    world.write_config("");
    world.write_credentials("");
    let alice = world.alice.clone();
    world.set("AWS_ACCESS_KEY_ID", &alice.access_key_id);
    world.set("AWS_SECRET_ACCESS_KEY", &alice.secret_access_key);
    let mut terminal = world.command(["device", "enroll"]).may_print_secrets().all_on_terminal();
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.expect(&format!("export AWS_MFA_SERIAL={}", arn("/alice")));
    terminal.wait().success();
    assert_eq!(world.read(".aws/config"), "");

    let world = without_device();
    world.write_credentials(&world.access_key("old-long-term"));
    let mut terminal = world.command(["device", "enroll", "-p", "old"]).may_print_secrets().all_on_terminal();
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.wait().success();
    let credentials = world.read(".aws/credentials");
    assert!(credentials.ends_with(&format!("aws_mfa_device = {}\n", arn("/alice"))), "{credentials}");
    world.aws.add_role(RoleSpec::new("any"));
    world.run(["login", "-p", "old", "--token-code", &world.aws.fresh_code(&arn("/alice"))]).success();
}
