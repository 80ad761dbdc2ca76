//! `heliostat-probe`, also called `mirrorprobe`: finds out which mirrors answer, over which scheme
//! and family.
//!
//! A long-lived [`Prober`] makes one pass after the other. A pass plans which mirror is asked for
//! what (`plan`), lets [`crate::fetch::probe`] ask all mirrors at a time, judges the findings
//! (`verdict`, pure), writes the result in one transaction (`publish`), and tells people what
//! changed (`notice`, pure; `notify`). A mirror is alive while one of its URLs is usable over one
//! family.
//!
//! A probe turns on again what a probe turned off. A mirror that an admin turned off (`enabled`)
//! stays off, and is asked only if it is named.
//!
//! # Errors
//! Returns [`ProbeError`] if no pass could be made. A mirror that fails is a result. If nearly all
//! fail at once, this host is cut off: then nothing is turned off, and the report says so.
//!
//! # Limits
//! Those of `[site.NAME.probe]` and of [`crate::fetch::probe`];
//! [`crate::snapshot::FILES_TRIED_MAX`].
//!
//! # Locking
//! One prober per database at a time (`lock`). No transaction is open while a pass waits for the
//! network.

pub mod args;
mod daemon;
mod error;
mod follow;
mod lock;
mod logfile;
mod notice;
mod notify;
mod outage;
mod plan;
mod prober;
mod program;
mod publish;
mod report;
mod verdict;

pub use error::ProbeError;
pub use prober::{PassOptions, Prober};
pub use program::main;
pub use report::{MirrorLine, ProbeReport};
