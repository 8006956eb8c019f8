//! Terraform with the real AWS provider, that is the Go SDK: `sh -c`, stderr swallowed, 60 seconds.
//!
//! No package registry has them: `terraform` comes from the PATH, the provider from a filesystem mirror, which
//! `MFA_RUN_TERRAFORM_MIRROR` names or one of the usual folders holds. Elsewhere these tests are counted skips. A run takes
//! seconds and most of a gigabyte, so there are few, one at a time.

use super::{Layout, PROMPT, START, assert_prints_role, cold, ours, up_to_prompt, wait_for_ours, warm, world};
use crate::support::{Command, Tool, World, skip};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(super) struct Terraform {
    pub(super) terraform: Tool,
    mirror: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Terraform {
    pub(super) fn find() -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let terraform = Tool::find("terraform")?;
        let Some(mirror) = mirror() else {
            skip("no mirror with Terraform's AWS provider here");
            return None;
        };
        Some(Self { terraform, mirror, _turn: turn })
    }

    /// A folder with a provider for each profile, each asking who it is; made ready for `plan`.
    pub(super) fn project(&self, world: &mut World, profiles: &[&str]) {
        let mut main =
            "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n".to_owned();
        for profile in profiles {
            main += &format!(
                "provider \"aws\" {{\n  alias = \"{profile}\"\n  profile = \"{profile}\"\n  region = \"eu-west-1\"\n}}\n\
                 data \"aws_caller_identity\" \"{profile}\" {{\n  provider = aws.{profile}\n}}\n\
                 output \"{profile}\" {{\n  value = data.aws_caller_identity.{profile}.arn\n}}\n"
            );
        }
        world.write("tf/main.tf", main);
        let settings = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n    include = [\"hashicorp/aws\"]\n  }}\n}}\n",
            self.mirror.display()
        );
        world.write("terraform.rc", settings);
        let settings = world.home().join("terraform.rc");
        world.set("TF_CLI_CONFIG_FILE", settings);
        world.set("TF_IN_AUTOMATION", "1");
        world.set("CHECKPOINT_DISABLE", "1");
        self.command(world, &["init"]).patience(START).run().success();
    }

    /// `terraform ARGS` in that folder.
    pub(super) fn command(&self, world: &World, args: &[&str]) -> Command {
        world.tool(&self.terraform, args).args(["-no-color", "-input=false"]).folder(world.home().join("tf"))
    }

    fn plan(&self, world: &World) -> Command {
        self.command(world, &["plan"])
    }
}

/// The folder above `.../hashicorp/aws`. packaging/terraform/tests/run looks in the same places.
#[expect(clippy::disallowed_methods, reason = "where people keep their mirrors")]
fn mirror() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MFA_RUN_TERRAFORM_MIRROR") {
        return Some(named.into());
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::var_os("TF_PLUGIN_CACHE_DIR").map(PathBuf::from).into_iter().collect();
    places.extend([".terraform.d", ".local/share/terraform"].map(|inside| home.join(inside)));
    places.extend(
        [
            "/usr/local/share/terraform",
            "/usr/share/terraform",
            "/usr/lib/terraform",
            "/usr/local/lib/terraform",
            "/opt",
            "/srv",
        ]
        .map(PathBuf::from),
    );
    // mirror / host / hashicorp / aws
    places.into_iter().find_map(|place| with_provider(&place, 4))
}

fn with_provider(folder: &Path, depth: u32) -> Option<PathBuf> {
    let inside = || std::fs::read_dir(folder).ok().into_iter().flatten().flatten().map(|entry| entry.path());
    if inside().any(|host| host.join("hashicorp/aws").is_dir()) {
        return Some(folder.to_owned());
    }
    if depth == 0 {
        return None;
    }
    inside().filter(|path| path.is_dir() && !path.is_symlink()).find_map(|path| with_provider(&path, depth - 1))
}

#[test]
fn one_code_serves_every_plan() {
    let Some(terraform) = Terraform::find() else { return };
    let mut world = world(Layout::OneEach, &["admin"]);
    terraform.project(&mut world, &["admin"]);
    assert_prints_role(&cold(&world, terraform.plan(&world)), &world, "admin");
    assert_prints_role(&warm(terraform.plan(&world)), &world, "admin");
    assert_eq!((ours(&world), world.codes_used()), (1, 1), "{}", world.calls());
}

#[test]
fn four_roles_behind_one_device_cost_one_code() {
    const ROLES: [&str; 4] = ["admin", "readonly", "short", "named"];
    let Some(terraform) = Terraform::find() else { return };
    let mut world = world(Layout::OneEach, &ROLES);
    terraform.project(&mut world, &ROLES);
    let run = cold(&world, terraform.plan(&world).env("AWS_PROFILE", "hop"));
    for role in ROLES {
        assert_prints_role(&run, &world, role);
    }
    assert_eq!((ours(&world), world.codes_used()), (5, 1), "{}", world.calls());

    // The same tool inside `--`: its profile is none of the four.
    let project = world.home().join("tf/main.tf");
    let main = "data \"aws_caller_identity\" \"it\" {}\noutput \"it\" { value = data.aws_caller_identity.it.arn }\n";
    std::fs::remove_file(project).expect("the other project");
    world.write("tf/main.tf", main);
    let plan = ["-p", "short", "--", "terraform", "plan", "-no-color", "-input=false"];
    assert_prints_role(&warm(world.command(plan).folder(world.home().join("tf"))), &world, "short");
    assert_eq!((ours(&world), world.codes_used()), (5, 1), "{}", world.calls());
}

#[test]
fn a_code_typed_after_it_gave_up_serves_the_next_plan() {
    if !Path::new("/proc/self/task").is_dir() {
        return skip("no /proc here to find a caller's processes in");
    }
    let Some(terraform) = Terraform::find() else { return };
    let mut world = world(Layout::SharedBase, &["admin", "readonly"]);
    terraform.project(&mut world, &["admin"]);
    let mut given_up = up_to_prompt(terraform.plan(&world));
    // The provider's plug-in, its shell and Terraform itself; all but mfa-run. Go ends its shell alone, after 60 seconds.
    for process in callers(given_up.id()) {
        let _ = kill_process(process, Signal::KILL);
        // a zombie has no program, and no children
        while std::fs::read_link(format!("/proc/{}/exe", process.as_raw_pid())).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    given_up.send_line(&world.code());
    given_up.expect("its next try will find the session");
    wait_for_ours(&world, 1);
    assert_eq!(given_up.screen().matches(PROMPT).count(), 1, "{}", given_up.screen());

    terraform.project(&mut world, &["admin", "readonly"]);
    let next = warm(terraform.plan(&world));
    assert_prints_role(&next, &world, "admin");
    assert_prints_role(&next, &world, "readonly");
    assert_eq!((ours(&world), world.codes_used()), (1, 1), "{}", world.calls());

    // Two providers at once, each for the same base, and nothing cached.
    world.run(["logout", "--all"]).success();
    let again = cold(&world, terraform.plan(&world));
    assert_prints_role(&again, &world, "admin");
    assert_prints_role(&again, &world, "readonly");
    assert_eq!((ours(&world), world.codes_used()), (2, 2), "{}", world.calls());
}

/// This process and what it started, without mfa-run.
fn callers(process: u32) -> Vec<Pid> {
    let folder = PathBuf::from(format!("/proc/{process}"));
    if std::fs::read_link(folder.join("exe")).is_ok_and(|program| program.ends_with("mfa-run")) {
        return Vec::new();
    }
    let threads = std::fs::read_dir(folder.join("task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> =
        children.flat_map(|list| list.split(' ').flat_map(str::parse).collect::<Vec<_>>()).collect();
    let own = Pid::from_raw(process.try_into().expect("a pid"));
    own.into_iter().chain(children.into_iter().flat_map(callers)).collect()
}
