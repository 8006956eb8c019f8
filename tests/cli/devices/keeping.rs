//! `--keep-seed` and `--png`: the seed where the person wants it, and nowhere else.

use super::{arn, enroll, type_pair, without_device};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_kept_seed_makes_the_codes_of_its_own_enrolment_and_of_sessions() {
    let world = without_device();
    let run = world.run(["device", "enroll", "-p", "base", "--keep-seed"]).success();
    assert_eq!(run.stdout, "");
    run.says(&["what is left of the second factor is your login", "mfa/alice is enabled for alice"]);
    world.run(["device", "list", "-p", "base"]).success();
    let list = world.run(["device", "list", "-p", "base"]).success().stdout;
    assert!(list.contains("virtual, seed kept here"), "{list}");
    // the window of the second code is spent; who wants one waits for the next
    world.process("base").run().success();
    world.run(["device", "remove", "-p", "base", "--yes"]).success().says(&["and its seed forgotten"]);
    world.run(["logout", "-p", "base"]).success();
    world.process("base").run().error(3);
}

#[test]
fn a_kept_seed_of_a_broken_off_enrolment_is_used_again() {
    let world = without_device();
    world.aws.fail("EnableMFADevice", fake_aws::FaultKind::AccessDenied, 1);
    world.run(["device", "enroll", "-p", "base", "--keep-seed"]).error(4);
    let code = world.aws.code_at(&arn("/alice"), 5);
    let run = world.run(["device", "enroll", "-p", "base", "--keep-seed"]).success();
    run.says(&["was begun before, and its seed was kept: going on with it"]);
    assert!(world.aws.calls("DeleteVirtualMFADevice").is_empty());
    assert_eq!(world.aws.code_at(&arn("/alice"), 5), code, "the same seed");
}

#[test]
fn beside_its_access_key_a_seed_is_refused_unless_forced() {
    let world = without_device();
    world.run(["key", "import", "-p", "base", "--yes"]).success();
    let run = world.run(["device", "enroll", "-p", "base", "--keep-seed"]).error(2);
    run.says(&["whoever opens it needs no second factor", "--force"]);
    assert!(world.aws.calls("CreateVirtualMFADevice").is_empty(), "before there is anything to lose");
    world.run(["device", "enroll", "-p", "base", "--keep-seed", "--force"]).success();
    world.process("base").run().success();
}

#[test]
fn beside_another_key_of_the_user_and_on_the_way_of_a_resumed_one_too() {
    let world = without_device();
    let (second, its_secret) = world.aws.add_access_key("alice");
    world.secret(&its_secret);
    let import = world.command(["key", "import", "-p", "other", "--from-stdin", "--yes"]);
    import.stdin(format!("{second} {its_secret}")).run().success();
    world.run(["device", "enroll", "-p", "base", "--keep-seed"]).error(2).says(&[&second, "no second factor"]);

    world.aws.fail("EnableMFADevice", fake_aws::FaultKind::AccessDenied, 1);
    world.run(["device", "enroll", "-p", "base", "--keep-seed", "--force"]).error(4);
    let mut terminal = enroll(&world, &[]);
    terminal.expect("no second factor").expect("--keep-seed --force");
    terminal.wait().expect_code(2);
    world.run(["device", "enroll", "-p", "base", "--keep-seed", "--force"]).success();
}

#[test]
fn the_picture_is_private_and_is_the_seed() {
    let world = without_device();
    let mut terminal = enroll(&world, &["--png", "new.png"]);
    terminal.expect("the QR code is in new.png");
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.expect("new.png holds the seed: delete it");
    terminal.wait().success();
    let file = world.home().join("new.png");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let Some(zbarimg) = super::scanning::tool("zbarimg") else { return };
    let run = world.tool(&zbarimg, ["--raw", "-q", "new.png"]).may_print_secrets().run().success();
    assert_eq!(run.stdout.trim_end(), super::scanning::uri(&world, "alice"));
}

#[test]
fn nothing_of_the_seed_is_on_stdout_or_stderr() {
    let world = without_device();
    let mut terminal = world.command(["device", "enroll", "-p", "base", "--debug"]).may_print_secrets().on_terminal();
    type_pair(&world, &mut terminal, &arn("/alice"));
    let run = terminal.wait().success();
    let seed = super::scanning::seed(&world);
    assert!(run.screen.replace(' ', "").contains(&seed), "the terminal has it");
    for stream in [&run.stdout, &run.stderr] {
        let packed = stream.replace(' ', "");
        assert!(!packed.contains(&seed[..8]) && !packed.contains("otpauth") && !stream.contains('▀'), "{stream}");
    }
}
