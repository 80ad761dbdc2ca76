//! Finds the place of a mirror: looks all addresses of its host up in the site's GeoIP files.

use std::net::{IpAddr, ToSocketAddrs};

use ipnet::IpNet;

use crate::config::SiteConfig;
use crate::db::mirror::MirrorRecord;
use crate::domain::health::Family;
use crate::domain::order::ShortList;
use crate::domain::place::{CountryCode, Place};
use crate::domain::url::{BaseUrl, BaseUrlError, mask_password};
use crate::geoip::{AddressPlace, GeoIp, continent_of};

/// Why nothing is looked up for a mirror.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocateError {
    /// The mirror has no host.
    #[error("its base URL cannot be used: {0}")]
    Url(#[from] BaseUrlError),
    /// The resolver gives no answer.
    #[error("{host} has no address: {cause}")]
    Unresolved {
        /// The host.
        host: String,
        /// The system's message.
        cause: std::io::Error,
    },
    /// The resolver's answer is empty.
    #[error("{host} has no address; correct the name, or its entries in the DNS")]
    NoAddress {
        /// The host.
        host: String,
    },
}

/// Degrees that addresses of one machine room may be apart: files know cities at best.
const APART_DEGREES_MAX: f64 = 1.0;

/// Facts about a host by its addresses.
#[derive(Debug, Default)]
pub struct Survey {
    /// The addresses, IPv4 first.
    pub addresses: Vec<(IpAddr, AddressPlace)>,
    /// Facts from the first address that has them. Coordinates are never those of another country.
    pub place: Place,
    /// The network of the first address whose AS is known, else of the first that has any.
    pub network: Option<IpNet>,
    /// Facts in which the addresses differ, with the value of each address.
    pub differences: Vec<(&'static str, String)>,
}

impl Survey {
    /// Looks up every address of a host.
    ///
    /// # Errors
    /// Why the host has no address.
    pub fn of(host: &str, geoip: &GeoIp) -> Result<Survey, LocateError> {
        let found = addresses(host)?;
        Ok(Survey::new(
            found.into_iter().map(|ip| (ip, geoip.find(ip))).collect(),
        ))
    }

    fn new(mut addresses: Vec<(IpAddr, AddressPlace)>) -> Survey {
        addresses.order_by_key(|(ip, _)| Family::of(*ip) == Family::V6);
        let places = || addresses.iter().map(|(_, located)| &located.place);
        let of_country = places().find(|place| place.country.is_some() || place.region.is_some());
        let country = of_country.and_then(|place| place.country);
        let agrees = |place: &&Place| country.is_none() || place.country == country;
        let coordinates = of_country.and_then(|place| place.coordinates);
        let by_asn = addresses.iter().find(|(_, l)| l.place.asn.is_some());
        let by_network = addresses.iter().find(|(_, l)| l.network.is_some());
        Survey {
            place: Place {
                country,
                region: of_country.and_then(|place| place.region),
                coordinates: coordinates
                    .or_else(|| places().filter(agrees).find_map(|place| place.coordinates)),
                asn: by_asn.and_then(|(_, located)| located.place.asn),
            },
            network: by_asn
                .or(by_network)
                .and_then(|(_, located)| located.network),
            differences: differences(&addresses),
            addresses,
        }
    }

    /// Whether the host has IPv6 addresses alone.
    pub fn is_ipv6_only(&self) -> bool {
        let mut addresses = self.addresses.iter();
        addresses.all(|(ip, _)| Family::of(*ip) == Family::V6)
    }

    /// Says in what the addresses of a mirror differ, of the facts that are looked for.
    pub fn warn_of_differences(&self, name: &str, is_wanted: impl Fn(&str) -> bool) {
        let differences = self.differences.iter();
        for (fact, said) in differences.filter(|(fact, _)| is_wanted(fact)) {
            log::warn!(
                "{name}: the addresses of its host differ in {fact}: {said}; the first is taken, \
                 write another by `heliostat edit {name}`"
            );
        }
    }
}

/// The value of each address, for facts in which they differ.
fn differences(addresses: &[(IpAddr, AddressPlace)]) -> Vec<(&'static str, String)> {
    type Shown = fn(&Place) -> Option<String>;
    let shown: [(&str, Shown); 4] = [
        ("country", |place| {
            place.country.map(|code| code.to_string())
        }),
        ("continent", |place| {
            place.region.map(|code| code.to_string())
        }),
        ("coordinates", |place| {
            place
                .coordinates
                .map(|at| format!("{},{}", at.latitude, at.longitude))
        }),
        ("AS", |place| place.asn.map(|asn| format!("AS{asn}"))),
    ];
    let mut differences = Vec::new();
    for (fact, show) in shown {
        let known: Vec<(&IpAddr, &Place, String)> = addresses
            .iter()
            .filter_map(|(ip, located)| Some((ip, &located.place, show(&located.place)?)))
            .collect();
        let Some((_, first, said)) = known.first() else {
            continue;
        };
        let differs = |(_, place, other): &(&IpAddr, &Place, String)| match fact {
            "coordinates" => are_apart(first, place),
            _ => other != said,
        };
        if known.iter().any(differs) {
            let said: Vec<String> = known
                .iter()
                .map(|(ip, _, said)| format!("{ip} {said}"))
                .collect();
            differences.push((fact, said.join(", ")));
        }
    }
    differences
}

fn are_apart(one: &Place, other: &Place) -> bool {
    let both = one.coordinates.zip(other.coordinates);
    both.is_some_and(|(one, other)| {
        let east = (one.longitude - other.longitude).abs();
        let apart = [
            (one.latitude - other.latitude).abs(),
            east.min(360.0 - east),
        ];
        apart.iter().any(|degrees| *degrees > APART_DEGREES_MAX)
    })
}

/// Looks up in the files the facts that the record does not give, and fills them in; returns their
/// names. Resolves nothing when the site has no GeoIP files. The record wins: a country brings its
/// continent along, wherever the host is.
///
/// # Errors
/// Why the host has no address.
pub fn fill(record: &mut MirrorRecord, site: &SiteConfig) -> Result<Option<Survey>, LocateError> {
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
    let survey = Survey::of(url.host(), &GeoIp::open(&site.geoip))?;
    let found = &survey.place;
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
    Ok(Some(survey))
}

fn text(code: Option<impl ToString>) -> String {
    code.map(|code| code.to_string()).unwrap_or_default()
}

/// The host's addresses, one at least.
///
/// # Errors
/// Why it has none.
pub fn addresses(host: &str) -> Result<Vec<IpAddr>, LocateError> {
    let found = (host, 0)
        .to_socket_addrs()
        .map_err(|cause| LocateError::Unresolved {
            // Somebody may give a URL for a host.
            host: mask_password(host),
            cause,
        })?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for ip in found.map(|address| address.ip()) {
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err(LocateError::NoAddress {
            host: host.to_owned(),
        });
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::{Asn, Coordinates};

    fn located(country: &str, at: Option<(f64, f64)>, asn: u32) -> AddressPlace {
        let mut located = AddressPlace::default();
        located.place.country = CountryCode::parse(country.as_bytes());
        located.place.region = located.place.country.and_then(continent_of);
        located.place.coordinates = at.and_then(|(a, b)| Coordinates::known(a, b));
        located.place.asn = Asn::new(asn);
        located
    }

    fn survey(addresses: &[(&str, AddressPlace)]) -> Survey {
        let parsed = addresses.iter();
        Survey::new(
            parsed
                .map(|(ip, located)| (ip.parse().expect("an address"), *located))
                .collect(),
        )
    }

    #[test]
    fn all_addresses_of_a_host_tell_together() {
        // The first address, which is all that used to be asked, knows nothing.
        let found = survey(&[
            ("2001:db8::1", located("us", None, 64501)),
            ("192.0.2.1", located("", None, 0)),
            ("192.0.2.2", located("de", Some((52.5, 13.4)), 0)),
        ]);
        assert_eq!(found.place.country, CountryCode::parse(b"de"));
        assert_eq!(found.place.asn, Asn::new(64501));
        assert!(found.place.coordinates.is_some() && !found.is_ipv6_only());
        let said: Vec<&str> = found.differences.iter().map(|(fact, _)| *fact).collect();
        assert_eq!(said, ["country", "continent"]);
        assert_eq!(found.differences[0].1, "192.0.2.2 de, 2001:db8::1 us");
    }

    #[test]
    fn coordinates_are_never_those_of_another_country() {
        let found = survey(&[
            ("192.0.2.1", located("de", None, 1)),
            ("192.0.2.2", located("us", Some((40.0, -75.0)), 1)),
        ]);
        assert_eq!(found.place.coordinates, None);
        let found = survey(&[
            ("192.0.2.1", located("de", Some((52.5, 13.4)), 1)),
            ("2001:db8::1", located("de", Some((52.6, 13.5)), 2)),
        ]);
        let said: Vec<&str> = found.differences.iter().map(|(fact, _)| *fact).collect();
        assert_eq!(said, ["AS"], "a tenth of a degree is one town");
        assert!(survey(&[("2001:db8::1", located("", None, 0))]).is_ipv6_only());
    }
}
