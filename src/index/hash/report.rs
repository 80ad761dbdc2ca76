//! The report of a hashing run.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::super::report::text;
use crate::db::run::RunOutcome;

/// Largest number of failed files that are named; the others are only counted.
pub const FAILURES_LISTED_MAX: usize = 100;

/// Counts of a run, which are also stored with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HashCounts {
    /// Files whose hashes were computed and stored.
    pub hashed: u64,
    /// Total size of these files in bytes.
    pub hashed_bytes: u64,
    /// Signatures that were read, or dropped because their file is gone.
    pub signatures: u64,
    /// Files that could not be hashed.
    pub unhashed: u64,
    /// Duration in milliseconds.
    pub hashing_ms: u64,
}

/// A file that could not be hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashFailure {
    /// Path relative to the tree.
    pub path: Vec<u8>,
    /// Reason of the failure.
    pub reason: String,
}

/// The result of a run; stored hashes stay, however it ended.
#[derive(Debug, Clone)]
pub struct HashReport {
    /// Name of the site.
    pub site: String,
    /// Ok, or partial if some files could not be hashed.
    pub outcome: RunOutcome,
    /// Whether it was a dry run; then the counts are of the work that a real run would do.
    pub dry_run: bool,
    /// Counts of the run.
    pub counts: HashCounts,
    /// Failed files, at most [`FAILURES_LISTED_MAX`].
    pub failures: Vec<HashFailure>,
}

impl HashReport {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        let counts = &self.counts;
        counts.hashed + counts.signatures + counts.unhashed == 0
    }

    /// Says in one line which files could not be hashed; empty if all could.
    pub fn note(&self) -> String {
        let Some(first) = self.failures.first() else {
            return String::new();
        };
        format!(
            "{} files could not be hashed, among them '{}': {}",
            self.counts.unhashed,
            first.path.escape_ascii(),
            first.reason
        )
    }

    /// The object for `--json`.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(self.counts).expect("numbers are always JSON");
        json["outcome"] = self.outcome.as_str().into();
        json["unhashed_files"] = self
            .failures
            .iter()
            .map(|failure| {
                serde_json::json!({"path": text(&failure.path), "reason": failure.reason})
            })
            .collect();
        json
    }
}

/// Writes the line that a run leaves in a log.
impl fmt::Display for HashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let verb = if self.dry_run { "would hash" } else { "hashed" };
        write!(f, "{verb} site={} files={}", self.site, counts.hashed)?;
        write!(f, " bytes={}", counts.hashed_bytes)?;
        for (name, count) in [
            ("signatures", counts.signatures),
            ("unhashed", counts.unhashed),
        ] {
            if count > 0 {
                write!(f, " {name}={count}")?;
            }
        }
        let took = Duration::from_millis(counts.hashing_ms);
        write!(f, " took={:.2}s", took.as_secs_f64())
    }
}
