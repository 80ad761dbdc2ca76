//! A mirror as selection and scans see it: its URLs, its place, and the clients that it may serve.

use crate::domain::url::{BaseUrl, Scheme};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::drain::MirrorDrain;
use crate::domain::cache::CacheRules;
use crate::domain::health::Reach;
use crate::domain::place::{Asn, Coordinates, CountryCode, RegionCode};

/// Number of a mirror. An import from MirrorBrain keeps it, and it is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MirrorId(pub i64);

impl fmt::Display for MirrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Finds the first character in a URL that would end the URL or begin something else in a page, a
/// header or a shell. No such URL is stored. Other characters that RFC 3986 forbids are allowed.
pub fn refused_character(url: &str) -> Option<char> {
    url.chars()
        .find(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '`'))
}

/// How a mirror gets its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorKind {
    /// A server that holds a copy of the tree and is scanned.
    #[default]
    Mirror,
    /// A pull-through cache or CDN: it can deliver every file and is never scanned.
    Cache,
}

impl MirrorKind {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            MirrorKind::Mirror => "mirror",
            MirrorKind::Cache => "cache",
        }
    }

    /// The kind of that word.
    pub fn from_word(word: &str) -> Option<MirrorKind> {
        [MirrorKind::Mirror, MirrorKind::Cache]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// The country of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorCountry {
    /// The country is not known.
    #[default]
    Unknown,
    /// One country.
    Of(CountryCode),
    /// `**`: near every client (a CDN).
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

/// A mirror with checked values; `db::mirror::MirrorRecord` is the row as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Mirror {
    /// Its number.
    pub id: MirrorId,
    /// Its unique name.
    pub identifier: String,
    /// Whether it holds a copy or is a cache.
    pub kind: MirrorKind,
    /// URL to which clients are sent; `None` if the database has no usable one.
    pub base_url: Option<BaseUrl>,
    /// Base URLs for other schemes (an https client needs an https URL).
    pub further_base_urls: Vec<BaseUrl>,
    /// URL for scans over FTP.
    pub ftp_url: String,
    /// URL for scans over rsync.
    pub rsync_url: String,
    /// Whether the admin has switched it on.
    pub enabled: bool,
    /// Whether the prober found that it answers.
    pub alive: bool,
    /// Continent.
    pub region: Option<RegionCode>,
    /// Country.
    pub country: MirrorCountry,
    /// Autonomous systems, the main one first.
    pub asns: Vec<Asn>,
    /// Address prefixes, the main one first.
    pub prefixes: Vec<IpNet>,
    /// Whether it answers over IPv6 alone.
    pub ipv6_only: bool,
    /// Results of the prober, one per probed scheme; empty: not probed yet.
    pub reach: Vec<Reach>,
    /// Preference, 100 by default; a mirror with 0 is never chosen.
    pub score: u16,
    /// Coordinates.
    pub coordinates: Option<Coordinates>,
    /// Serves clients in its country only.
    pub country_only: bool,
    /// Serves clients on its continent only.
    pub region_only: bool,
    /// Serves clients in its autonomous systems only.
    pub as_only: bool,
    /// Serves clients in its prefixes only.
    pub prefix_only: bool,
    /// Other countries that it serves, searched as text: `ca,us`.
    pub other_countries: String,
    /// Size in bytes of the largest file that it can deliver; 0: no limit.
    pub file_maxsize: u64,
    /// Whether it is shown and given to its own clients alone, see [`Mirror::is_of`].
    pub private: bool,
    /// The countries whose clients alone it serves; empty: all.
    pub only_countries: Vec<CountryCode>,
    /// Countries whose clients it does not serve.
    pub not_countries: Vec<CountryCode>,
    /// Settings of a cache.
    pub cache: CacheRules,
    /// The plan by which it is taken out of service for a while.
    pub drain: Option<MirrorDrain>,
}

/// Score of a new mirror.
pub const SCORE_DEFAULT: u16 = 100;

/// Largest score: MirrorBrain's column was a smallint, and its law divides 32767 by it.
pub const SCORE_MAX: u16 = 32_767;

/// Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address.
pub fn parse_prefix(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

impl Mirror {
    /// Makes a mirror of that name, switched off, with the default for each field.
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
            only_countries: Vec::new(),
            not_countries: Vec::new(),
            cache: CacheRules::default(),
            drain: None,
        }
    }

    /// Whether the mirror counts a client as its own: one in its prefixes or its autonomous
    /// systems.
    pub fn is_of(&self, ip: Option<IpAddr>, asn: Option<Asn>) -> bool {
        let is_near = ip.is_some_and(|ip| self.prefix_of(ip).is_some());
        is_near || asn.is_some_and(|asn| self.asns.contains(&asn))
    }

    /// Whether it serves clients of a country. Of a client whose country is unknown it is not known
    /// to be one of those that alone are served.
    pub fn serves(&self, country: Option<CountryCode>) -> bool {
        let is_among =
            |countries: &[CountryCode]| country.is_some_and(|country| countries.contains(&country));
        (self.only_countries.is_empty() || is_among(&self.only_countries))
            && !is_among(&self.not_countries)
    }

    /// The first of its prefixes that contains the address.
    pub fn prefix_of(&self, ip: IpAddr) -> Option<&IpNet> {
        self.prefixes.iter().find(|prefix| prefix.contains(&ip))
    }

    /// The prober's result for the URL of that scheme.
    pub fn reach_of(&self, scheme: Scheme) -> Option<&Reach> {
        self.reach.iter().find(|reach| reach.scheme == scheme)
    }

    /// The base URL with that scheme; the main URL comes before the others.
    pub fn url_of(&self, scheme: Scheme) -> Option<&BaseUrl> {
        let mut urls = self.base_url.iter().chain(&self.further_base_urls);
        urls.find(|url| url.scheme() == scheme)
    }
}
