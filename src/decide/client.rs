//! Determines the client's address and place from the web server's parameters and our own GeoIP
//! files.

use std::net::IpAddr;

use ipnet::IpNet;

use super::site::SiteState;
use crate::domain::health::Family;
use crate::domain::place::{Asn, Coordinates, CountryCode, Place, RegionCode};
use crate::domain::place_override::PlaceOverrides;
use crate::domain::topology::RuleClient;
use crate::domain::url::Scheme;
use crate::geoip::{AddressPlace, FactOrigin, GeoIp, PlaceFact, continent_of};
use crate::http::{Query, Request};

/// The client of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Client {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The client's place; country and AS are replaced by those in `?country=` and `?as=`.
    pub place: Place,
    /// Its network, as a GeoIP file or the web server knows it; for display only.
    pub network: Option<IpNet>,
    /// The autonomous system of the address; `?as=` does not change it.
    pub own_asn: Option<Asn>,
    /// Scheme of the client's request: http or https.
    pub scheme: Scheme,
    /// Whether it is no client of any mirror's prefixes, because its question does without.
    pub(super) is_anywhere: bool,
    /// Whether https URLs alone are wanted, whatever the rules allow.
    pub(super) is_https_only: bool,
    /// The family over which it will ask mirrors, if it says so.
    pub(super) asks_over: Option<Family>,
    /// The facts from the GeoIP files.
    located: AddressPlace,
    /// The other source of each fact, if it has one, in the order of [`PlaceFact::ALL`].
    others: [Option<OtherSource>; 4],
}

/// A source that takes precedence over the GeoIP files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OtherSource {
    Parameter,
    Query,
    Configuration,
}

/// The source of a fact about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactSource<'g> {
    /// A parameter of the web server.
    Parameter(PlaceFact),
    /// The query (`?country=`, `?as=`).
    Query(PlaceFact),
    /// The configuration, which knows better than a GeoIP file.
    Configuration(PlaceFact),
    /// A GeoIP file.
    File(FactOrigin<'g>),
}

fn first(values: [&[u8]; 2]) -> &[u8] {
    if values[0].is_empty() {
        values[1]
    } else {
        values[0]
    }
}

fn float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn network(text: &[u8]) -> Option<IpNet> {
    // The parser tries all forms, also on an empty text.
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty());
    text?.parse().ok()
}

impl Client {
    /// The client of a request to a site, with what the admin knows better than GeoIP files.
    pub fn of_site(request: &Request<'_>, state: &SiteState) -> Client {
        let mut client = Client::of(request, &state.geoip);
        client.correct(&state.config.place_overrides);
        client
    }

    /// Reads the parameters and looks up the facts that are missing. Parameters take precedence,
    /// because they are the documented way for intranets. If they give a country, the coordinates
    /// of our files are not used, because these may lie in another country.
    fn of(request: &Request<'_>, geoip: &GeoIp) -> Client {
        let geo = &request.geo;
        let ip = geo.ip();
        let country = CountryCode::parse(first([geo.country, geo.country_v6]));
        let region = RegionCode::parse(first([geo.continent, geo.continent_v6]));
        let coordinates = float(first([geo.latitude, geo.latitude_v6]))
            .zip(float(first([geo.longitude, geo.longitude_v6])))
            .and_then(|(latitude, longitude)| Coordinates::known(latitude, longitude));
        let asn = Asn::parse_leading(geo.asn);
        let found = ip.map(|ip| geoip.find(ip)).unwrap_or_default();
        let (place, told_country) = (found.place, country.is_some());
        let told = [
            told_country,
            region.is_some(),
            coordinates.is_some(),
            asn.is_some(),
        ];
        Client {
            ip,
            place: Place {
                country: country.or(place.country),
                region: region.or(if told_country { None } else { place.region }),
                coordinates: coordinates.or(if told_country {
                    None
                } else {
                    place.coordinates
                }),
                asn: asn.or(place.asn),
            },
            network: network(geo.prefix).or(found.network),
            own_asn: asn.or(place.asn),
            scheme: request.scheme(),
            is_anywhere: false,
            is_https_only: false,
            asks_over: None,
            located: found,
            others: told.map(|told| told.then_some(OtherSource::Parameter)),
        }
    }

    /// The client that another one pretends to be, with what the GeoIP files know of its address.
    pub(super) fn at(ip: IpAddr, request: &Request<'_>, state: &SiteState) -> Client {
        let found = state.geoip.find(ip);
        let mut client = Client {
            ip: Some(ip),
            place: found.place,
            network: found.network,
            own_asn: found.place.asn,
            scheme: request.scheme(),
            is_anywhere: false,
            is_https_only: false,
            asks_over: None,
            located: found,
            others: [None; 4],
        };
        client.correct(&state.config.place_overrides);
        client
    }

    /// Applies what the admin knows better than the GeoIP files. The coordinates of a network whose
    /// country is wrong are wrong, too.
    fn correct(&mut self, overrides: &PlaceOverrides) {
        if overrides.is_empty() {
            return;
        }
        if let Some(country) = self.ip.and_then(|ip| overrides.country_of(ip)) {
            self.place.country = Some(country);
            self.place.region = continent_of(country);
            self.place.coordinates = None;
            self.others[..2].fill(Some(OtherSource::Configuration));
        }
        let region = self
            .place
            .country
            .and_then(|country| overrides.continent_of(country));
        if region.is_some() {
            self.place.region = region;
            self.others[1] = Some(OtherSource::Configuration);
        }
    }

    /// The facts by which rules of networks are found.
    pub fn for_rules<'s>(&self, state: &'s SiteState) -> RuleClient<'s> {
        let has_labels = state.config.network_rules.has_labels();
        let ip = self.ip.filter(|_| has_labels);
        RuleClient {
            ip: self.ip,
            asn: self.place.asn,
            label: ip.and_then(|ip| state.geoip.label_of(ip)),
        }
    }

    /// The same client, for which the networks of mirrors do not count.
    pub(super) fn anywhere(mut self) -> Client {
        self.is_anywhere = true;
        self.own_asn = None;
        self.place.asn = None;
        self
    }

    /// Applies `?country=` and `?as=`. They change only the country and the AS; all other facts
    /// stay those of the real client (behaviour §1.1, steps 7, 15 and 17).
    pub fn pretend(&mut self, query: &Query) {
        if let Some(country) = query.once("country").and_then(CountryCode::parse) {
            self.place.country = Some(country);
            self.others[0] = Some(OtherSource::Query);
        }
        if let Some(asn) = query.first("as").and_then(Asn::parse_leading) {
            self.place.asn = Some(asn);
            self.others[3] = Some(OtherSource::Query);
        }
    }

    /// The source of each known fact.
    pub fn sources<'g>(&self, geoip: &'g GeoIp) -> Vec<FactSource<'g>> {
        let place = &self.place;
        let is_known = [
            place.country.is_some(),
            place.region.is_some(),
            place.coordinates.is_some(),
            place.asn.is_some(),
        ];
        let told = geoip.origins(&self.located);
        let known = PlaceFact::ALL.into_iter().zip(is_known).zip(self.others);
        let known = known.filter(|((_, is_known), _)| *is_known);
        let source = |((fact, _), other)| match other {
            Some(OtherSource::Parameter) => Some(FactSource::Parameter(fact)),
            Some(OtherSource::Query) => Some(FactSource::Query(fact)),
            Some(OtherSource::Configuration) => Some(FactSource::Configuration(fact)),
            None => told
                .iter()
                .find(|told| told.fact == fact)
                .map(|told| FactSource::File(*told)),
        };
        known.filter_map(source).collect()
    }
}
