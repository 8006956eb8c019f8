//! The clients behind `--serve`, for longer than one session: one process that goes on working, and does not notice.

use super::javascript::Node;
use super::terraform::Terraform;
use super::{Layout, START, installed, world};
use crate::support::{Command, Run, World};

/// Seconds a session lives here.
const SESSION: i64 = 6;
/// How long a client works: more than two sessions.
const WORK: &str = "14";

const BOTO3: &str = "
import boto3, sys, time
sts, until = boto3.client('sts'), time.time() + int(sys.argv[1])
while time.time() < until:
    print(sts.get_caller_identity()['Arn'])
    time.sleep(0.5)
";

const JAVASCRIPT: &str = "
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
const sts = new STSClient({}), until = Date.now() + 1000 * process.argv[1];
(async () => {
  while (Date.now() < until) {
    console.log((await sts.send(new GetCallerIdentityCommand({}))).Arn);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
})().catch(error => { console.error(error); process.exit(1); });
";

const TERRAFORM: &str = r#"
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
data "aws_caller_identity" "before" {}
resource "terraform_data" "work" {
  input = data.aws_caller_identity.before.arn
  provisioner "local-exec" {
    command = "sleep 14"
  }
}
data "aws_caller_identity" "after" {
  depends_on = [terraform_data.work]
}
output "arns" {
  value = [data.aws_caller_identity.before.arn, data.aws_caller_identity.after.arn]
}
"#;

/// Alice is logged in, and a role's sessions are short from now on. `[default]` has her access key, which every SDK would
/// take before the endpoint.
fn with_short_sessions() -> World {
    let world = world(Layout::OneEach, &["admin"]);
    world.write_credentials(&format!("{}{}", world.access_key("keys"), world.access_key("default")));
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    world.aws.limit_sessions(Some(SESSION));
    world
}

fn served(world: &World, client: &[&str]) -> Command {
    world.command(["--serve", "-p", "admin", "--no-prompt", "--"]).args(client).patience(START)
}

/// Every call was the role's, none was refused, sessions were renewed, and one code was spent in all.
#[track_caller]
fn nobody_noticed(world: &World, run: &Run, calls: usize, sessions: usize) {
    let arn = format!("arn:aws:sts::{}:assumed-role/admin/alice", world.aws.account());
    assert!(run.stdout.matches(&arn).count() >= calls, "{}", run.report());
    let log = world.aws.log();
    let refused: Vec<_> = log.iter().filter(|call| call.error_code.is_some()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let strangers = log.iter().filter(|call| !call.user_agent.contains("aws-sdk-rust"));
    assert!(strangers.clone().all(|call| call.caller.as_deref() == Some(&arn)), "somebody else's credentials");
    assert!(world.aws.calls("AssumeRole").len() >= sessions, "{}", world.calls());
    assert_eq!(world.codes_used(), 1);
}

#[test]
fn aws_cli() {
    let Some(aws) = installed("aws") else { return };
    let world = with_short_sessions();
    let script =
        "end=$(($(date +%s) + 14)); while test $(date +%s) -lt $end; do \"$0\" sts get-caller-identity || exit; done";
    let run = served(&world, &["sh", "-c", script, aws.path.to_str().expect("a path")]).run().success();
    nobody_noticed(&world, &run, 3, 3);
}

#[test]
fn boto3() {
    let Some(python) = installed("python3") else { return };
    let world = with_short_sessions();
    if !world.tool(&python, ["-c", "import boto3"]).run().status.success() {
        super::missing::<()>("no boto3 here");
        return;
    }
    let run = served(&world, &[python.path.to_str().expect("a path"), "-c", BOTO3, WORK]).run().success();
    nobody_noticed(&world, &run, 10, 3);
}

#[test]
fn javascript() {
    let Some(node) = Node::find() else { return };
    let world = with_short_sessions();
    let client = [node.node.path.to_str().expect("a path"), "-e", JAVASCRIPT, WORK];
    let run = served(&world, &client).env("NODE_PATH", &node.modules).run().success();
    nobody_noticed(&world, &run, 10, 3);
}

#[test]
fn terraform() {
    let Some(terraform) = Terraform::find() else { return };
    let mut world = with_short_sessions();
    terraform.project(&mut world, &["admin"]);
    world.write("tf/main.tf", TERRAFORM);
    let program = terraform.terraform.path.to_str().expect("a path");
    let apply = served(&world, &[program, "apply", "-auto-approve", "-no-color", "-input=false"]);
    let run = apply.folder(world.home().join("tf")).run().success();
    // it asks before and after the work, and not meanwhile
    nobody_noticed(&world, &run, 2, 2);
}
