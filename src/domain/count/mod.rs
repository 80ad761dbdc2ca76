//! Decides in which column a request counts, adds up, and writes the text of spool files (no clock,
//! no files).
//!
//! - [`mod@column`]: the columns, of which each request counts in exactly one.
//! - [`range`]: how many bytes a `Range` field asks for.
//! - [`rule`]: which column a request belongs to, by the first rule that fits.
//! - [`dlcount`]: which lines of access logs are downloads, by MirrorBrain's rules.
//! - [`joins`]: which requests continue or repeat a download.
//! - [`period`]: days, months and years.
//! - [`product`]: which product a path is.
//! - [`sample`]: some redirects of a minute, which the prober follows.
//! - [`tally`]: sums of a minute, from which a spool file is written.
//! - [`spool`]: the text of a spool file.
//! - [`totals`]: sums since the start of the program, for metrics.

pub mod column;
pub mod dlcount;
pub mod joins;
pub mod period;
pub mod product;
pub mod range;
pub mod rule;
pub mod sample;
pub mod spool;
pub mod tally;
pub mod totals;
