//! Entries of rules: networks, fallbacks, nodes, and the parts of a mirror list.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::domain::place::{CountryCode, RegionCode};
use crate::domain::url::BaseUrl;

/// The admin's own parts of mirror lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorlistFrame {
    /// URL of a style sheet.
    pub style_sheet: Option<String>,
    /// File that replaces the head of the page.
    pub header: Option<PathBuf>,
    /// File that replaces the end of the page.
    pub footer: Option<PathBuf>,
    /// Name of the site.
    pub site_name: Option<String>,
    /// URL of a picture.
    pub logo: Option<String>,
    /// Colour as `#rrggbb`.
    pub color: Option<String>,
}

/// A node of BitTorrent's distributed hash table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhtNode {
    /// Host name or address.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

impl DhtNode {
    /// Reads `HOST PORT`, as in MirrorBrainDHTNode, or `HOST:PORT`.
    pub fn parse(text: &str) -> Option<DhtNode> {
        let (host, port) = text.trim().rsplit_once([' ', '\t', ':'])?;
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (!host.is_empty()).then(|| DhtNode {
            host: host.to_owned(),
            port,
        })
    }
}

/// One fallback URL (MirrorBrainFallback), for all clients, a continent or a country.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// Continent of the clients that it is for; `None`: any.
    pub region: Option<RegionCode>,
    /// Country of the clients that it is for; `None`: any.
    pub country: Option<CountryCode>,
    /// URL to which the file's path is appended.
    pub base_url: BaseUrl,
}

/// One entry of `exclude_networks` (MirrorBrainExcludeNetwork).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkRule {
    /// `10.0.0.0/8`.
    Network(IpNet),
    /// Beginning of the address as text, MirrorBrain's form (`10.1.`).
    TextPrefix(String),
}

impl NetworkRule {
    /// Reads a network, or a text prefix if the text is no network.
    pub fn parse(text: &str) -> NetworkRule {
        match text.parse() {
            Ok(network) => NetworkRule::Network(network),
            Err(_) => NetworkRule::TextPrefix(text.to_owned()),
        }
    }

    pub(super) fn matches(&self, ip: IpAddr, ip_text: &str) -> bool {
        match self {
            NetworkRule::Network(network) => network.contains(&ip),
            NetworkRule::TextPrefix(prefix) => ip_text.starts_with(prefix.as_str()),
        }
    }
}
