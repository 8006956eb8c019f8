//! The man pages in packaging/man: made from clap's tree, the tables of README.md and the words in `words.rs`; checked in, and
//! held against all three. `MFA_RUN_BLESS=1 cargo test --test man` writes them anew.
#![cfg(unix)]

mod page;
mod words;

use clap::CommandFactory;
use mfa_run::cli::Cli;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use words::{WORDS, Words};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/man")
}

/// Every command that a person may type, `mfa-run` itself first; a command of commands comes before them.
fn commands() -> Vec<clap::Command> {
    fn add(command: &clap::Command, all: &mut Vec<clap::Command>) {
        all.push(command.clone());
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            add(inner, all);
        }
    }
    let mut cli = Cli::command();
    cli.build();
    let mut all = Vec::new();
    add(&cli, &mut all);
    all
}

/// `mfa-run key import`
fn name(command: &clap::Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

fn words(command: &clap::Command) -> Option<&'static Words> {
    WORDS.iter().find(|words| words.command == name(command))
}

fn is_set(switch: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run")]
    std::env::var(switch).is_ok_and(|value| !value.is_empty())
}

#[test]
fn every_command_has_examples() {
    let commands = commands();
    let names: Vec<&str> = commands.iter().map(name).collect();
    for command in &commands {
        let words = words(command).unwrap_or_else(|| panic!("no examples of `{}` in words.rs", name(command)));
        assert!(!words.examples.is_empty(), "no examples of `{}` in words.rs", name(command));
        for other in words.see_also {
            assert!(names.contains(other), "`{}` has a pointer to `{other}`, which is no command", words.command);
        }
    }
    let gone: Vec<_> = WORDS.iter().map(|words| words.command).filter(|name| !names.contains(name)).collect();
    assert!(gone.is_empty(), "words.rs speaks of what is no command: {gone:?}");
}

/// Of `eval "$(mfa-run export)"` and `mfa-run list | less`, the part that is ours.
#[test]
fn every_example_parses() {
    for words in WORDS {
        let mut ours = 0;
        for (_, line) in words.examples {
            for line in line.replace(['(', ')', '|', '<', '>'], "\n").lines() {
                let line = line.trim().trim_end_matches(['"', '\'']);
                let Some(at) = line.find("mfa-run ") else { continue };
                let line = shlex::split(&line[at..]).unwrap_or_else(|| panic!("{line}"));
                let of_this = words.command.split(' ').zip(&line).all(|(wanted, word)| wanted == word);
                ours += u32::from(of_this);
                if let Err(error) = Cli::from_arguments(line.iter().map(OsString::from)) {
                    panic!("{line:?}\n{error}");
                }
            }
        }
        assert!(ours > 0, "no example of `{}` runs it", words.command);
    }
}

#[test]
fn pages_are_those_of_the_program() {
    let pages = pages();
    let there: BTreeMap<String, String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    if is_set("MFA_RUN_BLESS") {
        for gone in there.keys().filter(|name| !pages.contains_key(*name)) {
            std::fs::remove_file(folder().join(gone)).unwrap();
        }
        for (name, page) in &pages {
            #[expect(clippy::disallowed_methods, reason = "no secret, and no file of a user")]
            std::fs::write(folder().join(name), page).unwrap();
        }
        return;
    }
    let old: Vec<_> = pages.keys().chain(there.keys()).filter(|name| pages.get(*name) != there.get(*name)).collect();
    assert!(old.is_empty(), "not as the program is: {old:?}; MFA_RUN_BLESS=1 cargo test --test man writes them anew");
}

#[test]
fn mandoc_finds_no_fault() {
    for (name, page) in pages() {
        let mandoc = Command::new("mandoc").arg("-Tlint").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut mandoc) = mandoc else {
            assert!(!is_set("MFA_RUN_REQUIRE_TOOLS"), ".ci/run installs mandoc");
            let _ = std::io::stderr().write_all(b"SKIP: no `mandoc` here (skip 1 of this run)\n");
            return;
        };
        mandoc.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let looked = mandoc.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&looked.stdout);
        assert!(looked.status.success() && said.is_empty(), "{name}: {said}");
    }
}

/// Name and text of each page, as it should be.
fn pages() -> BTreeMap<String, String> {
    let commands = commands();
    let pages = commands.iter().filter_map(|command| {
        Some((format!("{}.1", name(command).replace(' ', "-")), page::render(command, words(command)?)))
    });
    pages.collect()
}
