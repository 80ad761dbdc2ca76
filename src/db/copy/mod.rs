//! Copies of a database: [`moment`] makes one while everything runs, [`replacement`] puts one in
//! the place of the database, [`lineage`] tells whether two files go back to the same, [`written`]
//! how old one is.

pub(super) mod header;
pub mod lineage;
pub mod moment;
pub mod replacement;
pub mod written;
