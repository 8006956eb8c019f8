//! What stands in the way of an enrolment, and the way on.

use super::{arn, enroll, pair, type_pair, with_device, without_device};
use crate::support::World;
use fake_aws::{FaultKind, Options};
use rustix::process::Signal;
use serde_json::json;

#[test]
fn an_enrolment_that_was_broken_off_is_taken_up_again() {
    let world = without_device();
    let mut killed = enroll(&world, &[]);
    killed.expect("First code: ").kill(Signal::KILL);
    killed.wait();
    let seed = world.aws.seed(&arn("/alice"));

    let refused = world.command(["device", "enroll", "-p", "base"]).stdin("").on_terminal().wait().error(2);
    refused.says(&["an enrolment was broken off", "--yes"]);
    let mut terminal = enroll(&world, &[]);
    terminal.expect("an enrolment was broken off").expect("Delete it and make it anew?").send("y");
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.wait().success();
    assert_eq!(world.aws.calls("DeleteVirtualMFADevice").len(), 1);
    assert_ne!(world.aws.seed(&arn("/alice")), seed);
}

#[test]
fn ctrl_d_takes_the_new_device_away_again() {
    let world = without_device();
    let mut terminal = enroll(&world, &[]);
    terminal.expect("First code: ").end_of_file();
    let run = terminal.wait().expect_code(130);
    assert!(run.screen.contains("the device was deleted again: take it out of the app"), "{}", run.screen);
    assert!(world.calls().ends_with("CreateVirtualMFADevice DeleteVirtualMFADevice"));
    assert!(!world.read(".aws/config").contains("mfa_serial"));
}

#[test]
fn a_name_that_is_taken_is_said_to_be_and_by_whom() {
    let world = without_device();
    world.aws.add_user("bob");
    let run = enroll(&world, &["--name", "bob", "--path", "/"]).wait().expect_code(2);
    assert!(run.screen.contains("mfa/bob is in use by bob"), "{}", run.screen);
    assert!(run.screen.contains("hint: mfa-run device enroll --name alice-phone"), "{}", run.screen);

    let world = with_device();
    let mut terminal = enroll(&world, &["--name", "alice"]);
    terminal.expect(&world.prompt("base")).send_line(&world.code());
    let run = terminal.wait().expect_code(2);
    assert!(run.screen.contains("mfa/alice is yours already"), "{}", run.screen);
}

#[test]
fn good_codes_that_aws_does_not_take_yet_are_given_again() {
    let world = without_device();
    world.aws.configure(|settings| settings.enable_delay_seconds = 2);
    let mut terminal = enroll(&world, &[]);
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.expect("it may not know the device everywhere. Trying again");
    terminal.wait().success();
    assert!(world.aws.calls("EnableMFADevice").len() >= 2);
}

#[test]
fn codes_that_aws_goes_on_refusing_are_asked_for_anew_and_then_given_up() {
    let world = without_device();
    // by its clock they are long over
    world.aws.advance(600);
    let serial = arn("/alice");
    let mut terminal = enroll(&world, &[]);
    let old = |offset: i64| world.aws.code_at(&serial, offset - 20);
    for round in 0..2 {
        assert!(terminal.shows_within("First code: ", std::time::Duration::from_secs(40)));
        if round == 1 {
            assert!(terminal.screen().contains("AWS refused these two"), "{}", terminal.screen());
        }
        let first = old(-1);
        terminal.send_line(&first);
        assert!(terminal.shows_within("The next code: ", std::time::Duration::from_secs(35)));
        terminal.send_line(&old(0));
    }
    let run = terminal.wait().expect_code(4);
    assert!(run.screen.contains("Authentication code for device is not valid"), "{}", run.screen);
    assert!(run.screen.contains("hint: set the clocks"), "{}", run.screen);
    assert!(world.aws.calls("EnableMFADevice").len() < 9, "nine would lock the device");
    assert_eq!(world.aws.calls("DeleteVirtualMFADevice").len(), 1);
}

#[test]
fn an_answer_that_was_lost_is_found_out_about() {
    let world = without_device();
    world
        .aws
        .fault(fake_aws::Fault { after_commit: true, ..fake_aws::Fault::new("EnableMFADevice", FaultKind::Http500) });
    let mut terminal = enroll(&world, &[]);
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.wait().success();
}

#[test]
fn there_is_no_room_for_a_ninth_device() {
    let world = with_device();
    for number in 1..8 {
        world.aws.add_device("alice", &format!("GAHT0000000{number}"));
    }
    let run = enroll(&world, &[]).wait().expect_code(2);
    assert!(run.screen.contains("the user has 8 MFA devices, and AWS allows no more"), "{}", run.screen);
    assert!(run.screen.contains("hint: mfa-run device list; mfa-run device remove SERIAL"), "{}", run.screen);
    assert!(world.aws.calls("CreateVirtualMFADevice").is_empty());
}

#[test]
fn a_user_with_a_security_key_alone_is_sent_to_the_console() {
    let world = without_device();
    world.aws.add_device("alice", "arn:aws:iam::123456789012:u2f/user/alice/key-ABCDEFGHIJ");
    let run = enroll(&world, &[]).wait().expect_code(2);
    assert!(run.screen.contains("in the console only"), "{}", run.screen);
}

#[test]
fn without_a_terminal_nothing_is_made() {
    let world = without_device();
    let run = world.run(["device", "enroll", "-p", "base"]).error(3);
    run.says(&["the QR code and two questions need a terminal: there is no terminal", "--keep-seed"]);
    let run =
        world.command(["device", "enroll", "-p", "base"]).env("MFA_RUN_PROMPT", "never").on_terminal().wait().error(3);
    run.says(&["prompts are turned off"]);
    assert_eq!(world.calls(), "");
}

#[test]
fn a_policy_against_it_is_told_with_a_way_on() {
    let world = without_device();
    let deny = json!({ "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "Action": ["iam:CreateVirtualMFADevice"], "Resource": "*" },
    ]});
    world.aws.set_user_policies("alice", &[deny]);
    let run = enroll(&world, &[]).wait().expect_code(4);
    assert!(run.screen.contains("hint: the account may want devices to be enrolled in the console"), "{}", run.screen);
    let run = enroll(&world, &["--name", "phone"]).wait().expect_code(4);
    assert!(run.screen.contains("hint: most policies allow devices called alice or below /alice/"), "{}", run.screen);
}

/// The policies of `packaging/terraform`, as they are for a user without MFA.
#[test]
fn the_policies_of_the_terraform_module_let_a_first_and_a_second_device_be_enrolled() {
    let world = World::bare(Options::default());
    world.aws.remove_device(&world.alice.mfa_serial);
    world.write_config("");
    world.write_credentials(&world.access_key("base"));
    let documents: serde_json::Value =
        serde_json::from_str(include_str!("../../../packaging/terraform/tests/policies.json")).unwrap();
    world.aws.set_user_policies("alice", &[self_service(&documents)]);
    let mut terminal = enroll(&world, &[]);
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.wait().success();

    let mut terminal = enroll(&world, &[]);
    terminal.expect("MFA code for ").send_line(&world.aws.fresh_code(&arn("/alice")));
    type_pair(&world, &mut terminal, &arn("/alice/alice-2"));
    terminal.expect("Use the new one").send("n");
    terminal.wait().success();
    let mut terminal = world.command(["device", "remove", "alice-2", "-p", "base"]).all_on_terminal();
    terminal.expect("Remove ").send("y");
    terminal.wait().success();
    assert_eq!(pair(&world, &arn("/alice")).len(), 2);
}

fn self_service(documents: &serde_json::Value) -> serde_json::Value {
    let found = &documents["defaults"]["self_service"];
    found.as_str().map_or_else(|| found.clone(), |text| serde_json::from_str(text).unwrap())
}
