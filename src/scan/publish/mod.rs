//! Judges what a scan has found, and publishes it in one transaction.

pub mod conclude;
pub mod finding;
pub mod judge;
pub mod repeat;
