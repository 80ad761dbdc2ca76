//! What is never redirected, and to whom a file is sent when no mirror has it.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use regex::bytes::Regex;

use super::accept::MetalinkRules;
use super::pattern::Pattern;
use super::place::{CountryCode, RegionCode};
use super::select::HttpsToHttp;
use super::url::BaseUrl;

/// Smallest file that is redirected, MirrorBrain's default: for less, the redirect costs the
/// client more than the file.
pub const MIN_SIZE_DEFAULT_BYTES: u64 = 4096;

/// `Cache-Control` of redirects: a redirect is for one client and for one moment.
pub const REDIRECT_CACHE_CONTROL: &str = "private, no-cache";

/// The rules of one directory, merged from the tree down (MirrorBrain's directives).
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether anything is redirected at all.
    pub engine: bool,
    /// Smaller files are served locally.
    pub min_size_bytes: u64,
    /// On the content type.
    pub exclude_mime_types: Vec<Pattern>,
    /// On the whole `User-Agent`.
    pub exclude_user_agents: Vec<Pattern>,
    /// On the client's address.
    pub exclude_networks: Vec<NetworkRule>,
    /// On the client's address.
    pub exclude_ips: Vec<IpAddr>,
    /// On the decoded URL path.
    pub exclude_file_mask: Option<Regex>,
    /// HEAD is answered from the local file.
    pub handle_head_locally: bool,
    /// Key that redirects are signed with.
    pub redirect_stamp_key: Option<String>,
    /// Mirrors that are taken to have everything, used when no mirror has a file.
    pub fallbacks: Vec<Fallback>,
    /// Fallbacks also when mirrors have the file but none may serve the client.
    pub fallback_when_ineligible: bool,
    /// Fallbacks also when nothing is known of the file: it is not in the catalogue, or the
    /// database is away.
    pub fallback_when_unknown: bool,
    /// Whether query arguments mean anything (FormGET).
    pub query: bool,
    /// Whether there are documents about files.
    pub documents: bool,
    /// Hash documents give the digest alone, without the file's name.
    pub hashes_suppress_filenames: bool,
    /// What stands around lists of mirrors.
    pub mirrorlist: MirrorlistFrame,
    /// BitTorrent trackers (URLs).
    pub trackers: Vec<String>,
    /// Where BitTorrent clients enter the distributed hash table.
    pub dht_nodes: Vec<DhtNode>,
    /// Torrents also when there is no tracker.
    pub trackerless: bool,
    /// Metalinks have a magnet link, too.
    pub metalink_magnet_links: bool,
    /// Files whose torrent lies beside them: on the path below the tree.
    pub metalink_torrent_add_mask: Option<Regex>,
    /// Who gets metalinks, and what they name beside mirrors.
    pub metalink: MetalinkRules,
    /// `Cache-Control` of redirects; empty: there is none.
    pub redirect_cache_control: String,
    /// Whether https clients may be sent to http URLs.
    pub https_to_http: HttpsToHttp,
    /// Http clients get http URLs where there are any.
    pub prefer_http_for_http: bool,
}

/// The operator's own parts of mirror lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorlistFrame {
    /// URL of a style sheet.
    pub style_sheet: Option<String>,
    /// File that replaces the head.
    pub header: Option<PathBuf>,
    /// File that replaces the end.
    pub footer: Option<PathBuf>,
}

/// An entry to BitTorrent's distributed hash table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhtNode {
    /// Name or address.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

impl DhtNode {
    /// `HOST PORT`, as in MirrorBrainDHTNode, or `HOST:PORT`.
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
    /// Whether there are torrents at all: MirrorBrain makes none without a tracker.
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

/// One MirrorBrainFallback.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// Continent.
    pub region: Option<RegionCode>,
    /// Country.
    pub country: Option<CountryCode>,
    /// Where.
    pub base_url: BaseUrl,
}

/// MirrorBrainExcludeNetwork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkRule {
    /// `10.0.0.0/8`.
    Network(IpNet),
    /// MirrorBrain's form: the address as text begins so (`10.1.`).
    TextPrefix(String),
}

impl NetworkRule {
    /// A network when the text is one, else a text prefix.
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

/// What the exclusions look at.
#[derive(Debug, Clone, Copy)]
pub struct ExclusionSubject<'a> {
    /// Bytes of the file.
    pub size: u64,
    /// The decoded URL path, without a document's suffix.
    pub url_path: &'a [u8],
    /// Content type by the file's name.
    pub mime_type: &'a [u8],
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The client's `User-Agent`.
    pub user_agent: &'a [u8],
}

/// Why a file is served locally to this client.
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
    /// For people.
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
    /// The first exclusion that applies, in MirrorBrain's order (behaviour §1.1, step 12).
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
