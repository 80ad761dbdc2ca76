//! `--due`: only what is due is read again.
//!
//! `look` reads as little of the database as tells that nothing is due; `decide` is the law, a
//! pure function of what was read and of the time; `report` shows it (`--dry-run`); `run` has the
//! [`Scanner`](super::Scanner) do it.
//!
//! Ids of file versions only grow, and each index run records the first that it gave. So the
//! versions that came in the last days are a range of ids, the directories that they lie in are
//! those that `changed`, and a mirror lacks one of them when its bitmap lacks such an id.

mod changed_directories;
mod decide;
mod look;
mod report;
mod run;

pub use changed_directories::ChangedDirectories;
pub use decide::{DueDecision, DuePart, DueReason, Hints, MirrorState, decide};
pub use look::{Look, look};
pub use run::run;
