//! `heliostat-probe`, also as `mirrorprobe`: which mirrors answer, over which scheme and family.
//!
//! A long-lived [`Prober`] makes one pass after the other. A pass plans what to ask whom (`plan`),
//! lets [`crate::fetch::probe`] ask all mirrors at a time, judges what came back (`verdict`, pure),
//! writes it in one transaction (`publish`), and tells people what changed (`notice`, pure;
//! `notify`). A mirror is alive while one of its URLs is usable over one family.
//!
//! What a probe turned off a probe turns on again; what an admin turned off (`enabled`) stays off
//! and is not even asked, unless it is named.
//!
//! # Errors
//! [`ProbeError`] when no pass could be made. A mirror that fails is a result. When nearly all fail
//! at once it is this host that is cut off: nothing is turned off, and it is said.
//!
//! # Limits
//! Those of `[site.NAME.probe]` and of [`crate::fetch::probe`];
//! [`crate::snapshot::FILES_TRIED_MAX`].
//!
//! # Locking
//! One prober a database (`lock`). No transaction is open while the network is waited for.

pub mod args;
mod daemon;
mod error;
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
