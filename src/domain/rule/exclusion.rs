//! Tells which files and which clients are served locally, and why.

use std::net::IpAddr;

use super::written::Rules;
use crate::domain::pattern::Pattern;

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
    /// Whether torrents are offered: MirrorBrain makes none without a tracker.
    pub fn has_torrents(&self) -> bool {
        !self.trackers.is_empty() || self.trackerless
    }

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
    use crate::domain::rule::NetworkRule;
    use regex::bytes::Regex;

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
