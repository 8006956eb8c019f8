//! What can stand at the cursor: commands, options, values of closed sets and the profiles of the AWS files, read from the
//! command tree that the parser uses, so that nothing is listed twice. No keychain, no network, no question, and no word
//! of complaint: a completion that fails is an empty one.
//!
//! The scripts in `completions/` ask at every Tab and only show what they are told. (ARCHITECTURE.md says why these are
//! not clap_complete's.)

mod bash;
mod place;
mod profiles;

use crate::config::Files;
use crate::env::Env;
use crate::terminal::escape;
use clap::Command;
use place::{Place, Wanted};

/// The shells that have a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    /// nushell, 0.108 or newer
    #[value(alias = "nushell")]
    Nu,
    /// elvish
    Elvish,
}

impl Shell {
    /// The script that asks. It is the file itself, so that the two cannot differ.
    pub fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../completions/mfa-run.bash"),
            Self::Zsh => include_str!("../../completions/_mfa-run"),
            Self::Fish => include_str!("../../completions/mfa-run.fish"),
            Self::PowerShell => include_str!("../../completions/mfa-run.ps1"),
            Self::Nu => include_str!("../../completions/mfa-run.nu"),
            Self::Elvish => include_str!("../../completions/mfa-run.elv"),
        }
    }
}

/// What can stand at the cursor.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// One of these.
    Values(Vec<Candidate>),
    /// A file, which the shell completes itself, as it does
    Files,
    /// the words of another command, behind `--`.
    Command,
}

impl Answer {
    /// For shells that show all they are told. The others compare in their own way, case and quotes included.
    fn beginning_with(mut self, word: Option<&String>) -> Self {
        if let (Self::Values(candidates), Some(word)) = (&mut self, word) {
            candidates.retain(|candidate| candidate.value.starts_with(word.as_str()));
        }
        self
    }
}

/// One of the words that can stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    /// The whole word, as the program is to get it.
    value: String,
    /// What it is; may be empty.
    help: String,
}

/// Answers a shell: what kind of thing can stand there (`values`, `files` or `command`) and then a candidate a line, as the
/// script of that shell takes them. `grammar` is the command tree of a name that can be completed. The words are those up
/// to the cursor, the command's name first and the one at the cursor last; for bash its `COMP_WORDBREAKS` and the line up to
/// the cursor.
pub fn answer(shell: Shell, words: &[String], grammar: impl Fn(&str) -> Command, env: &Env) -> String {
    if shell == Shell::Bash {
        let [breaks, line] = words else { return String::new() };
        let line = bash::Line::read(line, breaks);
        let answer = look(&line.words, &grammar, env).beginning_with(line.words.last());
        return text(answer, |candidate| line.insert(&candidate.value));
    }
    let mut words = words.to_vec();
    if let (Shell::PowerShell, Some(last)) = (shell, words.last_mut()) {
        // before 7.3 it drops an empty argument, so that the script puts a sign before the last one
        *last = last.strip_prefix('=').unwrap_or_default().to_owned();
    }
    let answer = look(&words, &grammar, env);
    match shell {
        Shell::Nu => nu(answer.beginning_with(words.last())),
        Shell::PowerShell => text(answer.beginning_with(words.last()), |Candidate { value, help }| {
            format!("{}\t{value}\t{}", in_quotes_of_powershell(value), if help.is_empty() { value } else { help })
        }),
        _ => text(answer, |Candidate { value, help }| format!("{value}\t{help}")),
    }
}

fn look(words: &[String], grammar: impl Fn(&str) -> Command, env: &Env) -> Answer {
    let Some((name, words)) = words.split_first() else { return Answer::Values(vec![]) };
    let Some((current, before)) = words.split_last() else { return Answer::Values(vec![]) };
    let root = grammar(name);
    let place = Place::find(&root, before, current);
    let mut candidates = match place.wanted {
        Wanted::Command => return Answer::Command,
        Wanted::Files => return Answer::Files,
        Wanted::Profile => Files::load(env).map(|files| profiles::candidates(&files)).unwrap_or_default(),
        Wanted::OneOf(candidates) => candidates,
    };
    for candidate in &mut candidates {
        candidate.value.insert_str(0, &place.prefix);
        candidate.help = escape(&candidate.help).replace('\t', " ");
    }
    // Security: a name that would move the cursor is not for a terminal, and not for the line-wise way there.
    candidates.retain(|candidate| escape(&candidate.value) == candidate.value);
    Answer::Values(candidates)
}

fn text(answer: Answer, line: impl Fn(&Candidate) -> String) -> String {
    match answer {
        Answer::Command => "command\n".into(),
        Answer::Files => "files\n".into(),
        Answer::Values(candidates) => {
            candidates.iter().fold("values\n".into(), |text, candidate| text + &line(candidate) + "\n")
        }
    }
}

/// A list of records; null is what nu completes itself.
fn nu(answer: Answer) -> String {
    let Answer::Values(candidates) = answer else { return "null\n".into() };
    let record = |Candidate { value, help }: &Candidate| serde_json::json!({"value": in_quotes_of_nu(value), "description": help});
    let list: Vec<_> = candidates.iter().map(record).collect();
    serde_json::Value::from(list).to_string() + "\n"
}

/// Nu inserts what it is given.
fn in_quotes_of_nu(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+=,".contains(c);
    let is_word = value.chars().all(plain) && !value.is_empty();
    if is_word { value.to_owned() } else { format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// So does PowerShell, which takes typographic quotes for plain ones.
fn in_quotes_of_powershell(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:+=".contains(c);
    if value.chars().all(plain) && !value.is_empty() {
        return value.to_owned();
    }
    let mut quoted = String::from("'");
    for c in value.chars() {
        quoted.push(c);
        if matches!(c, '\'' | '‘' | '’' | '‚' | '‛') {
            quoted.push(c);
        }
    }
    quoted + "'"
}

#[cfg(test)]
mod tests;
