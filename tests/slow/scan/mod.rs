//! Scans that are killed.

mod kill;
