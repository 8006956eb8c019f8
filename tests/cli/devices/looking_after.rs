//! Devices that are there: listed, removed, put in step.

use super::{arn, with_device, without_device};
use crate::support::World;

const KEY: &str = "arn:aws:iam::123456789012:u2f/user/alice/key-ABCDEFGHIJ";

fn with_three() -> World {
    let world = with_device();
    world.write_config(&(world.read(".aws/config") + &world.role_profile("admin")));
    world.aws.add_device("alice", "GAHT12345678");
    world.aws.add_device("alice", KEY);
    world
}

#[test]
fn the_list_says_which_profiles_use_a_device_and_which_kind_is_of_no_use() {
    let world = with_three();
    let list = world.run(["device", "list", "-p", "base"]).success().stdout;
    let line = |serial: &str| {
        list.lines().find(|line| line.starts_with(serial)).unwrap_or_else(|| panic!("{list}")).to_owned()
    };
    assert!(line(&arn("/alice")).contains("virtual") && line(&arn("/alice")).ends_with("base admin"), "{list}");
    assert!(line("GAHT12345678").contains("hardware"), "{list}");
    assert!(line(KEY).contains("FIDO: not usable with STS"), "{list}");

    let json = world.run(["device", "list", "-p", "base", "--json"]).success().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |serial: &str| json.as_array().unwrap().iter().find(|one| one["serial"] == serial).unwrap();
    assert_eq!(of(&arn("/alice"))["profiles"], serde_json::json!(["base", "admin"]));
    assert_eq!(of(KEY)["usable"], false);
    assert_eq!((of(KEY)["kind"].as_str(), of("GAHT12345678")["kind"].as_str()), (Some("fido"), Some("hardware")));
    assert_eq!(of("GAHT12345678")["seed_kept"], false);

    let none = without_device().run(["device", "list", "-p", "base"]).success();
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "there is no MFA device: mfa-run device enroll\n"));
}

#[test]
fn a_device_is_removed_with_mfa_and_after_a_question() {
    let world = with_three();
    let mut terminal = world.command(["device", "remove", "-p", "base"]).all_on_terminal();
    terminal.expect("Remove arn:aws:iam::123456789012:mfa/alice?").send("n");
    terminal.wait().expect_code(130);
    world.run(["device", "remove", "GAHT12345678", "-p", "base"]).error(2).says(&["wants a yes", "--yes"]);
    assert!(world.aws.calls("DeactivateMFADevice").is_empty());

    let remove = ["device", "remove", "GAHT12345678", "-p", "base", "--yes", "--token-code", &world.code()];
    world.run(remove).success().says(&["GAHT12345678 is removed"]);
    assert_eq!(world.aws.calls("DeleteVirtualMFADevice").len(), 0, "hardware is not deleted");
    world.run(["device", "remove", "nobodys", "-p", "base", "--yes"]).error(2).says(&["no MFA device nobodys"]);

    let mut terminal = world.command(["device", "remove", "alice", "-p", "base"]).all_on_terminal();
    terminal.expect("is the only device of alice that STS takes codes of").expect("the last one?").send("y");
    let run = terminal.wait().success();
    assert!(run.screen.contains("still named by base, admin") || run.screen.contains("base, admin"), "{}", run.screen);
    assert_eq!(world.aws.calls("DeleteVirtualMFADevice").len(), 1);
    let left = world.run(["device", "list", "-p", "base"]).success().stdout;
    assert!(!left.contains("mfa/alice") && left.contains(KEY), "{left}");
}

#[test]
fn a_device_that_is_out_of_step_is_put_in_step() {
    let world = with_device();
    let serial = arn("/alice");
    let (ahead, next) = (world.aws.code_at(&serial, 20), world.aws.code_at(&serial, 21));
    let mut terminal = world.command(["device", "resync", "-p", "base"]).all_on_terminal();
    terminal.expect("First code: ").send_line(&ahead).expect("The next code, when the device shows it: ");
    terminal.send_line(&ahead).expect("That is the first code again").expect("shows it: ").send_line("000000");
    terminal
        .expect("AWS refused these two")
        .expect("First code: ")
        .send_line(&ahead)
        .expect("shows it: ")
        .send_line(&next);
    let run = terminal.wait().success();
    assert!(run.screen.contains("mfa/alice is in step again"), "{}", run.screen);
    // where it was not taken before
    let code = world.aws.code_at(&serial, 1);
    world.run(["login", "-p", "base", "--token-code", &code]).success();

    world.run(["device", "resync", "-p", "base"]).error(3).says(&["there is no terminal"]);
    let never = world.aws.code_at(&serial, -50);
    let mut terminal = world.command(["device", "resync", "-p", "base"]).all_on_terminal();
    for _ in 0..3 {
        terminal.expect("First code: ").send_line("111111").expect("shows it: ").send_line(&never);
    }
    let run = terminal.wait().expect_code(4);
    assert!(run.screen.contains("hint: set the clock of the device"), "{}", run.screen);
}

#[test]
fn a_session_is_no_access_key() {
    let world = with_device();
    world.write_credentials(
        "[base]\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = x\naws_session_token = t\n",
    );
    world.run(["device", "list", "-p", "base"]).error(2);
    world.write_credentials("");
    world.write_config("[profile base]\ncredential_process = cat session\n");
    world.run(["device", "list", "-p", "base"]).error(2);
}
