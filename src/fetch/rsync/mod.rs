//! Lists mirrors with the program `rsync`.

pub mod failure;
pub mod lines;
pub mod listing;
pub mod url;
