//! `[site.NAME.stats]` and `[[site.NAME.count]]`: which requests are counted, and as what.

mod product;
mod stats;

pub(super) use product::{COUNT_MAX, RawCount};
pub use stats::{RawStats, StatsConfig};
pub(super) use stats::{SitePaths, check_stats, database_of};
