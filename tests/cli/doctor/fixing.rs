//! `--fix`: what is safe, after asking, and so that it can be taken back.

use super::{clean, filled, findings, ids};
use crate::support::World;
use std::os::unix::fs::PermissionsExt;

const LEFTOVERS: &str = "\
# mine
[x]
aws_access_key_id = ASIAX
aws_secret_access_key = wJalrXUtnFEMI
aws_session_token = t
expiration = 2024-01-31 13:37:00
assumed_role = False
region = eu-west-1

[y] ; and this
aws_security_token = left over
output = json
";

fn with_leftovers() -> World {
    let world = clean();
    world.write_credentials(LEFTOVERS);
    let config = "
[profile a]
credential_process = mfa-run credential-process -p a --duration 1h
role_arn = arn:aws:iam::{ACCOUNT}:role/admin
source_profile = base
mfa_serial = {SERIAL}
";
    world.write_config(&(world.read(".aws/config") + &filled(&world, config)));
    std::fs::set_permissions(world.home().join(".aws/credentials"), PermissionsExt::from_mode(0o644)).unwrap();
    world
}

#[test]
fn a_person_is_asked_before_each_change() {
    let world = with_leftovers();
    let mut terminal = world.command(["doctor", "--offline", "--fix"]).env("TERM", "xterm").all_on_terminal();
    terminal.expect("chmod 600").expect("?").send("n");
    terminal.expect("mfa-run configure -p a").expect("?").send("y");
    terminal.expect("take aws_security_token out of [y]").expect("?").send("n");
    terminal.expect("take the session out of [x]").expect("?").send("y");
    terminal.expect("credential_process = ").expect("?").send("y");
    let run = terminal.wait().expect_code(1);
    assert!(run.screen.contains("mended 3 of 5 findings"), "{}", run.report());
    let (left, _) = findings(world.command(["doctor", "--offline"]));
    // the file holds no secret any more: that others may read it is no finding
    assert_eq!(ids(&left), ["security-token"]);
    assert_eq!(
        world.read(".aws/credentials"),
        "# mine\n[x]\nregion = eu-west-1\n\n[y] ; and this\naws_security_token = left over\noutput = json\n"
    );
}

#[test]
fn a_dialog_that_is_left_changes_nothing_more() {
    let world = with_leftovers();
    let mut terminal = world.command(["doctor", "--offline", "--fix"]).env("TERM", "xterm").all_on_terminal();
    terminal.expect("chmod 600").expect("?").send("y");
    terminal.expect("mfa-run configure -p a").expect("?").send("\u{1b}");
    terminal.wait().expect_code(130);
    assert_eq!(world.read(".aws/credentials"), LEFTOVERS);
    let mode = std::fs::metadata(world.home().join(".aws/credentials")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn without_a_person_yes_has_to_be_said() {
    let world = with_leftovers();
    let run = world.run(["doctor", "--offline", "--fix"]).error(2);
    run.says(&["nobody can be asked", "hint: mfa-run doctor --fix --yes"]);
    assert_eq!(world.read(".aws/credentials"), LEFTOVERS);

    let (found, run) = findings(world.command(["doctor", "--offline", "--fix", "--yes"]));
    assert!(found.iter().all(|finding| finding["fixed"] == true), "{}", run.stdout);
    assert_eq!(run.code(), Some(0), "{}", run.report());
    let (left, _) = findings(world.command(["doctor", "--offline"]));
    assert_eq!(ids(&left), [""; 0]);
    // the profile means what it meant
    let config = world.read(".aws/config");
    let serial = &world.alice.mfa_serial;
    assert!(config.contains(&format!("--source-profile base --mfa-serial {serial} --duration 1h\n")), "{config}");
    assert!(!config.contains("role_arn = arn:aws:iam::123456789012:role/admin"), "{config}");
}

#[test]
fn an_edit_is_taken_back_byte_for_byte() {
    let world = clean();
    let config = world.read(".aws/config").replace("\n", "\r\n")
        + &filled(
            &world,
            "[profile x] # why\r\nrole_arn=arn:aws:iam::{ACCOUNT}:role/readonly\r\nmfa_serial={SERIAL}\r\nsource_profile=mfa",
        );
    world.write_config(&config);
    world.run(["doctor", "--offline", "-p", "x", "--fix", "--yes"]).success();
    let mended = world.read(".aws/config");
    assert_eq!(mended, config.replace(&filled(&world, "mfa_serial={SERIAL}\r\nsource"), "source"));
    world.run(["configure", "--undo", "-p", "x"]).success();
    assert_eq!(world.read(".aws/config"), config);
}

#[test]
fn a_file_that_cannot_be_written_is_said_and_the_rest_is_mended() {
    let world = with_leftovers();
    let lock = world.home().join(".local/share/mfa-run/locks");
    std::fs::remove_dir_all(&lock).ok();
    world.write(".local/share/mfa-run/locks", "no folder");
    let run = world.run(["doctor", "--offline", "--fix", "--yes"]).expect_code(1);
    assert!(run.stderr.contains("not mended: "), "{}", run.report());
    assert_eq!(world.read(".aws/credentials"), LEFTOVERS);
    let (left, _) = findings(world.command(["doctor", "--offline"]));
    assert!(!ids(&left).contains(&"file-mode".to_owned()), "that needs no lock: {left:?}");
}
