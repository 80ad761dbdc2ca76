//! Digests, piece hashes and block sums of one file version.

use super::document::info_dictionary::TorrentVersion;
use super::file::FileVersion;
use super::representation::Representation;

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
    /// BitTorrent v1 info hash as MirrorBrain computes it, 20 bytes.
    pub btih: Option<Vec<u8>>,
    /// BitTorrent v1 info hash of the hybrid torrent, 20 bytes.
    pub btih_hybrid: Option<Vec<u8>>,
    /// BitTorrent v2 info hash of the hybrid torrent, 32 bytes.
    pub btmh: Option<Vec<u8>>,
    /// Whether the row has a detached signature.
    pub has_pgp: bool,
}

/// One hash row with all its values, as an import or the indexer writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashRecord {
    /// The short digests.
    pub digests: Digests,
    /// Armoured detached signature (OpenPGP).
    pub pgp: Option<String>,
    /// Size and time of the signature's file when it was read; `None`: the signature was imported.
    pub pgp_version: Option<FileVersion>,
    /// Bytes per piece; 0: the row has no pieces.
    pub piece_size: i64,
    /// SHA-1 of each piece, concatenated: 20 bytes per piece.
    pub sha1_pieces: Option<Vec<u8>>,
    /// Bytes per zsync block; 0: the row has no block sums.
    pub zsync_block_size: i64,
    /// zsync's `seq,rsum,checksum`.
    pub zsync_hash_lengths: Option<String>,
    /// zsync's block sums.
    pub zsync_sums: Option<Vec<u8>>,
    /// Root of the BitTorrent v2 tree, 32 bytes.
    pub sha256_root: Option<Vec<u8>>,
    /// The tree's layer with one 32-byte hash per piece; `None` if the file has only one piece.
    pub sha256_layer: Option<Vec<u8>>,
}

/// A hash row as documents need it: everything but the long parts, of which it has the length
/// alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashSummary {
    /// The short digests.
    pub digests: Digests,
    /// Armoured detached signature (OpenPGP).
    pub pgp: Option<String>,
    /// Bytes per piece; 0: the row has no pieces.
    pub piece_size: i64,
    /// Length of [`HashPart::Sha1Pieces`] in bytes; 0: the row has none.
    pub pieces_bytes: u64,
    /// Bytes per zsync block; 0: the row has no block sums.
    pub zsync_block_size: i64,
    /// zsync's `seq,rsum,checksum`.
    pub zsync_hash_lengths: Option<String>,
    /// Length of [`HashPart::ZsyncSums`] in bytes; 0: the row has none.
    pub sums_bytes: u64,
    /// Root of the BitTorrent v2 tree, 32 bytes.
    pub sha256_root: Option<Vec<u8>>,
    /// Length of [`HashPart::Sha256Layer`] in bytes; 0: the row has none.
    pub layer_bytes: u64,
}

/// The parts of a hash row that grow with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashPart {
    /// [`HashRecord::sha1_pieces`].
    Sha1Pieces,
    /// [`HashRecord::zsync_sums`].
    ZsyncSums,
    /// [`HashRecord::sha256_layer`].
    Sha256Layer,
}

/// A set of hash kinds: the wanted ones, or those that a row has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HashKinds {
    /// MD5 of the file.
    pub md5: bool,
    /// SHA-1 of the file.
    pub sha1: bool,
    /// SHA-256 of the file.
    pub sha256: bool,
    /// SHA-512 of the file.
    pub sha512: bool,
    /// SHA-1 of each piece, and the v1 info hash if the digests in it are wanted too.
    pub pieces: bool,
    /// The extra hashes of a hybrid torrent (BitTorrent v2).
    pub hybrid: bool,
    /// zsync's block sums.
    pub zsync: bool,
}

impl HashKinds {
    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        *self == HashKinds::default()
    }

    /// Whether an info dictionary can be made of these hashes; it contains three digests and the
    /// pieces.
    pub fn make_torrent(&self) -> bool {
        self.md5 && self.sha1 && self.sha256 && self.pieces
    }

    /// Returns the kinds that must be computed for a file of `size` bytes that has `known` already.
    ///
    /// The parts of a torrent are computed together, because the info hash needs all of them. An
    /// empty file has no pieces: clients refuse a torrent without content.
    pub fn missing(&self, known: &HashKinds, size: u64) -> HashKinds {
        let mut missing = HashKinds {
            md5: self.md5 && !known.md5,
            sha1: self.sha1 && !known.sha1,
            sha256: self.sha256 && !known.sha256,
            sha512: self.sha512 && !known.sha512,
            pieces: self.pieces && !known.pieces && size > 0,
            hybrid: self.hybrid && !known.hybrid && size > 0,
            zsync: self.zsync && !known.zsync,
        };
        if (missing.pieces || missing.hybrid) && self.make_torrent() {
            (missing.md5, missing.sha1, missing.sha256) = (true, true, true);
            (missing.pieces, missing.hybrid) = (true, self.hybrid);
        }
        missing
    }
}

impl HashRecord {
    /// Total length in bytes of the parts that grow with the file.
    pub fn long_bytes(&self) -> usize {
        [&self.sha1_pieces, &self.zsync_sums, &self.sha256_layer]
            .into_iter()
            .flatten()
            .map(Vec::len)
            .sum()
    }
}

impl Digests {
    /// The digest that a document of that kind shows, if it is known.
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

    /// The v1 info hash, 20 bytes, of the torrents that a site with that torrent version offers.
    pub fn info_hash(&self, version: TorrentVersion) -> Option<&[u8]> {
        match version {
            TorrentVersion::V1 => self.btih.as_deref(),
            TorrentVersion::Hybrid => self.btih_hybrid.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: HashKinds = HashKinds {
        md5: true,
        sha1: true,
        sha256: true,
        sha512: true,
        pieces: true,
        hybrid: true,
        zsync: true,
    };

    #[test]
    fn only_what_is_missing_is_computed_and_a_torrent_as_a_whole() {
        assert!(ALL.missing(&ALL, 1).is_empty());
        let known = HashKinds {
            sha512: false,
            ..ALL
        };
        let expected = HashKinds {
            sha512: true,
            ..HashKinds::default()
        };
        assert_eq!(ALL.missing(&known, 1), expected);
        let known = HashKinds {
            hybrid: false,
            ..ALL
        };
        let expected = HashKinds {
            sha512: false,
            zsync: false,
            ..ALL
        };
        assert_eq!(ALL.missing(&known, 1), expected);
        assert!(ALL.missing(&known, 0).is_empty());
        let few = HashKinds {
            pieces: true,
            ..HashKinds::default()
        };
        assert_eq!(few.missing(&HashKinds::default(), 1), few);
    }
}
