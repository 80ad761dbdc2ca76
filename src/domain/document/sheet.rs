//! What there is to say about a file, and the list of its mirrors.

use std::io::Write;

use ipnet::IpNet;

use super::body::Body;
use crate::domain::escape::html_into;
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::HashSummary;
use crate::domain::place::{CountryCode, Place};
use crate::domain::select::Tier;
use crate::domain::time::Timestamp;
use crate::domain::url::BaseUrl;
use crate::domain::url::FileUrl;

/// Our name in documents.
pub const GENERATOR: &str = concat!("Heliostat/", env!("CARGO_PKG_VERSION"));

/// Pieces that a metalink lists. 65,536 make some 4 MB of XML, which clients read whole before
/// they begin; a larger file goes without and is checked by its digests.
pub const PIECES_MAX: u64 = 65_536;

/// Bytes of a SHA-1 digest.
const SHA1_BYTES: u64 = 20;

/// Room for an element with its URL.
const SOURCE_BYTES: usize = 160;

/// Who publishes the files (MirrorBrainMetalinkPublisher).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Never empty.
    pub name: String,
    /// May be empty.
    pub url: String,
}

/// A mirror, or a fallback, that has the file.
#[derive(Debug, Clone, Copy)]
pub struct FileSource<'a> {
    /// What it hangs the tree on.
    pub base_url: &'a BaseUrl,
    /// How near it is to the client.
    pub tier: Tier,
    /// The country that it counts for.
    pub country: Option<CountryCode>,
    /// What its place in the order comes from, beside drawn numbers: score and distance.
    pub weight: (u16, Option<u32>),
}

/// One file, its mirrors and the client that asks.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// Last component of the canonical path.
    pub name: &'a [u8],
    /// Size and time.
    pub version: FileVersion,
    /// Number in the catalogue, when hashes are stored under it.
    pub id: Option<FileId>,
    /// Hashes of exactly this version.
    pub hashes: Option<&'a HashSummary>,
    /// Best first, and so by tier.
    pub sources: &'a [FileSource<'a>],
    /// The file below each base URL.
    pub target: &'a FileUrl,
    /// Where the client is.
    pub place: Place,
    /// The client's network.
    pub network: Option<IpNet>,
    /// URL of this document, encoded.
    pub origin: &'a [u8],
    /// Whom to name.
    pub publisher: Option<&'a Publisher>,
    /// Since when all of this is so.
    pub published: Timestamp,
    /// URL of the torrent, encoded.
    pub torrent: Option<&'a [u8]>,
    /// Magnet link, where metalinks have one.
    pub magnet: Option<&'a [u8]>,
}

/// The tiers in order.
pub(crate) const TIERS: [Tier; 6] = [
    Tier::Prefix,
    Tier::As,
    Tier::Country,
    Tier::Region,
    Tier::Elsewhere,
    Tier::Last,
];

impl<'a> Sheet<'a> {
    /// Size of the pieces, and bytes of their SHA-1 digests; none when there are too many for a
    /// document.
    pub(crate) fn pieces(&self) -> Option<(i64, u64)> {
        let hashes = self.hashes?;
        let stored = hashes.pieces_bytes;
        let is_usable = hashes.piece_size > 0
            && stored > 0
            && stored.is_multiple_of(SHA1_BYTES)
            && stored / SHA1_BYTES <= PIECES_MAX;
        is_usable.then_some((hashes.piece_size, stored))
    }

    /// The digests that are known, each with its type; `types` names md5, sha-1, sha-256, sha-512.
    pub(crate) fn digests(
        &self,
        types: [&'static str; 4],
    ) -> impl Iterator<Item = (&'static str, &'a [u8])> {
        let digests = self.hashes.map(|hashes| &hashes.digests);
        let known = digests.map(|d| [&d.md5, &d.sha1, &d.sha256, &d.sha512]);
        let known = known.into_iter().flatten().map(Option::as_deref);
        types
            .into_iter()
            .zip(known)
            .filter_map(|(kind, digest)| Some((kind, digest?)))
    }

    /// Appends time and number as comments, which MirrorBrain's readers look for.
    pub(crate) fn comments_into(&self, out: &mut Vec<u8>) {
        let mtime = self.version.mtime;
        let _ = writeln!(out, "\n    <!-- <mtime>{mtime}</mtime> -->\n");
        if let Some(id) = self.id {
            let _ = writeln!(out, "    <!-- internal id: {} -->", id.0);
        }
    }

    /// Appends the mirrors in five groups under comments. `open` begins the element of the source
    /// at a place, counted from 0; its text, the URL, and the end `</url>` follow here.
    pub(crate) fn sources_into(
        &self,
        body: &mut Body,
        open: impl Fn(&mut Vec<u8>, usize, &FileSource<'_>),
    ) {
        self.count_into(&mut body.text);
        // The longest part by far, so that room is made once.
        body.text.reserve(self.sources.len() * SOURCE_BYTES);
        let mut url = Vec::with_capacity(256);
        let mut tail = Tail::default();
        let mut place = 0;
        for tier in TIERS {
            self.heading_into(&mut body.text, tier);
            for source in self.sources.iter().filter(|source| source.tier == tier) {
                url.clear();
                self.target.url_into(&mut url, source.base_url);
                body.passing(|out| {
                    append(out, "    <url");
                    open(out, place, source);
                    append(out, ">");
                    tail.url_into(out, &url, source.base_url.as_str().len());
                    append(out, "</url>\n");
                });
                body.lists(source.fact(&mut url));
                place += 1;
            }
        }
    }

    fn count_into(&self, out: &mut Vec<u8>) {
        let count = |tier| self.sources.iter().filter(|s| s.tier == tier).count();
        let plural = if self.sources.len() == 1 { "" } else { "s" };
        let _ = writeln!(
            out,
            "\n    <!-- Found {} mirror{plural}: {} in the same network prefix, {} in the same \
             autonomous system,\n         {} handling this country, {} in the same region, {} \
             elsewhere -->",
            self.sources.len(),
            count(Tier::Prefix),
            count(Tier::As),
            count(Tier::Country),
            count(Tier::Region),
            count(Tier::Elsewhere) + count(Tier::Last),
        );
    }

    /// MirrorBrain's words. None of the values can have the `--` that would end a comment.
    fn heading_into(&self, out: &mut Vec<u8>, tier: Tier) {
        fn known(value: Option<impl ToString>) -> String {
            value.map_or("unknown".to_owned(), |v| v.to_string().to_uppercase())
        }
        let (words, value) = match tier {
            Tier::Prefix => ("in the same network", known(self.network)),
            Tier::As => ("in the same AS", known(self.place.asn)),
            Tier::Country => ("which handle this country", known(self.place.country)),
            Tier::Region => ("in the same continent", known(self.place.region)),
            Tier::Elsewhere => {
                return append(out, "\n    <!-- Mirrors in the rest of the world: -->\n");
            }
            Tier::Last if self.sources.iter().all(|source| source.tier != tier) => return,
            Tier::Last => return append(out, "\n    <!-- Mirrors that come last: -->\n"),
        };
        let _ = writeln!(out, "\n    <!-- Mirrors {words} ({value}): -->");
    }
}

impl FileSource<'_> {
    /// Appends to its URL all else that a list says of it but for its place.
    pub(crate) fn fact<'u>(&self, url: &'u mut Vec<u8>) -> &'u [u8] {
        let (score, distance) = self.weight;
        url.push(0);
        url.push(self.tier as u8);
        url.extend_from_slice(&score.to_le_bytes());
        url.extend_from_slice(&distance.unwrap_or(u32::MAX).to_le_bytes());
        if let Some(country) = self.country {
            url.extend_from_slice(country.as_str().as_bytes());
        }
        url
    }
}

/// What follows the base URL is the same for nearly all mirrors of a file, and needs to be searched
/// for marks but once.
#[derive(Default)]
struct Tail {
    /// The last one that needed no escaping.
    plain: Vec<u8>,
}

impl Tail {
    /// Appends a URL whose first bytes are the base URL.
    fn url_into(&mut self, out: &mut Vec<u8>, url: &[u8], base_bytes: usize) {
        let (base, tail) = url.split_at(base_bytes.min(url.len()));
        html_into(out, base);
        if tail == self.plain {
            out.extend_from_slice(tail);
            return;
        }
        let before = out.len();
        html_into(out, tail);
        if out[before..] == *tail {
            self.plain = tail.to_vec();
        }
    }
}

/// Appends text that needs no escaping.
pub(crate) fn append(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends ` location="cc"` when a country is known.
pub(crate) fn location_into(out: &mut Vec<u8>, source: &FileSource<'_>) {
    if let Some(country) = source.country {
        append(out, " location=\"");
        append(out, country.as_str());
        append(out, "\"");
    }
}
