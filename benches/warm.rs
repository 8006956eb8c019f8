//! The table of the speed budgets: `cargo bench`. Whole processes, each beside an empty Rust program, in turn, so that a noisy
//! machine slows both. It prints, it does not judge: the instruction counts that do not depend on the machine's load are held
//! by `tests/budget`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod support;

use std::path::Path;
use std::time::Duration;
use support::{Bench, Sample};

const RUNS: usize = 200;

fn main() {
    // `cargo test --benches` only wants to know that it starts
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let bench = Bench::new();
    let empty = bench.empty_program();
    let program = support::program();
    let warm = ["credential-process", "-p", "admin"];

    println!("{:<52} {:>9} {:>9} {:>7} {:>8}", "", "min ms", "median ms", "x empty", "peak MB");
    let row = |name: &str, sample: &Sample| {
        let ratio = sample.median.as_secs_f64() / sample.empty_median.as_secs_f64();
        println!("{name:<52} {:>9.2} {:>9.2} {ratio:>7.2} {:>8}", ms(sample.min), ms(sample.median), sample.peak_mb());
    };
    let time = |name: &str, program: &Path, arguments: &[&str], variables: &[(&str, &str)]| {
        let sample = bench.time(&empty, program, arguments, variables, RUNS);
        row(name, &sample);
        sample
    };
    time("an empty Rust program", &empty, &[], &[]);
    let keyring = bench.has_keyring();
    let store = if keyring { ("MFA_RUN_KEYCHAIN", "keyutils") } else { ("MFA_RUN_KEYCHAIN", "file") };
    if !keyring {
        println!("(no kernel keyring here: the sealed file stands in for it)");
    }
    for (profiles, budget) in [("3", "1.5 x empty"), ("300", "")] {
        bench.log_in(store, profiles);
        let name = format!("warm credential-process, {} profiles, {}", profiles, store.1);
        let name = if budget.is_empty() { name } else { format!("{name} ({budget})") };
        time(&name, &program, &warm, &[store, ("AWS_CONFIG_FILE", &bench.config(profiles))]);
    }
    let config = bench.config("3");
    let sealed = ("MFA_RUN_KEYCHAIN", "file");
    bench.log_in(sealed, "3");
    time(
        "warm credential-process, sealed file (2 x keyring)",
        &program,
        &warm,
        &[sealed, ("AWS_CONFIG_FILE", &config)],
    );
    time(
        "mfa-run -- true (warm + one exec)",
        &program,
        &["-p", "admin", "--", "true"],
        &[store, ("AWS_CONFIG_FILE", &config)],
    );
    time(
        "export --format sh",
        &program,
        &["export", "-p", "admin", "--format", "sh"],
        &[store, ("AWS_CONFIG_FILE", &config)],
    );

    for (name, line) in [
        ("init bash --prompt, at a shell's start", &["init", "bash", "--prompt"][..]),
        ("status --prompt, at a prompt", &["status", "--prompt=bash", "-p", "admin"]),
        ("a Tab behind -p, 3 profiles", &["complete", "zsh", "--", "mfa-run", "export", "-p", ""]),
    ] {
        time(name, &program, line, &[store, ("AWS_CONFIG_FILE", &config)]);
    }

    let cold = bench.cold(&program, store, 12);
    println!(
        "{:<52} {:>9.2} {:>9.2}",
        "cold, code given, one round trip (round trip + 15)",
        ms(cold.min),
        ms(cold.median)
    );
    println!("{:<52} {:>9.2}", "   of which the round trip, on a kept connection", ms(bench.round_trip()));
    println!(
        "{:<52} {:>9.1} MB",
        "binary (12 MB)",
        std::fs::metadata(&program).map_or(0.0, |file| file.len() as f64 / 1e6)
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
