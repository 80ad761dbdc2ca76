//! Lanes: each computes one digest of one file.
//!
//! A lane takes a file's bytes in order, so only one thread has it at a time. The lanes of a file
//! are independent, so they run at the same time. Lanes are the unit by which work is distributed:
//! the slowest one (MD5) takes less than a quarter of the time of all digests.

use md4::{Digest, Md4};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::tree::{PieceTree, cut};
use crate::domain::document::info_dictionary::PIECE_DIGEST_BYTES;
use crate::domain::document::zsync_block::{Rsum, Shape};
use crate::domain::hash::{HashKinds, HashRecord};

/// Largest number of pieces per file, which bounds the length of their digests (10 MB of SHA-1, 17
/// MB of a v2 layer): 128 GiB in pieces of 256 KiB. A larger file has larger pieces. MirrorBrain's
/// pieces would not grow, but no client accepts a torrent with a million pieces.
pub const PIECES_MAX: u64 = 512 * 1024;

/// One digest that is being computed.
pub struct Lane(LaneWork);

enum LaneWork {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    Pieces(Pieces),
    Tree(PieceTree),
    Zsync(Blocks),
}

/// Length of a file's pieces: the wanted length, or more for a very large file.
pub fn piece_size_for(size: u64, wanted: u64) -> u64 {
    let mut piece_size = wanted;
    while size.div_ceil(piece_size) > PIECES_MAX {
        piece_size *= 2;
    }
    piece_size
}

/// The lanes for a file of `size` bytes. The slowest come first, because threads start with the
/// first ones.
pub fn lanes(kinds: HashKinds, size: u64, piece_size: u64) -> Vec<Lane> {
    let wanted = [
        kinds.md5.then(|| LaneWork::Md5(Md5::new())),
        kinds.sha512.then(|| LaneWork::Sha512(Sha512::new())),
        kinds.zsync.then(|| LaneWork::Zsync(Blocks::new(size))),
        kinds
            .pieces
            .then(|| LaneWork::Pieces(Pieces::new(size, piece_size))),
        kinds
            .hybrid
            .then(|| LaneWork::Tree(PieceTree::new(size, piece_size))),
        kinds.sha1.then(|| LaneWork::Sha1(Sha1::new())),
        kinds.sha256.then(|| LaneWork::Sha256(Sha256::new())),
    ];
    wanted.into_iter().flatten().map(Lane).collect()
}

impl Lane {
    /// Takes the file's next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            LaneWork::Md5(digest) => digest.update(bytes),
            LaneWork::Sha1(digest) => digest.update(bytes),
            LaneWork::Sha256(digest) => digest.update(bytes),
            LaneWork::Sha512(digest) => digest.update(bytes),
            LaneWork::Pieces(pieces) => pieces.update(bytes),
            LaneWork::Tree(tree) => tree.update(bytes),
            LaneWork::Zsync(blocks) => blocks.update(bytes),
        }
    }

    /// Writes the result for the whole file into the record.
    pub fn finish(self, record: &mut HashRecord) {
        let digests = &mut record.digests;
        match self.0 {
            LaneWork::Md5(digest) => digests.md5 = Some(digest.finalize().to_vec()),
            LaneWork::Sha1(digest) => digests.sha1 = Some(digest.finalize().to_vec()),
            LaneWork::Sha256(digest) => digests.sha256 = Some(digest.finalize().to_vec()),
            LaneWork::Sha512(digest) => digests.sha512 = Some(digest.finalize().to_vec()),
            LaneWork::Pieces(pieces) => {
                record.piece_size = pieces.piece_size as i64;
                record.sha1_pieces = Some(pieces.finish());
            }
            LaneWork::Tree(tree) => {
                let (root, layer) = tree.finish();
                record.sha256_root = root;
                record.sha256_layer = layer;
            }
            LaneWork::Zsync(blocks) => {
                record.zsync_block_size = blocks.shape.block_bytes as i64;
                record.zsync_hash_lengths = Some(blocks.shape.hash_lengths());
                record.zsync_sums = Some(blocks.finish());
            }
        }
    }
}

/// SHA-1 of each piece.
struct Pieces {
    piece_size: u64,
    /// Number of bytes that the present piece lacks.
    lacks: u64,
    digest: Sha1,
    digests: Vec<u8>,
}

impl Pieces {
    fn new(size: u64, piece_size: u64) -> Pieces {
        let bytes = size.div_ceil(piece_size) * PIECE_DIGEST_BYTES;
        Pieces {
            piece_size,
            lacks: piece_size,
            digest: Sha1::new(),
            digests: Vec::with_capacity(bytes as usize),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        cut(bytes, self.piece_size, &mut self.lacks, |part, is_whole| {
            self.digest.update(part);
            if is_whole {
                self.digests
                    .extend_from_slice(&self.digest.finalize_reset());
            }
        });
    }

    fn finish(mut self) -> Vec<u8> {
        if self.lacks < self.piece_size {
            self.digests.extend_from_slice(&self.digest.finalize());
        }
        self.digests
    }
}

/// zsync's sums of each block.
struct Blocks {
    shape: Shape,
    lacks: u64,
    rsum: Rsum,
    checksum: Md4,
    sums: Vec<u8>,
}

impl Blocks {
    fn new(size: u64) -> Blocks {
        let shape = Shape::for_size(size);
        Blocks {
            lacks: shape.block_bytes,
            rsum: Rsum::new(shape.block_bytes),
            checksum: Md4::new(),
            sums: Vec::with_capacity(shape.sums_bytes(size) as usize),
            shape,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        let mut lacks = self.lacks;
        cut(
            bytes,
            self.shape.block_bytes,
            &mut lacks,
            |part, is_whole| {
                self.rsum.update(part);
                self.checksum.update(part);
                if is_whole {
                    self.end_block();
                }
            },
        );
        self.lacks = lacks;
    }

    fn end_block(&mut self) {
        let rsum = self.rsum.to_bytes();
        self.sums
            .extend_from_slice(&rsum[rsum.len() - self.shape.rsum_bytes..]);
        let checksum = self.checksum.finalize_reset();
        self.sums
            .extend_from_slice(&checksum[..self.shape.checksum_bytes]);
        self.rsum = Rsum::new(self.shape.block_bytes);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.lacks < self.shape.block_bytes {
            // The last block counts as filled with zeros.
            let zeros = [0; 1024];
            while self.lacks > 0 {
                let part = self.lacks.min(zeros.len() as u64);
                self.checksum.update(&zeros[..part as usize]);
                self.lacks -= part;
            }
            self.end_block();
        }
        self.sums
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

    fn record(content: &[u8], piece_size: u64, portion: usize) -> HashRecord {
        let mut record = HashRecord::default();
        for mut lane in lanes(ALL, content.len() as u64, piece_size) {
            for portion in content.chunks(portion) {
                lane.update(portion);
            }
            lane.finish(&mut record);
        }
        record
    }

    #[test]
    fn results_do_not_depend_on_how_a_file_is_read() {
        let content: Vec<u8> = (0..200_001_u32)
            .map(|at| (at % 1009 * (at % 1013) % 253) as u8)
            .collect();
        for length in [0, 1, 2047, 2048, 2049, 16_384, 32_768, 32_769, 200_001] {
            let content = &content[..length];
            let whole = record(content, 32_768, length.max(1));
            assert_eq!(
                whole.sha1_pieces.as_deref().map(<[u8]>::len),
                Some(length.div_ceil(32_768) * 20)
            );
            let pieces: Vec<u8> = content
                .chunks(32_768)
                .flat_map(|piece| Sha1::digest(piece).to_vec())
                .collect();
            assert_eq!(whole.sha1_pieces, Some(pieces));
            assert_eq!(
                whole.digests.md5.as_deref(),
                Some(&Md5::digest(content)[..])
            );
            assert_eq!(
                whole.digests.sha512.as_deref(),
                Some(&Sha512::digest(content)[..])
            );
            for portion in [1000, 4096, 16_384, 65_536] {
                assert_eq!(
                    record(content, 32_768, portion),
                    whole,
                    "{length} {portion}"
                );
            }
        }
    }

    #[test]
    fn very_large_files_have_larger_pieces() {
        for (size, expected) in [
            (0, 262_144),
            (100_000_000_000, 262_144),
            (PIECES_MAX * 262_144, 262_144),
            (PIECES_MAX * 262_144 + 1, 524_288),
            (u64::MAX, 1 << 45),
        ] {
            assert_eq!(piece_size_for(size, 262_144), expected, "{size}");
        }
    }
}
