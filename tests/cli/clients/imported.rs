//! A key that was imported is in no file, and the real tools go on to work.

use super::terraform::Terraform;
use super::{START, every_client_is};
#[cfg(target_os = "linux")]
use crate::support::Desktop;
use crate::support::World;

#[test]
fn clients_go_on_and_the_secret_is_nowhere() {
    clients_go_on(World::new());
}

#[cfg(target_os = "linux")]
#[test]
fn clients_go_on_with_a_key_in_gnome_keyring() {
    let mut world = World::new();
    // its files are below the test's HOME, where no secret may be
    let Some(mut desktop) = Desktop::unlocked(&world.home(), &[]) else { return };
    world.set("MFA_RUN_KEYCHAIN", "keys=secret-service,sessions=file");
    world.set("DBUS_SESSION_BUS_ADDRESS", desktop.address());
    let world = clients_go_on(world);
    let name = format!("key-{}", world.alice.access_key_id);
    let item = ["search", "--all", "service", "mfa-run", "username", &name];
    let found = desktop.secret_tool(&item, "");
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.contains(&world.alice.secret_access_key), "it is in the keyring, and in no file");
    world.aws.advance(60);
    world.run(["key", "rotate", "-p", "base", "--grace", "0"]).success();
    world.run(["logout", "--all"]).success();
    world.log_in("base");
    assert!(desktop.secret_tool(&item, "").stdout.is_empty(), "the old key is gone from there");
    assert!(desktop.keyring_lives());
}

fn clients_go_on(mut world: World) -> World {
    world.set("NO_PROXY", "127.0.0.1");
    world.set("PYTHONDONTWRITEBYTECODE", "1");
    // layout B, as an AWS tool resolves it by itself
    let plain = format!("[profile plain]\nrole_arn = {}\nsource_profile = base\n", world.aws.role_arn("admin"));
    world.write_config(&(world.read(".aws/config") + &plain));
    let secret = world.alice.secret_access_key.clone();
    let in_plain_text = |world: &World| (world.read(".aws/config") + &world.read(".aws/credentials")).contains(&secret);
    assert!(in_plain_text(&world));
    world.run(["key", "import", "--all", "--yes"]).success();
    // from here on it would be a leak anywhere
    for file in [".aws/config", ".aws/credentials"] {
        world.write(file, world.read(file));
    }
    assert!(!in_plain_text(&world));
    world.log_in("base");
    let codes = world.codes_used();
    for (profile, identity) in [("base", ":user/alice"), ("mfabase", ":user/alice"), ("plain", ":assumed-role/admin/")]
    {
        every_client_is(&world, profile, identity);
    }
    if let Some(terraform) = Terraform::find() {
        terraform.project(&mut world, &["base"]);
        let run = terraform.command(&world, &["plan"]).patience(START).run().success();
        assert!(run.stdout.contains(":user/alice"), "{}", run.report());
    }
    // the AWS CLI keeps what it assumes itself, in plain text
    let _ = std::fs::remove_dir_all(world.home().join(".aws/cli/cache"));
    assert_eq!(world.codes_used(), codes, "one code for all of it");
    world
}
