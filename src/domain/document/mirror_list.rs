//! What a list of mirrors says, as a page for people and as JSON alike.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::file::FileVersion;
use crate::domain::hash::Digests;
use crate::domain::place::{Coordinates, CountryCode, Place};
use crate::domain::select::{Reason, Tier};

/// A file or a directory, who asks, and its mirrors.
#[derive(Debug, Clone)]
pub struct MirrorPage<'a> {
    /// What the list is about.
    pub subject: Subject<'a>,
    /// The URL path that was asked for, decoded, with a slash at the beginning and, for a
    /// directory, at the end; without a document's suffix.
    pub path: &'a [u8],
    /// The same as a whole URL, encoded.
    pub own_url: &'a [u8],
    /// Who asks.
    pub client: PageClient,
    /// Best first, and so by tier.
    pub mirrors: Vec<ListedMirror<'a>>,
    /// Every other mirror.
    pub others: Vec<UnlistedMirror<'a>>,
    /// Why it is not known who has the current version, in words.
    pub note: Option<&'a str>,
}

/// What a list is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A file.
    File(FileFacts<'a>),
    /// A directory with all that is below it.
    Directory(DirectorySummary),
}

/// A file.
#[derive(Debug, Clone, Copy)]
pub struct FileFacts<'a> {
    /// Last component of the canonical path.
    pub name: &'a [u8],
    /// Size and time.
    pub version: FileVersion,
    /// Digests of exactly this version.
    pub digests: Option<&'a Digests>,
    /// Documents that there are beside metalinks and hashes.
    pub offers: Offers,
}

/// Which documents there are of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offers {
    /// `.torrent`
    pub torrent: bool,
    /// `.magnet`
    pub magnet: bool,
    /// `.zsync`
    pub zsync: bool,
}

/// A directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectorySummary {
    /// Files below it that were looked at.
    pub files: u64,
    /// Whether there are more than were looked at.
    pub is_cut: bool,
}

/// Who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageClient {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Where it is.
    pub place: Place,
    /// Its network.
    pub network: Option<IpNet>,
}

/// A mirror, or a fallback, that this client may be sent to.
#[derive(Debug, Clone)]
pub struct ListedMirror<'a> {
    /// Identifier, or host of a fallback.
    pub name: &'a str,
    /// URL of the file or directory there.
    pub url: Vec<u8>,
    /// How near it is.
    pub tier: Tier,
    /// The country that it counts for.
    pub country: Option<CountryCode>,
    /// Whether it is a fallback.
    pub is_fallback: bool,
    /// Thousandths of a degree from the client.
    pub distance: Option<u32>,
    /// How likely this client is sent there, 0 … 1.
    pub probability: f64,
    /// Where it stands.
    pub at: Option<Coordinates>,
    /// How many of a directory's files it has.
    pub files: Option<u64>,
}

/// A mirror that this client is not sent to. It has no URL: who makes lists of lists would take it.
#[derive(Debug, Clone)]
pub struct UnlistedMirror<'a> {
    /// Identifier.
    pub name: &'a str,
    /// Its country.
    pub country: Option<CountryCode>,
    /// Where it stands.
    pub at: Option<Coordinates>,
    /// Whether the last scan saw the current version there.
    pub has_file: bool,
    /// Why it is out.
    pub reason: Reason,
    /// How many of a directory's files it has.
    pub files: Option<u64>,
}

impl UnlistedMirror<'_> {
    /// Whether there is anything to tell people: it has the file, or an older version of it.
    pub fn is_of_interest(&self) -> bool {
        self.has_file || self.reason == Reason::FileOutdated
    }
}

/// A length as the C library of Apache writes it, four places wide at most: `488K`, `8.0K`.
pub fn short_size(bytes: u64) -> String {
    /// From here on a unit more reads better than four digits.
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
