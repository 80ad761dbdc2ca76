//! The state of counting that workers and teller share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use arc_swap::ArcSwap;

use crate::domain::count::totals::Totals;
use crate::domain::metric::facts::DatabaseFacts;
use crate::program::clock::now;

/// Sums by the name of their site.
pub(in crate::respond) type SiteTotals = BTreeMap<String, Totals>;

/// Values that workers read, and the teller writes.
#[derive(Debug)]
pub(in crate::respond) struct CountShared {
    /// Seed of the clients' keys; a new one at least once per day.
    pub seed: AtomicU64,
    /// Requests whose batch the teller could not take.
    pub dropped: AtomicU64,
    /// Tells the teller to end.
    pub stop: AtomicBool,
    /// The sums for metrics, at most a second old.
    pub totals: ArcSwap<SiteTotals>,
    /// Facts from the databases, at most a minute old.
    pub facts: ArcSwap<Vec<DatabaseFacts>>,
    /// When the process began, in seconds since 1970.
    pub started_at: i64,
}

impl CountShared {
    /// Nothing is counted yet.
    pub fn new() -> Arc<CountShared> {
        Arc::new(CountShared {
            seed: AtomicU64::new(fastrand::u64(..)),
            dropped: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            totals: ArcSwap::from_pointee(SiteTotals::new()),
            facts: ArcSwap::default(),
            started_at: now().0,
        })
    }
}
