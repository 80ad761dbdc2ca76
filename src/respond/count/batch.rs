//! Events on their way from a worker to the teller.
//!
//! # Limits
//! A batch has at most [`EVENTS_MAX`] events and [`TEXT_BYTES_MAX`] bytes of names: 0.8 MB.
//! [`BATCHES_MAX`] of them wait for the teller, three seconds of 20,000 requests per second.

use std::sync::Arc;

use crate::config::SiteConfig;
use crate::domain::count::column::RequestKind;
use crate::domain::file::FileVersion;
use crate::domain::place::CountryCode;

/// Events of one batch.
pub(super) const EVENTS_MAX: usize = 2048;

/// Bytes of paths and names of mirrors in one batch.
pub(super) const TEXT_BYTES_MAX: usize = 384 * 1024;

/// Batches that wait.
pub(super) const BATCHES_MAX: usize = 32;

/// A finished request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    /// The facts. If there is a `key`, the column `downloads` may still become that of a part or a
    /// retry.
    pub kind: RequestKind<'static>,
    /// A number for client and file; 0: none.
    pub key: u64,
    /// Time of the request in seconds since 1970.
    pub at: i64,
    /// Promised bytes.
    pub bytes: u64,
    /// The client's autonomous system; 0: unknown.
    pub asn: u32,
    /// Time for the answer in nanoseconds; 0: not measured.
    pub took_ns: u32,
    /// Length of the path and of the mirror's name in the batch's text.
    pub lengths: (u32, u32),
    /// Index of the site in the batch.
    pub site: u16,
    /// The file's version, and the scheme of the URL, of a redirect to a mirror.
    pub redirect: Option<(FileVersion, &'static str)>,
    /// The client's country.
    pub country: Option<CountryCode>,
    /// Whether the request has a `Range`.
    pub has_range: bool,
}

/// Events of one worker.
#[derive(Debug, Default)]
pub(super) struct EventBatch {
    /// The sites of the events.
    pub sites: Vec<Arc<SiteConfig>>,
    /// The events, in their order.
    pub events: Vec<Event>,
    /// Path and mirror of each event, one after the other.
    pub text: Vec<u8>,
}

impl EventBatch {
    /// Index of a site; `None` if the batch has too many, which no configuration has.
    pub fn site(&mut self, config: &Arc<SiteConfig>) -> Option<u16> {
        let known = self.sites.iter().position(|site| Arc::ptr_eq(site, config));
        let index = known.unwrap_or_else(|| {
            self.sites.push(Arc::clone(config));
            self.sites.len() - 1
        });
        u16::try_from(index).ok()
    }

    /// Whether it must be sent before another event fits.
    pub fn is_full(&self) -> bool {
        self.events.len() >= EVENTS_MAX || self.text.len() >= TEXT_BYTES_MAX
    }
}
