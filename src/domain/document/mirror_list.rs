//! The content of a list of mirrors, from which the HTML page and the JSON document are rendered.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::file::FileVersion;
use crate::domain::hash::Digests;
use crate::domain::place::{Coordinates, CountryCode, Place};
use crate::domain::select::{Reason, Tier};

/// The mirrors of a file or a directory, as one client gets them.
#[derive(Debug, Clone)]
pub struct MirrorPage<'a> {
    /// The file or directory that the list is about.
    pub subject: Subject<'a>,
    /// The requested URL path, decoded and without a document's suffix. It begins with a slash, and
    /// ends in one if it is a directory's.
    pub path: &'a [u8],
    /// The whole URL of that path, encoded.
    pub own_url: &'a [u8],
    /// The client that asks.
    pub client: PageClient,
    /// Mirrors and fallbacks that the client may be sent to, the best first, and so by tier.
    pub mirrors: Vec<ListedMirror<'a>>,
    /// All other mirrors.
    pub others: Vec<UnlistedMirror<'a>>,
    /// Reason for which it is not known which mirrors have the current version, for people.
    pub note: Option<&'a str>,
}

/// The subject of a list.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A file.
    File(FileFacts<'a>),
    /// A directory and everything below it.
    Directory(DirectorySummary),
}

/// Facts about a file.
#[derive(Debug, Clone, Copy)]
pub struct FileFacts<'a> {
    /// Last component of the canonical path.
    pub name: &'a [u8],
    /// Size and time.
    pub version: FileVersion,
    /// Digests of exactly this version, if they are known.
    pub digests: Option<&'a Digests>,
    /// Documents that are offered besides metalinks and hashes.
    pub offers: Offers,
}

/// Which further documents are offered for a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offers {
    /// Whether `.torrent` is offered.
    pub torrent: bool,
    /// Whether `.magnet` is offered.
    pub magnet: bool,
    /// Whether `.zsync` is offered.
    pub zsync: bool,
}

/// Facts about a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectorySummary {
    /// Number of files below it that were counted.
    pub files: u64,
    /// Whether there are more files than were counted.
    pub is_cut: bool,
}

/// The client that asks, as the page shows it.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageClient {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Country, continent, coordinates and AS.
    pub place: Place,
    /// The network prefix of the address.
    pub network: Option<IpNet>,
}

/// A mirror, or a fallback, that this client may be sent to.
#[derive(Debug, Clone)]
pub struct ListedMirror<'a> {
    /// Identifier, or host of a fallback.
    pub name: &'a str,
    /// URL of the file or directory there.
    pub url: Vec<u8>,
    /// Tier, which says how near it is.
    pub tier: Tier,
    /// The country to which it is counted.
    pub country: Option<CountryCode>,
    /// Whether it is a fallback.
    pub is_fallback: bool,
    /// Distance from the client in thousandths of a degree.
    pub distance: Option<u32>,
    /// Probability of a redirect to it, 0 … 1.
    pub probability: f64,
    /// Coordinates.
    pub at: Option<Coordinates>,
    /// Number of the directory's files that it has; `None` for a file.
    pub files: Option<u64>,
}

/// A mirror that this client is not sent to. The URL is left out, so that programs which collect
/// lists do not take it.
#[derive(Debug, Clone)]
pub struct UnlistedMirror<'a> {
    /// Identifier.
    pub name: &'a str,
    /// Country.
    pub country: Option<CountryCode>,
    /// Coordinates.
    pub at: Option<Coordinates>,
    /// Whether the last scan found the current version there.
    pub has_file: bool,
    /// Reason for which the client is not sent there.
    pub reason: Reason,
    /// Number of the directory's files that it has; `None` for a file.
    pub files: Option<u64>,
}

impl UnlistedMirror<'_> {
    /// Whether the mirror is worth showing: it has the file, or an older version of it.
    pub fn is_of_interest(&self) -> bool {
        self.has_file || self.reason == Reason::FileOutdated
    }
}

/// A size as the C library of Apache writes it, at most four characters wide: `488K`, `8.0K`.
pub fn short_size(bytes: u64) -> String {
    /// From this number on, the next unit is used, because four digits do not fit.
    const UNIT_MAX: u64 = 973;
    if bytes < UNIT_MAX {
        return bytes.to_string();
    }
    let mut size = bytes;
    for unit in "KMGTPE".chars() {
        let rest = size & 1023;
        size >>= 10;
        if size >= UNIT_MAX {
            continue;
        }
        if size < 9 || size == 9 && rest < UNIT_MAX {
            let tenths = (rest * 5 + 256) / 512;
            let (whole, tenths) = if tenths >= 10 {
                (size + 1, 0)
            } else {
                (size, tenths)
            };
            return format!("{whole}.{tenths}{unit}");
        }
        return format!("{}{unit}", size + u64::from(rest >= 512));
    }
    format!("{size}E")
}

/// A size as people read it: `4.4 GiB`.
pub fn readable_size(bytes: u64) -> String {
    let short = short_size(bytes);
    match short.trim_end_matches(|unit: char| unit.is_ascii_alphabetic()) {
        number if number == short => format!("{number} bytes"),
        number => format!("{number} {}iB", &short[number.len()..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_short_as_in_mirrorbrains_page() {
        for (bytes, text) in [
            (0, "0"),
            (972, "972"),
            (973, "1.0K"),
            (8192, "8.0K"),
            (20_000, "20K"),
            (50_000, "49K"),
            (500_000, "488K"),
            (4_700_000_000, "4.4G"),
            (10 << 20, "10M"),
            (u64::MAX, "16E"),
        ] {
            assert_eq!(short_size(bytes), text, "{bytes}");
        }
    }
}
