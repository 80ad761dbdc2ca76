//! What a hashing run did.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::super::report::text;
use crate::db::run::RunOutcome;

/// Files without hashes that are named; the others are only counted.
pub const FAILURES_LISTED_MAX: usize = 100;

/// Numbers of a run; what is stored with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HashCounts {
    /// Files whose hashes were computed and stored.
    pub hashed: u64,
    /// Their sizes together.
    pub hashed_bytes: u64,
    /// Signatures that were read, or dropped because they are gone.
    pub signatures: u64,
    /// Files that could not be hashed.
    pub unhashed: u64,
    /// Milliseconds.
    pub hashing_ms: u64,
}

/// A file that could not be hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashFailure {
    /// Relative to the tree.
    pub path: Vec<u8>,
    /// Why.
    pub reason: String,
}

/// How a run ended; what it stored stays, however it ended.
#[derive(Debug, Clone)]
pub struct HashReport {
    /// The site.
    pub site: String,
    /// Ok, or partial when some files could not be hashed.
    pub outcome: RunOutcome,
    /// Whether it only looked; then the counts are what there would be to do.
    pub dry_run: bool,
    /// Numbers.
    pub counts: HashCounts,
    /// At most [`FAILURES_LISTED_MAX`].
    pub failures: Vec<HashFailure>,
}

impl HashReport {
    /// Whether there was anything to do.
    pub fn is_empty(&self) -> bool {
        let counts = &self.counts;
        counts.hashed + counts.signatures + counts.unhashed == 0
    }

    /// What went wrong, in one line; empty when nothing did.
    pub fn error(&self) -> String {
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

    /// For `--json`.
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

/// The line that a run leaves in a log.
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
