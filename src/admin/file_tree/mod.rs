//! The commands of `heliostat` about directories and files of the tree.

pub mod dirs;
pub mod timestamp;
