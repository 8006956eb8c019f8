//! What `configure` writes, used by the real AWS CLI and boto3, in both layouts; and that `--undo` leaves no trace.

use super::terraform::Terraform;
use super::{START, every_client_is};
use crate::support::World;

#[test]
fn clients_use_what_configure_wrote_and_undo_leaves_no_trace() {
    let mut world = World::new();
    world.set("NO_PROXY", "127.0.0.1");
    world.set("PYTHONDONTWRITEBYTECODE", "1");
    let text = world.read(".aws/config").replace("[profile readonly]", "[profile \"read only\"]");
    world.write_config(&text);
    let keys = world.read(".aws/credentials");
    world.run(["configure", "--all"]).success();
    world.run(["configure", "-p", "mfabase", "--yes"]).success();
    // layout B: a plain role profile, which the SDK resolves itself on top of the shared MFA session
    let plain = format!("[profile plain]\nrole_arn = {}\nsource_profile = mfabase\n", world.aws.role_arn("admin"));
    let configured = world.read(".aws/config");
    world.write_config(&(configured.clone() + &plain));
    for profile in ["admin", "mfabase"] {
        world.run(["login", "-p", profile, "--token-code", &world.code()]).success();
    }
    let codes = world.codes_used();
    for (profile, identity) in [
        ("admin", ":assumed-role/admin/alice"),
        ("read only", ":assumed-role/readonly/alice"),
        ("external", ":assumed-role/external/alice"),
        ("hop", ":assumed-role/hop/alice"),
        ("mfabase", ":user/alice"),
        ("plain", ":assumed-role/admin/"),
    ] {
        every_client_is(&world, profile, identity);
    }
    if let Some(terraform) = Terraform::find() {
        terraform.project(&mut world, &["admin", "external", "mfabase", "plain"]);
        let run = terraform.command(&world, &["plan"]).patience(START).run().success();
        for identity in
            [":assumed-role/admin/alice", ":assumed-role/external/alice", ":user/alice", ":assumed-role/admin/"]
        {
            assert!(run.stdout.contains(identity), "{identity}: {}", run.report());
        }
    }
    assert_eq!(world.codes_used(), codes, "{}", world.calls());
    world.write_config(&configured);
    // the AWS CLI keeps what it assumes itself, in plain text
    let _ = std::fs::remove_dir_all(world.home().join(".aws/cli/cache"));
    world.run(["configure", "--all", "--undo"]).success();
    assert_eq!((world.read(".aws/config"), world.read(".aws/credentials")), (text, keys));
}
