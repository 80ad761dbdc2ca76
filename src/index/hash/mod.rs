//! Hashes of the files that the catalogue knows.
//!
//! A [`Hasher`] is a site's; each [`HashRun`] compares the catalogue with what is stored (`plan`),
//! gives the files that lack something to a pool of threads (`feed`, `pool`), and stores what
//! comes back, a second's work at a time (`store`). So a run that is stopped or killed goes on
//! where it was, and redirects never wait for hashes: the catalogue is committed before.
//!
//! A file is read once. Small ones are one thread's work each; a large one (`flow`) is read in
//! chunks that its digests (`lane`) take on all cores. Whatever the size of a file, memory is
//! bounded: buffers, digests of at most [`PIECES_MAX`] pieces, and 16 MB of zsync's sums.
//!
//! A row is of exactly one version: the file is that of the catalogue when it is opened, and has
//! not changed when it was read, and the catalogue has the same version still when it is stored.

mod feed;
mod flow;
mod hasher;
mod job;
mod lane;
mod plan;
mod pool;
mod report;
mod store;
mod tree;

pub use hasher::{HashRun, HashStep, Hasher};
pub use job::Trouble;
pub use lane::{Lane, PIECES_MAX, lanes};
pub use plan::HashRequest;
pub use report::{FAILURES_LISTED_MAX, HashCounts, HashFailure, HashReport};
