//! Stores runs: every scan, probe, index and import, with its outcome.
//!
//! [`kind`] has the words, [`mod@record`] and [`mod@killed`] write, the other modules read.

mod index_run;
mod killed;
mod kind;
mod reading;
mod record;
mod whole_scan;

pub use index_run::{CatalogueChange, changes_since, generations};
pub use killed::{GuardedRuns, mark_killed, record_killed_scan};
pub use kind::{RunId, RunKind, RunOutcome};
pub use reading::{RunRecord, latest, recent, recent_failed};
pub use record::{RunEnd, add_to_end, begin, begin_hashing, end, forget, record, repeat};
pub use whole_scan::{
    PastCoverage, coverage_since, last_repeat, latest_whole, whole_repeats_since,
};
