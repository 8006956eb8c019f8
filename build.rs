//! Two tenths of a millisecond at every start, of about one: gcc's unwinder is linked into the program instead of loaded as
//! `libgcc_s.so`, and the program has a fixed address, as Go's have, so that twelve thousand pointers need not be put right.
//! (ARCHITECTURE.md weighs that.) Only on Linux with glibc, for the machine it is built on; elsewhere linking is as usual.
#![expect(clippy::disallowed_methods, reason = "how a build script talks to cargo")]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let native = env::var("HOST") == env::var("TARGET");
    if target("OS") != "linux" || target("ENV") != "gnu" || !native {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    let Ok(answer) = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output() else { return };
    let archive = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    // a compiler that does not have it answers with the bare name
    if let Some(folder) = Path::new(&archive).parent().filter(|folder| folder.is_absolute()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
