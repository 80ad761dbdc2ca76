//! The database of a site's statistics: a file of its own, so that counting never blocks
//! decisions.
//!
//! [`store`] opens it, [`merge`] adds spool files, [`mod@import`] adds counts from logs,
//! [`upkeep`] drops old rows, [`sample`] has some redirects, [`sums`] and [`below`] (a directory)
//! answer questions. The responder never opens it to write.

pub mod below;
pub mod import;
pub mod merge;
pub mod sample;
pub mod store;
pub mod sums;
pub mod upkeep;

pub use store::{StatsReader, StatsWriter, open_stats_reader, open_stats_writer};
