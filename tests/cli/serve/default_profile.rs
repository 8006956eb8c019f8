//! Credentials in `[default]` come before an endpoint in every SDK: the command must not run as somebody else.

use super::logged_in;
use crate::support::World;

const SHOW: &str = "echo \"profile $AWS_PROFILE\"; echo \"file $AWS_CONFIG_FILE\"; cat \"$AWS_CONFIG_FILE\"";

fn with_default() -> World {
    let world = logged_in();
    let (config, credentials) = (world.read(".aws/config"), world.read(".aws/credentials"));
    world.write_config(&format!("{config}[default]\noutput = text\n"));
    world.write_credentials(&format!("{credentials}{}", world.access_key("default")));
    world
}

#[test]
fn is_kept_out_of_the_way_as_long_as_the_command_runs() {
    let world = with_default();
    let run = world.run(["--serve", "-p", "admin", "--", "sh", "-c", SHOW]).success();
    assert!(run.stdout.starts_with("profile mfa-run-serve\n"), "{}", run.report());
    assert!(run.stdout.ends_with("[profile mfa-run-serve]\noutput = text\n"), "{}", run.report());
    assert!(run.stdout.contains("[profile readonly]"), "the other profiles are there: {}", run.report());
    let file = run.stdout.lines().find_map(|line| line.strip_prefix("file ")).expect("a file");
    assert!(!std::path::Path::new(file).exists());

    let nested = world.run(["--serve", "-p", "admin", "--", "mfa-run", "--", "sh", "-c", "echo $MFA_RUN_PROFILE"]);
    assert_eq!(nested.success().stdout, "admin\n");
}

#[test]
fn without_credentials_is_not_touched() {
    let world = logged_in();
    let config = world.read(".aws/config");
    world.write_config(&format!("{config}[default]\nregion = eu-west-1\n"));
    let run = world.run(["--serve", "-p", "admin", "--", "sh", "-c", "echo \"[$AWS_PROFILE$AWS_CONFIG_FILE]\""]);
    assert_eq!(run.success().stdout, "[]\n");
}

#[test]
fn containers_get_a_file_that_only_its_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let world = with_default();
    let running = world.command(["serve", "-p", "admin", "--docker"]).start();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !running.stdout().ends_with('\n') {
        assert!(std::time::Instant::now() < until, "it prints nothing");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let line = running.stdout();
    let file = line.trim_end().strip_prefix("--network host --env-file ").expect("arguments").to_owned();
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    let lines = std::fs::read_to_string(&file).expect("it is there");
    assert!(lines.starts_with("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:"), "{lines}");
    assert!(!lines.contains("AWS_CONFIG_FILE") && !line.contains("TOKEN"), "{lines}");
    super::stop(running);
    assert!(!std::path::Path::new(&file).exists());
}
