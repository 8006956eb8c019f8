//! No key, session or code in an output, a file, or another process, whatever happens. The sandbox looks through all that
//! commands print and all files below HOME for what the stand-in knows as secret.

use crate::support::World;
use fake_aws::FaultKind;

#[test]
fn debug_and_errors_show_none() {
    let world = World::new();
    let codes = std::cell::RefCell::new(Vec::new());
    let code = || {
        let code = {
            world.aws.advance(31);
            world.code()
        };
        codes.borrow_mut().push(code.clone());
        code
    };
    let mut outputs = Vec::new();
    let mut run = |args: &[&str]| {
        let run = world.command(["--debug", "-p", "admin"]).args(args).args(["--", "true"]).run();
        outputs.push(format!("{}{}", run.stdout, run.stderr));
    };
    run(&["--token-code", &world.aws.wrong_code(&world.alice.mfa_serial)]);
    for kind in [
        FaultKind::Http500,
        FaultKind::Throttle,
        FaultKind::Reset,
        FaultKind::Garbage,
        FaultKind::AccessDenied,
        FaultKind::ExpiredToken,
    ] {
        world.aws.clear_faults();
        world.aws.fail("AssumeRole", kind, 1);
        run(&["--token-code", &code()]);
    }
    world.aws.clear_faults();
    run(&["--token-code", &code()]);
    run(&["--refresh", "--duration", "13h"]);
    run(&[]);
    assert!(outputs.iter().any(|output| output.contains("debug: ")));
    for code in codes.borrow().iter() {
        world.secret(code);
        assert!(outputs.iter().all(|output| !output.contains(code.as_str())), "{outputs:?}");
    }
    let index = world.read(".local/share/mfa-run/index.json");
    assert!(index.contains(&world.alice.access_key_id) && !index.contains(&world.alice.secret_access_key));
}

#[test]
fn a_program_that_is_asked_for_the_code_gets_no_secret() {
    let world = World::with_one_role();
    world.write_config(&format!("{}mfa_process = authenticator\n", world.role_profile("admin")));
    world.program("authenticator", &format!("env >seen; tr '\\0' ' ' </proc/$$/cmdline >>seen; echo {}", world.code()));
    world
        .process("admin")
        .env("AWS_SECRET_ACCESS_KEY", "planted-secret")
        .env("AWS_SESSION_TOKEN", "planted-token")
        .env("MFA_RUN_PASSPHRASE", "planted-passphrase")
        .run()
        .success();
    let seen = world.read("seen");
    assert!(seen.contains("authenticator") && !seen.contains("planted"), "{seen}");
}

#[test]
fn a_command_line_that_is_a_source_is_in_no_file_of_ours() {
    let world = World::new();
    world.write_config(&format!(
        "[profile via]\nrole_arn = {}\nsource_profile = vault\n[profile vault]\ncredential_process = give --password hunter2x\n",
        world.aws.role_arn("nomfa")
    ));
    let json = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}",
        world.alice.access_key_id, world.alice.secret_access_key
    );
    world.program("give", &format!("echo '{json}'"));
    world.process("via").run().success();
    world.process("via").run().success();
    world.secret("hunter2x");
    world.process("via").arg("--refresh").arg("--debug").run().success();
    world.program("give", "echo hunter2x; echo hunter2x >&2; exit 1");
    world.process("via").arg("--refresh").arg("--debug").run().error(1).says(&["the credential_process of profile"]);
}
