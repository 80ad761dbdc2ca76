//! `heliostat replay`: decides the requests of access logs again, offline, and sums up.
//!
//! One thread reads and unpacks the logs; the others read lines ([`mod@format`], [`mod@line`]),
//! decide them by the code of the responder ([`world`]) and count ([`tally`]). Only the number of
//! mirrors and reasons grows with the log.

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
