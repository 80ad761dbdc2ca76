//! Writes the state of mirrors as Arch Linux's JSON, version 3, so that its clients read it, with
//! what else is known in an object of its own.

use std::fmt::Write;

use serde_json::{Value, json};

use super::check_sums::CheckSums;
use crate::domain::time::Timestamp;

/// A mirror that is more than a day behind is out of date, as for Arch Linux.
const CUTOFF_S: i64 = 86_400;

/// The entry of one base URL.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedUrl {
    /// The URL.
    pub url: String,
    /// Its scheme.
    pub protocol: &'static str,
    /// Whether it has an address of the family, IPv4 and IPv6; `None`: it was not probed.
    pub families: [Option<bool>; 2],
    /// Results of its probes of a day.
    pub sums: CheckSums,
}

/// The facts about one mirror that its entries share.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedMirror {
    /// Its name.
    pub name: String,
    /// Its base URLs.
    pub urls: Vec<ListedUrl>,
    /// The time up to which the mirror has all changes of the tree.
    pub last_sync: Option<Timestamp>,
    /// Seconds that it is behind.
    pub delay: Option<i64>,
    /// Seconds that it is behind, by its content.
    pub lag: Option<i64>,
    /// Whether clients are sent there.
    pub is_active: bool,
    /// Name and code of its country.
    pub country: (String, String),
    /// Whether it has an ISO image.
    pub has_isos: bool,
    /// The page about it.
    pub details: String,
    /// `up`, `partly`, `down`, `disabled`.
    pub state: &'static str,
    /// The word for why it gets no clients.
    pub reason: Option<&'static str>,
    /// Share of the tree's files.
    pub coverage: Option<f64>,
    /// Share of the downloads that mirrors of the list got in 30 days.
    pub share: Option<f64>,
}

/// The whole list.
#[derive(Debug, Clone, PartialEq)]
pub struct MirrorsJson<'a> {
    /// The mirrors.
    pub mirrors: &'a [PublishedMirror],
    /// Time of the last probe of any mirror.
    pub last_check: Option<Timestamp>,
    /// Hours of the day in which mirrors were probed.
    pub checks: u64,
    /// Seconds between two probes.
    pub frequency_s: u64,
}

/// The text.
pub fn mirrors_json(list: &MirrorsJson<'_>) -> String {
    let head = json!({
        "cutoff": CUTOFF_S,
        "last_check": list.last_check.map(|at| at.to_string()),
        "num_checks": list.checks,
        "check_frequency": list.frequency_s,
        "version": 3,
    });
    let mut text = head.to_string();
    // One entry at a time: as one value, those of many mirrors take ten times the text.
    text.truncate(text.len() - 1);
    text.push_str(",\"urls\":[");
    let mut before = "\n";
    for mirror in list.mirrors {
        for url in &mirror.urls {
            let _ = write!(text, "{before}{}", entry(mirror, url));
            before = ",\n";
        }
    }
    text + "\n]}\n"
}

fn entry(mirror: &PublishedMirror, url: &ListedUrl) -> Value {
    let [ipv4, ipv6] = url.families;
    json!({
        "url": url.url,
        "protocol": url.protocol,
        "last_sync": mirror.last_sync.map(|at| at.to_string()),
        "completion_pct": url.sums.completion(),
        "delay": mirror.delay,
        "duration_avg": url.sums.mean_s(),
        "duration_stddev": url.sums.deviation_s(),
        "score": url.sums.score(mirror.delay),
        "active": mirror.is_active,
        "country": mirror.country.0,
        "country_code": mirror.country.1,
        "isos": mirror.has_isos,
        "ipv4": ipv4,
        "ipv6": ipv6,
        "details": mirror.details,
        "heliostat": {
            "mirror": mirror.name,
            "state": mirror.state,
            "reason": mirror.reason,
            "coverage": mirror.coverage,
            "lag": mirror.lag,
            "drain_until": null,
            "share_30d": mirror.share,
        },
    })
}
