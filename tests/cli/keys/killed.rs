//! SIGKILL at each of AWS's answers and each write of a rotation or an import: the next run ends with one key, which is active,
//! works, and is kept.

#[cfg(target_os = "linux")]
use super::in_plain_text;
use super::{accept_files, kept, plain};
use crate::support::World;
#[cfg(target_os = "linux")]
use crate::support::{Tool, skip};
use fake_aws::{Fault, FaultKind};
use std::time::{Duration, Instant};

const ROTATE: [&str; 6] = ["key", "rotate", "-p", "base", "--grace", "0"];

/// A rotation, killed while AWS has this call of its, which it has carried out or not.
fn kill_at(world: &World, action: &str, committed: bool, what: &str) {
    let before = world.aws.calls(action).len();
    let mut fault = Fault::new(action, FaultKind::Hang);
    fault.after_commit = committed;
    world.aws.fault(fault);
    let mut running = world.command(ROTATE).start();
    let patience = Instant::now() + Duration::from_secs(20);
    while world.aws.calls(action).len() == before && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(2));
    }
    running.kill();
    assert_eq!(running.wait().signal(), Some(9), "{what}");
    world.aws.clear_faults();
}

/// One key in IAM, and the profile makes sessions with it; nothing is left of the rotation.
fn assert_whole(world: &World, what: &str) {
    let keys = world.aws.access_keys("alice");
    assert_eq!(keys.len(), 1, "{what}");
    assert_eq!(world.aws.access_key_active(&keys[0]), Some(true), "{what}");
    let files = world.read(".aws/config") + &world.read(".aws/credentials");
    let named: Vec<_> = files.lines().filter(|line| line.contains("access_key_id")).collect();
    assert!(named.len() == 1 && named[0].ends_with(&keys[0]), "{what}: {named:?}");
    world.run(["logout", "--all"]).success();
    world.aws.advance(60);
    world.log_in("base");
    let listed = world.run(["key", "list"]).success();
    assert!(listed.stderr.is_empty() && listed.stdout.lines().count() == 2, "{what}: {}", listed.report());
    accept_files(world);
}

fn finish(world: &World, what: &str) {
    let run = world.run(ROTATE);
    if run.code() == Some(3) {
        world.aws.advance(60);
        world.command(ROTATE).args(["--token-code", &world.code()]).run().success();
    } else {
        assert_eq!(run.code(), Some(0), "{what}: {}", run.report());
    }
}

fn worlds() -> [(&'static str, World); 2] {
    let in_file = plain();
    in_file.write_config(&format!(
        "{}[profile base]\nmfa_serial = {}\n",
        in_file.read(".aws/config"),
        in_file.alice.mfa_serial
    ));
    [("kept", kept()), ("plain", in_file)]
}

#[test]
fn a_rotation_killed_at_any_call_is_finished_by_the_next_run() {
    for action in ["ListAccessKeys", "CreateAccessKey", "GetCallerIdentity", "UpdateAccessKey", "DeleteAccessKey"] {
        for committed in [false, true] {
            for (kind, world) in worlds() {
                let what = format!("{kind}, {action}, {}", if committed { "done" } else { "not done" });
                world.log_in("base");
                kill_at(&world, action, committed, &what);
                world.process("base").run().success();
                finish(&world, &what);
                if !world.aws.calls("DeleteAccessKey").iter().any(|call| call.committed) {
                    finish(&world, &what);
                }
                assert_whole(&world, &what);
            }
        }
    }
}

#[test]
fn a_run_that_cleans_up_may_be_killed_as_well() {
    for (action, committed) in [("DeleteAccessKey", false), ("DeleteAccessKey", true), ("CreateAccessKey", true)] {
        for (kind, world) in worlds() {
            let what = format!("{kind}, {action}, {committed}");
            world.log_in("base");
            // an orphan to begin with
            world.aws.fault(Fault::new("CreateAccessKey", FaultKind::Close).after_commit());
            world.run(ROTATE).error(1);
            assert_eq!(world.aws.access_keys("alice").len(), 2);
            kill_at(&world, action, committed, &what);
            finish(&world, &what);
            assert_whole(&world, &what);
        }
    }
}

/// Calls that change something, and how far into a rotation each is tried.
#[cfg(target_os = "linux")]
const WRITES: [(&str, &[u32]); 3] = [
    ("rename,renameat,renameat2", &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("fsync", &[1, 3, 5, 7, 9, 11]),
    ("unlink,unlinkat", &[1, 2, 3]),
];

#[cfg(target_os = "linux")]
#[test]
fn a_rotation_killed_at_any_write_is_finished_by_the_next_run() {
    let Some(strace) = Tool::find("strace") else { return };
    let mut killed = 0;
    for (calls, times) in WRITES {
        for nth in times {
            for (kind, world) in worlds() {
                let what = format!("{kind}, {calls} {nth}");
                world.log_in("base");
                let inject = format!("inject={calls}:signal=KILL:when={nth}");
                let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, "mfa-run"];
                let run = world.tool(&strace, args).args(ROTATE).run();
                match (run.signal(), run.code()) {
                    (Some(9), _) | (_, Some(137)) => killed += 1,
                    (_, Some(0)) => {
                        assert_whole(&world, &what);
                        continue;
                    }
                    _ => return skip(&format!("strace cannot inject here: {}", run.stderr.trim())),
                }
                accept_files(&world);
                // between the switch and what becomes of the sessions, a code may be lost; the key never is
                if world.process("base").run().code() == Some(3) {
                    world.aws.advance(60);
                    world.process("base").args(["--token-code", &world.code()]).run().success();
                }
                finish(&world, &what);
                assert_whole(&world, &what);
            }
        }
    }
    assert!(killed >= 20, "only {killed} runs were killed: other calls, other counts");
}

#[cfg(target_os = "linux")]
#[test]
fn an_import_killed_at_any_write_leaves_the_key_in_plain_text_or_kept() {
    let Some(strace) = Tool::find("strace") else { return };
    let (mut killed, mut seen) = (0, [0, 0]);
    for (calls, times) in [
        ("rename,renameat,renameat2", &[1, 2, 3, 4, 5][..]),
        ("fsync", &[1, 2, 3, 4, 5, 6]),
        ("openat", &[40, 50, 60, 70]),
    ] {
        for nth in times {
            let world = plain();
            let inject = format!("inject={calls}:signal=KILL:when={nth}");
            let args =
                ["-f", "-qq", "-o", "/dev/null", "-e", &inject, "mfa-run", "key", "import", "-p", "base", "--yes"];
            let run = world.tool(&strace, args).run();
            match (run.signal(), run.code()) {
                (Some(9), _) | (_, Some(137)) => killed += 1,
                (_, Some(0)) => {}
                _ => return skip(&format!("strace cannot inject here: {}", run.stderr.trim())),
            }
            // by whichever it is, the key works
            let is_plain = in_plain_text(&world, &world.alice.secret_access_key);
            seen[usize::from(is_plain)] += 1;
            world.process("admin").args(["--token-code", &world.code()]).run().success();
            if is_plain {
                world.run(["key", "import", "-p", "base", "--yes"]).success();
            }
            assert!(!in_plain_text(&world, &world.alice.secret_access_key), "{calls} {nth}");
            let config = world.read(".aws/config");
            assert_eq!(config.matches("credential_process").count(), 1, "{calls} {nth}: {config}");
            world.aws.advance(60);
            world.log_in("base");
        }
    }
    assert!(killed >= 8 && seen.iter().all(|count| *count > 0), "{killed} killed: {seen:?}");
}
