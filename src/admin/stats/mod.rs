//! `heliostat stats` adds up and shows the counts of responders. `heliostat metrics` prints facts
//! from the databases for Prometheus.

mod args;
mod chart;
mod collect;
mod import;
mod metrics;
mod range;
mod report;

pub use args::{MetricsArgs, StatsArgs};
pub(super) use chart::bytes_text;
pub(super) use collect::stats;
pub(super) use metrics::metrics;
