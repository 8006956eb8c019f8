//! One page. What clap knows is rendered by clap_mangen; environment and exit status are README.md's tables, which
//! tests/readme.rs holds against the source; the rest is in `words.rs`.

use crate::name;
use crate::words::{self, FILES, Reads, Words};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use std::io;

const README: &str = include_str!("../../README.md");

/// The page as it is checked in.
pub(crate) fn render(command: &Command, words: &Words) -> String {
    let is_root = !words.command.contains(' ');
    let title = name(command).replace(' ', "-");
    let usage = command.clone().render_usage().to_string().replacen("Usage: ", "", 1);
    let man = Man::new(command.clone().subcommand_help_heading("COMMANDS").override_usage(usage));
    let (date, version) = (words::date(), env!("CARGO_PKG_VERSION"));
    let mut text = format!(".TH \"{}\" \"1\" \"{date}\" \"mfa-run {version}\"\n", title.to_uppercase());
    text += &of_clap(|to| man.render_name_section(to));
    text += &of_clap(|to| man.render_synopsis_section(to));
    text += &of_clap(|to| man.render_description_section(to));
    text += &of_clap(|to| man.render_options_section(to));
    if command.get_subcommands().any(|inner| !inner.is_hide_set()) {
        text += &of_clap(|to| man.render_subcommands_section(to));
    }
    // what mfa-run itself says there is told by the sections below
    if let Some(notes) = command.get_after_long_help().or(command.get_after_help()).filter(|_| !is_root) {
        text += &section("NOTES", |roff| literal(roff, &notes.to_string()));
    }
    text += &section("EXAMPLES", |roff| {
        for (index, (what, line)) in words.examples.iter().enumerate() {
            if index > 0 {
                roff.control("PP", []);
            }
            roff.text([roman(*what)]);
            roff.control("RS", ["4"]);
            literal(roff, line);
            roff.control("RE", []);
        }
    });
    text += &section("FILES", |roff| {
        for (path, meaning, _) in FILES.iter().filter(|(_, _, by)| words.reads >= *by) {
            roff.control("TP", []);
            roff.text([italic(*path)]);
            roff.text(inlines(meaning));
        }
    });
    text += &section("ENVIRONMENT", |roff| {
        for row in table("Environment variables").iter().filter(|row| words.reads >= reads(&row[0])) {
            item(roff, row);
        }
    });
    text += &section("EXIT STATUS", |roff| {
        // only what runs a command ends as that can
        for row in table("Exit codes").iter().filter(|row| is_root || !row[1].contains("wrapped")) {
            item(roff, row);
        }
    });
    text += &section("SEE ALSO", |roff| {
        let parent = (!is_root).then_some("mfa-run");
        let mut pages: Vec<_> =
            parent.into_iter().chain(words.see_also.iter().copied()).filter(|page| *page != words.command).collect();
        pages.sort_unstable();
        pages.dedup();
        for (index, page) in pages.iter().enumerate() {
            let end = if index + 1 < pages.len() { "(1)," } else { "(1)" };
            roff.text([bold(page.replace(' ', "-")), roman(end)]);
        }
    });
    format!(".\\\" made by tests/man: MFA_RUN_BLESS=1 cargo test --test man\n{PREAMBLE}{}", wrapped(&text))
}

/// How roff begins a text that may hold apostrophes.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

fn of_clap(section: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    section(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap().replace(PREAMBLE, "");
    // a list of possible values begins with two line breaks and an empty line
    let text = text.replace("\n.br\n\n.br\n", "\n.sp\n").replace("\n.br\n.br\n", "\n.sp\n");
    // clap leaves spaces before what it leaves out
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Short lines, as roff's own checker wants them. A term has to stay on its line, and so does what stands for itself.
fn wrapped(text: &str) -> String {
    let mut all = String::new();
    let (mut literal, mut before) = (false, "");
    for line in text.lines() {
        literal = (literal || line == ".nf") && line != ".fi";
        let mut length = 0;
        let may_break = !literal && !line.starts_with('.') && ![".TP", ".TQ"].contains(&before);
        for (index, word) in line.split(' ').enumerate() {
            let breaks = may_break && length + word.len() > WIDTH && !word.starts_with(['.', '\'']) && !word.is_empty();
            if index > 0 {
                all.push(if breaks { '\n' } else { ' ' });
            }
            length = if breaks { word.len() } else { length + word.len() + 1 };
            all += word;
        }
        all.push('\n');
        before = line;
    }
    all
}

const WIDTH: usize = 78;

fn section(heading: &str, fill: impl FnOnce(&mut Roff)) -> String {
    let mut roff = Roff::new();
    fill(&mut roff);
    let body = roff.render().replace(PREAMBLE, "");
    if body.trim().is_empty() { String::new() } else { format!(".SH \"{heading}\"\n{body}") }
}

/// Text with its own line ends.
fn literal(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

/// A row of a table: the terms, and what they mean.
fn item(roff: &mut Roff, row: &[String]) {
    for (index, term) in row[0].split(", ").enumerate() {
        roff.control(if index == 0 { "TP" } else { "TQ" }, []);
        roff.text(inlines(term));
    }
    roff.text(inlines(&row[1]));
}

/// Markdown's code in bold, and links by their text.
fn inlines(markdown: &str) -> Vec<Inline> {
    let mut all = Vec::new();
    for (index, part) in markdown.split('`').enumerate() {
        if index % 2 == 1 {
            all.push(bold(part));
        } else if !part.is_empty() {
            let mut text = String::new();
            for piece in part.replace(" ([", "[(").split('[') {
                // a link in parentheses leads to another part of the README
                let piece =
                    if piece.starts_with('(') { piece.split_once("))").map_or(piece, |(_, rest)| rest) } else { piece };
                let (linked, after) = piece.split_once("](").unwrap_or((piece, ""));
                text += linked;
                text += after.split_once(')').map_or(after, |(_, after)| after);
            }
            all.push(roman(text));
        }
    }
    all
}

/// Which commands go by a row's variables.
fn reads(variables: &str) -> Reads {
    match variables {
        files if files.contains("_PROFILE`") => Reads::Files,
        console if console.contains("SIGNIN") => Reads::Console,
        _ => Reads::Sessions,
    }
}

/// The rows of the README's table below this heading: what is in their cells.
fn table(heading: &str) -> Vec<Vec<String>> {
    let below = README.split_once(&format!("\n## {heading}\n")).expect(heading).1;
    let rows = below.lines().skip_while(|line| !line.starts_with('|')).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}
