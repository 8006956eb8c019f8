//! The program at work for its real callers: AWS CLI, boto3, Terraform and the JavaScript SDK run it as `credential_process`
//! and call the stand-in with what it prints.
//!
//! Both layouts that every SDK understands are tried: one `credential_process` a role, and a base profile of ours with plain
//! role profiles on top, which the SDK resolves itself.

mod aws_cli;
mod boto3;
mod configured;
mod imported;
mod javascript;
mod served;
mod terraform;

use crate::support::{Command, Pty, Run, Tool, World, skip};
use fake_aws::Options;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the prompt begins with.
const PROMPT: &str = "MFA code for ";
/// Starting a client and its SDK, on a machine with other work to do.
const START: Duration = Duration::from_secs(90);

/// AWS CLI, boto3 and the JavaScript SDK, those that are here, have this identity by the profile.
fn every_client_is(world: &World, profile: &str, identity: &str) {
    if let Some(aws) = installed("aws") {
        let words = ["sts", "get-caller-identity", "--output", "text", "--region", "eu-west-1", "--profile", profile];
        let run = world.tool(&aws, words).patience(START).run().success();
        assert!(run.stdout.contains(identity), "{profile}: {}", run.report());
    }
    if let Some(python) = boto3::python(world) {
        let run = boto3::script(world, &python, boto3::IDENTITY, profile);
        let run = run.env("AWS_DEFAULT_REGION", "eu-west-1").patience(START).run().success();
        assert!(run.stdout.contains(identity), "{profile}: {}", run.report());
    }
    // the JavaScript SDK reads no profile with a space in its name
    if let Some(node) = javascript::Node::find().filter(|_| !profile.contains(' ')) {
        let run = node.identity(world, "fromIni", profile).env("AWS_REGION", "eu-west-1");
        let run = run.patience(START).run().success();
        assert!(run.stdout.contains(identity), "{profile}: {}", run.report());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `[profile admin]` is a `credential_process` that names role, source profile and device.
    OneEach,
    /// `[profile base]` is a `credential_process` for the shared MFA session; `[profile admin]` has `role_arn` and
    /// `source_profile`.
    SharedBase,
}

/// A profile for each of these roles. The program's path has spaces, quoted as both a shell and Python's shlex take it.
fn world(layout: Layout, roles: &[&str]) -> World {
    let mut world = World::bare(Options::default());
    world.set("NO_PROXY", "127.0.0.1");
    world.set("PYTHONDONTWRITEBYTECODE", "1");
    let program = world.home().join("my programs");
    std::fs::create_dir(&program).expect("a folder");
    let program = program.join("mfa-run");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mfa-run"), &program).expect("a path with spaces");
    let line = format!("\"{}\" credential-process --mfa-serial {}", program.display(), world.alice.mfa_serial);
    let mut config = String::new();
    if layout == Layout::SharedBase {
        config += &format!("[profile base]\nregion = eu-west-1\ncredential_process = {line} -p keys\n");
    }
    for role in roles {
        let arn = world.aws.role_arn(role);
        config += &format!("[profile {role}]\nregion = eu-west-1\n");
        config += &match layout {
            Layout::OneEach => format!("credential_process = {line} --role-arn {arn} --source-profile keys\n"),
            Layout::SharedBase => format!("role_arn = {arn}\nsource_profile = base\n"),
        };
    }
    world.write_config(&config);
    world.write_credentials(&world.access_key("keys"));
    world
}

/// Starts it in front of a person, up to the prompt. stdin is the terminal; stdout and stderr are pipes.
fn up_to_prompt(client: Command) -> Pty {
    let mut pty = client.patience(START).on_terminal();
    assert!(pty.shows_within(PROMPT, START), "no prompt on: {}\nstdout: {}", pty.screen(), pty.stdout());
    pty
}

/// Runs it in front of a person who answers the one prompt.
fn cold(world: &World, client: Command) -> Run {
    let mut pty = up_to_prompt(client);
    pty.send_line(&world.code());
    let run = pty.wait().success();
    assert_eq!(run.screen.matches(PROMPT).count(), 1, "{}", run.report());
    run
}

/// Runs it where nobody can be asked.
fn warm(client: Command) -> Run {
    client.patience(START).run().success()
}

/// Cold, then warm; each has to print the role's ARN, and the second makes no session that the first made.
fn cold_then_warm(layout: Layout, client: impl Fn(&World) -> Command) -> World {
    let world = world(layout, &["admin"]);
    let first = cold(&world, client(&world));
    assert_prints_role(&first, &world, "admin");
    assert_eq!(ours(&world), 1, "{}", world.calls());
    let second = warm(client(&world));
    assert_prints_role(&second, &world, "admin");
    assert_eq!((ours(&world), world.codes_used()), (1, 1), "{}", world.calls());
    world
}

/// How many sessions mfa-run made. The SDKs' own AssumeRole calls, on top of the shared MFA session, are not counted.
fn ours(world: &World) -> usize {
    let log = world.aws.log();
    let made = log.iter().filter(|call| ["AssumeRole", "GetSessionToken"].contains(&call.action.as_str()));
    made.filter(|call| call.user_agent.contains("aws-sdk-rust")).count()
}

/// Waits until mfa-run has made so many: its caller, and with it the test's view of its end, is gone.
#[track_caller]
fn wait_for_ours(world: &World, count: usize) {
    let until = Instant::now() + START;
    while ours(world) < count {
        assert!(Instant::now() < until, "{count} sessions were not made: {}", world.calls());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sessions of a role are called like the user where mfa-run made them; SDKs invent names.
#[track_caller]
fn assert_prints_role(run: &Run, world: &World, role: &str) {
    let arn = format!("arn:aws:sts::{}:assumed-role/{role}/", world.aws.account());
    assert!(run.stdout.contains(&arn), "no {arn} in it\n{}", run.report());
}

/// A tool that `.ci/run` installs: its own folder first, then the PATH. `None` is a counted skip.
fn installed(name: &str) -> Option<Tool> {
    let ours = ci_folder().join("venv/bin").join(name);
    if ours.is_file() {
        return Some(Tool { path: ours });
    }
    Tool::find_quietly(name).or_else(|| missing(&format!("no `{name}` here")))
}

/// Where `.ci/run` puts the tools.
fn ci_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci")
}

/// A failure where CI should have installed it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn missing<T>(what: &str) -> Option<T> {
    let required = std::env::var_os("MFA_RUN_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{what}, and .ci/run installs it");
    skip(what);
    None
}
