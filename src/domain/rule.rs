//! Rules of a directory: which requests are served locally, and where to redirect if no mirror has
//! the file.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use regex::bytes::Regex;

use super::accept::MetalinkRules;
use super::pattern::Pattern;
use super::place::{CountryCode, RegionCode};
use super::select::HttpsToHttp;
use super::url::BaseUrl;

/// Size of the smallest file that is redirected, MirrorBrain's default. A redirect for less costs
/// the client more than the file.
pub const MIN_SIZE_DEFAULT_BYTES: u64 = 4096;

/// `Cache-Control` of redirects: a redirect is meant for one client at one moment.
pub const REDIRECT_CACHE_CONTROL: &str = "private, no-cache";

/// The rules of one directory, merged from the tree's root down (MirrorBrain's directives).
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether requests are redirected.
    pub engine: bool,
    /// Smaller files are served locally.
    pub min_size_bytes: u64,
    /// Patterns for the content type.
    pub exclude_mime_types: Vec<Pattern>,
    /// Patterns for the whole `User-Agent`.
    pub exclude_user_agents: Vec<Pattern>,
    /// Networks of clients that are served locally.
    pub exclude_networks: Vec<NetworkRule>,
    /// Addresses of clients that are served locally.
    pub exclude_ips: Vec<IpAddr>,
    /// Expression for the decoded URL path.
    pub exclude_file_mask: Option<Regex>,
    /// Whether HEAD requests are served locally.
    pub handle_head_locally: bool,
    /// Key that signs redirects.
    pub redirect_stamp_key: Option<String>,
    /// URLs that are assumed to have every file; used if no mirror has the file.
    pub fallbacks: Vec<Fallback>,
    /// Whether fallbacks are also used if mirrors have the file but may not serve the client.
    pub fallback_when_ineligible: bool,
    /// Whether fallbacks are also used if the file is unknown: it is not in the catalogue, or the
    /// database is away.
    pub fallback_when_unknown: bool,
    /// Whether query arguments are read (FormGET).
    pub query: bool,
    /// Whether documents about files are offered.
    pub documents: bool,
    /// Whether hash documents contain the digest alone, without the file's name.
    pub hashes_suppress_filenames: bool,
    /// Style sheet, header and footer of mirror lists.
    pub mirrorlist: MirrorlistFrame,
    /// BitTorrent trackers (URLs).
    pub trackers: Vec<String>,
    /// Nodes through which BitTorrent clients enter the distributed hash table.
    pub dht_nodes: Vec<DhtNode>,
    /// Whether torrents are also made without a tracker.
    pub trackerless: bool,
    /// Whether metalinks contain a magnet link.
    pub metalink_magnet_links: bool,
    /// Expression for paths below the tree: these files have a torrent beside them on the disk.
    pub metalink_torrent_add_mask: Option<Regex>,
    /// Who gets metalinks at the file's own URL, and which URLs they name besides mirrors.
    pub metalink: MetalinkRules,
    /// `Cache-Control` of redirects; empty: the field is not sent.
    pub redirect_cache_control: String,
    /// Whether https clients may be sent to http URLs.
    pub https_to_http: HttpsToHttp,
    /// Whether http clients get an http URL if the mirror has one.
    pub prefer_http_for_http: bool,
}

/// The admin's own parts of mirror lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorlistFrame {
    /// URL of a style sheet.
    pub style_sheet: Option<String>,
    /// File that replaces the head of the page.
    pub header: Option<PathBuf>,
    /// File that replaces the end of the page.
    pub footer: Option<PathBuf>,
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

impl Rules {
    /// Whether torrents are offered: MirrorBrain makes none without a tracker.
    pub fn has_torrents(&self) -> bool {
        !self.trackers.is_empty() || self.trackerless
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            engine: true,
            min_size_bytes: MIN_SIZE_DEFAULT_BYTES,
            exclude_mime_types: Vec::new(),
            exclude_user_agents: Vec::new(),
            exclude_networks: Vec::new(),
            exclude_ips: Vec::new(),
            exclude_file_mask: None,
            handle_head_locally: false,
            redirect_stamp_key: None,
            fallbacks: Vec::new(),
            fallback_when_ineligible: false,
            fallback_when_unknown: false,
            query: true,
            documents: true,
            hashes_suppress_filenames: false,
            mirrorlist: MirrorlistFrame::default(),
            trackers: Vec::new(),
            dht_nodes: Vec::new(),
            trackerless: false,
            metalink_magnet_links: false,
            metalink_torrent_add_mask: None,
            metalink: MetalinkRules::default(),
            redirect_cache_control: REDIRECT_CACHE_CONTROL.to_owned(),
            https_to_http: HttpsToHttp::Never,
            prefer_http_for_http: false,
        }
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

    fn matches(&self, ip: IpAddr, ip_text: &str) -> bool {
        match self {
            NetworkRule::Network(network) => network.contains(&ip),
            NetworkRule::TextPrefix(prefix) => ip_text.starts_with(prefix.as_str()),
        }
    }
}

/// The properties of a request that exclusions are tested against.
#[derive(Debug, Clone, Copy)]
pub struct ExclusionSubject<'a> {
    /// Size of the file in bytes.
    pub size: u64,
    /// The decoded URL path, without a document's suffix.
    pub url_path: &'a [u8],
    /// Content type, derived from the file's name.
    pub mime_type: &'a [u8],
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The client's `User-Agent`.
    pub user_agent: &'a [u8],
}

/// The rule by which a file is served to this client locally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusion {
    /// Smaller than `min_size`.
    TooSmall,
    /// `exclude_file_mask`.
    FileMask,
    /// `exclude_ips`.
    Ip,
    /// `exclude_networks`.
    Network,
    /// `exclude_mime_types`.
    MimeType,
    /// `exclude_user_agents`.
    UserAgent,
}

impl Exclusion {
    /// The reason as people are shown it.
    pub fn as_str(self) -> &'static str {
        match self {
            Exclusion::TooSmall => "smaller than min_size",
            Exclusion::FileMask => "its path matches exclude_file_mask",
            Exclusion::Ip => "the client's address is in exclude_ips",
            Exclusion::Network => "the client's address is in exclude_networks",
            Exclusion::MimeType => "its type is in exclude_mime_types",
            Exclusion::UserAgent => "the client's User-Agent is in exclude_user_agents",
        }
    }
}

impl Rules {
    /// Returns the first exclusion that applies, in MirrorBrain's order (behaviour §1.1, step 12).
    pub fn exclusion(&self, candidate: &ExclusionSubject<'_>) -> Option<Exclusion> {
        if candidate.size < self.min_size_bytes {
            return Some(Exclusion::TooSmall);
        }
        if self
            .exclude_file_mask
            .as_ref()
            .is_some_and(|mask| mask.is_match(candidate.url_path))
        {
            return Some(Exclusion::FileMask);
        }
        if let Some(excluded) = candidate.ip.and_then(|ip| self.address_exclusion(ip)) {
            return Some(excluded);
        }
        if any_matches(&self.exclude_mime_types, candidate.mime_type) {
            return Some(Exclusion::MimeType);
        }
        any_matches(&self.exclude_user_agents, candidate.user_agent).then_some(Exclusion::UserAgent)
    }

    fn address_exclusion(&self, ip: IpAddr) -> Option<Exclusion> {
        if self.exclude_ips.contains(&ip) {
            return Some(Exclusion::Ip);
        }
        if self.exclude_networks.is_empty() {
            return None;
        }
        let text = ip.to_string();
        let matches = self
            .exclude_networks
            .iter()
            .any(|rule| rule.matches(ip, &text));
        matches.then_some(Exclusion::Network)
    }
}

fn any_matches(patterns: &[Pattern], text: &[u8]) -> bool {
    !text.is_empty() && patterns.iter().any(|pattern| pattern.matches(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusions_apply_in_the_documented_order() {
        let rules = Rules {
            exclude_file_mask: Some(Regex::new(r"\.(md5|asc)").expect("a mask")),
            exclude_ips: vec!["172.16.0.9".parse().expect("an address")],
            exclude_networks: vec![
                NetworkRule::parse("192.168."),
                NetworkRule::parse("10.10.10.1"),
                NetworkRule::parse("2001:db8::/32"),
            ],
            exclude_mime_types: vec![Pattern::new("image/*")],
            exclude_user_agents: vec![Pattern::new("w3m/0.5.1")],
            ..Rules::default()
        };
        let table = "
            4096 /a        -          8.8.8.8     -         None
            4095 /a.md5    image/png  192.168.1.1 w3m/0.5.1 Some(TooSmall)
            4096 /a.md5sum image/png  172.16.0.9  -         Some(FileMask)
            4096 /a        image/png  172.16.0.9  -         Some(Ip)
            4096 /a        image/png  192.168.7.7 -         Some(Network)
            4096 /a        -          10.10.10.199 -        Some(Network)
            4096 /a        -          2001:db8::1 -         Some(Network)
            4096 /a        image/png  8.8.8.8     w3m/0.5.1 Some(MimeType)
            4096 /a        text/plain 8.8.8.8     W3M/0.5.1 Some(UserAgent)";
        for row in table.lines().skip(1) {
            let words: Vec<&str> = row.split_ascii_whitespace().collect();
            let [size, path, mime, ip, agent, expected] = words[..] else {
                panic!("{row}")
            };
            let (mime, agent) = (mime.trim_matches('-'), agent.trim_matches('-'));
            let size: u64 = size.parse().expect("a size");
            let candidate = ExclusionSubject {
                size,
                url_path: path.as_bytes(),
                mime_type: mime.as_bytes(),
                ip: ip.parse().ok(),
                user_agent: agent.as_bytes(),
            };
            assert_eq!(
                format!("{:?}", rules.exclusion(&candidate)),
                expected,
                "{row}"
            );
        }
    }
}
