//! The line of `status --prompt` as the prompt of a shell takes it: red where little time is left, with the marks by which
//! the shell knows what takes no room, and with nothing that it would read as its own.

use super::style::{Style, Tone};

/// Whose prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Prompt {
    /// Plain text, for starship and everything else
    Plain,
    /// In PS1, by $(...)
    Bash,
    /// In PROMPT, by $(...) and with prompt_subst
    Zsh,
    /// In fish_prompt
    Fish,
    /// In the function prompt
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    /// In $env.PROMPT_COMMAND
    #[value(alias = "nushell")]
    Nu,
    /// In $edit:prompt
    Elvish,
    /// In status-left or status-right, by #(...)
    Tmux,
}

impl Prompt {
    /// The text in green or red. In a shell's prompt a space follows. Security: the text is a profile's name among others;
    /// it has no control characters.
    pub fn segment(self, text: &str, short: bool, style: &Style) -> String {
        let text = match self {
            Self::Zsh => text.replace('%', "%%"),
            Self::Tmux => text.replace('#', "##"),
            _ => text.to_owned(),
        };
        let tone = if short { Tone::Bad } else { Tone::Good };
        match self {
            Self::Plain => return text,
            Self::Tmux if !style.colours => return text,
            Self::Tmux => return format!("#[fg={}]{text}#[default]", if short { "red" } else { "green" }),
            _ if !style.colours => return text + " ",
            _ => {}
        }
        let (before, after) = match self {
            // what readline takes for \[ and \], which are not read in what $(...) gives
            Self::Bash => ("\u{1}", "\u{2}"),
            Self::Zsh => ("%{", "%}"),
            _ => ("", ""),
        };
        let painted = style.paint("\0", tone);
        let (on, off) = painted.split_once('\0').unwrap_or_default();
        format!("{before}{on}{after}{text}{before}{off}{after} ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prompt_has_its_marks() {
        let colours = Style { colours: true, ..Style::default() };
        let text = "50% #1 2m";
        for (prompt, red) in [
            (Prompt::Plain, "50% #1 2m"),
            (Prompt::Bash, "\u{1}\u{1b}[31m\u{2}50% #1 2m\u{1}\u{1b}[0m\u{2} "),
            (Prompt::Zsh, "%{\u{1b}[31m%}50%% #1 2m%{\u{1b}[0m%} "),
            (Prompt::Fish, "\u{1b}[31m50% #1 2m\u{1b}[0m "),
            (Prompt::Tmux, "#[fg=red]50% ##1 2m#[default]"),
        ] {
            assert_eq!(prompt.segment(text, true, &colours), red);
            assert!(!prompt.segment(text, false, &colours).contains("[31m"));
            let plain = prompt.segment(text, true, &Style::default());
            assert!(!plain.contains(['\u{1b}', '[', '\u{1}', '{']), "{plain}");
        }
    }
}
