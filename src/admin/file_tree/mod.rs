//! The commands of `heliostat` about directories and files of the tree.

pub mod dirs;
mod null_listing;
pub mod null_tree;
pub mod timestamp;
