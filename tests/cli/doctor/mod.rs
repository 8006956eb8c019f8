//! `doctor`: what is planted is found, by its id and by nothing else, and mended.

mod aws;
mod fixing;
mod output;
mod planted;

use crate::support::{Command, Run, World};
use mfa_run::credentials::AccessKey;
use mfa_run::env::Env;
use mfa_run::keychain::Keychain;
use serde_json::Value;

/// A profile of each kind, and nothing wrong with any: a key in the keychain, a role served by mfa-run, roles behind a
/// session that mfa-run serves.
const CLEAN: &str = "\
[default]
region = eu-west-1

[profile base]
mfa_run_access_key_id = {ID}
mfa_serial = {SERIAL}

[profile admin]
credential_process = {HOME}/bin/mfa-run credential-process -p admin --role-arn {ACCOUNT}:admin --source-profile base
region = eu-west-1

[profile mfa]
credential_process = {HOME}/bin/mfa-run credential-process -p base

[profile readonly]
role_arn = arn:aws:iam::{ACCOUNT}:role/readonly
source_profile = mfa
";

/// An account in order: alice may do nothing without MFA but look after her device.
fn clean() -> World {
    let world = World::bare(fake_aws::Options::default());
    let deny = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "NotAction": ["iam:ListMFADevices", "sts:GetSessionToken", "sts:AssumeRole"], "Resource": "*",
          "Condition": { "BoolIfExists": { "aws:MultiFactorAuthPresent": "false" } } }] });
    world.aws.set_user_policies("alice", &[deny]);
    world.write_config(&filled(&world, CLEAN));
    world.write_credentials("");
    keep_key(&world);
    world
}

fn filled(world: &World, text: &str) -> String {
    text.replace("{HOME}", world.home().to_str().unwrap())
        .replace("{ACCOUNT}", &world.aws.account())
        .replace("{SERIAL}", &world.alice.mfa_serial)
        .replace("{ID}", &world.alice.access_key_id)
        .replace("{SECRET}", &world.alice.secret_access_key)
}

/// Alice's access key in the keychain of the sandbox.
fn keep_key(world: &World) {
    let home = world.home();
    let (data, key) = (home.join(".local/share"), home.join(".key"));
    let vars = [
        ("HOME", home.to_str().unwrap()),
        ("XDG_DATA_HOME", data.to_str().unwrap()),
        ("MFA_RUN_KEYCHAIN", "file"),
        ("MFA_RUN_KEY_FILE", key.to_str().unwrap()),
    ];
    let now = chrono::DateTime::from_timestamp(world.aws.now(), 0).unwrap();
    let env = Env::fixed(&vars, now);
    let (id, secret) = (world.alice.access_key_id.clone(), world.alice.secret_access_key.clone().into());
    Keychain::new(&env).unwrap().keep_access_key(&AccessKey { id, secret }).unwrap();
}

/// The findings of `doctor --json ARGS`.
fn findings(command: Command) -> (Vec<Value>, Run) {
    let run = command.args(["--json"]).run();
    let json: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{}", run.report()));
    (json["findings"].as_array().unwrap().clone(), run)
}

/// Their ids, in the order of the alphabet.
fn ids(findings: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}
