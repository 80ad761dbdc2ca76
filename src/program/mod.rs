//! Functions that all programs of Heliostat use: command line, exit codes, log, progress, signals,
//! clock, locks, files that are replaced, tables for people.

pub mod arguments;
pub mod clock;
pub mod console;
pub mod exit;
pub mod lock;
pub mod log;
pub mod progress;
pub mod replacement;
pub mod signal;
pub mod table;
