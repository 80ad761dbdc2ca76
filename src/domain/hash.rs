//! Digests of one file version.

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

/// What documents say of a hash row: all but its long parts, of which only the length is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashSummary {
    /// The short digests.
    pub digests: Digests,
    /// Armoured detached signature.
    pub pgp: Option<String>,
    /// Bytes a piece; 0: no pieces.
    pub piece_size: i64,
    /// Bytes of [`Long::Sha1Pieces`]; 0: there are none, as for the others.
    pub pieces_bytes: u64,
    /// Bytes a zsync block; 0: none.
    pub zsync_block_size: i64,
    /// zsync's `seq,rsum,checksum`.
    pub zsync_hash_lengths: Option<String>,
    /// Bytes of [`Long::ZsyncSums`].
    pub sums_bytes: u64,
    /// Root of the BitTorrent v2 tree, 32 bytes.
    pub sha256_root: Option<Vec<u8>>,
    /// Bytes of [`Long::Sha256Layer`].
    pub layer_bytes: u64,
}

/// The parts of a hash row that grow with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Long {
    /// [`HashRecord::sha1_pieces`].
    Sha1Pieces,
    /// [`HashRecord::zsync_sums`].
    ZsyncSums,
    /// [`HashRecord::sha256_layer`].
    Sha256Layer,
}

/// Kinds of hashes: which are wanted, or which a row has.
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
    /// SHA-1 of each piece, and the v1 info hash when all that is in it is wanted too.
    pub pieces: bool,
    /// What a hybrid torrent needs beside.
    pub hybrid: bool,
    /// zsync's block sums.
    pub zsync: bool,
}

impl HashKinds {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == HashKinds::default()
    }

    /// Whether an info dictionary can be made of these; it names three digests.
    pub fn make_torrent(&self) -> bool {
        self.md5 && self.sha1 && self.sha256 && self.pieces
    }

    /// What is still to be computed of these for a file of that size when `known` is there.
    ///
    /// What a torrent is made of is computed as a whole: an info hash needs all of it at once. An
    /// empty file has no pieces, and no client takes a torrent of nothing.
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
    /// Bytes of the parts that grow with the file.
    pub fn long_bytes(&self) -> usize {
        [&self.sha1_pieces, &self.zsync_sums, &self.sha256_layer]
            .into_iter()
            .flatten()
            .map(Vec::len)
            .sum()
    }
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
