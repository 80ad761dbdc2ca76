//! The facts about a file that metalinks contain, and the list of its mirrors as both kinds of
//! metalink write it.

use std::io::Write;

use ipnet::IpNet;

use super::body::Body;
use crate::domain::escape::html_into;
use crate::domain::file::{FileId, FileVersion};
use crate::domain::generation::EarlierVersion;
use crate::domain::hash::HashSummary;
use crate::domain::place::{CountryCode, Place};
use crate::domain::select::Tier;
use crate::domain::time::Timestamp;
use crate::domain::url::BaseUrl;
use crate::domain::url::FileUrl;

/// The name of this program in documents.
pub const GENERATOR: &str = concat!("Heliostat/", env!("CARGO_PKG_VERSION"));

/// Largest number of pieces in a metalink. 65,536 pieces make some 4 MB of XML, which clients read
/// before they begin to download. Metalinks of larger files have no pieces; their digests still
/// check the file.
pub const PIECES_MAX: u64 = 65_536;

/// Length of a SHA-1 digest in bytes.
const SHA1_BYTES: u64 = 20;

/// Estimated length in bytes of a mirror's element with its URL.
const SOURCE_BYTES: usize = 160;

/// The publisher of the files (MirrorBrainMetalinkPublisher).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Name; never empty.
    pub name: String,
    /// URL; may be empty.
    pub url: String,
}

/// A mirror, or a fallback, that has the file.
#[derive(Debug, Clone, Copy)]
pub struct FileSource<'a> {
    /// Base URL to which the file's path is appended.
    pub base_url: &'a BaseUrl,
    /// Tier, which says how near it is to the client.
    pub tier: Tier,
    /// The country to which it is counted.
    pub country: Option<CountryCode>,
    /// Score, and distance from the client: apart from random numbers, they determine the order
    /// within a tier.
    pub weight: (u16, Option<u32>),
    /// Its place among the mirrors of a list by name, where each may have several URLs; `None`:
    /// each source is a mirror of its own.
    pub rank: Option<usize>,
    /// Whether only its own clients may hear of it, as a list by name says.
    pub is_private: bool,
}

/// One file, its mirrors and the client that asks.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// Last component of the canonical path.
    pub name: &'a [u8],
    /// Size and time.
    pub version: FileVersion,
    /// Number in the catalogue, if hashes are stored for it.
    pub id: Option<FileId>,
    /// Hashes of exactly this version, if they are known.
    pub hashes: Option<&'a HashSummary>,
    /// Earlier versions that clients may take, the newest first.
    pub alternates: &'a [EarlierVersion],
    /// Mirrors and fallbacks, the best first, and so by tier.
    pub sources: &'a [FileSource<'a>],
    /// Path and signature of the file, for each base URL.
    pub target: &'a FileUrl,
    /// Country, continent, coordinates and AS of the client.
    pub place: Place,
    /// Network prefix of the client.
    pub network: Option<IpNet>,
    /// URL of this document, encoded.
    pub origin: &'a [u8],
    /// The publisher that the document names.
    pub publisher: Option<&'a Publisher>,
    /// Time from which on all of this is valid.
    pub published: Timestamp,
    /// URL of the torrent, encoded, if the document names one.
    pub torrent: Option<&'a [u8]>,
    /// Magnet link, if the document contains one.
    pub magnet: Option<&'a [u8]>,
    /// Mirrors that do not work, if the client asks for them.
    pub broken: Option<&'a BrokenMirrors>,
}

/// Mirrors that do not work, with which clients can be tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenMirrors {
    /// `<url>` elements, as the admin wrote them.
    pub elements: Vec<u8>,
    /// Whether the document lists only these.
    pub is_all: bool,
}

impl<'a> Sheet<'a> {
    /// Size of the pieces, and the length of their SHA-1 digests in bytes. `None` if there are no
    /// pieces, or too many for a document.
    pub(crate) fn pieces(&self) -> Option<(i64, u64)> {
        let hashes = self.hashes?;
        let stored = hashes.pieces_bytes;
        let is_usable = hashes.piece_size > 0
            && stored > 0
            && stored.is_multiple_of(SHA1_BYTES)
            && stored / SHA1_BYTES <= PIECES_MAX;
        is_usable.then_some((hashes.piece_size, stored))
    }

    /// The known digests, each with its type; `types` are the names of MD5, SHA-1, SHA-256 and
    /// SHA-512.
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

    /// Appends time and id as comments, which programs written for MirrorBrain look for.
    pub(crate) fn comments_into(&self, out: &mut Vec<u8>) {
        let mtime = self.version.mtime;
        let _ = writeln!(out, "\n    <!-- <mtime>{mtime}</mtime> -->\n");
        if let Some(id) = self.id {
            let _ = writeln!(out, "    <!-- internal id: {} -->", id.0);
        }
    }

    /// Appends the mirrors in groups under comments. `open` writes the start of a source's element,
    /// given the source's index in the list; the URL and the end tag `</url>` follow here.
    pub(crate) fn sources_into(
        &self,
        body: &mut Body,
        open: impl Fn(&mut Vec<u8>, usize, &FileSource<'_>),
    ) {
        self.count_into(&mut body.text);
        if let Some(broken) = self.broken {
            body.text.extend_from_slice(&broken.elements);
            body.text.push(b'\n');
            if broken.is_all {
                return;
            }
        }
        // The list is by far the longest part, so memory is reserved once.
        body.text.reserve(self.sources.len() * SOURCE_BYTES);
        let mut url = Vec::with_capacity(256);
        let mut tail = Tail::default();
        let mut index = 0;
        for tier in Tier::ALL {
            self.heading_into(&mut body.text, tier);
            for source in self.sources.iter().filter(|source| source.tier == tier) {
                url.clear();
                self.target.url_into(&mut url, source.base_url);
                body.varying(|out| {
                    append(out, "    <url");
                    open(out, index, source);
                    append(out, ">");
                    tail.url_into(out, &url, source.base_url.as_str().len());
                    append(out, "</url>\n");
                });
                body.add_listed(source.fact(&mut url));
                index += 1;
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
            count(Tier::Rule) + count(Tier::Prefix),
            count(Tier::As),
            count(Tier::Country),
            count(Tier::Region),
            count(Tier::Elsewhere) + count(Tier::Last),
        );
    }

    /// Appends MirrorBrain's words for a tier. The values cannot contain `--`, which would end the
    /// comment.
    fn heading_into(&self, out: &mut Vec<u8>, tier: Tier) {
        fn known(value: Option<impl ToString>) -> String {
            value.map_or("unknown".to_owned(), |v| v.to_string().to_uppercase())
        }
        let (words, value) = match tier {
            Tier::Rule if self.sources.iter().all(|source| source.tier != tier) => return,
            Tier::Rule => ("for this network", known(self.network)),
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
    /// Appends to the URL every other fact that a list states about the source, except its
    /// position.
    pub(crate) fn fact<'u>(&self, url: &'u mut Vec<u8>) -> &'u [u8] {
        let (score, distance) = self.weight;
        url.push(0);
        url.push(self.tier as u8);
        url.extend_from_slice(&score.to_le_bytes());
        url.extend_from_slice(&distance.unwrap_or(u32::MAX).to_le_bytes());
        if self.is_private {
            url.push(1);
        }
        if let Some(country) = self.country {
            url.extend_from_slice(country.as_str().as_bytes());
        }
        url
    }
}

/// Escapes the part of URLs that follows the base URL. It is the same for nearly all mirrors of a
/// file, so that it needs to be searched only once.
#[derive(Default)]
struct Tail {
    /// The last such part that needed no escaping.
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

/// Appends ` location="cc"` if the country is known.
pub(crate) fn location_into(out: &mut Vec<u8>, source: &FileSource<'_>) {
    if let Some(country) = source.country {
        append(out, " location=\"");
        append(out, country.as_str());
        append(out, "\"");
    }
}
