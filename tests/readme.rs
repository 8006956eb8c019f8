//! README.md cannot lie: its ```console blocks are run as they stand, at a terminal, with the ```ini block of the same name
//! as the config file; every other command line has to parse; every option, variable, exit code and message it names has
//! to be in the source.
//!
//! A ```console block is a script. `$ ` begins a command, what follows is what the terminal shows; `…` stands for anything,
//! and behind the prompt a code is typed.
#![cfg(unix)]

#[path = "cli/support/mod.rs"]
mod support;

use clap::CommandFactory;
use mfa_run::cli::Cli;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use support::{Tool, World};

const README: &str = include_str!("../README.md");
const CI: &str = include_str!("../.ci/run");
const CARGO: &str = include_str!("../Cargo.toml");

/// A fenced block: language, name, text.
struct Block {
    language: &'static str,
    name: &'static str,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let (language, name) = info.split_once(' ').unwrap_or((info, ""));
        let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        blocks.push(Block { language, name, text });
    }
    blocks
}

/// What is between backticks, blocks left out.
fn inline_code() -> Vec<String> {
    let outside = README.split("```").step_by(2);
    outside.flat_map(|text| text.split('`').skip(1).step_by(2)).map(|code| code.replace("\\|", "|")).collect()
}

/// The rows of the table below this heading: what is in their cells.
fn table(heading: &str) -> Vec<Vec<String>> {
    let below = README.split_once(&format!("\n## {heading}\n")).expect(heading).1;
    let rows = below.lines().skip_while(|line| !line.starts_with('|')).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// All of src, tests of modules included.
fn source() -> String {
    fn add(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                add(&path, text);
            } else {
                *text += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let mut text = String::new();
    add(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    text
}

#[test]
fn console_blocks_are_what_a_terminal_shows() {
    let blocks = blocks();
    let mut ran = 0;
    for block in blocks.iter().filter(|block| block.language == "console") {
        let named = if block.name == "roles" { "main" } else { block.name };
        let ini = blocks.iter().find(|b| b.language == "ini" && b.name == named).expect(block.name);
        let mut config = ini.text.clone();
        if block.name == "roles" {
            config += &config.replace("admin", "readonly");
        }
        ran += u32::from(show(block, &config));
    }
    assert!(ran >= 1, "at least what needs no AWS CLI");
}

/// Runs a block. False where the AWS CLI is missing.
fn show(block: &Block, config: &str) -> bool {
    let world = World::bare(fake_aws::Options::default());
    world.write_config(&config.replace("/usr/local/bin/mfa-run", env!("CARGO_BIN_EXE_mfa-run")));
    world.write_credentials(&world.access_key("alice"));
    if block.text.contains("aws sts") {
        let Some(aws) = Tool::find("aws") else {
            assert!(variable("MFA_RUN_REQUIRE_TOOLS").is_empty(), ".ci/run installs the AWS CLI");
            return false;
        };
        world.program("aws", &format!("PATH={}:$PATH exec '{}' \"$@\"", variable("PATH"), aws.path.display()));
    }
    let script: String =
        block.text.lines().filter_map(|line| Some(format!("{}\n", line.strip_prefix("$ ")?))).collect();
    let wanted: Vec<&str> = block.text.lines().filter(|line| !line.starts_with("$ ")).collect();

    let mut terminal = world.other("sh", ["-c", &script]).env("AWS_PAGER", "").may_print_secrets().all_on_terminal();
    let prompts: Vec<&str> = wanted.iter().filter_map(|line| line.strip_suffix("123456")).collect();
    let mut screen_code = Vec::new();
    for prompt in prompts {
        let code = world.code();
        terminal.expect(prompt).send_line(&code);
        screen_code.push(code);
    }
    let run = terminal.wait().success();
    let mut screen = run.screen.replace("\r\n", "\n");
    for code in screen_code {
        screen = screen.replace(&code, "123456");
    }
    let shown: Vec<&str> = screen.lines().collect();
    let alike = shown.len() == wanted.len() && shown.iter().zip(&wanted).all(|(shown, wanted)| is_like(shown, wanted));
    // what the AWS CLI writes of roles that it assumes itself, as README says of layout B
    let its_own = world.home().join(".aws/cli/cache");
    assert_eq!(its_own.exists(), block.name == "layout-b", "{}", block.text);
    if its_own.exists() {
        std::fs::remove_dir_all(its_own).unwrap();
    }
    assert!(alike, "README says\n{}\n\nand the terminal shows\n{screen}", block.text);
    true
}

/// Of the test run: its switches, and where a tool that is a script finds its interpreter.
#[expect(clippy::disallowed_methods, reason = "the real PATH is where the tools are")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Whether the text is the pattern, `…` standing for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        open = part.is_empty();
    }
    open || rest.is_empty()
}

/// The `mfa-run` command lines in a line of shell: what `$(`, `|` and `>` make of it is cut away.
fn command_lines(code: &str) -> Vec<Vec<OsString>> {
    let code = code.replace("$(", "\n").replace(['(', ')', '|', '>', '#'], "\n").replace("in '", "\n");
    let lines = code.lines().map(str::trim).map(|line| line.trim_end_matches(['\'', '"', ';']));
    let ours = lines.filter_map(|line| line.strip_prefix("$ ").unwrap_or(line).strip_prefix("mfa-run "));
    ours.map(|line| shlex::split(line).unwrap_or_else(|| panic!("{line}")))
        .map(|words| std::iter::once("mfa-run".to_owned()).chain(words).map(OsString::from).collect())
        .collect()
}

#[test]
fn every_command_line_parses() {
    let blocks = blocks();
    let shell = blocks.iter().filter(|block| ["sh", "console"].contains(&block.language));
    let codes: Vec<String> = shell.map(|block| block.text.clone()).chain(inline_code()).collect();
    let lines: Vec<_> = codes.iter().flat_map(|code| command_lines(code)).collect();
    assert!(lines.len() > 20, "{}", lines.len());
    for line in lines {
        if let Err(error) = Cli::from_arguments(line.iter().cloned()) {
            panic!("{line:?}\n{error}");
        }
    }
    let processes =
        blocks.iter().flat_map(|block| block.text.lines().filter(|l| l.starts_with("credential_process =")));
    for line in processes {
        let read = mfa_run::profile::Request::from_credential_process(line.split_once(" = ").unwrap().1);
        assert!(read.is_some_and(|read| read.is_ok()), "{line}");
    }
}

#[test]
fn the_options_are_those_of_the_program() {
    let cli = Cli::command();
    let request = cli.get_arguments().filter(|arg| arg.get_help_heading() == Some("Request options"));
    let there: BTreeSet<String> = request.filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
    let cells = table("Request options").concat().join(" ");
    let words = cells.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| word.starts_with("--"));
    assert_eq!(words.map(str::to_owned).collect::<BTreeSet<_>>(), there, "in the table, in the program");

    let mut known: BTreeSet<String> = there;
    let mut commands = vec![&cli];
    while let Some(command) = commands.pop() {
        known.extend(command.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?))));
        commands.extend(command.get_subcommands());
    }
    let separator = |code: &str| code == "--" || code.starts_with("-- ");
    for code in inline_code().iter().filter(|code| code.starts_with("--") && !separator(code)) {
        let name = code.split([' ', '=']).next().unwrap();
        assert!(known.contains(name), "{code}");
    }
}

#[test]
fn variables_and_keys_are_read_somewhere() {
    let source = source();
    let names = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        words.filter(|word| word.starts_with("MFA_RUN_") && word.len() > 8).map(str::to_owned).collect()
    };
    let there: BTreeSet<String> =
        names(&source).into_iter().filter(|name| !name.starts_with("MFA_RUN_TEST_")).collect();
    assert_eq!(names(README), there, "in the README, in src");

    let own = ["`AWS_ROLE_ARN`", "`HTTP_PROXY`"];
    assert!(own.iter().all(|name| README.contains(name)));
    for row in table("Environment variables").iter().chain(&table("In the AWS files")) {
        for name in row[0].split('`').skip(1).step_by(2) {
            // proxies are the HTTP client's business
            assert!(name.ends_with("_PROXY") || source.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let source = source();
    let kinds = source.split_once("enum Kind {\n    Failure").expect("error.rs").1.split_once('}').unwrap().0;
    let numbers = |text: &str| -> BTreeSet<u8> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
    };
    let mut there = numbers(kinds);
    there.insert(0);
    let named: String = table("Exit codes").iter().map(|row| format!("{} ", row[0])).collect();
    assert_eq!(numbers(&named), there, "in the README, in error.rs");
}

#[test]
fn messages_are_those_of_the_program() {
    // A literal may go over several lines.
    let source = source().replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    for row in table("When it does not work") {
        for part in row[0].trim_matches('`').split(['…', ':']).map(str::trim).filter(|part| part.len() > 3) {
            assert!(source.contains(part), "`{part}` of {}", row[0]);
        }
    }
}

#[test]
fn formats_are_those_of_the_program() {
    use clap::ValueEnum;
    use mfa_run::output::shell::Format;
    let there: BTreeSet<&str> = Format::value_variants().iter().map(|format| format.name()).collect();
    let below = README.split_once("| `--format` | use |").expect("the table").1;
    let cells =
        below.lines().skip(2).take_while(|line| line.starts_with('|')).filter_map(|row| row.split(" | ").next());
    let named: BTreeSet<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(named, there, "in the README, in the program");
}

#[test]
fn what_it_needs_is_what_ci_installs_and_runs() {
    let version = CARGO.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(README.contains(&format!("Rust {version} or newer")));
    let packages = CI.split_once("packages=(").unwrap().1.split_once(')').unwrap().0;
    for package in packages.split_whitespace().chain(["python3", "python3-venv", "nodejs", "npm"]) {
        let named = README
            .lines()
            .any(|line| line.contains("apt install") && line.split([' ', '`', ',']).any(|word| word == package));
        assert!(named, "{package}");
    }
    for command in ["cargo run --example try", "cargo test --workspace"] {
        assert!(README.contains(&format!("\n{command} ")), "{command}");
        let (cargo, rest) = command.split_at("cargo run".len() + usize::from(command.contains("test")));
        assert!(CI.contains(&format!("\n{cargo} --locked{rest}")), "{command} with --locked");
    }
}

/// The demo as a person sees it, on a terminal that cannot move its cursor.
#[test]
fn the_demo_leads_to_its_end() {
    let demo = Path::new(env!("CARGO_BIN_EXE_mfa-run")).with_file_name("examples").join("try");
    if !demo.exists() {
        support::skip("no demo: cargo builds it for `cargo test`, not for `cargo test --test readme`");
        return;
    }
    let sandbox = support::Sandbox::new();
    let mut terminal = sandbox.other(&demo, [""; 0]).all_on_terminal();
    terminal.expect("[Enter] to begin").send_line("");
    terminal.expect("The device shows ");
    terminal.expect("MFA code for ");
    let screen = terminal.screen();
    let code: String = screen.split_once("The device shows ").unwrap().1.chars().take(6).collect();
    terminal.send_line(&code);
    for next in ["do it again", "run a command", "see it go wrong", "clean up", "see what to do"] {
        terminal.expect(&format!("[Enter] to {next}")).send_line("");
    }
    let run = terminal.wait().success();
    assert!(run.screen.contains("Nothing of this demo is left"), "{}", run.report());
    let wide: Vec<_> = run.screen.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
    let left: Vec<_> = std::fs::read_dir(sandbox.home().join("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demo_leaves_nothing_after_an_interrupt() {
    let demo = Path::new(env!("CARGO_BIN_EXE_mfa-run")).with_file_name("examples").join("try");
    if !demo.exists() {
        support::skip("no demo: cargo builds it for `cargo test`, not for `cargo test --test readme`");
        return;
    }
    let sandbox = support::Sandbox::new();
    let mut terminal = sandbox.other(&demo, [""; 0]).all_on_terminal();
    terminal.expect("[Enter] to begin").send_line("");
    terminal.expect("MFA code for ");
    let temporary = sandbox.home().join("tmp");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 1);
    terminal.interrupt();
    assert_eq!(terminal.wait().signal(), Some(2));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while std::fs::read_dir(&temporary).unwrap().count() > 0 {
        assert!(std::time::Instant::now() < until, "the private HOME is still there");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn the_exec_plugin_for_kubectl_gives_a_token() {
    let blocks = blocks();
    let yaml = &blocks.iter().find(|block| block.name == "eks").expect("the recipe for kubectl").text;
    let value = |key: &str| yaml.lines().find_map(|line| line.trim().strip_prefix(key)).expect(key).trim();
    let args: Vec<&str> = value("args:").trim_matches(['[', ']']).split(", ").collect();
    assert_eq!(value("command:"), "mfa-run");

    let world = World::bare(fake_aws::Options::default());
    world.write_config(&blocks.iter().find(|b| b.language == "ini" && b.name == "main").expect("a profile").text);
    world.write_credentials(&world.access_key("alice"));
    let Some(aws) = Tool::find("aws") else {
        assert!(variable("MFA_RUN_REQUIRE_TOOLS").is_empty(), ".ci/run installs the AWS CLI");
        return;
    };
    world.program("aws", &format!("PATH={}:$PATH exec '{}' \"$@\"", variable("PATH"), aws.path.display()));
    // kubectl reads stdout; the person types at the terminal
    let mut terminal = world.command(args.iter().copied()).may_print_secrets().on_terminal();
    terminal.expect("MFA code for").send_line(&world.code());
    let run = terminal.wait().success();
    let credential: serde_json::Value = serde_json::from_str(run.stdout.trim()).expect("JSON and nothing else");
    assert_eq!(credential["kind"], "ExecCredential");
    assert_eq!(credential["apiVersion"], value("apiVersion:"));
    assert!(credential["status"]["token"].as_str().expect("a token").starts_with("k8s-aws-v1."));
}
