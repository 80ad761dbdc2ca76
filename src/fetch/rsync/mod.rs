//! Lists mirrors by the `rsync` program.

pub mod failure;
pub mod lines;
pub mod listing;
pub mod url;
