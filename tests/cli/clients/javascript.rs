//! The JavaScript SDK: `sh -c`, stdin a pipe that it never closes, expired sessions rejected.

use super::{Layout, assert_prints_role, ci_folder, cold, cold_then_warm, missing, warm, world};
use crate::support::{Command, Tool, World};
use std::ffi::OsString;
use std::path::PathBuf;

/// `from` is `fromIni`, `fromProcess` or the SDK's own default chain.
const IDENTITY: &str = "
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
const providers = require('@aws-sdk/credential-providers');
const [from, profile] = process.argv.slice(1);
const credentials = providers[from] && providers[from]({ profile });
new STSClient({ credentials, profile }).send(new GetCallerIdentityCommand({}))
  .then(identity => console.log(identity.Arn), error => { console.error(error); process.exit(1); });
";

pub(super) struct Node {
    pub(super) node: Tool,
    pub(super) modules: OsString,
}

impl Node {
    /// Node.js 20 or later with the SDK's packages, as `.ci/run` installs them below target/.
    #[expect(clippy::disallowed_methods, reason = "where the packages are is told by a variable")]
    pub(super) fn find() -> Option<Self> {
        let modules = std::env::var_os("NODE_PATH").map(PathBuf::from);
        let has = |modules: &PathBuf| {
            ["client-sts", "credential-providers"].iter().all(|name| modules.join("@aws-sdk").join(name).is_dir())
        };
        let places = [modules, Some(ci_folder().join("npm/node_modules"))];
        let Some(modules) = places.into_iter().flatten().find(has) else {
            return missing("no JavaScript SDK here");
        };
        let Some(node) = Tool::find_quietly("node") else { return missing("no `node` here") };
        Some(Self { node, modules: modules.into() })
    }

    pub(super) fn identity(&self, world: &World, from: &str, profile: &str) -> Command {
        world.tool(&self.node, ["-e", IDENTITY, from, profile]).env("NODE_PATH", &self.modules)
    }
}

#[test]
fn one_code_serves_every_call() {
    let Some(node) = Node::find() else { return };
    for layout in [Layout::OneEach, Layout::SharedBase] {
        let world = cold_then_warm(layout, |world| node.identity(world, "fromIni", "admin"));
        assert_prints_role(&warm(node.identity(&world, "the default chain", "admin")), &world, "admin");
    }
}

#[test]
fn the_variable_names_the_profile_and_is_not_read_again_inside() {
    let Some(node) = Node::find() else { return };
    let world = world(Layout::OneEach, &["admin", "readonly"]);
    let client = |from, profile, variable| node.identity(&world, from, profile).env("AWS_PROFILE", variable);
    assert_prints_role(&cold(&world, client("fromProcess", "admin", "readonly")), &world, "admin");
    assert_prints_role(&warm(client("fromProcess", "readonly", "readonly")), &world, "readonly");
    assert_eq!(world.codes_used(), 1, "{}", world.calls());
}
