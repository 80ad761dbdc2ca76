//! Judges what a scan has found, and publishes it in one transaction.

pub mod conclude;
pub mod judge;
pub mod options;
pub mod repeat;
