//! `heliostat-index`: brings the catalogue up to date with the file tree, and hashes its files.
//!
//! There is one [`Indexer`] per site. Each of its [`IndexRun`]s walks the tree ([`crate::tree`]),
//! compares it with the catalogue in one pass over both (`compare`), and applies all changes in one
//! transaction (`apply`). So a run that ends early, however it ends, leaves the catalogue as it
//! was. Entries that could not be read stay in the catalogue; a tree that seems to be lost changes
//! nothing until an admin confirms it.
//!
//! Then [`Hasher`] computes the hashes of the catalogue's files (`hash`).
//!
//! # Locking
//! One run per database (`lock`), and one that hashes. The database is locked for writing only
//! while changes are applied; if another program changed the catalogue since it was compared, the
//! run starts again.
//!
//! Deliberately absent: the catalogue ignores file permissions. MirrorBrain catalogues the files
//! that mirrors have, whoever may read them on this host; and a file that the web server may not
//! open is hidden by the permissions of its directory, which the web server checks before it asks
//! us.

mod apply;
mod args;
mod change;
mod compare;
mod error;
mod generation;
mod hash;
mod lock;
mod manifest;
mod marker;
mod program;
mod report;
mod run;
mod step;

pub use args::IndexArgs;
pub use change::{ChangeCounts, ChangeList, IndexChange};
pub use error::IndexError;
pub use hash::{
    FAILURES_LISTED_MAX, HashCounts, HashFailure, HashReport, HashRequest, HashRun, HashStep,
    Hasher, Lane, PIECES_MAX, Trouble, lanes,
};
pub use program::main;
pub use report::{IndexCounts, IndexReport};
pub use run::IndexRun;
pub use run::{IndexRequest, Indexer};
pub use step::IndexStep;
