//! Holds the state of a site at one moment, which all workers share.

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
    /// Catalogue and mirrors; `None` while the database cannot be read.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The open GeoIP files.
    pub geoip: Arc<GeoIp>,
    /// Time of the last change of this state; since then, documents changed only with their files.
    pub changed_at: Timestamp,
}
