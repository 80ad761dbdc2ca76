//! Sorts answers, of the log and of decisions, into kinds that can be compared.

use crate::decide::{Decision, LocalReason, MissingReason, Outcome, Unavailable};

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum AnswerKind {
    /// To a mirror.
    Redirected,
    /// The file or a document, from this host.
    Served,
    /// 404.
    Missing,
    /// 503.
    Unavailable,
}

impl AnswerKind {
    /// The word in reports.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            AnswerKind::Redirected => "redirected",
            AnswerKind::Served => "served here",
            AnswerKind::Missing => "404",
            AnswerKind::Unavailable => "503",
        }
    }

    /// Gives the kind of a logged status. Absent if only the web server sends it, such as 301, 403
    /// or 500.
    pub(super) fn of_status(status: u16) -> Option<AnswerKind> {
        match status {
            302 | 303 | 307 => Some(AnswerKind::Redirected),
            200 | 206 | 304 | 412 | 416 => Some(AnswerKind::Served),
            404 | 410 => Some(AnswerKind::Missing),
            _ => None,
        }
    }

    /// Gives the kind of a decision's answer, and the reason as a word.
    pub(super) fn of(decision: &Decision<'_>) -> (AnswerKind, &'static str) {
        match &decision.outcome {
            Outcome::Redirect(_) => (AnswerKind::Redirected, "redirect"),
            Outcome::Document(_) => (AnswerKind::Served, "document"),
            Outcome::Local(LocalReason::Excluded(why)) => (AnswerKind::Served, why.as_str()),
            Outcome::Local(reason) => (AnswerKind::Served, reason.code()),
            // A directory is listed by the web server.
            Outcome::Missing(MissingReason::Directory) => (AnswerKind::Served, "directory"),
            Outcome::Missing(MissingReason::NotInTree) => (AnswerKind::Missing, "not-in-tree"),
            Outcome::Missing(MissingReason::NoFile) => (AnswerKind::Missing, "no-file"),
            Outcome::Missing(MissingReason::NoDocument(_)) => {
                (AnswerKind::Missing, "no-such-document")
            }
            Outcome::Origin(origin) => {
                let reason = origin.reason.as_ref();
                (
                    AnswerKind::Served,
                    reason.map_or("unknown", LocalReason::code),
                )
            }
            Outcome::Elsewhere(_) => (AnswerKind::Redirected, "elsewhere"),
            Outcome::NoList(_) => (AnswerKind::Missing, "no-list"),
            Outcome::Options | Outcome::MethodNotAllowed => (AnswerKind::Served, "method"),
            Outcome::Unavailable(Unavailable::Tree(_)) => (AnswerKind::Unavailable, "tree"),
            Outcome::Unavailable(Unavailable::Database) => (AnswerKind::Unavailable, "database"),
        }
    }
}
