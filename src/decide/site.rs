//! What is known of a site at one moment; shared by all workers.

use std::sync::Arc;

use crate::config::SiteConfig;
use crate::domain::time::Timestamp;
use crate::geoip::GeoIp;
use crate::snapshot::Snapshot;

/// Configuration, mirrors and GeoIP files of one site.
#[derive(Debug, Clone)]
pub struct SiteState {
    /// The configuration.
    pub config: Arc<SiteConfig>,
    /// The mirrors; `None` while the database cannot be read.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Where clients are.
    pub geoip: Arc<GeoIp>,
    /// Since when all of this is so: no document has changed since but with its file.
    pub changed_at: Timestamp,
}
