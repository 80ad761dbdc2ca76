//! The doctor's findings, as values; `printed` formats them.

use std::sync::Arc;

use crate::config::SiteConfig;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Downloads break, or nothing is redirected.
    Error,
    /// A part does not work, or will stop working soon.
    Warning,
    /// A remark; monitoring need not know.
    Note,
}

impl Severity {
    /// The word for people and scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Its stable name, for monitoring.
    pub id: &'static str,
    pub severity: Severity,
    /// The thing.
    pub what: String,
    /// Its cause, and its effect.
    pub cause: String,
    /// Commands of a shell that mend it.
    pub fix: String,
}

impl Finding {
    pub fn new(severity: Severity, id: &'static str, what: impl Into<String>) -> Finding {
        Finding {
            id,
            severity,
            what: what.into(),
            cause: String::new(),
            fix: String::new(),
        }
    }

    pub fn error(id: &'static str, what: impl Into<String>) -> Finding {
        Finding::new(Severity::Error, id, what)
    }

    pub fn warning(id: &'static str, what: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, id, what)
    }

    pub fn note(id: &'static str, what: impl Into<String>) -> Finding {
        Finding::new(Severity::Note, id, what)
    }

    pub fn because(mut self, cause: impl Into<String>) -> Finding {
        self.cause = cause.into();
        self
    }

    pub fn mended_by(mut self, fix: impl Into<String>) -> Finding {
        self.fix = fix.into();
        self
    }
}

/// A check that could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckGap {
    pub why: String,
    /// Whether this user may not make it, but another could.
    pub is_refused: bool,
}

/// The findings in one area.
#[derive(Debug)]
pub(super) struct AreaReport {
    pub area: &'static str,
    /// The site; `None`: the machine.
    pub site: Option<String>,
    /// The things that were examined, if any.
    pub looked_at: Option<String>,
    pub findings: Vec<Finding>,
    pub unchecked: Vec<CheckGap>,
    /// Lines about the answers that clients get, right or wrong, if the admin asked for them.
    pub seen: Vec<String>,
}

impl AreaReport {
    /// Of the whole machine.
    pub fn of_machine(area: &'static str) -> AreaReport {
        AreaReport {
            area,
            site: None,
            looked_at: None,
            findings: Vec::new(),
            unchecked: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Of one site.
    pub fn of_site(area: &'static str, site: &Arc<SiteConfig>) -> AreaReport {
        AreaReport {
            site: Some(site.name.clone()),
            ..AreaReport::of_machine(area)
        }
    }

    pub fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds a gap that another user could close.
    pub fn refused(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.unchecked.push(CheckGap {
            why,
            is_refused: true,
        });
    }

    /// Adds a gap that nobody can close: there is nothing to look at.
    pub fn absent(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.unchecked.push(CheckGap {
            why,
            is_refused: false,
        });
    }
}
