//! Counts scans that found the same as the last one together with it, so that scanning unchanged
//! mirrors writes next to nothing.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::db::open::Transaction;
use crate::db::run::{self, RunId, RunKind};
use crate::db::scan::attempt;
use crate::db::scan::attempt::ScanAttemptKind;
use crate::db::{DbError, Writer};
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;
use crate::program::exit::chain;
use crate::scan::report::MirrorReport;

/// How long repeats stay in memory, at most. A killed program loses them; then the last scan only
/// looks older than it is.
const KEPT_MAX: Duration = Duration::from_secs(300);

/// Numbers that depend on how the scan ran, not on what the mirror has; ignored when runs are
/// compared.
const OF_THE_WAY: [&str; 3] = ["requests", "before", "allowed"];

/// The last run of the mirror, if it ended with the same numbers in the same way.
pub(in crate::scan) fn repeated(
    transaction: &Transaction<'_>,
    report: &MirrorReport,
) -> Result<Option<RunId>, DbError> {
    let last = run::latest(transaction, RunKind::Scan, Some(report.id), 1)?;
    let same = last.into_iter().find(|run| {
        run.outcome == report.outcome
            && run.note == report.note
            && run.counts.clone().map(numbers) == Some(numbers(RunCounts::of(&report.counts)))
    });
    Ok(same.map(|run| run.id))
}

fn numbers(counts: RunCounts) -> RunCounts {
    counts.without(&OF_THE_WAY)
}

/// An attempt to scan a mirror.
pub type Attempt = (MirrorId, ScanAttemptKind, Timestamp);

/// Repeats, and attempts, that are still to be stored.
#[derive(Debug)]
pub struct Repeats(Mutex<RepeatBacklog>);

#[derive(Debug)]
struct RepeatBacklog {
    repeats: Vec<(RunId, Timestamp)>,
    attempts: Vec<Attempt>,
    since: Instant,
}

impl Repeats {
    /// An empty collection.
    pub fn new() -> Repeats {
        Repeats(Mutex::new(RepeatBacklog {
            repeats: Vec::new(),
            attempts: Vec::new(),
            since: Instant::now(),
        }))
    }

    /// Keeps a repeat, and stores all from time to time.
    pub fn add(&self, writer: &mut Writer, run: RunId, at: Timestamp) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.repeats.push((run, at));
        if kept.since.elapsed() >= KEPT_MAX {
            kept.store(writer);
        }
    }

    /// Keeps an attempt; stores it at once if the next program is to know of it.
    ///
    /// # Errors
    /// Returns [`DbError`] if an attempt that is stored at once cannot be stored.
    pub fn attempt(
        &self,
        writer: &mut Writer,
        attempt: Attempt,
        is_urgent: bool,
    ) -> Result<(), DbError> {
        if is_urgent {
            return writer.transaction(|transaction| attempt::record(transaction, &[attempt]));
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.attempts.push(attempt);
        Ok(())
    }

    /// Stores all and returns whether this succeeded. A failure is logged, and the next call tries
    /// again.
    pub fn store(&self, writer: &mut Writer) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.store(writer);
        kept.repeats.is_empty() && kept.attempts.is_empty()
    }
}

impl RepeatBacklog {
    fn store(&mut self, writer: &mut Writer) {
        self.since = Instant::now();
        if self.repeats.is_empty() && self.attempts.is_empty() {
            return;
        }
        let stored = writer.transaction(|transaction| {
            run::repeat(transaction, &self.repeats)?;
            attempt::record(transaction, &self.attempts)
        });
        match stored {
            Ok(()) => {
                self.repeats.clear();
                self.attempts.clear();
            }
            Err(error) => log::error!("cannot record when scans were made: {}", chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::report::ScanCounts;

    #[test]
    fn the_way_of_a_scan_is_not_compared() {
        let one = ScanCounts {
            files: 3,
            requests: 7,
            ..ScanCounts::default()
        };
        let two = ScanCounts {
            requests: 1,
            before: 3,
            ..one
        };
        let three = ScanCounts { files: 4, ..one };
        let numbers = |counts: &ScanCounts| numbers(RunCounts::of(counts));
        assert_eq!(numbers(&one), numbers(&two));
        assert_ne!(numbers(&one), numbers(&three));
    }
}
