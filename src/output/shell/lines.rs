//! One template a shell: how it sets a variable, how it removes one, and how it quotes. Each line stands for itself where
//! the shell can write a line end another way, because shells split what a command prints before they evaluate it.

use super::{Error, Format, Variable};
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use zeroize::Zeroizing;

pub(super) fn export(
    format: Format,
    variables: &[Variable<'_>],
    remove: &[&'static str],
) -> Result<Zeroizing<String>, Error> {
    // Security: with room for all of it, even if every character were quoted, the text does not grow and leave a copy.
    let values: usize = variables.iter().map(|(_, value)| value.len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(4 * values + 4096));
    let delimiter = unused_delimiter(variables);
    text.push_str(opening(format));
    for (name, value) in variables {
        if let Some(holds) = cannot_carry(format, name, value) {
            return Err(Error::NotCarried { format, variable: name, holds });
        }
        set(format, name, value, &delimiter, &mut text);
    }
    remove_all(format, remove, &mut text);
    text.push_str(closing(format));
    Ok(text)
}

pub(super) fn unset(format: Format, names: &[&'static str]) -> Result<String, Error> {
    if matches!(format, Format::Json | Format::EnvFile | Format::Github) {
        return Err(Error::NoUnset { format });
    }
    let mut text = opening(format).to_owned();
    remove_all(format, names, &mut text);
    text.push_str(closing(format));
    Ok(text)
}

pub(super) fn github_masks(secrets: &[&str]) -> Zeroizing<String> {
    let room: usize = secrets.iter().map(|secret| 3 * secret.len() + 16).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for secret in secrets {
        text.push_str("::add-mask::");
        for c in secret.chars() {
            match c {
                '%' => text.push_str("%25"),
                '\r' => text.push_str("%0D"),
                '\n' => text.push_str("%0A"),
                c => text.push(c),
            }
        }
        text.push('\n');
    }
    text
}

fn cannot_carry(format: Format, name: &str, value: &str) -> Option<&'static str> {
    match format {
        // docker and GitHub's runner read lines and drop a carriage return before the line end.
        Format::Cmd | Format::EnvFile if value.contains(['\n', '\r']) => Some("a line end"),
        Format::Github if value.contains('\r') => Some("a carriage return"),
        // Security: cmd carries a quote in `for /f`, but in a batch file what follows it would be a command.
        Format::Cmd if value.contains('"') => Some("a double quote"),
        Format::Cmd if "set \"=\"".len() + name.len() + value.len() > 8191 => {
            Some("more than the 8,191 characters cmd takes in a line")
        }
        _ => None,
    }
}

fn opening(format: Format) -> &'static str {
    if format == Format::Nu { "{\n" } else { "" }
}

fn closing(format: Format) -> &'static str {
    if format == Format::Nu { "}\n" } else { "" }
}

fn set(format: Format, name: &str, value: &str, delimiter: &str, text: &mut String) {
    let quoted = |text: &mut String, escape: fn(char) -> Option<&'static str>| {
        for c in value.chars() {
            match escape(c) {
                Some(escaped) => text.push_str(escaped),
                None => text.push(c),
            }
        }
    };
    let ending = match format {
        // The semicolon is for `eval $(…)` without quotes, which makes one line of them all.
        Format::Bash | Format::Zsh | Format::Sh => {
            put(text, format_args!("export {name}='"));
            quoted(text, |c| (c == '\'').then_some("'\\''"));
            "';\n"
        }
        Format::Fish => {
            put(text, format_args!("set -gx {name} '"));
            quoted(text, |c| match c {
                '\\' => Some("\\\\"),
                '\'' => Some("\\'"),
                '\n' => Some("'\\n'"),
                '\r' => Some("'\\r'"),
                _ => None,
            });
            "';\n"
        }
        Format::PowerShell => {
            put(text, format_args!("$Env:{name} = '"));
            quoted(text, |c| match c {
                '\'' => Some("''"),
                // PowerShell takes typographic quotes for plain ones.
                '‘' => Some("‘‘"),
                '’' => Some("’’"),
                '‚' => Some("‚‚"),
                '‛' => Some("‛‛"),
                '\n' => Some("' + \"`n\" + '"),
                '\r' => Some("' + \"`r\" + '"),
                _ => None,
            });
            "'\n"
        }
        // A record, because nu evaluates nothing at run time.
        Format::Nu => {
            put(text, format_args!("\"{name}\": \""));
            quoted(text, |c| match c {
                '"' => Some("\\\""),
                '\\' => Some("\\\\"),
                '\n' => Some("\\n"),
                '\r' => Some("\\r"),
                '\t' => Some("\\t"),
                _ => None,
            });
            "\",\n"
        }
        Format::Elvish => {
            put(text, format_args!("set-env {name} '"));
            quoted(text, |c| (c == '\'').then_some("''"));
            "'\n"
        }
        // `%` stays single: in `for /f` variables are expanded before the line is read.
        Format::Cmd => {
            put(text, format_args!("set \"{name}={value}"));
            "\"\n"
        }
        Format::EnvFile => {
            put(text, format_args!("{name}={value}"));
            "\n"
        }
        Format::Github => {
            put(text, format_args!("{name}<<{delimiter}\n{value}\n{delimiter}"));
            "\n"
        }
        Format::Json => unreachable!("json has no lines"),
    };
    text.push_str(ending);
}

fn remove_all(format: Format, names: &[&str], text: &mut String) {
    match format {
        Format::Bash | Format::Zsh | Format::Sh => put(text, format_args!("unset {};\n", names.join(" "))),
        // Only where `export` works: to erase a universal variable would take it from every fish for good.
        Format::Fish => put(text, format_args!("set -eg {};\n", names.join(" "))),
        Format::PowerShell => names.iter().for_each(|name| put(text, format_args!("$Env:{name} = $null\n"))),
        // What is null is not handed to commands.
        Format::Nu => names.iter().for_each(|name| put(text, format_args!("\"{name}\": null,\n"))),
        Format::Elvish => names.iter().for_each(|name| put(text, format_args!("unset-env {name}\n"))),
        Format::Cmd => names.iter().for_each(|name| put(text, format_args!("set \"{name}=\"\n"))),
        Format::Json | Format::EnvFile | Format::Github => {}
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a String takes everything");
}

/// Security: a value that held the delimiter would end there, and its next line would be a variable of its choice.
fn unused_delimiter(variables: &[Variable<'_>]) -> String {
    loop {
        let delimiter = format!("mfa_run_{:016x}", RandomState::new().hash_one(0));
        if !variables.iter().any(|(_, value)| value.contains(&delimiter)) {
            return delimiter;
        }
    }
}
