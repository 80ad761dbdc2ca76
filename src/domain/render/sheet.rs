//! What there is to say about a file, and the list of its mirrors.

use ipnet::IpNet;

use crate::domain::escape::html_into;
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::HashRecord;
use crate::domain::mirror::BaseUrl;
use crate::domain::place::{CountryCode, Place};
use crate::domain::select::Tier;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;

/// Our name in documents.
pub const GENERATOR: &str = concat!("Heliostat/", env!("CARGO_PKG_VERSION"));

/// Pieces that a metalink lists. 65,536 make some 4 MB of XML, which is as much as a responder
/// should build for one request; a larger file goes without and is checked by its digests.
pub const PIECES_MAX: usize = 65_536;

/// Bytes of a SHA-1 digest.
const SHA1_BYTES: usize = 20;

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
pub struct Source<'a> {
    /// What it hangs the tree on.
    pub base_url: &'a BaseUrl,
    /// How near it is to the client.
    pub tier: Tier,
    /// The country that it counts for.
    pub country: Option<CountryCode>,
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
    pub hashes: Option<&'a HashRecord>,
    /// Best first, and so by tier.
    pub sources: &'a [Source<'a>],
    /// The file below each base URL.
    pub target: &'a Target,
    /// Where the client is.
    pub place: Place,
    /// The client's network.
    pub network: Option<IpNet>,
    /// URL of this document, encoded.
    pub origin: &'a [u8],
    /// Whom to name.
    pub publisher: Option<&'a Publisher>,
    /// Time of the request.
    pub now: Timestamp,
}

/// The tiers in order.
pub(super) const TIERS: [Tier; 5] = [
    Tier::Prefix,
    Tier::As,
    Tier::Country,
    Tier::Region,
    Tier::Elsewhere,
];

impl<'a> Sheet<'a> {
    /// SHA-1 digests of the pieces and their size; none when there are too many for a document.
    pub(super) fn pieces(&self) -> Option<(i64, impl Iterator<Item = &'a [u8]>)> {
        let hashes = self.hashes?;
        let digests = hashes.sha1_pieces.as_deref()?;
        let is_usable = hashes.piece_size > 0
            && !digests.is_empty()
            && digests.len() % SHA1_BYTES == 0
            && digests.len() / SHA1_BYTES <= PIECES_MAX;
        is_usable.then(|| (hashes.piece_size, digests.chunks_exact(SHA1_BYTES)))
    }

    /// The digests that are known, each with its type; `types` names md5, sha-1, sha-256, sha-512.
    pub(super) fn digests(
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
    pub(super) fn comments_into(&self, out: &mut Vec<u8>) {
        let mtime = self.version.mtime;
        append(out, &format!("\n    <!-- <mtime>{mtime}</mtime> -->\n\n"));
        if let Some(id) = self.id {
            append(out, &format!("    <!-- internal id: {} -->\n", id.0));
        }
    }

    /// Appends the mirrors in five groups under comments. `open` begins the element of the source
    /// at a place, counted from 0; its text, the URL, and the end `</url>` follow here.
    pub(super) fn sources_into(
        &self,
        out: &mut Vec<u8>,
        open: impl Fn(&mut Vec<u8>, usize, &Source<'_>),
    ) {
        self.count_into(out);
        let mut url = Vec::with_capacity(256);
        let mut place = 0;
        for tier in TIERS {
            append(out, &format!("\n    <!-- {}: -->\n", self.heading(tier)));
            for source in self.sources.iter().filter(|source| source.tier == tier) {
                append(out, "    <url");
                open(out, place, source);
                append(out, ">");
                url.clear();
                self.target.url_into(&mut url, source.base_url);
                html_into(out, &url);
                append(out, "</url>\n");
                place += 1;
            }
        }
    }

    fn count_into(&self, out: &mut Vec<u8>) {
        let count = |tier| self.sources.iter().filter(|s| s.tier == tier).count();
        let plural = if self.sources.len() == 1 { "" } else { "s" };
        append(
            out,
            &format!(
                "\n    <!-- Found {} mirror{plural}: {} in the same network prefix, {} in the \
                 same autonomous system,\n         {} handling this country, {} in the same \
                 region, {} elsewhere -->\n",
                self.sources.len(),
                count(Tier::Prefix),
                count(Tier::As),
                count(Tier::Country),
                count(Tier::Region),
                count(Tier::Elsewhere),
            ),
        );
    }

    /// MirrorBrain's words. None of the values can have the `--` that would end a comment.
    fn heading(&self, tier: Tier) -> String {
        fn known(value: Option<impl ToString>) -> String {
            value.map_or("unknown".to_owned(), |v| v.to_string().to_uppercase())
        }
        let network = || self.network.map_or("unknown".to_owned(), |n| n.to_string());
        match tier {
            Tier::Prefix => format!("Mirrors in the same network ({})", network()),
            Tier::As => format!("Mirrors in the same AS ({})", known(self.place.asn)),
            Tier::Country => {
                let country = known(self.place.country);
                format!("Mirrors which handle this country ({country})")
            }
            Tier::Region => {
                let region = known(self.place.region);
                format!("Mirrors in the same continent ({region})")
            }
            Tier::Elsewhere => "Mirrors in the rest of the world".to_owned(),
        }
    }
}

/// Appends text that needs no escaping.
pub(super) fn append(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends ` location="cc"` when a country is known.
pub(super) fn location_into(out: &mut Vec<u8>, source: &Source<'_>) {
    if let Some(country) = source.country {
        append(out, &format!(" location=\"{country}\""));
    }
}
