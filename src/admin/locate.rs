//! Where a new mirror is: its host's address looked up in the site's GeoIP files.

use std::net::{IpAddr, ToSocketAddrs};

use crate::config::SiteConfig;
use crate::db::mirror::MirrorRecord;
use crate::domain::mirror::BaseUrl;
use crate::domain::place::Coordinates;
use crate::geoip::GeoIp;

/// Fills in what the record does not say and the files know; returns the address that was looked
/// up. Nothing is resolved when the site has no GeoIP files.
///
/// # Errors
/// Why the host has no address.
pub fn fill(record: &mut MirrorRecord, site: &SiteConfig) -> Result<Option<IpAddr>, String> {
    let Ok(url) = BaseUrl::parse(&record.base_url) else {
        return Ok(None);
    };
    if site.geoip.is_empty() {
        return Ok(None);
    }
    let ip = address(url.host())?;
    let found = GeoIp::open(&site.geoip).find(ip).place;
    if record.region.is_empty() && record.country.is_empty() {
        record.region = found
            .region
            .map(|code| code.to_string())
            .unwrap_or_default();
        record.country = found
            .country
            .map(|code| code.to_string())
            .unwrap_or_default();
    } else if record.region.is_empty()
        && found.country.is_some_and(|c| c.as_str() == record.country)
    {
        record.region = found
            .region
            .map(|code| code.to_string())
            .unwrap_or_default();
    }
    if record.latitude.is_none()
        && let Some(Coordinates {
            latitude,
            longitude,
        }) = found.coordinates
    {
        (record.latitude, record.longitude) = (Some(latitude), Some(longitude));
    }
    if record.asn == 0 {
        record.asn = found.asn.map_or(0, |asn| i64::from(asn.number()));
    }
    Ok(Some(ip))
}

/// The host's first address.
fn address(host: &str) -> Result<IpAddr, String> {
    let mut addresses = (host, 0)
        .to_socket_addrs()
        .map_err(|error| format!("{host} has no address: {error}"))?;
    addresses
        .next()
        .map(|address| address.ip())
        .ok_or_else(|| format!("{host} has no address"))
}
