//! The report of an index run.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::change::ChangeCounts;
use super::compare::Comparison;
use crate::db::run::{RunId, RunOutcome};
use crate::program::exit::Exit;
use crate::tree::{TreeListing, UnreadablePlace};

/// Counts of a run, which are also stored with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct IndexCounts {
    /// Regular files in the tree.
    pub files: u64,
    /// Total size of these files in bytes.
    pub bytes: u64,
    /// Directories in the tree.
    pub directories: u64,
    /// New files.
    pub added: u64,
    /// New versions of known files.
    pub changed: u64,
    /// Imported entries that got their first version.
    pub adopted: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Directories and files that could not be read.
    pub unreadable: u64,
    /// Entries that stay because they are below such directories.
    pub kept: u64,
    /// Duration in milliseconds.
    pub took_ms: u64,
    /// The first id that the run gave to a version of a file; `None` if it gave none, or if the
    /// catalogue was empty before, so that none of its files counts as new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_id: Option<i64>,
    /// Time when it gave these ids, in seconds since 1970; the run may end days later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<i64>,
    /// The generation of the tree that the run made, if it changed anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
}

/// The result of a run; nothing was changed unless the outcome is ok or partial.
#[derive(Debug, Clone, Serialize)]
pub struct IndexReport {
    /// Name of the site.
    pub site: String,
    /// Path of the subtree; empty for the whole tree.
    #[serde(serialize_with = "as_text")]
    pub directory: Vec<u8>,
    /// Outcome of the run.
    #[serde(serialize_with = "as_word")]
    pub outcome: RunOutcome,
    /// Whether it was a dry run, without changes.
    pub dry_run: bool,
    /// Counts of the run.
    #[serde(flatten)]
    pub counts: IndexCounts,
    /// Places that could not be read, at most [`crate::tree::UNREADABLE_LISTED_MAX`].
    #[serde(rename = "unreadable_places", serialize_with = "as_places")]
    pub unreadable: Vec<UnreadablePlace>,
    /// Why nothing was changed, in one line; empty if that is no problem.
    pub error: String,
    /// The places that could not be read, in one line; empty if all could.
    pub note: String,
    /// The run's row in the database; `None` for a dry run.
    #[serde(skip)]
    pub run: Option<RunId>,
}

impl IndexCounts {
    pub(super) fn new(walked: &TreeListing) -> IndexCounts {
        IndexCounts {
            files: walked.files,
            bytes: walked.bytes,
            directories: walked.directories() as u64,
            unreadable: walked.unreadable_total,
            ..IndexCounts::default()
        }
    }

    pub(super) fn add_comparison(&mut self, comparison: &Comparison) {
        let ChangeCounts {
            added,
            changed,
            adopted,
            removed,
        } = comparison.changes.counts;
        (self.added, self.changed) = (added, changed);
        (self.adopted, self.removed) = (adopted, removed);
        self.kept = comparison.kept;
    }
}

impl IndexReport {
    /// The exit code of the program.
    pub fn exit(&self) -> Exit {
        match self.outcome {
            RunOutcome::Ok => Exit::Ok,
            RunOutcome::Partial => Exit::Partial,
            RunOutcome::Failed
            | RunOutcome::Suspicious
            | RunOutcome::Interrupted
            | RunOutcome::Running => Exit::Failed,
        }
    }
}

/// Writes the line that a run leaves in a log.
impl fmt::Display for IndexReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let verb = if self.dry_run {
            "would index"
        } else {
            "indexed"
        };
        write!(f, "{verb} site={}", self.site)?;
        if !self.directory.is_empty() {
            write!(f, " dir={}", self.directory.escape_ascii())?;
        }
        write!(f, " files={} added={}", counts.files, counts.added)?;
        write!(f, " changed={} removed={}", counts.changed, counts.removed)?;
        for (name, count) in [
            ("adopted", counts.adopted),
            ("unreadable", counts.unreadable),
            ("kept", counts.kept),
        ] {
            if count > 0 {
                write!(f, " {name}={count}")?;
            }
        }
        let took = Duration::from_millis(counts.took_ms);
        write!(f, " took={:.2}s", took.as_secs_f64())
    }
}

/// Bytes that are not UTF-8 are escaped, because JSON contains only text.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

fn as_text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(bytes))
}

fn as_word<S: Serializer>(outcome: &RunOutcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.as_str())
}

fn as_places<S: Serializer>(places: &[UnreadablePlace], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        places
            .iter()
            .map(|place| serde_json::json!({"path": text(&place.path), "reason": place.reason})),
    )
}
