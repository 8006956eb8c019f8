//! MFA devices from the terminal: enrolled, listed, removed, put in step; and the way from a bare access key to a role.

mod enrolment;
mod guided;
mod keeping;
mod looking_after;
mod obstacles;
mod scanning;
mod story;

use crate::support::{Pty, World};
use fake_aws::Options;

/// Alice has an access key, and no device.
fn without_device() -> World {
    let world = World::bare(Options::default());
    world.aws.remove_device(&world.alice.mfa_serial);
    world.write_config("[profile base]\nregion = eu-west-1\n");
    world.write_credentials(&world.access_key("base"));
    world
}

/// Alice has a device, which her profile names.
fn with_device() -> World {
    let world = World::bare(Options::default());
    let serial = &world.alice.mfa_serial;
    world.write_config(&format!("[profile base]\nregion = eu-west-1\nmfa_serial = {serial}\n"));
    world.write_credentials(&world.access_key("base"));
    world
}

/// `device enroll -p base ARGS`, all of it on a terminal.
fn enroll(world: &World, args: &[&str]) -> Pty {
    world.command(["device", "enroll", "-p", "base"]).args(args).may_print_secrets().all_on_terminal()
}

/// Two codes in a row that nobody has to wait for: of the window before this one, and of this one.
fn pair(world: &World, serial: &str) -> [String; 2] {
    loop {
        let window = world.aws.now() / 30;
        let codes = [world.aws.code_at(serial, -1), world.aws.code_at(serial, 0)];
        if world.aws.now() / 30 == window {
            return codes;
        }
    }
}

/// Types two good codes.
fn type_pair(world: &World, terminal: &mut Pty, serial: &str) {
    terminal.expect("First code: ");
    let [first, second] = pair(world, serial);
    terminal.send_line(&first).expect("The next code: ").send_line(&second);
}

fn arn(path_and_name: &str) -> String {
    format!("arn:aws:iam::123456789012:mfa{path_and_name}")
}
