//! The database of a site's statistics: a file of its own, so that nothing that counts can block
//! what decides.
//!
//! [`store`] opens it, [`merge`] adds spool files, [`mod@import`] adds what logs tell, [`upkeep`]
//! drops what is old, [`sums`] answers questions. The responder never opens it to write.

pub mod import;
pub mod merge;
pub mod store;
pub mod sums;
pub mod upkeep;

pub use store::{StatsReader, StatsWriter, open_stats_reader, open_stats_writer};
