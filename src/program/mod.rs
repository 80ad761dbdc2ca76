//! What every program of Heliostat does alike: exit codes, log, progress, signals, clock, locks.

pub mod exit;
pub mod progress;
