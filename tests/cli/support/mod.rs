//! What every test of the program stands on: a [`Sandbox`] that lets nothing in and no secret out, a [`Pty`] where a
//! person would sit, and skips that are counted.

#![allow(dead_code, reason = "each platform and each test uses a part of it")]

#[cfg(target_os = "linux")]
mod desktop;
#[cfg(unix)]
mod display;
mod launch;
#[cfg(unix)]
mod pty;
mod run;
mod sandbox;
mod world;

#[cfg(target_os = "linux")]
#[allow(unused_imports, reason = "for tests to name them")]
pub(crate) use desktop::{Desktop, GCR_PROMPTER, KEYRING, PROMPTER, SECRETS};
#[cfg(unix)]
#[allow(unused_imports, reason = "for tests to name them")]
pub(crate) use display::Display;
#[cfg(unix)]
pub(crate) use pty::Pty;
pub(crate) use run::Run;
#[allow(unused_imports, reason = "for tests to name them")]
pub(crate) use run::{Command, Running};
pub(crate) use sandbox::Sandbox;
pub(crate) use world::World;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

static SKIPS: AtomicU32 = AtomicU32::new(0);

/// Says that something could not be tried here, and counts it. Shown even where libtest captures output.
pub(crate) fn skip(reason: &str) {
    let count = SKIPS.fetch_add(1, Ordering::Relaxed) + 1;
    // libtest captures eprintln!, not the handle.
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("SKIP: {reason} (skip {count} of this run)\n").as_bytes(),
    );
}

/// A program that is not ours.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    pub(crate) path: PathBuf,
}

impl Tool {
    /// Looks along the PATH of the test run; where it is missing, counts a skip.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let found = Self::find_quietly(name);
        if found.is_none() {
            skip(&format!("no `{name}` here"));
        }
        found
    }

    /// The same for a tool whose absence skips nothing.
    #[expect(clippy::disallowed_methods, reason = "the real PATH is where the tools are")]
    pub(crate) fn find_quietly(name: &str) -> Option<Self> {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
            .find(|path| path.is_file())
            .map(|path| Self { path })
    }
}
