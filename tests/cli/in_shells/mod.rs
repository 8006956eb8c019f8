//! Completion, the function `mfa` and the prompt's segment, in the shells they are for.

mod completion;
mod function;
mod prompt;

use crate::support::{Pty, Sandbox};

/// Names of profiles that break what quotes them wrongly. Each begins with letters of its own.
const NAMES: [&str; 14] = [
    "admin",
    "blue moon  two",
    "colon:prod:eu",
    "dollar $HOME ${x} $(echo no)",
    "eq=ual",
    "fine it's",
    "grave `echo no`",
    "hash #1 ~x",
    "is \"quoted\"",
    "jack\\slash\\",
    "kilo; & | < > ()",
    "lima *?[a]{b,c}",
    "mike !! !x ^y",
    "ünïcödé 日本",
];

/// A home with these profiles, and a program that shows its arguments.
fn home() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut config = String::new();
    for (at, name) in NAMES.iter().enumerate() {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        config += &format!("[profile \"{name}\"]\nrole_arn = arn:aws:iam::{:012}:role/role-{at}\n", at + 1);
    }
    sandbox.write_config(&config);
    sandbox.program("show-words", "printf '<%s>' \"$@\"; echo '<end>'");
    sandbox
}

fn shown(words: &[&str]) -> String {
    words.iter().map(|word| format!("<{word}>")).collect::<String>() + "<end>"
}

/// A line typed up to a Tab; then `show-words` is put before it, and the line is run.
#[track_caller]
fn completes(terminal: &mut Pty, typed: &str, words: &[&str]) {
    terminal.send(&format!("{typed}\t")).send("\u{1}show-words \r").expect(&shown(words));
}
