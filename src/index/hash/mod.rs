//! Hashes the files in the catalogue.
//!
//! There is one [`Hasher`] per site. Each [`HashRun`] compares the catalogue with the stored hashes
//! (`plan`), passes the files that lack hashes to a pool of threads (`feed`, `pool`), and stores
//! the results, one second's work at a time (`store`). So the run after one that was stopped or
//! killed continues where that one was. Redirects never wait for hashes, because the catalogue is
//! committed before.
//!
//! A file is read once. A small file is the work of one thread; a large one (`flow`) is read in
//! chunks, which its digests (`lane`) take on all cores. Memory is bounded whatever the size of a
//! file: buffers, digests of at most [`PIECES_MAX`] pieces, and 16 MB of zsync sums.
//!
//! A row belongs to exactly one version: the file is the catalogue's version when it is opened and
//! has not changed after it was read, and the catalogue still has the same version when the row is
//! stored.

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
