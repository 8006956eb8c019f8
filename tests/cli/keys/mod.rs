//! `key`: long-lived access keys move into the keychain, are listed, printed, forgotten and replaced, and no way of dying in
//! between costs a key that works.

mod between;
mod importing;
mod killed;
mod rotating;
mod shown;

use crate::support::World;

/// A role behind alice's device, and her key as `base`, in plain text.
fn plain() -> World {
    World::with_one_role()
}

/// The same, the key in the keychain.
fn kept() -> World {
    let world = plain();
    world.run(["key", "import", "-p", "base", "--yes"]).success();
    world
}

/// Whether the secret stands in one of the AWS files.
fn in_plain_text(world: &World, secret: &str) -> bool {
    [".aws/config", ".aws/credentials"].into_iter().any(|file| world.read(file).contains(secret))
}

/// What the test may find in the files from now on: what is there now.
fn accept_files(world: &World) {
    for file in [".aws/config", ".aws/credentials"] {
        world.write(file, world.read(file));
    }
}
