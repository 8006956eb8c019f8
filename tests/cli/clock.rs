//! A machine whose clock is wrong: signed again with AWS's time, and its user is told.

use crate::support::World;

const MINUTES: i64 = 60;

#[cfg(unix)]
#[test]
fn a_wrong_clock_costs_a_call_and_no_code() {
    for (minutes, told) in [(20, "20 min behind AWS's"), (-20, "20 min ahead of AWS's")] {
        let world = World::with_one_role();
        world.aws.set_clock_offset(minutes * MINUTES);
        let mut terminal = world.command(["-p", "admin", "--", "true"]).on_terminal();
        terminal.expect(&world.prompt("admin"));
        while world.aws.log().len() < 2 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        terminal.send_line(&world.code());
        terminal.wait().success().says(&["warning: this machine's clock is", told]);
        assert_eq!(world.calls(), "GetCallerIdentity GetCallerIdentity AssumeRole");
        assert_eq!(world.codes_used(), 1);
    }
}

#[test]
fn a_given_code_is_signed_again_and_spent_once() {
    let world = World::with_one_role();
    world.aws.set_clock_offset(20 * MINUTES);
    world.log_in("admin");
    let accepted = world.aws.log().iter().filter(|call| call.committed).count();
    assert_eq!(accepted, 1);
    let run = world.command(["credential-process", "-p", "admin"]).may_print_secrets().run().success();
    assert_eq!(run.stderr, "", "an SDK's stderr stays empty");
}

#[test]
fn a_little_off_is_fine_and_not_worth_a_word() {
    let world = World::with_one_role();
    world.aws.set_clock_offset(3 * MINUTES);
    let run = world.run(["-p", "admin", "--token-code", &world.code(), "--", "true"]).success();
    assert_eq!(run.stderr, "");
}
