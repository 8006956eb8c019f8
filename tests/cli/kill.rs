//! SIGKILL at any system call of a cold run: the next run works, and no more codes are asked for than were lost.

use crate::support::{Tool, World, skip};

/// Calls that change something, and how far into a cold run each is tried.
const CALLS: [(&str, &[u32]); 8] = [
    ("openat", &[30, 40, 50, 60, 70, 80, 90]),
    ("write", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("rename,renameat,renameat2", &[1, 2, 3, 4]),
    ("fsync", &[1, 2, 3, 4]),
    ("sendto,writev", &[1, 2, 3]),
    ("recvfrom,read", &[10, 15, 20, 25, 30]),
    ("flock", &[1, 2, 3, 4]),
    ("unlink,unlinkat,close", &[5, 15, 25, 35, 45]),
];

#[test]
fn killed_anywhere_the_next_run_works() {
    let Some(strace) = Tool::find("strace") else { return };
    let (mut killed, mut lost) = (0, 0);
    for (calls, times) in CALLS {
        for nth in times {
            let world = World::with_one_role();
            let inject = format!("inject={calls}:signal=KILL:when={nth}");
            let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, "mfa-run", "credential-process", "-p", "admin"];
            let run = world.tool(&strace, args).args(["--token-code", &world.code()]).may_print_secrets().run();
            match (run.signal(), run.code()) {
                (Some(9), _) | (_, Some(137)) => killed += 1,
                (_, Some(0)) => {}
                _ => return skip(&format!("strace cannot inject here: {}", run.stderr.trim())),
            }
            if let Ok(text) = std::fs::read(world.home().join(".local/share/mfa-run/index.json")) {
                serde_json::from_slice::<serde_json::Value>(&text).expect("an index is whole");
            }
            let next = world.process("admin").run();
            if next.code() == Some(3) {
                lost += u32::from(world.aws.calls("AssumeRole").iter().any(|call| call.committed));
                world.process("admin").args(["--token-code", &world.code()]).run().success();
            } else {
                next.success();
            }
            let warm = world.process("admin").run().success();
            assert_eq!(warm.stderr, "", "{calls} {nth}");
        }
    }
    assert!(killed >= 20, "only {killed} runs were killed: other calls, other counts");
    assert!(lost <= killed / 2, "{lost} of {killed} sessions that AWS had made were lost");
}
