//! The AWS files: a corpus and generated files, parsed, edited and taken back; the same files read by botocore and by
//! Rust's SDK; and what becomes of a file on disk when the writer is killed, refused or not alone.

mod differential;
#[cfg(unix)]
mod disk;
mod generate;
mod identity;

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where the corpus is: `NAME.config` and `NAME.credentials`, one of them or both.
fn corpus_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/corpus")
}

/// Name, config and credentials of each file of the corpus; empty where there is none.
fn corpus() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let mut names: Vec<String> = std::fs::read_dir(corpus_folder())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().path()).filter(|path| path.extension().is_some()))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.dedup();
    let read =
        |name: &str, kind: &str| std::fs::read(corpus_folder().join(name).with_extension(kind)).unwrap_or_default();
    names.into_iter().map(|name| (name.clone(), read(&name, "config"), read(&name, "credentials"))).collect()
}

/// Says that a test could not be run here, so that a log tells how many; past the capture of the test harness.
fn skip(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}
