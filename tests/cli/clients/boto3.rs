//! boto3: no shell, in-process refresh from 15 minutes before the end, one process of ours for every session object.

use super::{Layout, PROMPT, assert_prints_role, cold, cold_then_warm, installed, missing, ours, warm, world};
use crate::support::{Command, Tool, World};

pub(super) const IDENTITY: &str = "
import boto3, sys
print(boto3.Session(profile_name=sys.argv[1]).client('sts').get_caller_identity()['Arn'])
";

/// Two calls of one session object.
const TWICE: &str = "
import boto3, sys
client = boto3.Session(profile_name=sys.argv[1]).client('sts')
for _ in range(2):
    print(client.get_caller_identity()['Arn'])
";

/// So many session objects of each profile, all at once.
const MANY: &str = "
import boto3, sys, threading
from concurrent.futures import ThreadPoolExecutor
profiles = sys.argv[2:] * int(sys.argv[1])
gate = threading.Barrier(len(profiles))
def identity(profile):
    session = boto3.Session(profile_name=profile)
    gate.wait()
    return session.client('sts').get_caller_identity()['Arn']
with ThreadPoolExecutor(len(profiles)) as threads:
    print(*threads.map(identity, profiles), sep='\\n')
";

/// A Python that has boto3.
pub(super) fn python(world: &World) -> Option<Tool> {
    let python = installed("python3")?;
    let has = world.tool(&python, ["-c", "import boto3"]).run().code() == Some(0);
    if has { Some(python) } else { missing("no boto3 here") }
}

pub(super) fn script(world: &World, python: &Tool, script: &str, profile: &str) -> Command {
    world.tool(python, ["-c", script, profile])
}

#[test]
fn one_code_serves_every_call() {
    for layout in [Layout::OneEach, Layout::SharedBase] {
        let Some(python) = python(&world(layout, &[])) else { return };
        cold_then_warm(layout, |world| script(world, &python, IDENTITY, "admin"));
    }
}

#[test]
fn the_profile_of_the_code_wins_over_the_variable() {
    let world = world(Layout::OneEach, &["admin", "readonly"]);
    let Some(python) = python(&world) else { return };
    let client = |profile: &str, variable: &str| {
        script(&world, &python, IDENTITY, profile).env("AWS_PROFILE", variable).env("AWS_DEFAULT_PROFILE", variable)
    };
    assert_prints_role(&cold(&world, client("admin", "readonly")), &world, "admin");
    assert_prints_role(&warm(client("readonly", "admin")), &world, "readonly");
    assert_prints_role(&warm(client("admin", "admin")), &world, "admin");
    assert_eq!(world.codes_used(), 1, "{}", world.calls());
}

#[test]
fn twenty_clients_at_once_share_one_code_and_one_call() {
    let world = world(Layout::OneEach, &["admin"]);
    let (Some(python), Some(aws)) = (python(&world), installed("aws")) else { return };
    let call = "\"$1\" sts get-caller-identity --output text --profile admin &";
    let all = format!("{call} {call} {call} {call} \"$2\" -c \"$3\" 16 admin; wait");
    let run = cold(&world, world.other("sh", ["-c", &all, "sh"]).args([&aws.path, &python.path]).arg(MANY));
    assert_eq!(run.stdout.matches(":assumed-role/admin/alice").count(), 20, "{}", run.report());
    assert_eq!(world.aws.calls("AssumeRole").len(), 1, "{}", world.calls());
    assert!(!run.stderr.contains(PROMPT) && run.stderr.is_empty(), "{}", run.report());
}

#[test]
fn twenty_sessions_of_four_roles_share_one_code() {
    const ROLES: [&str; 4] = ["admin", "readonly", "short", "named"];
    let world = world(Layout::OneEach, &ROLES);
    let Some(python) = python(&world) else { return };
    let run = cold(&world, world.tool(&python, ["-c", MANY, "5"]).args(ROLES));
    for role in ROLES {
        assert_eq!(run.stdout.matches(&format!(":assumed-role/{role}/alice")).count(), 5, "{}", run.report());
    }
    let made = [world.aws.calls("GetSessionToken").len(), world.aws.calls("AssumeRole").len(), world.codes_used()];
    assert_eq!(made, [1, 4, 1], "{}", world.calls());
}

#[test]
fn a_short_session_is_renewed_without_a_code_where_a_shared_one_lives() {
    let world = world(Layout::OneEach, &["admin"]);
    let Some(python) = python(&world) else { return };
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    // Within the 15 minutes before the end boto3 comes again at every call.
    world.aws.limit_sessions(Some(600));
    world.aws.clear_log();
    let run = warm(script(&world, &python, TWICE, "admin"));
    assert_eq!(run.stdout.matches(":assumed-role/admin/alice").count(), 2, "{}", run.report());
    let callers = callers(&world);
    assert!(callers.len() == 2 && callers[0] != callers[1], "{callers:?}");
    assert_eq!(world.codes_used(), 0, "{}", world.calls());
}

#[test]
fn a_short_session_that_would_cost_a_code_is_used_up_first() {
    let world = world(Layout::OneEach, &["admin"]);
    let Some(python) = python(&world) else { return };
    world.aws.limit_sessions(Some(600));
    let run = cold(&world, script(&world, &python, TWICE, "admin"));
    assert_eq!(run.stdout.matches(":assumed-role/admin/alice").count(), 2, "{}", run.report());
    assert_eq!((ours(&world), world.codes_used()), (1, 1), "{}", world.calls());
}

/// The access keys that boto3 asked the stand-in with.
fn callers(world: &World) -> Vec<String> {
    let log = world.aws.log();
    let theirs = log.iter().filter(|call| call.action == "GetCallerIdentity" && call.user_agent.contains("Boto3"));
    theirs.map(|call| call.access_key_id.clone()).collect()
}
