//! `heliostat init`: makes what a first site needs, from what the machine has already.
//!
//! The command looks first (`found`), then says all that it would make (`plan`), asks, and makes
//! it. A file that is there stays as it is, whatever is in it.

mod found;
mod init;
mod plan;

pub(super) use init::init;
