//! The shape of the source: which module may use which, how long a file may be, where secrets and streams may be touched,
//! and what may not be in the repository at all. Modules that are not there yet are allowed for, so that they can appear.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Everything may use these.
const BASE: [&str; 5] = ["child", "credentials", "env", "fsio", "terminal"];

/// Module, and what it may use beside [`BASE`] and itself. Arrows point down; `error` maps every module's error, so only
/// the edge uses it.
const MAY_USE: [(&str, &[&str]); 17] = [
    ("child", &[]),
    ("credentials", &[]),
    ("env", &[]),
    ("fsio", &[]),
    ("terminal", &[]),
    ("config", &[]),
    ("profile", &["config"]),
    ("mfa", &[]),
    ("keychain", &[]),
    ("aws", &["profile"]),
    ("output", &[]),
    ("session", &["aws", "config", "keychain", "mfa", "output", "profile"]),
    ("error", &["aws", "config", "keychain", "mfa", "output", "profile", "session"]),
    ("complete", &["config", "profile"]),
    ("commands", &["aws", "cli", "complete", "config", "error", "keychain", "mfa", "output", "profile", "session"]),
    ("cli", &["commands", "complete", "error", "profile"]),
    ("lib", &["cli", "commands", "complete", "error"]),
];

const LONGEST_FILE: usize = 500;

#[test]
fn dependencies_point_down() {
    let mut wrong = Vec::new();
    for file in sources("src") {
        let module = module_of(&file);
        if module == "main" {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: no line in MAY_USE for {module}", file.display()));
            continue;
        };
        for used in used_modules(&code_of(&file)) {
            let may = used == module || BASE.contains(&used.as_str()) || allowed.contains(&used.as_str());
            if !may {
                wrong.push(format!("{}: {module} may not use {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_never_import_each_other() {
    let commands: Vec<_> = sources("src/commands");
    for file in &commands {
        let own = file.strip_prefix(root().join("src/commands")).unwrap().with_extension("");
        let own = own.iter().next().unwrap().to_str().unwrap();
        let text = code_of(file);
        let others = commands.iter().filter(|other| other.parent() == Some(&root().join("src/commands")));
        for other in others.filter_map(|other| other.file_stem()?.to_str()).filter(|&other| other != own) {
            let imported = ["crate::commands::", "super::"].map(|path| format!("{path}{other}"));
            assert!(!imported.iter().any(|path| names(&text, path)), "{}: uses {other}", file.display());
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let folders = ["src", "tests", "benches", "examples"];
    let long: Vec<_> = folders
        .into_iter()
        .flat_map(sources)
        .map(|file| (read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .collect();
    assert!(long.is_empty(), "over {LONGEST_FILE} lines: what is the second subject of {long:?}?");
}

#[test]
fn secrets_are_exposed_in_few_places() {
    let owners = ["credentials", "output", "keychain", "aws"];
    // and one file: taking an edit of the AWS files back can put a secret back where it stood
    let undo = root().join("src/config/undo.rs");
    for file in sources("src").into_iter().filter(|file| *file != undo && !owners.contains(&module_of(file).as_str())) {
        assert!(!code_of(&file).contains("expose_secret"), "{}", file.display());
    }
}

#[test]
fn streams_have_one_writer_each() {
    let macros = ["print!", "println!", "eprint!", "eprintln!", "dbg!"];
    for file in sources("src") {
        let (module, text) = (module_of(&file), code_of(&file));
        for word in macros {
            assert!(!names(&text, word), "{}: {word}", file.display());
        }
        assert!(module == "output" || !text.contains("io::stdout()"), "{}: stdout", file.display());
        let may_say = ["error", "terminal"].contains(&module.as_str());
        assert!(may_say || !text.contains("io::stderr()"), "{}: stderr", file.display());
    }
}

/// Package registries are configured on a machine, not here; and nobody else has this machine's folders.
#[test]
#[expect(clippy::disallowed_methods, reason = "what must not be in a file")]
fn nothing_of_one_machine_is_in_the_repository() {
    let home = std::env::var("HOME").unwrap_or_default();
    let folders = [home.as_str(), root().to_str().unwrap()].into_iter().filter(|folder| folder.len() > 1);
    let private: Vec<_> = folders.map(|folder| format!("{folder}/")).collect();
    // In two halves, so that this file passes its own test.
    let settings = [("index", "-url"), ("replace", "-with"), ("_auth", "Token"), ("extra-", "index")];
    let labels = ["registry", "index", "pypi", "files", "npmjs", "static", "deb", "mirror", "mirrors", "artifactory"];
    let mut wrong = Vec::new();
    for file in every_file() {
        let Ok(text) = String::from_utf8(std::fs::read(&file).unwrap()) else { continue };
        let words = private.iter().cloned().chain(settings.map(|(first, second)| format!("{first}{second}")));
        wrong.extend(words.filter(|word| text.contains(word)).map(|word| format!("{}: {word}", file.display())));
        for host in text.split("://").skip(1).map(|after| {
            after.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-')).next().unwrap_or_default()
        }) {
            if host.contains('.') && host.split('.').any(|label| labels.contains(&label)) {
                wrong.push(format!("{}: {host}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Source files below a folder; none where there is no such folder.
fn sources(folder: &str) -> Vec<PathBuf> {
    let source = |file: &PathBuf| {
        file.extension().is_none_or(|end| ["rs", "py", "sh", "js", "mjs", "tf"].iter().any(|e| end == *e))
    };
    files_below(&root().join(folder)).into_iter().filter(source).collect()
}

/// Every file of the repository as it lies there; what git ignores is in `target` and nowhere else.
fn every_file() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap().map(Result::unwrap) {
        match entry.file_name().to_str() {
            Some("target" | ".git") => {}
            _ if entry.file_type().unwrap().is_dir() => files.extend(files_below(&entry.path())),
            _ => files.push(entry.path()),
        }
    }
    files
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => match entry.file_name().to_str() {
                Some("target" | "node_modules" | "__pycache__" | ".terraform") => {}
                _ => files.extend(files_below(&entry.path())),
            },
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

/// The top module of a file: `profile` for `src/profile/plan.rs`.
fn module_of(file: &Path) -> String {
    let below = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    below.iter().next().unwrap().to_str().unwrap().to_owned()
}

/// The code of a file: without comments, and without the tests at its end; nothing of a module of tests.
fn code_of(file: &Path) -> String {
    let below = file.strip_prefix(root()).unwrap().with_extension("");
    if below.iter().any(|part| part == "tests") {
        return String::new();
    }
    let text = read(file);
    let code = text.find("\nmod tests {").map_or(text.as_str(), |at| &text[..at]);
    code.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line }).collect::<Vec<_>>().join("\n")
}

/// The modules that `crate::x` and `crate::{x, y::z}` name.
fn used_modules(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    let mut used = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            used.insert(word(after));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    used.insert(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    used.retain(|name| name.chars().next().is_some_and(char::is_lowercase));
    used
}

/// Whether the text has this name as a whole one.
fn names(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let after = &text[at + name.len()..];
        let longer = text[..at].ends_with(part) || (name.ends_with(part) && after.starts_with(part));
        !longer
    })
}

#[test]
fn uses_are_found_in_every_form() {
    let code = "use crate::env::Env;\nuse crate::{aws::{sts, iam}, profile, mfa::Ask};\nlet x = crate::output::print(b);\n\
                pub(crate) fn f() {}\n$crate::Macro";
    let found: Vec<_> = used_modules(code).into_iter().collect();
    assert_eq!(found, ["aws", "env", "mfa", "output", "profile"]);
    assert!(names("a println!(x)", "println!") && !names("eprintln!(x)", "println!"));
    assert!(names("use super::list;", "super::list") && !names("use super::listing;", "super::list"));
}
