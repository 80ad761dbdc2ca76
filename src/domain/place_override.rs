//! Corrects what GeoIP files say about clients, where the admin knows better.

use std::net::IpAddr;

use ipnet::IpNet;

use super::place::{CountryCode, RegionCode};

/// Facts about places that the admin knows better than GeoIP files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceOverrides {
    /// Continents of countries.
    pub continents: Vec<(CountryCode, RegionCode)>,
    /// Countries of networks, the longest prefix first.
    pub countries: Vec<(IpNet, CountryCode)>,
}

impl PlaceOverrides {
    /// Whether nothing is corrected.
    pub fn is_empty(&self) -> bool {
        self.continents.is_empty() && self.countries.is_empty()
    }

    /// The country of an address; `None`: the one that the GeoIP files say.
    pub fn country_of(&self, ip: IpAddr) -> Option<CountryCode> {
        let mut countries = self.countries.iter();
        let found = countries.find(|(network, _)| network.contains(&ip));
        found.map(|(_, country)| *country)
    }

    /// The continent of a country; `None`: the usual one.
    pub fn continent_of(&self, country: CountryCode) -> Option<RegionCode> {
        let mut continents = self.continents.iter();
        let found = continents.find(|(known, _)| *known == country);
        found.map(|(_, region)| *region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_corrected() {
        let code = |text: &str| CountryCode::parse(text.as_bytes()).expect("a country");
        let overrides = PlaceOverrides {
            continents: vec![(code("il"), RegionCode::parse(b"eu").expect("a continent"))],
            countries: vec![("192.0.2.0/24".parse().expect("a network"), code("de"))],
        };
        let country = |ip: &str| overrides.country_of(ip.parse().expect("an address"));
        assert_eq!(country("192.0.2.9"), Some(code("de")));
        assert_eq!(country("192.0.3.9"), None);
        assert_eq!(overrides.continent_of(code("il")), RegionCode::parse(b"eu"));
        assert_eq!(overrides.continent_of(code("de")), None);
        assert!(!overrides.is_empty() && PlaceOverrides::default().is_empty());
    }
}
