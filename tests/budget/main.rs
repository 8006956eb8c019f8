//! Speed as instruction counts, which do not depend on the machine's load: valgrind's callgrind counts the user instructions
//! of whole runs of a release build. Without valgrind, or in a debug build without a release binary beside it, a counted skip.

#[path = "../../benches/support/mod.rs"]
#[allow(dead_code, reason = "the bench uses the rest")]
mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::Bench;

const WARM: [&str; 3] = ["credential-process", "-p", "admin"];

#[test]
fn the_warm_path_keeps_its_instruction_budgets() {
    let Some(program) = release_program() else { return skip("no release build: cargo build --release") };
    if std::process::Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("no valgrind here");
    }
    let bench = Bench::new();
    let store = if bench.has_keyring() { "keyutils" } else { "file" };
    let count = |program: &Path, arguments: &[&str], profiles: &str, store: &str| {
        let out = "--callgrind-out-file=/dev/null";
        let mut words = vec!["--tool=callgrind", out, program.to_str().expect("a path")];
        words.extend(arguments);
        let config = bench.config(profiles);
        let variables = [("MFA_RUN_KEYCHAIN", store), ("AWS_CONFIG_FILE", config.as_str())];
        let mut command = bench.command(Path::new("/usr/bin/valgrind"), &words, &variables);
        let run = command.stderr(Stdio::piped()).output().expect("valgrind runs");
        let report = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{report}");
        let collected = report.lines().find_map(|line| line.split_once("Collected : ")).expect("a count").1;
        collected.trim().parse::<u64>().expect("a number")
    };
    for (store, profiles, budget) in [(store, "3", 1_000_000), (store, "300", 3_000_000), ("file", "3", 1_400_000)] {
        bench.log_in(("MFA_RUN_KEYCHAIN", store), profiles);
        let used = count(&program, &WARM, profiles, store);
        let _ = writeln!(std::io::stderr(), "warm, {store}, {profiles} profiles: {used} of {budget} instructions");
        assert!(used <= budget, "warm, {store}, {profiles} profiles: {used} instructions, the budget is {budget}");
    }
    // what runs at every prompt and at every Tab; and once a shell, with the whole command line built
    for (line, budget) in [
        (&["status", "--prompt", "-p", "admin"][..], 1_000_000),
        (&["complete", "zsh", "--", "mfa-run", "export", "-p", ""], 1_000_000),
        (&["complete", "zsh", "--", "mfa-run", ""], 1_000_000),
        (&["init", "bash", "--prompt"], 1_400_000),
    ] {
        let (used, name) = (count(&program, line, "3", store), line.join(" "));
        let _ = writeln!(std::io::stderr(), "{name}, 3 profiles: {used} of {budget} instructions");
        assert!(used <= budget, "{name}: {used} instructions");
    }
    let empty = count(&bench.empty_program(), &[], "3", store);
    assert!(empty > 50_000, "valgrind counts: {empty}");
}

#[test]
fn the_binary_is_small() {
    let Some(program) = release_program() else { return skip("no release build: cargo build --release") };
    let size = std::fs::metadata(program).expect("it is there").len();
    assert!(size <= 12_000_000, "{size} bytes");
}

/// The release build in the same target folder.
fn release_program() -> Option<PathBuf> {
    let program = support::program();
    let target = program.parent()?.parent()?;
    Some(target.join("release").join(program.file_name()?)).filter(|program| program.is_file())
}

fn skip(reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIP: {reason}");
}
