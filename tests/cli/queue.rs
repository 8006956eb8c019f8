//! Many at once: one prompt, one code, all served.

use crate::support::{Pty, World};
use std::time::Duration;

/// Starts these one after another in the background of one shell, at one terminal; their JSON goes to files.
fn at_once(world: &World, commands: &[String]) -> Pty {
    let lines: Vec<_> = commands
        .iter()
        .enumerate()
        .map(|(n, command)| format!("mfa-run {command} >out.{n} 2>err.{n} || echo failed {n} >>failed &"))
        .collect();
    // without job control: the same process group, in the foreground
    world.shell_on_terminal(
        "sh",
        &format!("{}\nwait; sort -u out.* | wc -l; cat failed err.*; rm out.*; echo over", lines.join("\n")),
    )
}

fn answer_once(world: &World, terminal: &mut Pty) {
    terminal.expect("MFA code for ");
    // time for the others to stand in the queue
    std::thread::sleep(Duration::from_millis(600));
    terminal.send_line(&world.code()).expect("over");
    assert_eq!(terminal.screen().matches("MFA code for ").count(), 1, "{}", terminal.screen());
    assert!(!terminal.screen().contains("failed "), "{}", terminal.screen());
}

#[test]
fn twenty_at_once_make_one_prompt_and_one_call() {
    let world = World::with_one_role();
    let mut terminal = at_once(&world, &vec!["credential-process -p admin".to_owned(); 20]);
    answer_once(&world, &mut terminal);
    assert_eq!(world.aws.calls("AssumeRole").len(), 1, "{}", world.calls());
}

#[test]
fn four_roles_of_one_device_share_a_code_whoever_calls() {
    for caller in ["credential-process -p ROLE", "-p ROLE -- true"] {
        let world = World::new();
        let commands: Vec<_> =
            (0..20).map(|n| caller.replace("ROLE", ["admin", "readonly", "short", "external"][n % 4])).collect();
        let mut terminal = at_once(&world, &commands);
        answer_once(&world, &mut terminal);
        assert_eq!(world.codes_used(), 1, "{caller}: {}", world.calls());
        assert_eq!(world.aws.calls("AssumeRole").len(), 4, "{caller}: {}", world.calls());
    }
}

#[test]
fn a_holder_that_is_killed_makes_way() {
    let world = World::with_one_role();
    let mut holder = world.process("admin").on_terminal();
    holder.expect(&world.prompt("admin"));
    let mut next = world.command(["-p", "admin", "--", "echo", "served"]).on_terminal();
    assert!(!next.shows_within("MFA code for ", Duration::from_millis(400)), "one prompt at a time");
    holder.kill(rustix::process::Signal::KILL);
    next.expect(&world.prompt("admin")).send_line(&world.code());
    let run = next.wait().success();
    assert_eq!(run.stdout, "served\n");
    run.says(&["another mfa-run is waiting for an MFA code"]);
}

#[test]
fn a_folder_that_cannot_be_written_costs_the_cache_and_nothing_else() {
    let mut world = World::with_one_role();
    world.write("not-a-folder", "");
    for (home, data) in [("not-a-folder", Some("not-a-folder")), ("gone/home", None)] {
        let (home, data) = (world.home().join(home), data.map(|data| world.home().join(data)));
        let aws = world.home().join(".aws");
        world.set("AWS_CONFIG_FILE", aws.join("config"));
        world.set("AWS_SHARED_CREDENTIALS_FILE", aws.join("credentials"));
        let mut command = world.command(["-p", "admin", "--token-code", &world.code(), "--", "echo", "ran"]);
        command = command.env("HOME", &home).env_remove("XDG_DATA_HOME");
        if let Some(data) = &data {
            command = command.env("XDG_DATA_HOME", data);
            let run = command.run().success();
            assert_eq!(
                (run.stdout.as_str(), run.stderr.matches("warning: no cache").count()),
                ("ran\n", 1),
                "{}",
                run.report()
            );
        } else {
            command.run().success();
        }
    }
    let run = world
        .process("admin")
        .env_remove("HOME")
        .env_remove("XDG_DATA_HOME")
        .args(["--token-code", &world.code()])
        .run()
        .success();
    assert!(run.stdout.starts_with('{') && run.stderr.is_empty(), "{}", run.report());
}
