//! Sums of a minute or less, from which a spool file is written.
//!
//! # Limits
//! [`CountTally::bytes`] estimates the memory; the owner writes a spool file before it grows too
//! large.

use foldhash::HashMap;

use super::column::{CountColumn, CountEvent, RequestKind};
use super::product::{CountPattern, ProductNames, product_of};
use super::sample::Reservoir;
use crate::domain::place::CountryCode;

/// Memory of a file's entry besides its path: counts, a pointer and its share of the table.
const FILE_BYTES: usize = 200;

/// Memory of any other entry, and of its share of the table.
const ENTRY_BYTES: usize = 160;

/// The counts of one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Downloads.
    pub downloads: u64,
    /// Metalinks in its place.
    pub by_metalink: u64,
    /// Further parts of a download.
    pub resumed: u64,
    /// Repeated requests.
    pub retries: u64,
    /// HEAD requests.
    pub heads: u64,
    /// Small parts.
    pub probes: u64,
    /// Requests of search engines.
    pub bots: u64,
    /// Downloads, parts, retries and probes that the web server served itself.
    pub local: u64,
    /// Promised bytes.
    pub bytes: u64,
}

impl FileCounts {
    /// The numbers in the order of spool files and of the database.
    pub fn as_array(&self) -> [u64; 9] {
        [
            self.downloads,
            self.by_metalink,
            self.resumed,
            self.retries,
            self.heads,
            self.probes,
            self.bots,
            self.local,
            self.bytes,
        ]
    }

    /// The counts of numbers in that order.
    pub fn of_array(numbers: [u64; 9]) -> FileCounts {
        let [
            downloads,
            by_metalink,
            resumed,
            retries,
            heads,
            probes,
            bots,
            local,
            bytes,
        ] = numbers;
        FileCounts {
            downloads,
            by_metalink,
            resumed,
            retries,
            heads,
            probes,
            bots,
            local,
            bytes,
        }
    }

    fn add(&mut self, counted: &CountEvent<'_>) {
        let count = match counted.kind.column {
            CountColumn::Downloads => &mut self.downloads,
            CountColumn::ByMetalink => &mut self.by_metalink,
            CountColumn::Resumed => &mut self.resumed,
            CountColumn::Retries => &mut self.retries,
            CountColumn::Heads => &mut self.heads,
            CountColumn::Probes => &mut self.probes,
            CountColumn::Bots => &mut self.bots,
            _ => return,
        };
        *count += 1;
        if counted.kind.column.has_bytes() {
            self.bytes = self.bytes.saturating_add(counted.bytes);
            self.local += u64::from(counted.mirror.is_empty());
        }
    }
}

/// Downloads and promised bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DownloadSum {
    /// Downloads.
    pub downloads: u64,
    /// Promised bytes.
    pub bytes: u64,
}

impl DownloadSum {
    fn add(&mut self, counted: &CountEvent<'_>) {
        self.downloads += u64::from(counted.kind.column == CountColumn::Downloads);
        self.bytes = self.bytes.saturating_add(counted.bytes);
    }
}

/// The way of downloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// Index of the mirror in [`CountTally::mirrors`].
    pub mirror: u32,
    /// The client's country.
    pub country: Option<CountryCode>,
    /// The client's autonomous system; 0: unknown.
    pub asn: u32,
    /// Tier of the mirror; `local` if the web server served the file.
    pub tier: &'static str,
}

/// Sums of one site.
#[derive(Debug, Default)]
pub struct CountTally {
    /// By path: the counts, and the index of the product in `products`.
    pub files: HashMap<Box<[u8]>, (FileCounts, Option<u32>)>,
    /// By way.
    pub routes: HashMap<RouteKey, DownloadSum>,
    /// All requests, by kind.
    pub kinds: HashMap<RequestKind<'static>, u64>,
    /// By product and country.
    pub products: HashMap<(u32, Option<CountryCode>), DownloadSum>,
    /// Some of the redirects.
    pub samples: Reservoir,
    /// Names of mirrors; the empty one is the web server.
    pub mirrors: Vec<Box<str>>,
    /// Names of products.
    pub product_names: Vec<ProductNames>,
    mirror_indices: HashMap<Box<str>, u32>,
    product_indices: HashMap<ProductNames, u32>,
    bytes: usize,
    requests: u64,
}

impl CountTally {
    /// Estimated memory in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of requests.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Adds a request.
    pub fn add(&mut self, counted: &CountEvent<'_>, patterns: &[CountPattern]) {
        self.requests += 1;
        let kinds = self.kinds.len();
        *self.kinds.entry(counted.kind).or_default() += 1;
        self.bytes += (self.kinds.len() - kinds) * ENTRY_BYTES;
        if counted.path.is_empty() {
            return;
        }
        let product = self.add_file(counted, patterns);
        if !counted.kind.column.has_bytes() {
            return;
        }
        let mirror = self.mirror(counted.mirror);
        let key = RouteKey {
            mirror,
            country: counted.country,
            asn: counted.asn,
            tier: if counted.mirror.is_empty() {
                "local"
            } else {
                counted.kind.tier
            },
        };
        let entries = self.routes.len() + self.products.len();
        self.routes.entry(key).or_default().add(counted);
        if let Some(product) = product {
            let key = (product, counted.country);
            self.products.entry(key).or_default().add(counted);
        }
        self.bytes += (self.routes.len() + self.products.len() - entries) * ENTRY_BYTES;
    }

    fn add_file(&mut self, counted: &CountEvent<'_>, patterns: &[CountPattern]) -> Option<u32> {
        if let Some((counts, product)) = self.files.get_mut(counted.path) {
            counts.add(counted);
            return *product;
        }
        let mut counts = FileCounts::default();
        counts.add(counted);
        if counts == FileCounts::default() {
            return None;
        }
        let product = product_of(patterns, counted.path).map(|names| self.product(names));
        self.bytes += FILE_BYTES + counted.path.len();
        self.files.insert(counted.path.into(), (counts, product));
        product
    }

    fn product(&mut self, names: ProductNames) -> u32 {
        if let Some(index) = self.product_indices.get(&names) {
            return *index;
        }
        let index = self.product_names.len() as u32;
        self.bytes += 2 * ENTRY_BYTES;
        self.product_names.push(names.clone());
        self.product_indices.insert(names, index);
        index
    }

    fn mirror(&mut self, name: &str) -> u32 {
        if let Some(index) = self.mirror_indices.get(name) {
            return *index;
        }
        let index = self.mirrors.len() as u32;
        self.bytes += ENTRY_BYTES;
        self.mirrors.push(name.into());
        self.mirror_indices.insert(name.into(), index);
        index
    }
}
