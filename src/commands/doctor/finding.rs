//! What a check has to say: findings, each with why it matters and what mends it, and facts, which are nothing to mend.

use super::fix::Fix;
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It does not work, or a secret lies open.
    Error,
    /// It works for some tools, or not for long.
    Warning,
    /// Good to know; nothing is wrong.
    Note,
}

impl Severity {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One finding; its JSON is what the help says. Security: names, paths and lines, never a value that may be a secret.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) profile: Option<String>,
    pub(super) what: String,
    pub(super) why: String,
    /// A command to type, or an edit to make.
    pub(super) mend: String,
    pub(super) fixed: bool,
    #[serde(skip)]
    pub(super) fix: Option<Fix>,
}

impl Finding {
    pub(super) fn new(
        severity: Severity,
        id: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        let (what, why, mend) = (what.into(), why.into(), mend.into());
        Self { id, severity, profile: None, what, why, mend, fixed: false, fix: None }
    }

    /// Whose profile it is about.
    #[must_use]
    pub(super) fn of(self, profile: &str) -> Self {
        Self { profile: Some(profile.to_owned()), ..self }
    }

    /// What `--fix` does about it.
    #[must_use]
    pub(super) fn fix(self, fix: impl Into<Option<Fix>>) -> Self {
        Self { fix: fix.into(), ..self }
    }
}

/// What one group of checks found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What is in force: one line each.
    pub(super) facts: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    pub(super) fn fact(&mut self, fact: impl Into<String>) {
        self.facts.push(fact.into());
    }

    pub(super) fn error(
        &mut self,
        id: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.findings.push(Finding::new(Severity::Error, id, what, why, mend));
    }

    pub(super) fn warning(
        &mut self,
        id: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.findings.push(Finding::new(Severity::Warning, id, what, why, mend));
    }

    pub(super) fn note(
        &mut self,
        id: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.findings.push(Finding::new(Severity::Note, id, what, why, mend));
    }
}
