//! AWS, or the way to it, fails. A code is sent once, whatever happens; a call without one is tried twice at most.

use crate::support::World;
use fake_aws::{Fault, FaultKind};
use std::time::Duration;

const AT_ONCE: [FaultKind; 6] = [
    FaultKind::Http500,
    FaultKind::Http503,
    FaultKind::Throttle,
    FaultKind::Reset,
    FaultKind::Close,
    FaultKind::Garbage,
];

#[test]
fn a_code_is_never_sent_twice() {
    for after_commit in [false, true] {
        for kind in AT_ONCE {
            for (action, caller) in [
                ("AssumeRole", &["credential-process", "-p", "admin"][..]),
                ("GetSessionToken", &["login", "-p", "admin"]),
            ] {
                let world = World::with_one_role();
                let fault = Fault::new(action, kind).times(9);
                world.aws.fault(if after_commit { fault.after_commit() } else { fault });
                let code = world.code();
                let run = world.command(caller).args(["--token-code", &code]).run().error(1).says(&["hint: "]);
                assert_eq!(world.codes_used(), 1, "{kind:?} {after_commit}: {}", run.report());
                assert!(!run.stderr.contains(&code), "{}", run.report());
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_person_is_asked_for_the_next_code_where_aws_failed() {
    for kind in [FaultKind::Http500, FaultKind::Throttle] {
        let world = World::with_one_role();
        world.aws.fault(Fault::new("AssumeRole", kind).after_commit());
        let mut terminal = world.process("admin").on_terminal();
        terminal.expect(&world.prompt("admin")).send_line(&world.code());
        terminal.expect("that code may be spent. The next code comes in ");
        terminal.expect(&world.prompt("admin")).send_line(&world.code());
        terminal.wait().success();
        assert_eq!(world.codes_used(), 2);
    }
}

#[test]
fn a_call_without_a_code_is_tried_twice_at_most() {
    for kind in AT_ONCE {
        let world = World::new();
        world.log_in("admin");
        world.aws.clear_log();
        world.aws.fail("AssumeRole", kind, 9);
        let run = world.process("admin").run().error(1).says(&["hint: "]);
        let tried = world.aws.calls("AssumeRole").len();
        assert!(tried <= 2, "{kind:?}: {tried}: {}", run.report());
        assert!(!run.stderr.contains("new code"), "no code was asked for: {}", run.report());
        world.aws.clear_faults();
        world.aws.fail("AssumeRole", kind, 1);
        let run = world.process("admin").run();
        assert!(kind == FaultKind::Garbage || run.code() == Some(0), "{kind:?}: {}", run.report());
    }
}

#[test]
fn a_session_with_life_left_serves_while_aws_is_down() {
    let world = World::new();
    world.aws.limit_sessions(Some(14 * 60));
    world.log_in("admin");
    let first = world.process("admin").run().success();
    for kind in AT_ONCE {
        world.aws.clear_faults();
        world.aws.fail("*", kind, 99);
        let run = world.process("admin").run().success();
        assert_eq!((&run.stdout, run.stderr.as_str()), (&first.stdout, ""), "{kind:?}");
    }
    world.process("admin").arg("--refresh").run().error(3);
}

#[test]
fn a_hang_ends_and_an_answer_that_comes_late_is_taken() {
    let world = World::with_one_role();
    world.aws.fault(Fault::new("AssumeRole", FaultKind::Slow).delay_ms(2_000));
    world.process("admin").args(["--token-code", &world.code()]).run().success();
    world.aws.fail("AssumeRole", FaultKind::Hang, 9);
    let run = world.process("admin").args(["--refresh", "--token-code", &world.code()]).run().error(1);
    let run = run.says(&["no answer from", "in time", "hint: "]);
    assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
    assert_eq!(world.codes_used(), 2);
}

#[test]
fn a_hang_without_a_code_ends_too() {
    let world = World::new();
    world.log_in("admin");
    world.aws.fail("AssumeRole", FaultKind::Hang, 9);
    let run = world.process("admin").run().error(1);
    assert!(run.elapsed < Duration::from_secs(25), "{:?}", run.elapsed);
}
