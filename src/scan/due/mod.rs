//! `--due`: scans only the mirrors, or parts of mirrors, that are due.
//!
//! `look` reads just enough of the database to see that nothing is due. `decide` is the law: a pure
//! function of what was read and of the time. `report` shows the decisions (`--dry-run`), and `run`
//! lets the [`Scanner`](super::Scanner) carry them out.
//!
//! Ids of file versions only grow, and each index run records the first id that it gave. So the new
//! versions of the last days are a range of ids, their directories are the changed directories, and
//! a mirror lacks a directory's news if its bitmap lacks such an id.

mod changed_directories;
mod decide;
mod look;
mod report;
mod run;

pub use changed_directories::ChangedDirectories;
pub use decide::{DueDecision, DuePart, DueReason, Hints, MirrorState, decide};
pub use look::{Look, look};
pub use run::run;
