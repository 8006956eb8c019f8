//! How the report looks, whom it is about, and how long it takes.

use super::{clean, filled, findings, ids};
use std::fmt::Write;
use std::time::Duration;

#[test]
fn eighty_columns_are_enough_and_colours_are_for_who_wants_them() {
    let world = clean();
    world.write_config(
        &(world.read(".aws/config") + "[profile-x]\n[profile y]\ncredential_process = /opt/a/b/c/gone\n"),
    );
    let show = |no_color: &str| {
        let command = world.other("sh", ["-c", "stty cols 80; exec mfa-run doctor --offline"]).env("TERM", "xterm");
        command.env("NO_COLOR", no_color).all_on_terminal().wait().expect_code(1).screen.replace("\r\n", "\n")
    };
    let plain = show("1");
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let long = |line: &&str| line.chars().count() > 80 && !line.starts_with("  mend");
    assert_eq!(plain.lines().find(long), None, "{plain}");
    assert!(plain.contains("\nerror    ~/.aws/config:"), "{plain}");
    let (coloured, piped) = (show(""), world.run(["doctor", "--offline"]).expect_code(1));
    assert!(coloured.contains("\u{1b}[31merror") && coloured.contains("\u{1b}[33mwarning"), "{coloured}");
    // nothing is black, white or on a background: it is read on light and on dark
    let colours: Vec<&str> =
        coloured.split("\u{1b}[").skip(1).filter_map(|part| part.split_once('m')).map(|(code, _)| code).collect();
    assert!(colours.iter().all(|code| ["0", "1", "2", "31", "32", "33"].contains(code)), "{colours:?}");
    assert!(!piped.stdout.contains('\u{1b}'), "{}", piped.stdout);
}

#[test]
fn a_profile_is_looked_at_with_those_behind_it_alone() {
    let world = clean();
    let broken = "[profile other]\ncredential_process = /gone\n[profile x]\nsource_profile = y\nrole_arn = {ACCOUNT}:admin\n\
                  [profile y]\ncredential_process = /gone/too\n";
    world.write_config(&(world.read(".aws/config") + &filled(&world, broken)));
    let profiles = |args: &[&str]| -> Vec<String> {
        let (found, _) = findings(world.command(["doctor", "--offline"]).args(args));
        found.iter().map(|finding| finding["profile"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(profiles(&[]), ["other", "y"]);
    assert_eq!(profiles(&["-p", "x"]), ["y"]);
    assert_eq!(profiles(&["-p", "admin"]), [""; 0]);
    world.run(["doctor", "-p", "gone"]).error(2).says(&["there is no profile gone"]);
}

#[test]
fn three_hundred_profiles_take_no_time() {
    let world = clean();
    let mut config = world.read(".aws/config");
    for number in 0..300 {
        let _ = write!(config, "[profile p{number}]\nrole_arn = {{ACCOUNT}}:r{number}\nsource_profile = base\n");
    }
    world.write_config(&filled(&world, &config));
    let (found, run) = findings(world.command(["doctor", "--offline"]));
    assert_eq!(ids(&found), [""; 0], "{}", run.stdout);
    assert!(run.elapsed < Duration::from_secs(2), "{:?}", run.elapsed);
}

#[test]
fn foreign_text_cannot_move_the_cursor() {
    let world = clean();
    world.write_config(&(world.read(".aws/config") + "[profile a\u{1b}[2J]\ncredential_process = /gone\u{1b}[2J\n"));
    let run = world.command(["doctor", "--offline"]).env("AWS_PROFILE", "b\u{1b}[2J").run().expect_code(1);
    assert!(run.stdout.contains("\\u{1b}[2J") && !run.stdout.contains('\u{1b}'), "{}", run.stdout);
}
