//! Makes the body of a decided document: collects the input of [`crate::domain::document`].

use super::exchange::Exchange;
use crate::decide::{Choice, DecidedFile, Metalink, Seeds};
use crate::domain::document::info_dictionary::{Info, InfoV2, TorrentVersion};
use crate::domain::document::magnet;
use crate::domain::document::magnet::Magnet;
use crate::domain::document::torrent;
use crate::domain::document::torrent::Torrent;
use crate::domain::document::zsync;
use crate::domain::document::zsync::Zsync;
use crate::domain::document::{Body, BrokenMirrors, FileSource, Sheet, meta4, metalink};
use crate::domain::hash::HashSummary;
use crate::domain::representation::Representation;
use crate::domain::select::Tier;
use crate::domain::time::Timestamp;
use crate::domain::url::{BaseUrl, EncodedPath, FileUrl};
use crate::regular_file;

/// Largest size in bytes of the file with the elements of broken mirrors; a dozen take two KB.
const BROKEN_BYTES_MAX: u64 = 256 * 1024;

/// The input for bodies.
pub(super) struct DocumentDraft<'d> {
    pub exchange: Exchange<'d>,
    pub file: &'d DecidedFile,
    /// Time of the last change of the document's content.
    pub modified_at: Timestamp,
}

impl DocumentDraft<'_> {
    /// Renders a metalink of either version.
    pub fn metalink(&self, content: &Metalink<'_>) -> Body {
        let exchange = self.exchange;
        let own = self.own_base_url(content);
        let urls = content.choices.iter().map(|choice| &*choice.base_url);
        let file = self.file;
        let path = EncodedPath::of_version(file.path.as_bytes(), file.version, urls.chain(&own));
        let target = FileUrl::new(path, exchange.stamp());
        let mut sources: Vec<FileSource<'_>> = content.choices.iter().map(source).collect();
        sources.extend(own.iter().map(|base_url| FileSource {
            base_url,
            tier: Tier::Elsewhere,
            country: None,
            weight: (1, None),
            rank: None,
            is_private: false,
        }));
        if content.is_by_mirror {
            rank(&mut sources, &content.choices);
        }
        let origin = self.own_url(content.kind.as_str());
        let client = exchange.decision.client.as_ref();
        let hashes = content.hashes.as_ref();
        let torrent = content.has_torrent.then(|| self.own_url("torrent"));
        let named = torrent.as_deref().filter(|_| content.names_torrent);
        let magnet = hashes
            .filter(|_| exchange.decision.rules.metalink_magnet_links)
            .and_then(|(_, hashes)| self.magnet(hashes, (torrent.as_deref(), &[])));
        let magnet = magnet.map(|body| body.text.trim_ascii_end().to_vec());
        let broken = self.broken_mirrors();
        let sheet = Sheet {
            name: self.file.path.name(),
            version: self.file.version,
            id: hashes.map(|(id, _)| *id),
            hashes: hashes.map(|(_, summary)| &**summary),
            alternates: &content.alternates,
            sources: &sources,
            target: &target,
            place: client.map(|client| client.place).unwrap_or_default(),
            network: client.and_then(|client| client.network),
            origin: &origin,
            publisher: exchange.config().publisher.as_ref(),
            published: self.modified_at,
            torrent: named,
            magnet: magnet.as_deref(),
            broken: broken.as_ref(),
        };
        match content.kind {
            Representation::Meta4 => meta4::meta4(&sheet),
            _ => metalink::metalink(&sheet),
        }
    }

    /// Broken mirrors, if the configuration has them and the client asks for them. A file that
    /// cannot be read counts as absent.
    pub fn broken_mirrors(&self) -> Option<BrokenMirrors> {
        let request = self.exchange.request;
        let path = self.exchange.config().broken_test_mirrors.as_deref()?;
        if request.broken_mirrors.is_empty() {
            return None;
        }
        match regular_file::read(path, BROKEN_BYTES_MAX) {
            Ok(elements) => Some(BrokenMirrors {
                elements,
                is_all: request.broken_mirrors == b"only",
            }),
            Err(error) => {
                log::warn!(
                    "metalink.broken_test_mirrors cannot be read: path={} error=\"{error}\"",
                    path.display()
                );
                None
            }
        }
    }

    /// Renders a torrent, magnet link or zsync file; `None` without a hash that it needs.
    pub fn seeds(&self, content: &Seeds<'_>) -> Option<Body> {
        let hashes = &*content.hashes.1;
        match content.kind {
            Representation::Torrent => self.torrent(content),
            Representation::Zsync => Some(zsync::zsync(&Zsync {
                name: self.file.path.name(),
                version: self.file.version,
                block_size: hashes.zsync_block_size,
                hash_lengths: hashes.zsync_hash_lengths.as_deref()?,
                sha1: hashes.digests.sha1.as_deref(),
                urls: &self.urls(content, usize::MAX),
                sums_bytes: hashes.sums_bytes,
            })),
            _ => {
                let torrent = content.has_torrent.then(|| self.own_url("torrent"));
                let seeds = self.urls(content, self.exchange.config().link_mirrors);
                self.magnet(hashes, (torrent.as_deref(), &seeds))
            }
        }
    }

    fn torrent(&self, content: &Seeds<'_>) -> Option<Body> {
        let hashes = &*content.hashes.1;
        let digests = &hashes.digests;
        let is_hybrid = self.exchange.config().torrent_version == TorrentVersion::Hybrid;
        let v2 = match (is_hybrid, hashes.sha256_root.as_deref()) {
            (false, _) => None,
            (true, root) => Some(InfoV2 { pieces_root: root? }),
        };
        Some(torrent::torrent(&Torrent {
            info: Info {
                name: self.file.path.name(),
                size: self.file.version.size,
                piece_size: u64::try_from(hashes.piece_size).ok()?,
                md5: digests.md5.as_deref()?,
                sha1: digests.sha1.as_deref()?,
                sha256: digests.sha256.as_deref()?,
                v2,
            },
            mtime: self.file.version.mtime,
            trackers: &self.exchange.decision.rules.trackers,
            dht_nodes: &self.exchange.decision.rules.dht_nodes,
            seeds: &self.urls(content, usize::MAX),
        }))
    }

    /// Renders a magnet link. `links`: URL of the torrent, URLs at mirrors.
    fn magnet(&self, hashes: &HashSummary, links: (Option<&[u8]>, &[Vec<u8>])) -> Option<Body> {
        let version = self.exchange.config().torrent_version;
        let digests = &hashes.digests;
        let own = self.own_url("");
        Some(magnet::magnet(&Magnet {
            name: self.file.path.name(),
            size: self.file.version.size,
            info_hash: digests.info_hash(version)?,
            info_hash_v2: match version {
                TorrentVersion::V1 => None,
                TorrentVersion::Hybrid => digests.btmh.as_deref(),
            },
            md5: digests.md5.as_deref(),
            own: &own,
            torrent: links.0,
            trackers: &self.exchange.decision.rules.trackers,
            seeds: links.1,
        }))
    }

    /// URLs of the file at the first mirrors, or our own. A signature is valid for some minutes and
    /// a torrent lives for years, so our own URL stands for mirrors that need a signature.
    fn urls(&self, content: &Seeds<'_>, most: usize) -> Vec<Vec<u8>> {
        let signs = self.exchange.is_signed();
        if content.choices.is_empty() || signs && content.kind != Representation::Zsync {
            return vec![self.own_url("")];
        }
        let choices = &content.choices[..content.choices.len().min(most)];
        let target = self.target(choices);
        let url = |choice: &Choice<'_>| {
            let mut url = Vec::with_capacity(128);
            target.url_into(&mut url, &choice.base_url);
            url
        };
        choices.iter().map(url).collect()
    }

    /// Our own URL, for a file that no mirror has: a metalink needs a URL.
    fn own_base_url(&self, content: &Metalink<'_>) -> Option<BaseUrl> {
        if !content.choices.is_empty() {
            return None;
        }
        let mut url = Vec::with_capacity(128);
        self.exchange.own_base_url_into(&mut url);
        BaseUrl::parse(std::str::from_utf8(&url).ok()?).ok()
    }

    fn target(&self, choices: &[Choice<'_>]) -> FileUrl {
        let urls = choices.iter().map(|choice| &*choice.base_url);
        let path = self.file.path.as_bytes();
        let path = EncodedPath::of_version(path, self.file.version, urls);
        FileUrl::new(path, self.exchange.stamp())
    }

    /// The requested URL of the file, or of a document about it.
    fn own_url(&self, suffix: &str) -> Vec<u8> {
        let mut url = Vec::with_capacity(256);
        let dot = if suffix.is_empty() { "" } else { "." };
        self.exchange
            .own_url_into(&mut url, &format!("{dot}{suffix}"));
        url
    }
}

/// Gives the URLs of a mirror, which stand side by side, the place of the mirror.
fn rank(sources: &mut [FileSource<'_>], choices: &[Choice<'_>]) {
    let mirror = |choice: &Choice<'_>| (choice.is_fallback, choice.candidate.mirror);
    let mut rank = 0;
    for (place, source) in sources.iter_mut().enumerate().take(choices.len()) {
        if place > 0 && mirror(&choices[place]) != mirror(&choices[place - 1]) {
            rank += 1;
        }
        source.rank = Some(rank);
    }
}

fn source<'s>(choice: &'s Choice<'_>) -> FileSource<'s> {
    FileSource {
        base_url: &choice.base_url,
        tier: choice.candidate.tier,
        country: choice.country,
        weight: (choice.score, choice.candidate.distance),
        rank: None,
        is_private: choice.is_private,
    }
}
