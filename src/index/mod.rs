//! The file tree into the catalogue, and hashes of its files.
//!
//! [`Indexer`] is a site's; each [`IndexRun`] of it walks the tree ([`crate::tree`]), compares it
//! with the catalogue in one pass over both (`compare`), and makes all changes in one transaction
//! (`apply`), so that a run that ends early, however it ends, leaves the catalogue as it was. What
//! could not be read stays in the catalogue; a tree that looks lost changes nothing until somebody
//! says that it is right.
//!
//! [`Hasher`] computes hashes of what is in the catalogue then (`hash`).
//!
//! # Locking
//! One run a database (`lock`), and one that hashes. The database is locked for writing only while
//! changes are made; when something else changed the catalogue since it was compared, the run
//! begins again.
//!
//! Not done here on purpose: the catalogue does not look at a file's permissions. MirrorBrain
//! catalogues what mirrors have, whoever may read it at home; and a file that the web server may
//! not open is hidden by its directory's permissions, which the web server checks before it asks
//! us.

mod apply;
mod args;
mod change;
mod compare;
mod error;
mod generation;
mod hash;
mod lock;
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
