//! The report: what is in force, then each finding with why it matters and what mends it. For people, as wide as the
//! terminal is; or JSON.

use super::finding::{Finding, Report, Severity};
use crate::output::style::{Style, Tone};
use crate::terminal::escape;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

/// Before a fact, and before what stands below a finding.
const INDENT: usize = 13;
/// Before why and mend.
const BELOW: usize = 9;

pub(super) fn text(reports: &[(&str, Report)], findings: &[Finding], style: &Style) -> String {
    let mut text = String::new();
    for (name, report) in reports {
        for (position, fact) in report.facts.iter().enumerate() {
            let name = if position == 0 { name } else { "" };
            text += &style.paint(&format!("{name:<INDENT$}"), Tone::Heading);
            text += &wrapped(fact, INDENT, style, Tone::Plain);
        }
    }
    for finding in findings {
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Soon,
            Severity::Note => Tone::Heading,
        };
        text += "\n";
        text += &style.paint(&format!("{:<BELOW$}", finding.severity.name()), tone);
        text += &wrapped(&finding.what, BELOW, style, Tone::Plain);
        for (label, line) in [("why", &finding.why), ("mend", &finding.mend)] {
            text += &style.paint(&format!("  {label:<7}"), Tone::Faint);
            // what is to be typed is not broken: the terminal does that, and copies it whole
            text += &match label {
                "mend" => style.paint(&escape(line), Tone::Good) + "\n",
                _ => wrapped(line, BELOW, style, Tone::Plain),
            };
        }
    }
    text + "\n" + &summary(findings) + "\n"
}

fn summary(findings: &[Finding]) -> String {
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counted = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| (of(severity), severity.name()));
    let counted: Vec<String> =
        counted.into_iter().filter(|(number, _)| *number > 0).map(|(number, name)| count(number, name)).collect();
    let fixes = findings.iter().filter(|finding| finding.fix.is_some() && !finding.fixed).count();
    match (counted.is_empty(), fixes) {
        (true, _) => "nothing is wrong".into(),
        (false, 0) => counted.join(", "),
        (false, fixes) => format!("{}; mfa-run doctor --fix mends {fixes}, asking first", counted.join(", ")),
    }
}

pub(super) fn count(number: usize, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

/// Lines of words, the first of which begins behind `indent` columns, as the others do.
fn wrapped(text: &str, indent: usize, style: &Style, tone: Tone) -> String {
    let text = escape(text);
    let room = style.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(word.to_owned());
        } else {
            *line += if line.is_empty() { "" } else { " " };
            *line += word;
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| style.paint(line, tone)).collect();
    lines.join(&format!("\n{:indent$}", "")) + "\n"
}

pub(super) fn json(reports: &[(&str, Report)], findings: &[Finding]) -> String {
    let checks: Vec<_> = reports.iter().map(|(name, report)| json!({ "check": name, "facts": report.facts })).collect();
    let all = json!({ "checks": checks, "findings": findings });
    serde_json::to_string_pretty(&all).expect("strings") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_whole_words_below_each_other() {
        let style = Style { width: Some(34), ..Style::default() };
        let finding = Finding::new(
            Severity::Error,
            "x",
            "one two three four five\u{1b}[2J six",
            "because it is so and not otherwise",
            "mfa-run configure -p a-name-that-is-longer-than-the-line",
        );
        let expected = "
error    one two three four
         five\\u{1b}[2J six
  why    because it is so and not
         otherwise
  mend   mfa-run configure -p a-name-that-is-longer-than-the-line

1 error
";
        assert_eq!(text(&[], &[finding], &style), expected);
        assert_eq!(text(&[], &[], &style), "\nnothing is wrong\n");
    }
}
