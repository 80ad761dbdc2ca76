//! Stores what following redirects found: sums, and mirrors that contradict their scans.

pub mod contradiction;
pub mod piece;
pub mod sums;
