//! Compares a mirror's listing with the catalogue.

pub mod area;
pub mod directory;
pub mod earlier;
pub mod known;
pub mod large_files;
pub mod names;
pub mod tally;
pub mod zone;
