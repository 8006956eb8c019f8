//! Ctrl-C, Ctrl-Z and background jobs at the prompt of the real commands, in a real shell.

use crate::support::{Pty, World};
use std::time::Duration;

fn bash(world: &World) -> Pty {
    let mut terminal = world.shell_on_terminal("bash", "");
    terminal.send_line("PS1='> '; echo rea''dy").expect("ready\r\n").expect("> ");
    terminal
}

#[test]
fn ctrl_c_ends_the_whole_pipeline() {
    let world = World::with_one_role();
    let loop_ = "for i in 1 2 3; do mfa-run credential-process -p admin | cat; echo round $i; done";
    let mut terminal = world.shell_on_terminal("bash", loop_);
    let before = terminal.stty();
    terminal.expect(&world.prompt("admin")).interrupt();
    let run = terminal.wait();
    assert_eq!(run.signal(), Some(2), "{}", run.report());
    assert!(!run.screen.contains("round"), "{}", run.report());
    assert_eq!(terminal.stty(), before);
    assert_eq!(world.codes_used(), 0);
}

#[test]
fn ctrl_d_cancels_with_130() {
    let world = World::with_one_role();
    let mut terminal = world.command(["-p", "admin", "--", "true"]).on_terminal();
    terminal.expect(&world.prompt("admin")).end_of_file();
    terminal.wait().error(130).says(&["error: cancelled"]);
}

#[test]
fn ctrl_z_and_fg_go_on() {
    let world = World::with_one_role();
    let mut terminal = bash(&world);
    let before = terminal.stty();
    terminal.send_line("mfa-run -p admin -- echo ra''n").expect(&world.prompt("admin")).suspend().expect("Stopped");
    terminal.expect("> ");
    // as long as a person is away: a shorter stop goes unnoticed, and nothing is shown again
    std::thread::sleep(Duration::from_secs(1));
    terminal.send_line("fg").expect(&world.prompt("admin")).send_line(&world.code()).expect("ran\r\n").expect("> ");
    assert_eq!(terminal.stty(), before);
}

#[test]
fn a_background_job_says_what_to_do_and_is_not_stopped() {
    let world = World::with_one_role();
    let mut terminal = bash(&world);
    terminal.send_line("mfa-run credential-process -p admin 2>err & wait -n; echo en''ded $?; jobs; echo jo''bs");
    terminal.expect("ended 3\r\n").expect("jobs\r\n");
    assert!(!terminal.screen().contains("Stopped") && !terminal.screen().contains("MFA code for"));
    let said = world.read("err");
    assert!(said.contains("this runs in the background") && said.contains("mfa-run login -p admin"), "{said}");
}
