//! The commands of `heliostat` about the overview of all mirrors.

mod holding;
pub mod markers;
pub mod mirrorlist;
mod page;
