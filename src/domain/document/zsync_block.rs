//! Computes the lengths of zsync's blocks and sums, and a block's rolling sum.
//!
//! The rule is that of zsyncmake 0.6, which MirrorBrain copied (behaviour §9), so that the sums
//! equal those that MirrorBrain would have stored. Only a file whose sums would be too long for a
//! client to fetch and for us to keep gets longer blocks.

/// Largest total length of a file's sums in bytes. MirrorBrain has no limit (2.4 MB per GB). With
/// this limit, blocks are MirrorBrain's up to some 7 GB, and a file of any size takes no more
/// memory.
pub const SUMS_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Size in bytes from which on blocks are twice as long.
const LARGE_FILE_BYTES: u64 = 100_000_000;

/// The lengths of a file's blocks and sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Length of a block in bytes, a power of two.
    pub block_bytes: u64,
    /// Number of consecutive blocks that must match.
    pub sequence: u8,
    /// Number of bytes kept of each rolling sum, 2 to 4.
    pub rsum_bytes: usize,
    /// Number of bytes kept of each MD4 digest.
    pub checksum_bytes: usize,
}

impl Shape {
    /// The shape for a file of `size` bytes.
    pub fn for_size(size: u64) -> Shape {
        let mut block_bytes = if size < LARGE_FILE_BYTES { 2048 } else { 4096 };
        loop {
            let shape = Shape::with_block(size, block_bytes);
            if shape.sums_bytes(size) <= SUMS_BYTES_MAX {
                return shape;
            }
            block_bytes *= 2;
        }
    }

    fn with_block(size: u64, block_bytes: u64) -> Shape {
        let sequence = if size > block_bytes { 2 } else { 1 };
        let bits = (size as f64).log2();
        let block_bits = (block_bytes as f64).log2();
        let blocks_bits = ((1 + size / block_bytes) as f64).log2();
        let wanted = |bits: f64| (bits / f64::from(sequence) / 8.0).ceil();
        // An empty file has minus infinity bits, which the bounds below turn into the smallest
        // length.
        let rsum = wanted(bits + block_bits - 8.6).clamp(2.0, 4.0);
        let checksum = wanted(20.0 + bits + blocks_bits).max((7.9 + 20.0 + blocks_bits) / 8.0);
        Shape {
            block_bytes,
            sequence,
            rsum_bytes: rsum as usize,
            checksum_bytes: (checksum as usize).min(16),
        }
    }

    /// Length in bytes of all sums of a file of `size` bytes.
    pub fn sums_bytes(&self, size: u64) -> u64 {
        size.div_ceil(self.block_bytes) * (self.rsum_bytes + self.checksum_bytes) as u64
    }

    /// The value of `Hash-Lengths`.
    pub fn hash_lengths(&self) -> String {
        format!(
            "{},{},{}",
            self.sequence, self.rsum_bytes, self.checksum_bytes
        )
    }
}

/// The rolling sum of one block. A block that the end of the file cuts counts as filled with zeros,
/// which add nothing.
#[derive(Debug, Clone, Copy)]
pub struct Rsum {
    a: u16,
    b: u16,
    /// Weight of the next byte; modulo 65,536, as the sums are.
    weight: u16,
}

impl Rsum {
    /// The sum of no bytes.
    pub fn new(block_bytes: u64) -> Rsum {
        Rsum {
            a: 0,
            b: 0,
            weight: block_bytes as u16,
        }
    }

    /// Adds the next bytes of the block.
    pub fn update(&mut self, bytes: &[u8]) {
        let (mut a, mut b, weight) = (self.a, self.b, self.weight);
        for (index, &byte) in bytes.iter().enumerate() {
            let byte = u16::from(byte);
            a = a.wrapping_add(byte);
            b = b.wrapping_add(byte.wrapping_mul(weight.wrapping_sub(index as u16)));
        }
        self.a = a;
        self.b = b;
        self.weight = weight.wrapping_sub(bytes.len() as u16);
    }

    /// The sum as four bytes; a file keeps the last ones of these.
    pub fn to_bytes(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.a.to_be_bytes(), self.b.to_be_bytes());
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_mirrorbrains_until_the_sums_would_be_too_long() {
        // The first five are rows of MirrorBrain's table `hash`.
        for (size, block_bytes, lengths) in [
            (5000, 2048, "2,2,3"),
            (8192, 2048, "2,2,3"),
            (20_000, 2048, "2,2,3"),
            (50_000, 2048, "2,2,4"),
            (300_000, 2048, "2,2,4"),
            (0, 2048, "1,2,3"),
            (2048, 2048, "1,2,4"),
            (99_999_999, 2048, "2,2,5"),
            (100_000_000, 4096, "2,2,5"),
            (7_000_000_000, 4096, "2,3,6"),
            (100_000_000_000, 65_536, "2,3,6"),
        ] {
            let shape = Shape::for_size(size);
            assert_eq!(
                (shape.block_bytes, shape.hash_lengths().as_str()),
                (block_bytes, lengths),
                "{size}"
            );
            assert!(shape.sums_bytes(size) <= SUMS_BYTES_MAX);
        }
        Shape::for_size(u64::MAX);
    }

    #[test]
    fn a_rolling_sum_does_not_depend_on_how_a_block_is_cut() {
        let block: Vec<u8> = (0..2048_u32).map(|at| (at * 31 % 251) as u8).collect();
        let mut whole = Rsum::new(2048);
        whole.update(&block);
        let (mut a, mut b) = (0_u32, 0_u32);
        for (at, &byte) in block.iter().enumerate() {
            a += u32::from(byte);
            b += (2048 - at as u32) * u32::from(byte);
        }
        let expected = (((a & 0xffff) << 16) | (b & 0xffff)).to_be_bytes();
        assert_eq!(whole.to_bytes(), expected);
        for cut in [0, 1, 700, 2047, 2048] {
            let mut parts = Rsum::new(2048);
            parts.update(&block[..cut]);
            parts.update(&block[cut..]);
            assert_eq!(parts.to_bytes(), expected, "{cut}");
        }
    }
}
