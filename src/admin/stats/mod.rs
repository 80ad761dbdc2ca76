//! `heliostat stats`: adds up what responders have counted, and shows it. `heliostat metrics`: what
//! databases know, for Prometheus.

mod args;
mod chart;
mod collect;
mod import;
mod metrics;
mod range;
mod report;

pub use args::{MetricsArgs, StatsArgs};
pub(super) use collect::stats;
pub(super) use metrics::metrics;
