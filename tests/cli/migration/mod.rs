//! The way over from aws-mfa and awsume: `write`, the names we are called by, the shell function; and the two programs themselves, from
//! PyPI, run on the same files against the stand-in. Where theirs and ours differ, the test says which bug of theirs it is.

mod aws_mfa;
mod awsume;
mod shells;
mod write;

use crate::support::{Command, Tool, World, skip};
use fake_aws::Options;
use std::collections::BTreeMap;
use std::path::Path;

/// aws-mfa's layout: the long-term section of `default`, with the device and comments.
fn aws_mfa_world() -> World {
    let mut world = World::bare(Options::default());
    prepare(&mut world);
    world.write_credentials(&aws_mfa_file(&world));
    world
}

fn aws_mfa_file(world: &World) -> String {
    let device = &world.alice.mfa_serial;
    let key = world.access_key("default-long-term");
    format!("# the keys\n{key}aws_mfa_device = {device}\n\n[default]\n; mine\nregion = eu-west-1\noutput = json\n")
}

/// What Python's programs need: no proxy, no files beside the sources, a Region.
fn prepare(world: &mut World) {
    world.set("NO_PROXY", "127.0.0.1");
    world.set("PYTHONDONTWRITEBYTECODE", "1");
    for name in ["aws-mfa", "awsumepy"] {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mfa-run"), world.home().join("bin").join(name)).expect("a link");
    }
}

/// Our program, called by the other's name.
fn ours<'a>(world: &World, name: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    world.other(world.home().join("bin").join(name), args).may_print_secrets()
}

/// The credentials file; the session in it is meant to be there.
fn credentials(world: &World) -> String {
    let text = world.read(".aws/credentials");
    world.write_credentials(&text);
    text
}

/// The keys of a section; none where there is no such section.
fn section(text: &str, name: &str) -> BTreeMap<String, String> {
    let header = format!("[{name}]");
    let lines = text.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    let pairs = lines.filter(|line| !line.starts_with(['#', ';'])).filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

/// A section with what differs from run to run replaced by its form: secrets by whether they are there, times by their format.
fn form(text: &str, name: &str) -> BTreeMap<String, String> {
    let mut section = section(text, name);
    // ours alone: how `logout` knows the section again
    section.remove("mfa_run_profile");
    for (key, value) in &mut section {
        let digits = value.replace(|c: char| c.is_ascii_digit(), "9");
        match key.as_str() {
            "aws_access_key_id" => value.truncate(4),
            "aws_secret_access_key" | "aws_session_token" | "aws_security_token" => "secret".clone_into(value),
            "expiration" => *value = digits,
            _ => {}
        }
    }
    section
}

/// The other program, from where `.ci/run` puts it. `None` is a counted skip, and a failure where CI should have it.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn peer(name: &str) -> Option<Tool> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci/peers/bin").join(name);
    if path.is_file() {
        return Some(Tool { path });
    }
    let required = std::env::var_os("MFA_RUN_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "no {name}, and .ci/run installs it");
    skip(&format!("no `{name}` here"));
    None
}
