//! Where a new mirror is: its host's address looked up in the site's GeoIP files.

use std::net::{IpAddr, ToSocketAddrs};

use crate::config::SiteConfig;
use crate::db::mirror::MirrorRecord;
use crate::domain::mirror::BaseUrl;
use crate::domain::place::CountryCode;
use crate::geoip::{GeoIp, continent_of};

/// Fills in what the record does not say and the files know; returns the address that was looked
/// up. Nothing is resolved when the site has no GeoIP files. What is said wins: a country brings
/// its continent along, wherever the host is.
///
/// # Errors
/// Why the host has no address.
pub fn fill(record: &mut MirrorRecord, site: &SiteConfig) -> Result<Option<IpAddr>, String> {
    let said = CountryCode::parse(record.country.as_bytes());
    if record.region.is_empty() {
        record.region = text(said.and_then(continent_of));
    }
    let Ok(url) = BaseUrl::parse(&record.base_url) else {
        return Ok(None);
    };
    if site.geoip.is_empty() {
        return Ok(None);
    }
    let ip = address(url.host())?;
    let found = GeoIp::open(&site.geoip).find(ip).place;
    if record.region.is_empty() && record.country.is_empty() {
        record.region = text(found.region);
        record.country = text(found.country);
    }
    if record.latitude.is_none()
        && let Some(at) = found.coordinates
    {
        (record.latitude, record.longitude) = (Some(at.latitude), Some(at.longitude));
    }
    if record.asn == 0 {
        record.asn = found.asn.map_or(0, |asn| i64::from(asn.number()));
    }
    Ok(Some(ip))
}

fn text(code: Option<impl ToString>) -> String {
    code.map(|code| code.to_string()).unwrap_or_default()
}

/// The host's first address.
fn address(host: &str) -> Result<IpAddr, String> {
    let first = addresses(host)?.first().copied();
    first.ok_or_else(|| format!("{host} has no address"))
}

/// The host's addresses, one at least.
///
/// # Errors
/// Why it has none.
pub fn addresses(host: &str) -> Result<Vec<IpAddr>, String> {
    let found = (host, 0)
        .to_socket_addrs()
        .map_err(|error| format!("{host} has no address: {error}"))?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for ip in found.map(|address| address.ip()) {
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err(format!("{host} has no address"));
    }
    Ok(addresses)
}
