//! What is to be typed, in the words of the shell that called.

use super::Scene;
use crate::output::shell::{Format, calling_shell};
use crate::terminal::escape;

/// Takes variables away.
pub(super) fn unset(scene: &Scene<'_>, names: &[&str]) -> String {
    unset_in(calling_shell(scene.env), names)
}

/// Sets a variable; the value quoted.
pub(super) fn set(scene: &Scene<'_>, name: &str, value: &str) -> String {
    set_in(calling_shell(scene.env), name, value)
}

/// Evaluates what `mfa-run export ARGUMENTS` prints.
pub(super) fn evaluate(scene: &Scene<'_>, arguments: &str) -> String {
    evaluate_in(calling_shell(scene.env), arguments)
}

fn unset_in(shell: Format, names: &[&str]) -> String {
    let each = |before: &str, between: &str| format!("{before}{}", names.join(between));
    match shell {
        Format::Fish => each("set -e ", " "),
        Format::PowerShell => each("Remove-Item Env:", ", Env:"),
        Format::Nu => each("hide-env ", " "),
        Format::Elvish => each("unset-env ", "; unset-env "),
        Format::Cmd => each("set ", "=& set ") + "=",
        _ => each("unset ", " "),
    }
}

fn set_in(shell: Format, name: &str, value: &str) -> String {
    let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    // a POSIX shell may be what calls on Windows, too
    let value =
        if plain { value.to_owned() } else { shlex::try_quote(&escape(value)).unwrap_or_default().into_owned() };
    match shell {
        Format::Fish => format!("set -gx {name} {value}"),
        Format::PowerShell => format!("$Env:{name} = '{}'", value.trim_matches('\'')),
        Format::Nu => format!("$env.{name} = '{}'", value.trim_matches('\'')),
        Format::Elvish => format!("set-env {name} {value}"),
        Format::Cmd => format!("set {name}={}", value.trim_matches('\'')),
        _ => format!("export {name}={value}"),
    }
}

fn evaluate_in(shell: Format, arguments: &str) -> String {
    let export = format!("mfa-run export {arguments}");
    match shell {
        Format::Fish => format!("{export} | source"),
        Format::PowerShell => format!("{export} | Out-String | Invoke-Expression"),
        Format::Nu => format!("{export} --format nu | from nuon | load-env"),
        Format::Elvish => format!("eval ({export} | slurp)"),
        Format::Cmd => format!("for /f \"delims=\" %i in ('{export}') do @%i"),
        _ => format!("eval \"$({export})\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_its_own_words() {
        for (shell, unset, set, evaluate) in [
            (Format::Zsh, "unset A B", "export A='x y'", "eval \"$(mfa-run export --unset)\""),
            (Format::Fish, "set -e A B", "set -gx A 'x y'", "mfa-run export --unset | source"),
            (
                Format::PowerShell,
                "Remove-Item Env:A, Env:B",
                "$Env:A = 'x y'",
                "mfa-run export --unset | Out-String | Invoke-Expression",
            ),
            (Format::Cmd, "set A=& set B=", "set A=x y", "for /f \"delims=\" %i in ('mfa-run export --unset') do @%i"),
        ] {
            assert_eq!(unset_in(shell, &["A", "B"]), unset);
            assert_eq!(set_in(shell, "A", "x y"), set);
            assert_eq!(evaluate_in(shell, "--unset"), evaluate);
        }
    }
}
