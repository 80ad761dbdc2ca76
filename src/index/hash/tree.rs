//! Computes a file's tree in BitTorrent v2 (BEP 52): SHA-256 of blocks of 16 KiB, combined in pairs
//! up to a root.

use sha2::{Digest, Sha256};

use crate::domain::document::info_dictionary::V2_BLOCK_BYTES;

type Hash = [u8; 32];

/// The tree of a file that is being read.
pub struct PieceTree {
    size: u64,
    piece_size: u64,
    /// Number of bytes that the present block lacks.
    block_lacks: u64,
    /// Number of blocks that the present piece lacks.
    piece_lacks: u64,
    block: Sha256,
    piece: Pairs,
    /// The hashes of the pieces.
    file: Pairs,
    layer: Vec<u8>,
}

impl PieceTree {
    /// Makes a tree for a file of `size` bytes; the length of a piece is a power of two, at least
    /// 16 KiB.
    pub fn new(size: u64, piece_size: u64) -> PieceTree {
        let pieces = size.div_ceil(piece_size);
        PieceTree {
            size,
            piece_size,
            block_lacks: V2_BLOCK_BYTES,
            piece_lacks: piece_size / V2_BLOCK_BYTES,
            block: Sha256::new(),
            piece: Pairs::default(),
            file: Pairs::default(),
            layer: Vec::with_capacity(if pieces > 1 { pieces as usize * 32 } else { 0 }),
        }
    }

    /// Takes the file's next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut lacks = self.block_lacks;
        cut(bytes, V2_BLOCK_BYTES, &mut lacks, |part, is_whole| {
            self.block.update(part);
            if is_whole {
                self.end_block();
            }
        });
        self.block_lacks = lacks;
    }

    fn end_block(&mut self) {
        self.piece.push(self.block.finalize_reset().into());
        self.piece_lacks -= 1;
        if self.piece_lacks == 0 {
            self.end_piece();
        }
    }

    /// Ends a piece. Only a file of several pieces has a layer of them, and its last piece counts
    /// as complete.
    fn end_piece(&mut self) {
        self.piece_lacks = self.piece_size / V2_BLOCK_BYTES;
        if self.size <= self.piece_size {
            return;
        }
        let height = self.piece_lacks.ilog2();
        let piece = std::mem::take(&mut self.piece).root([0; 32], height);
        self.layer.extend_from_slice(&piece);
        self.file.push(piece);
    }

    /// Returns the root, and the layer if the file has several pieces; an empty file has no root.
    pub fn finish(mut self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        if self.block_lacks < V2_BLOCK_BYTES {
            self.end_block();
        }
        if self.size <= self.piece_size {
            let root = (self.size > 0).then(|| self.piece.root([0; 32], 0).to_vec());
            return (root, None);
        }
        let blocks = self.piece_size / V2_BLOCK_BYTES;
        if self.piece_lacks < blocks {
            self.end_piece();
        }
        // A piece that consists of padding alone.
        let padding = (0..blocks.ilog2()).fold([0; 32], |hash, _| pair(&hash, &hash));
        let root = self.file.root(padding, 0);
        (Some(root.to_vec()), Some(self.layer))
    }
}

/// Combines hashes in pairs as they arrive, keeping one hash per level.
#[derive(Default)]
struct Pairs {
    /// Level and hash, the highest level first.
    stack: Vec<(u32, Hash)>,
}

impl Pairs {
    fn push(&mut self, hash: Hash) {
        let (mut level, mut hash) = (0, hash);
        while let Some((_, left)) = self.stack.pop_if(|(top, _)| *top == level) {
            hash = pair(&left, &hash);
            level += 1;
        }
        self.stack.push((level, hash));
    }

    /// The root, padded to the next power of two and to at least `height` levels.
    fn root(mut self, padding: Hash, height: u32) -> Hash {
        let Some((mut level, mut hash)) = self.stack.pop() else {
            return padding;
        };
        let mut padding = (0..level).fold(padding, |hash, _| pair(&hash, &hash));
        while level < height || !self.stack.is_empty() {
            hash = match self.stack.pop_if(|(top, _)| *top == level) {
                Some((_, left)) => pair(&left, &hash),
                None => pair(&hash, &padding),
            };
            padding = pair(&padding, &padding);
            level += 1;
        }
        hash
    }
}

fn pair(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Cuts bytes at the ends of units of `unit` bytes; `lacks` is the number of bytes that the present
/// unit lacks. `give` is called with each part, and whether it is the last of its unit.
pub(super) fn cut(mut bytes: &[u8], unit: u64, lacks: &mut u64, mut give: impl FnMut(&[u8], bool)) {
    while !bytes.is_empty() {
        let length = usize::try_from(*lacks).map_or(bytes.len(), |lacks| lacks.min(bytes.len()));
        let (part, rest) = bytes.split_at(length);
        *lacks -= length as u64;
        give(part, *lacks == 0);
        if *lacks == 0 {
            *lacks = unit;
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BEP 52 word by word: all leaves, padded, paired.
    fn expected(content: &[u8], piece_size: usize) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut level: Vec<Hash> = content
            .chunks(V2_BLOCK_BYTES as usize)
            .map(|block| Sha256::digest(block).into())
            .collect();
        level.resize(level.len().next_power_of_two(), [0; 32]);
        let (mut width, mut layer) = (V2_BLOCK_BYTES as usize, None);
        loop {
            if width == piece_size && content.len() > piece_size {
                let pieces = content.len().div_ceil(piece_size);
                layer = Some(level[..pieces].concat());
            }
            if level.len() == 1 {
                return (level[0].to_vec(), layer);
            }
            level = level.chunks(2).map(|two| pair(&two[0], &two[1])).collect();
            width *= 2;
        }
    }

    #[test]
    fn roots_and_layers_are_those_of_the_plain_definition() {
        let block = V2_BLOCK_BYTES as usize;
        let content: Vec<u8> = (0..20 * block).map(|at| (at * 7 % 251) as u8).collect();
        for piece_size in [block, 2 * block, 4 * block] {
            for blocks in 0..20 {
                for length in [blocks * block + 1, (blocks + 1) * block] {
                    let content = &content[..length];
                    let mut tree = PieceTree::new(length as u64, piece_size as u64);
                    for portion in content.chunks(10_000) {
                        tree.update(portion);
                    }
                    let (root, layer) = tree.finish();
                    let (expected_root, expected_layer) = expected(content, piece_size);
                    assert_eq!(root, Some(expected_root), "{length} {piece_size}");
                    assert_eq!(layer, expected_layer, "{length} {piece_size}");
                }
            }
        }
    }
}
