//! `heliostat replay`: decides the requests of access logs again, offline, and sums up.
//!
//! One thread reads and unpacks the logs; the others read lines ([`format`], [`line`]), decide them
//! by the code of the responder ([`world`]) and count ([`tally`]). What grows with the log is the
//! number of mirrors and reasons alone.

mod format;
mod input;
mod judge;
mod line;
mod lines;
mod report;
mod run;
mod tally;
mod unread;
mod world;

pub(super) use input::LogInput;
pub(super) use lines::LogLines;
pub use run::replay;
