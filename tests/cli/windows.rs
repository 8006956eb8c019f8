//! What is Windows' own: commands by PATHEXT, cmd, exit codes of 32 bits, variables in any case, line ends, files in use.

use crate::support::{Run, World};
use fake_aws::{Fault, FaultKind};
use std::path::PathBuf;
use std::time::Duration;

fn logged_in() -> World {
    let world = World::new();
    world.log_in("admin");
    world
}

/// A batch file on the private PATH.
fn script(world: &World, name: &str, text: &str) {
    world.write(&format!("bin/{name}"), format!("@echo off\r\n{text}\r\n"));
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_mfa-run"))
}

/// `mfa-run -p admin -- COMMAND`
fn wrapped(world: &World, command: &[&str]) -> Run {
    world.command(["-p", "admin", "--"]).args(command).run()
}

#[test]
fn a_command_is_found_by_pathext_and_ends_as_it_ended() {
    let world = logged_in();
    script(&world, "tool.cmd", "exit /b 37");
    wrapped(&world, &["tool"]).expect_code(37);
    wrapped(&world, &["tool.cmd"]).expect_code(37);
    wrapped(&world, &[r"bin\tool"]).expect_code(37);
    wrapped(&world, &["cmd", "/d", "/c", "exit 256"]).expect_code(256);
    wrapped(&world, &["cmd.exe", "/d", "/c", "exit -1073741510"]).expect_code(-1_073_741_510);
    wrapped(&world, &["no-such-command"]).error(127).says(&["no-such-command cannot be run"]);
    world.write("bin/text.exe", "no program");
    wrapped(&world, &["text"]).error(126).says(&["text cannot be run"]);
    world.write("here.cmd", "@exit /b 0\r\n");
    wrapped(&world, &["here"]).error(127);
}

#[test]
fn arguments_reach_a_program_and_a_batch_file_untouched() {
    let world = logged_in();
    for odd in ["--", "a b", "%PATH%", "a&b|c>d", "^", "it's", "\"quoted\" \\\"", "C:\\x\\", "é"] {
        let run = wrapped(&world, &[program().to_str().unwrap(), "explain", &format!("--profile={odd}")]);
        run.error(2).says(&[&format!("there is no profile {odd} in the AWS files\n")]);
    }
    script(&world, "args.cmd", ":next\r\nif \"%~1\"==\"\" goto :eof\r\necho [%~1]\r\nshift\r\ngoto next");
    let run = wrapped(&world, &["args", "a b", "-p", "it's"]).success();
    assert_eq!(run.stdout, "[a b]\r\n[-p]\r\n[it's]\r\n");
    // what cmd cannot be told is refused, not run
    wrapped(&world, &["args", "a\nb"]).error(126);
}

#[test]
fn its_environment_has_the_session_and_nothing_that_wins_over_it() {
    let world = logged_in();
    let mut command = world.command(["-p", "admin", "--", "cmd", "/d", "/c", "set"]).may_print_secrets();
    for name in ["aws_profile", "Aws_Vault", "AWS_SECURITY_TOKEN", "mfa_run_passphrase", "Mfa_Run_Passphrase_Command"] {
        command = command.env(name, "stale");
    }
    let run = command.env("aws_session_token", "stale").env("Kept", "1").run().success();
    assert!(!run.stdout.contains("stale"), "{}", run.report());
    for line in ["MFA_RUN_PROFILE=admin\r\n", "Kept=1\r\n", "AWS_ACCESS_KEY_ID=ASIA", "AWS_SESSION_TOKEN="] {
        assert!(run.stdout.to_uppercase().contains(&line.to_uppercase()), "{line}: {}", run.report());
    }
}

#[test]
fn a_variable_counts_in_any_case() {
    let world = logged_in();
    let run = world.command(["credential-process"]).may_print_secrets().env("aws_profile", "admin").run().success();
    assert_eq!(run.stdout, world.process("admin").run().success().stdout);
}

#[test]
fn cmd_evaluates_what_export_prints() {
    let world = logged_in();
    let json = world.command(["export", "-p", "admin", "--format", "json"]).may_print_secrets().run().success();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let set = world.command(["export", "-p", "admin", "--format", "cmd"]).may_print_secrets().run().success();
    let unset = world.command(["export", "--unset", "--format", "cmd"]).run().success();
    // Wine's cmd does not run what `for /f` made of a line
    let show = "echo .%MFA_RUN_PROFILE%%AWS_SESSION_TOKEN%\r\n";
    let text = format!("{}{show}{}{show}", set.stdout, unset.stdout).replace("\r\n", "\n").replace('\n', "\r\n");
    script(&world, "evaluate.cmd", &text);
    let run = world.other("cmd", ["/d", "/c", r"bin\evaluate.cmd"]).env("AWS_PROFILE", "x").may_print_secrets().run();
    let expected = format!(".admin{}\r\n.\r\n", json["SessionToken"].as_str().unwrap());
    assert_eq!(run.success().stdout, expected);
    let lines = world.command(["export", "-p", "admin"]).may_print_secrets().run().success();
    assert!(lines.stdout.starts_with("set \"AWS_ACCESS_KEY_ID=ASIA"), "the default is cmd's");
    let modules = r"C:\Users\j\Documents\PowerShell\Modules;C:\Program Files\PowerShell\Modules";
    let lines =
        world.command(["export", "-p", "admin"]).env("PSModulePath", modules).may_print_secrets().run().success();
    assert!(lines.stdout.starts_with("$Env:AWS_ACCESS_KEY_ID = 'ASIA"), "PowerShell's");
}

#[test]
fn mfa_process_is_run_by_cmd() {
    let world = World::with_one_role();
    script(&world, "otp.cmd", "echo %*");
    let config = world.read(".aws/config");
    world.write_config(&format!("{config}mfa_process = otp {}\n", world.code()));
    world.process("admin").run().success();
    world.write_config(&format!("{config}mfa_process = otp none\n"));
    world.process("admin").arg("--refresh").run().error(1).says(&["what otp gave is not a six-digit MFA code"]);
}

#[test]
fn its_own_command_line_is_read_by_the_rules_of_windows() {
    let world = logged_in();
    let config = world.read(".aws/config");
    let line = format!("\"{}\" credential-process -p admin", program().display());
    world.write_config(&format!("{config}[profile front]\r\ncredential_process = {line}\r\n"));
    assert_eq!(world.process("front").run().success().stdout, world.process("admin").run().success().stdout);
}

#[test]
fn a_file_with_crlf_is_edited_without_loss_and_put_back() {
    let world = World::new();
    let config = world.read(".aws/config").replace('\n', "\r\n");
    world.write_config(&config);
    world.run(["configure", "-p", "admin", "--yes"]).success();
    let changed = world.read(".aws/config");
    let line = changed.lines().find(|line| line.starts_with("credential_process = ")).expect("its line");
    assert!(line.contains(r"\mfa-run.exe credential-process -p admin --role-arn arn:"), "{line}");
    assert_eq!(changed.matches('\n').count(), changed.matches("\r\n").count(), "{changed}");
    world.run(["login", "-p", "admin", "--token-code", &world.code()]).success();
    world.process("admin").run().success();
    world.run(["configure", "--undo", "--yes"]).success();
    assert_eq!(world.read(".aws/config"), config);

    let credentials = world.read(".aws/credentials").replace('\n', "\r\n");
    world.write_credentials(&credentials);
    world.run(["write", "-p", "admin"]).success();
    let written = world.read(".aws/credentials");
    assert!(written.starts_with(&credentials) && written.matches('\n').count() == written.matches("\r\n").count());
    world.write_credentials(&written);
    world.run(["logout", "-p", "admin"]).success();
    assert_eq!(world.read(".aws/credentials").trim_end(), credentials.trim_end());
}

/// Python opens files so that nobody may replace them meanwhile.
#[test]
fn a_file_that_somebody_reads_is_waited_for() {
    use std::os::windows::fs::OpenOptionsExt;
    const SHARE_READ_AND_WRITE: u32 = 3;
    let world = logged_in();
    let open = || {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).share_mode(SHARE_READ_AND_WRITE).open(world.home().join(".aws/credentials")).unwrap()
    };
    let before = world.read(".aws/credentials");
    let held = open();
    let failed = world.run(["write", "-p", "admin"]).error(2).says(&["credentials can't be written"]);
    assert!(failed.elapsed > Duration::from_millis(900), "{}", failed.report());
    assert_eq!(world.read(".aws/credentials"), before);
    drop(held);
    let held = open();
    let running = world.command(["write", "-p", "admin"]).start();
    std::thread::sleep(Duration::from_millis(300));
    drop(held);
    running.wait().success();
    let text = world.read(".aws/credentials");
    assert!(text.contains("[admin-session]"));
    world.write_credentials(&text);
}

#[test]
fn twelve_at_once_make_one_session() {
    let world = World::with_one_role();
    let code = world.code();
    let running: Vec<_> =
        (0..12).map(|_| world.process("admin").args(["--token-code", &code]).stdin_left_open().start()).collect();
    let mut printed: Vec<_> = running.into_iter().map(|running| running.wait().success().stdout).collect();
    printed.dedup();
    assert_eq!(printed.len(), 1);
    assert_eq!(world.aws.calls("AssumeRole").len(), 1, "{}", world.calls());
}

#[test]
fn credential_manager_keeps_a_session() {
    let mut world = World::with_one_role();
    for store in ["windows", "auto"] {
        world.set("MFA_RUN_KEYCHAIN", store);
        let first = world.process("admin").args(["--token-code", &world.code()]).run().success();
        assert_eq!(first.stderr, "");
        assert_eq!(world.process("admin").run().success().stdout, first.stdout);
        assert!(!world.home().join(".local/share/mfa-run/sealed").exists());
        world.run(["logout", "-p", "admin"]).success().says(&["forgot 1 cached session"]);
        world.process("admin").run().error(3);
    }
}

#[test]
fn killed_while_it_waits_it_leaves_no_lock() {
    let world = World::with_one_role();
    world.aws.fault(Fault::new("AssumeRole", FaultKind::Hang));
    let mut running = world.process("admin").args(["--token-code", &world.code()]).start();
    while world.aws.calls("AssumeRole").is_empty() {
        assert!(running.is_running());
        std::thread::sleep(Duration::from_millis(20));
    }
    running.kill();
    let _ = running.wait();
    world.aws.clear_faults();
    world.process("admin").args(["--token-code", &world.code()]).run().success();
    world.process("admin").run().success();
}

#[test]
fn a_served_session_reaches_the_command() {
    let world = logged_in();
    let served = world.command(["--serve", "-p", "admin", "--", "cmd", "/d", "/c", "set AWS_& exit 300"]);
    let run = served.may_print_secrets().run().expect_code(300);
    assert!(run.stdout.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:"), "{}", run.report());
    assert!(!run.stdout.contains("AWS_ACCESS_KEY_ID"), "{}", run.report());
}
