//! A mirror: who it is, where, and for whom.

use super::url::{BaseUrl, Scheme};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::cache::CacheRules;
use super::health::Reach;
use super::place::{Asn, Coordinates, CountryCode, RegionCode};

/// Number of a mirror; kept on import from MirrorBrain, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MirrorId(pub i64);

impl fmt::Display for MirrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The first character of a URL that would end it, or open something else, in a page, a header or
/// a shell; nobody is to store one. Those of RFC 3986 that have none of that are left alone.
pub fn refused_character(url: &str) -> Option<char> {
    url.chars()
        .find(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '`'))
}

/// How a mirror comes to have files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorKind {
    /// A copy that is scanned.
    #[default]
    Mirror,
    /// A pull-through cache or CDN: has everything, is never scanned.
    Cache,
}

impl MirrorKind {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            MirrorKind::Mirror => "mirror",
            MirrorKind::Cache => "cache",
        }
    }
}

/// The country of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorCountry {
    /// Not known.
    #[default]
    Unknown,
    /// One country.
    Of(CountryCode),
    /// `**`: near everybody (a CDN).
    Everywhere,
}

impl fmt::Display for MirrorCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MirrorCountry::Unknown => f.pad(""),
            MirrorCountry::Of(country) => country.fmt(f),
            MirrorCountry::Everywhere => f.pad("**"),
        }
    }
}

/// A mirror as selection and scans need it, checked; `db::mirror::MirrorRecord` is what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Mirror {
    /// Its number.
    pub id: MirrorId,
    /// Its unique name.
    pub identifier: String,
    /// Copy or cache.
    pub kind: MirrorKind,
    /// Where clients are sent; `None` when the database has none that is usable.
    pub base_url: Option<BaseUrl>,
    /// Further base URLs for other schemes (an https client needs an https one).
    pub further_base_urls: Vec<BaseUrl>,
    /// Where it is scanned by FTP.
    pub ftp_url: String,
    /// Where it is scanned by rsync.
    pub rsync_url: String,
    /// The admin's switch.
    pub enabled: bool,
    /// The prober's switch.
    pub alive: bool,
    /// Continent.
    pub region: Option<RegionCode>,
    /// Country.
    pub country: MirrorCountry,
    /// Its autonomous systems, the main one first.
    pub asns: Vec<Asn>,
    /// Its address prefixes, the main one first.
    pub prefixes: Vec<IpNet>,
    /// Answers over IPv6 alone.
    pub ipv6_only: bool,
    /// What the prober found, one for each scheme that it looked at; none: not probed yet.
    pub reach: Vec<Reach>,
    /// Preference, 100 as a rule; 0 is never chosen.
    pub score: u16,
    /// Where it stands.
    pub coordinates: Option<Coordinates>,
    /// Only for clients of its country.
    pub country_only: bool,
    /// Only for clients of its continent.
    pub region_only: bool,
    /// Only for clients of its autonomous system.
    pub as_only: bool,
    /// Only for clients of its prefixes.
    pub prefix_only: bool,
    /// Further countries that it serves, searched as text: `ca,us`.
    pub other_countries: String,
    /// Largest file in bytes that it can deliver; 0: any.
    pub file_maxsize: u64,
    /// Shown and given only to its own clients, see [`Mirror::is_of`].
    pub private: bool,
    /// What is particular to a cache.
    pub cache: CacheRules,
}

/// Score that a new mirror gets.
pub const SCORE_DEFAULT: u16 = 100;

impl Mirror {
    /// A mirror of that name with every field at its default, switched off.
    pub fn new(identifier: &str) -> Mirror {
        Mirror {
            id: MirrorId(0),
            identifier: identifier.to_owned(),
            kind: MirrorKind::Mirror,
            base_url: None,
            further_base_urls: Vec::new(),
            ftp_url: String::new(),
            rsync_url: String::new(),
            enabled: false,
            alive: false,
            region: None,
            country: MirrorCountry::Unknown,
            asns: Vec::new(),
            prefixes: Vec::new(),
            ipv6_only: false,
            reach: Vec::new(),
            score: SCORE_DEFAULT,
            coordinates: None,
            country_only: false,
            region_only: false,
            as_only: false,
            prefix_only: false,
            other_countries: String::new(),
            file_maxsize: 0,
            private: false,
            cache: CacheRules::default(),
        }
    }

    /// Whether a client is one of its own: of its prefixes or its autonomous systems.
    pub fn is_of(&self, ip: Option<IpAddr>, asn: Option<Asn>) -> bool {
        let is_near = ip.is_some_and(|ip| self.prefix_of(ip).is_some());
        is_near || asn.is_some_and(|asn| self.asns.contains(&asn))
    }

    /// Whether one of its prefixes has the address.
    pub fn prefix_of(&self, ip: IpAddr) -> Option<&IpNet> {
        self.prefixes.iter().find(|prefix| prefix.contains(&ip))
    }

    /// What the prober found of the URL of that scheme.
    pub fn reach_of(&self, scheme: Scheme) -> Option<&Reach> {
        self.reach.iter().find(|reach| reach.scheme == scheme)
    }

    /// The base URL of that scheme, the main one before further ones.
    pub fn url_of(&self, scheme: Scheme) -> Option<&BaseUrl> {
        let mut urls = self.base_url.iter().chain(&self.further_base_urls);
        urls.find(|url| url.scheme() == scheme)
    }

    /// The base URL for a client of that scheme: an https client is never sent to another scheme,
    /// an http client gets the main URL whatever it is, as it did from MirrorBrain.
    pub fn base_url_for(&self, client: Scheme) -> Option<&BaseUrl> {
        let main = self.base_url.as_ref()?;
        if client != Scheme::Https || main.scheme() == Scheme::Https {
            return Some(main);
        }
        self.further_base_urls
            .iter()
            .find(|url| url.scheme() == Scheme::Https)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_clients_never_get_another_scheme() {
        let url = |text| BaseUrl::parse(text).expect("a URL of the test");
        let mut mirror = Mirror::new("m");
        mirror.base_url = Some(url("http://m/"));
        assert_eq!(mirror.base_url_for(Scheme::Https), None);
        assert_eq!(mirror.base_url_for(Scheme::Http), Some(&url("http://m/")));
        mirror.further_base_urls.push(url("https://s/"));
        assert_eq!(mirror.base_url_for(Scheme::Https), Some(&url("https://s/")));
        mirror.base_url = Some(url("ftp://f/"));
        assert_eq!(mirror.base_url_for(Scheme::Http), Some(&url("ftp://f/")));
    }
}
