//! `setup`, from a fresh access key to a role; and what a snippet may say.

use super::{arn, pair, type_pair, without_device};
use crate::support::World;

fn snippet(world: &World, level: &str) -> String {
    let (role, serial) = (world.aws.role_arn(level), arn("/alice"));
    format!(
        "[profile mfa-{level}]\ncredential_process = mfa-run credential-process --role-arn {role} --source-profile base --mfa-serial {serial} --role-session-name alice --duration 4h\nregion = eu-central-1\n"
    )
}

#[test]
fn it_leads_from_a_key_in_plain_text_to_a_role_and_finds_again_what_is_done() {
    let world = without_device();
    world.write("snippet.ini", snippet(&world, "admin"));
    let mut terminal =
        world.command(["setup", "-p", "base", "--snippet", "snippet.ini"]).may_print_secrets().all_on_terminal();
    terminal.expect("== 1 of 4").expect("Run `mfa-run key import -p base`?").send("y");
    terminal.expect("$ mfa-run key import -p base").expect("into the keychain and write this?").send("y");
    terminal.expect("== 2 of 4").expect("Run `mfa-run device enroll -p base`?").send("y");
    type_pair(&world, &mut terminal, &arn("/alice"));
    terminal.expect("Run `mfa-run configure -p base --yes`?").send("y");
    terminal.expect("== 3 of 4").expect("+[profile mfa-admin]").expect("Write this?").send("y");
    terminal.expect("== 4 of 4").expect("$ mfa-run doctor");
    terminal.wait();
    assert!(!world.read(".aws/credentials").contains(&world.alice.secret_access_key));
    let config = world.read(".aws/config");
    assert!(
        config.contains(&format!("mfa_serial = {}", arn("/alice"))) && config.contains("[profile mfa-admin]"),
        "{config}"
    );

    let code = world.aws.fresh_code(&arn("/alice"));
    world.process("mfa-admin").args(["--token-code", &code]).run().success();

    let again = world.command(["setup", "-p", "base", "--snippet", "snippet.ini"]).all_on_terminal().wait();
    let already = again.screen.matches("done already: ").count();
    assert_eq!(already, 3, "{}", again.screen);
    assert_eq!(world.read(".aws/config"), config);
    world.run(["configure", "--undo", "-p", "mfa-admin"]).success();
    assert!(!world.read(".aws/config").contains("mfa-admin"));
}

#[test]
fn a_key_can_be_typed_and_its_secret_is_not_shown() {
    let world = without_device();
    world.write_credentials("");
    let mut terminal =
        world.command(["setup", "-p", "base"]).args(["--skip", "device", "--skip", "roles"]).all_on_terminal();
    terminal.expect("Access key ID").send_line(&world.alice.access_key_id);
    terminal.expect("Secret access key (not shown)").send_line(&world.alice.secret_access_key);
    terminal.expect("$ mfa-run key import -p base --from-stdin --yes").expect("== 2 of 4").expect("left out");
    let run = terminal.wait();
    assert!(!run.screen.contains(&world.alice.secret_access_key), "{}", run.screen);
    assert!(world.read(".aws/config").contains("mfa_run_access_key_id = AKIA"));
}

#[test]
fn a_step_can_be_declined_and_a_failed_one_can_be_gone_on_from() {
    let world = without_device();
    let mut terminal = world.command(["setup", "-p", "base"]).all_on_terminal();
    terminal.expect("Run `mfa-run key import").send("n");
    terminal.expect("left out; run mfa-run setup again").expect("Run `mfa-run device enroll").send("y");
    terminal.expect("First code: ").end_of_file();
    let run = terminal.wait().expect_code(130);
    assert!(run.screen.contains("mfa-run setup -p base goes on from here"), "{}", run.screen);

    world.run(["setup", "-p", "base"]).error(2).says(&["nobody can be asked", "--yes"]);
}

#[test]
fn a_device_that_is_there_is_named_and_pasted_profiles_are_taken() {
    let world = World::bare(fake_aws::Options::default());
    world.write_config("[profile base]\nregion = eu-west-1\n");
    world.write_credentials(&world.access_key("base"));
    let mut terminal = world.command(["setup", "-p", "base", "--skip", "key"]).env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("does not name it").expect("Run `mfa-run configure -p base --mfa-serial").send("n");
    terminal.expect("Your roles").send("\r");
    terminal.expect("a line with a single dot:");
    for line in snippet(&world, "readonly").lines().chain(["."]) {
        terminal.send_line(line);
    }
    terminal.expect("+[profile mfa-readonly]").expect("Write this?").send("y");
    terminal.expect("== 4 of 4");
    terminal.wait();
    assert!(world.read(".aws/config").contains(&snippet(&world, "readonly")));
}

#[test]
fn roles_can_be_typed() {
    let world = super::with_device();
    let mut terminal = world.command(["setup", "-p", "base", "--skip", "key"]).env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("done already: ").expect("Your roles").send("\u{1b}[B\r");
    terminal.expect("Role ARN").send_line(&world.aws.role_arn("admin")).expect("Name of its profile").send_line("");
    terminal.expect("$ mfa-run configure -p admin --role-arn").expect("Write this?").send("y");
    terminal.expect("Role ARN").send_line("");
    terminal.expect("== 4 of 4");
    terminal.wait();
    world.process("admin").args(["--token-code", &world.code()]).run().success();
    assert_eq!(pair(&world, &arn("/alice")).len(), 2);
}

#[test]
fn a_snippet_that_is_more_than_roles_is_refused() {
    let world = super::with_device();
    for (text, why) in [
        ("", "has no profile"),
        ("[profile x]\ncredential_process = curl example.com\n", "runs another program"),
        ("[profile x]\ncredential_process = /tmp/mfa-run export\n", "runs another program"),
        ("[profile x]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", "says aws_access_key_id"),
        ("[profile x]\nmfa_process = sh\nrole_arn = arn:aws:iam::123456789012:role/x\n", "says mfa_process"),
        ("[profile x]\nregion = eu-west-1\n", "names no role"),
        (
            "[profile x]\nrole_arn = arn:aws:iam::123456789012:role/x\ncredential_process = mfa-run credential-process -p x\n",
            "beside",
        ),
    ] {
        world.write("snippet.ini", text);
        let run = world.run([
            "setup",
            "-p",
            "base",
            "--skip",
            "key",
            "--skip",
            "device",
            "--yes",
            "--snippet",
            "snippet.ini",
        ]);
        run.error(2).says(&[why]);
    }
    assert!(!world.read(".aws/config").contains("[profile x]"));
}
