//! `heliostat stats`: adds up what responders have counted, and shows it.

mod args;
mod chart;
mod collect;
mod range;
mod report;

pub use args::StatsArgs;
pub(super) use collect::stats;
