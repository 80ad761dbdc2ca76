//! What an index run did.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::change::ChangeCounts;
use super::compare::Comparison;
use crate::db::run::{RunId, RunOutcome};
use crate::program::exit::Exit;
use crate::tree::{Unreadable, Walked};

/// Numbers of a run; also what is stored with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct IndexCounts {
    /// Regular files in the tree.
    pub files: u64,
    /// Their sizes together.
    pub bytes: u64,
    /// Directories in the tree.
    pub directories: u64,
    /// New files.
    pub added: u64,
    /// New versions of known files.
    pub changed: u64,
    /// Imported entries that were seen for the first time.
    pub adopted: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Directories (and files) that could not be read.
    pub unreadable: u64,
    /// Entries that stay because they are below those.
    pub kept: u64,
    /// Milliseconds.
    pub took_ms: u64,
    /// The first id that the run gave to a version of a file; none when it gave none, or when the
    /// catalogue was empty before, so that nothing in it is news.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_id: Option<i64>,
    /// When it gave them, in seconds since 1970; the end of the run may come days later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<i64>,
}

/// How a run ended; nothing was changed unless the outcome is ok or partial.
#[derive(Debug, Clone, Serialize)]
pub struct IndexReport {
    /// The site.
    pub site: String,
    /// The subtree; empty for the whole tree.
    #[serde(serialize_with = "as_text")]
    pub directory: Vec<u8>,
    /// How it ended.
    #[serde(serialize_with = "as_word")]
    pub outcome: RunOutcome,
    /// Whether it only looked.
    pub dry_run: bool,
    /// Numbers.
    #[serde(flatten)]
    pub counts: IndexCounts,
    /// What could not be read: at most [`crate::tree::UNREADABLE_LISTED_MAX`] places.
    #[serde(rename = "unreadable_places", serialize_with = "as_places")]
    pub unreadable: Vec<Unreadable>,
    /// What is wrong, in one line; empty when nothing is.
    pub error: String,
    /// The run's row; none for a dry run.
    #[serde(skip)]
    pub run: Option<RunId>,
}

impl IndexCounts {
    pub(super) fn new(walked: &Walked) -> IndexCounts {
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

    /// As stored in the run's row.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers are always JSON")
    }
}

impl IndexReport {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self.outcome {
            RunOutcome::Ok => Exit::Ok,
            RunOutcome::Partial => Exit::Partial,
            RunOutcome::Failed | RunOutcome::Suspicious | RunOutcome::Interrupted => Exit::Failed,
        }
    }
}

/// The line that a run leaves in a log.
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

/// Bytes that are no UTF-8 are escaped, because JSON has only text.
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

fn as_places<S: Serializer>(places: &[Unreadable], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        places
            .iter()
            .map(|place| serde_json::json!({"path": text(&place.path), "reason": place.reason})),
    )
}
