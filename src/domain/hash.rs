//! Digests of one file version.

use super::file::FileVersion;
use super::representation::Representation;
use super::torrent::TorrentVersion;

/// The short digests of one file version; absent ones are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digests {
    /// 16 bytes.
    pub md5: Option<Vec<u8>>,
    /// 20 bytes.
    pub sha1: Option<Vec<u8>>,
    /// 32 bytes.
    pub sha256: Option<Vec<u8>>,
    /// 64 bytes.
    pub sha512: Option<Vec<u8>>,
    /// BitTorrent v1 info hash, 20 bytes: MirrorBrain's.
    pub btih: Option<Vec<u8>>,
    /// BitTorrent v1 info hash of the hybrid torrent, 20 bytes.
    pub btih_hybrid: Option<Vec<u8>>,
    /// BitTorrent v2 info hash of the hybrid torrent, 32 bytes.
    pub btmh: Option<Vec<u8>>,
    /// Whether a detached signature is stored.
    pub has_pgp: bool,
}

/// A whole hash row, as an import or the indexer writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashRecord {
    /// The short digests.
    pub digests: Digests,
    /// Armoured detached signature.
    pub pgp: Option<String>,
    /// Size and time of the file that the signature was read from; `None`: it was imported.
    pub pgp_version: Option<FileVersion>,
    /// Bytes a piece; 0: no pieces.
    pub piece_size: i64,
    /// SHA-1 of each piece, 20 bytes each, concatenated.
    pub sha1_pieces: Option<Vec<u8>>,
    /// Bytes a zsync block; 0: none.
    pub zsync_block_size: i64,
    /// zsync's `seq,rsum,checksum`.
    pub zsync_hash_lengths: Option<String>,
    /// zsync's block sums.
    pub zsync_sums: Option<Vec<u8>>,
    /// Root of the BitTorrent v2 tree, 32 bytes.
    pub sha256_root: Option<Vec<u8>>,
    /// The tree's layer at the size of a piece, 32 bytes a piece; none when there is one piece.
    pub sha256_layer: Option<Vec<u8>>,
}

impl Digests {
    /// The digest that a document of that kind gives, if it is known.
    pub fn of(&self, document: Representation) -> Option<&[u8]> {
        match document {
            Representation::Md5 => self.md5.as_deref(),
            Representation::Sha1 => self.sha1.as_deref(),
            Representation::Sha256 => self.sha256.as_deref(),
            Representation::Sha512 => self.sha512.as_deref(),
            Representation::Btih => self.btih.as_deref(),
            _ => None,
        }
    }

    /// The v1 info hash of the torrent that a site of that version offers, 20 bytes.
    pub fn info_hash(&self, version: TorrentVersion) -> Option<&[u8]> {
        match version {
            TorrentVersion::V1 => self.btih.as_deref(),
            TorrentVersion::Hybrid => self.btih_hybrid.as_deref(),
        }
    }
}
