//! What workers and teller share about counting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use arc_swap::ArcSwap;

use crate::domain::count::totals::Totals;

/// Sums by the name of their site.
pub(in crate::respond) type SiteTotals = BTreeMap<String, Totals>;

/// Values that workers read, and the teller writes.
#[derive(Debug)]
pub(in crate::respond) struct CountShared {
    /// Seed of the clients' keys; a new one at least once per day.
    pub seed: AtomicU64,
    /// Requests whose batch the teller could not take.
    pub dropped: AtomicU64,
    /// Ends the teller.
    pub stop: AtomicBool,
    /// The sums for metrics, at most a second old.
    pub totals: ArcSwap<SiteTotals>,
}

impl CountShared {
    /// Nothing is counted yet.
    pub fn new() -> Arc<CountShared> {
        Arc::new(CountShared {
            seed: AtomicU64::new(fastrand::u64(..)),
            dropped: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            totals: ArcSwap::from_pointee(SiteTotals::new()),
        })
    }
}
