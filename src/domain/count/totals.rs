//! Sums since the start of the program, from which metrics are written.
//!
//! # Limits
//! [`MIRRORS_MAX`] mirrors; countries and kinds are closed sets.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::column::{CountEvent, RequestKind};
use crate::domain::place::CountryCode;

/// Mirrors and fallbacks with a sum of their own; more would be a fault of the database.
pub const MIRRORS_MAX: usize = 10_000;

/// Upper bounds of the histogram of answer times, in nanoseconds.
pub const DURATION_BOUNDS_NS: [u64; 9] = [
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// Sums of one site.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Requests by kind.
    pub kinds: HashMap<RequestKind<'static>, u64>,
    /// Redirects and promised bytes by mirror or fallback.
    pub mirrors: BTreeMap<Box<str>, (u64, u64)>,
    /// Redirects by country; `None`: unknown.
    pub countries: BTreeMap<Option<CountryCode>, u64>,
    /// Timed answers by bucket; the last one has no upper bound.
    pub durations: [u64; DURATION_BOUNDS_NS.len() + 1],
    /// All timed answers together, in nanoseconds.
    pub durations_ns: u64,
    /// Requests that were not counted, or not exactly, by reason.
    pub uncounted: BTreeMap<&'static str, u64>,
}

impl Totals {
    /// Adds a request.
    pub fn add(&mut self, counted: &CountEvent<'_>) {
        *self.kinds.entry(counted.kind).or_default() += 1;
        if counted.mirror.is_empty() {
            return;
        }
        *self.countries.entry(counted.country).or_default() += 1;
        if let Some(sums) = self.mirrors.get_mut(counted.mirror) {
            sums.0 += 1;
            sums.1 = sums.1.saturating_add(counted.bytes);
        } else if self.mirrors.len() < MIRRORS_MAX {
            self.mirrors
                .insert(counted.mirror.into(), (1, counted.bytes));
        }
    }

    /// Adds the time that an answer took.
    pub fn add_duration(&mut self, took_ns: u64) {
        let bucket = DURATION_BOUNDS_NS
            .iter()
            .position(|bound| took_ns <= *bound);
        self.durations[bucket.unwrap_or(DURATION_BOUNDS_NS.len())] += 1;
        self.durations_ns = self.durations_ns.saturating_add(took_ns);
    }

    /// Adds requests that were not counted.
    pub fn add_uncounted(&mut self, reason: &'static str, requests: u64) {
        *self.uncounted.entry(reason).or_default() += requests;
    }
}
