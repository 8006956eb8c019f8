//! The picker of a profile: for people who named none, and for nobody else.

use crate::support::World;

#[test]
fn a_person_who_named_no_profile_picks_one() {
    let world = World::new();
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    let mut terminal =
        world.command(["--", "sh", "-c", "echo it is $MFA_RUN_PROFILE"]).env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("Profile").expect("admin").send("reado\r");
    terminal.expect("it is readonly");
    terminal.wait().success();

    let mut cancelled = world.command(["--", "true"]).env("NO_COLOR", "1").all_on_terminal();
    cancelled.expect("Profile").send("\u{1b}");
    cancelled.wait().expect_code(130);

    let mut interrupted = world.command(["--", "true"]).env("NO_COLOR", "1").all_on_terminal();
    interrupted.expect("Profile").expect("short");
    interrupted.interrupt();
    let run = interrupted.wait();
    assert_eq!(run.signal(), Some(2), "{}", run.report());
    assert!(run.screen.trim_end().ends_with("\u{1b}[?25h"), "the cursor is back: {:?}", run.screen);
}

#[test]
fn the_only_candidate_is_not_guessed() {
    let world = World::with_one_role();
    let mut terminal = world.command(["login"]).env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("Profile").expect("admin").send("\r");
    terminal.expect(&world.prompt("admin")).send_line(&world.code());
    terminal.wait().success();

    let mut terminal = world.command(["login", "--refresh"]).env("NO_COLOR", "1").all_on_terminal();
    terminal.expect("Profile").expect("admin").send("\r");
    terminal.expect(&world.prompt("admin")).interrupt();
    assert_eq!(terminal.wait().signal(), Some(2), "the code's prompt is left by Ctrl-C as ever");
}

#[test]
fn nobody_is_asked_who_is_not_there_or_does_not_want_it() {
    let world = World::new();
    let missing = "there is no profile default in the AWS files";
    assert!(world.run(["--", "true"]).expect_code(2).stderr.contains(missing));
    for args in [&["--no-prompt", "--", "true"][..], &["credential-process"]] {
        let run = world.command(args).all_on_terminal().wait().expect_code(2);
        assert!(run.screen.contains(missing), "{}", run.screen);
    }
    let never = world.command(["export"]).env("MFA_RUN_PROMPT", "never").all_on_terminal().wait().expect_code(2);
    assert!(never.screen.contains(missing), "{}", never.screen);
    // a default that makes a session is the answer
    world.write_config(&world.read(".aws/config").replace("[profile admin]", "[default]"));
    world.run(["login", "--token-code", &world.code()]).success();
    world.command(["--", "true"]).all_on_terminal().wait().success();
}
