//! Transposed bitmaps: for each file version, one row of bits that tells which mirrors have it.
//!
//! A request is about one file and all mirrors. With one bitmap per mirror it would touch as many
//! places in memory as there are mirrors; a row is one cache line.
//!
//! # Locking
//! Rows consist of atomic words, which all snapshots share and which are changed in place. A
//! request reads one row, and each bit tells what the mirror had either before or after a
//! publication. An id means one version for ever, so both are true.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roaring::RoaringBitmap;

use super::serialized_bitmap::{PART_WORDS, SerializedBitmap};
use crate::domain::file::FileId;
use crate::domain::select::set::WORD_BITS;

/// Number of files per block, as many as a part of a bitmap has ids; the matrix grows by blocks.
const BLOCK_FILES: usize = PART_WORDS * WORD_BITS;

/// Number of words from one mirror's bits to the next one's: those of a block and a few more, so
/// that the words of 64 mirrors for the same files do not meet in one set of the processor's cache.
const COLUMN_WORDS: usize = PART_WORDS + 8;

/// Number of bits of a count of files; ids have no more.
const COUNT_BITS: usize = 32;

/// The rows. A column is a mirror's index in the roster.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    words: usize,
    blocks: Vec<Arc<[AtomicU64]>>,
}

impl Matrix {
    /// A matrix for so many mirrors, none of which has a file.
    pub fn new(mirrors: usize) -> Matrix {
        Matrix {
            words: mirrors.div_ceil(WORD_BITS),
            blocks: Vec::new(),
        }
    }

    /// A word of a file's row; 0 for a file or word beyond the end.
    pub fn word(&self, file: FileId, word: usize) -> u64 {
        let file = file.0 as usize;
        let block = self.blocks.get(file / BLOCK_FILES);
        let index = file % BLOCK_FILES * self.words + word;
        block
            .filter(|_| word < self.words)
            .map_or(0, |b| b[index].load(Ordering::Relaxed))
    }

    /// Counts how many of the files each mirror has; returns at least one number per mirror.
    ///
    /// Counts 64 mirrors at a time: bit `m` of plane `p` is bit `p` of the count of mirror `m`. So
    /// adding a row is an addition with carry, and the carries soon end.
    pub fn counts(&self, files: &[FileId]) -> Vec<u64> {
        let mut counts = vec![0; self.words * WORD_BITS];
        for (word, counts) in counts.chunks_exact_mut(WORD_BITS).enumerate() {
            let mut planes = [0u64; COUNT_BITS];
            for file in files {
                let mut carry = self.word(*file, word);
                for plane in &mut planes {
                    if carry == 0 {
                        break;
                    }
                    (*plane, carry) = (*plane ^ carry, *plane & carry);
                }
            }
            for (mirror, count) in counts.iter_mut().enumerate() {
                let bit = |(exponent, plane): (usize, &u64)| (plane >> mirror & 1) << exponent;
                *count = planes.iter().enumerate().map(bit).sum();
            }
        }
        counts
    }

    /// Sets a mirror's column to its content.
    pub fn set_column(&mut self, mirror: usize, has: &RoaringBitmap) {
        let mut bytes = Vec::with_capacity(has.serialized_size());
        has.serialize_into(&mut bytes)
            .expect("writing to memory does not fail");
        let bitmap = SerializedBitmap::parse(bytes).expect("the crate writes the format");
        self.set_columns(&[(mirror, bitmap)]);
    }

    /// Sets the columns of some mirrors; as fast for 64 mirrors of one word as for one.
    pub fn set_columns(&mut self, columns: &[(usize, SerializedBitmap)]) {
        let blocks = columns.iter().map(|(_, bitmap)| bitmap.parts()).max();
        while self.blocks.len() < blocks.unwrap_or(0) {
            let zeros = (0..BLOCK_FILES * self.words).map(|_| AtomicU64::new(0));
            self.blocks.push(zeros.collect());
        }
        for word in 0..self.words {
            let of_word = columns.iter().filter(|column| column.0 / WORD_BITS == word);
            let of_word: Vec<_> = of_word
                .map(|(mirror, bitmap)| (mirror % WORD_BITS, bitmap))
                .collect();
            if !of_word.is_empty() {
                self.set_word(word, &of_word);
            }
        }
    }

    /// Sets some bits of one word of each row.
    fn set_word(&self, word: usize, columns: &[(usize, &SerializedBitmap)]) {
        let mask = columns.iter().fold(0, |mask, (bit, _)| mask | 1 << bit);
        let mut bits = vec![0; WORD_BITS * COLUMN_WORDS];
        for (number, block) in self.blocks.iter().enumerate() {
            for (bit, bitmap) in columns {
                let begin = bit * COLUMN_WORDS;
                bitmap.fill(number, &mut bits[begin..begin + PART_WORDS]);
            }
            let mut rows = block.chunks_exact(self.words);
            for tile in 0..PART_WORDS {
                let mut square = std::array::from_fn(|bit| bits[bit * COLUMN_WORDS + tile]);
                transpose(&mut square);
                for (wanted, row) in square.iter().zip(&mut rows) {
                    // Only this thread writes; a line that stays as it is stays in all caches.
                    let before = row[word].load(Ordering::Relaxed);
                    let after = before & !mask | wanted;
                    if after != before {
                        row[word].store(after, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}

/// Turns 64 words of 64 bits: bit `b` of word `w` becomes bit `w` of word `b`. It exchanges the
/// halves of ever smaller squares (Hacker's Delight, 7-3).
fn transpose(square: &mut [u64; WORD_BITS]) {
    let mut step = WORD_BITS / 2;
    let mut mask = u64::MAX >> step;
    while step > 0 {
        for pair in square.chunks_exact_mut(2 * step) {
            let (low, high) = pair.split_at_mut(step);
            for (low, high) in low.iter_mut().zip(high) {
                let change = (*low >> step ^ *high) & mask;
                *low ^= change << step;
                *high ^= change;
            }
        }
        step /= 2;
        mask ^= mask << step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_follow_their_bitmaps() {
        let mut matrix = Matrix::new(130);
        let first: RoaringBitmap = [1, 5, 70_000].into_iter().collect();
        matrix.set_column(0, &first);
        matrix.set_column(129, &[5].into_iter().collect());
        let row = |matrix: &Matrix, file| [0, 1, 2, 3].map(|word| matrix.word(FileId(file), word));
        assert_eq!(row(&matrix, 5), [1, 0, 2, 0]);
        assert_eq!(row(&matrix, 70_000), [1, 0, 0, 0]);
        assert_eq!(row(&matrix, 4_000_000_000), [0; 4]);
        let before = matrix.clone();
        matrix.set_column(0, &[1, 200_000].into_iter().collect());
        assert_eq!(row(&matrix, 5), [0, 0, 2, 0]);
        assert_eq!(row(&matrix, 200_000), [1, 0, 0, 0]);
        assert_eq!(row(&before, 5), [0, 0, 2, 0], "rows are shared");
        assert_eq!(row(&before, 200_000), [0; 4], "new blocks are not");
        matrix.set_column(129, &RoaringBitmap::new());
        assert_eq!(row(&matrix, 5), [0; 4]);
    }

    #[test]
    fn many_columns_at_once_are_each_set_and_no_other_is_touched() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut matrix = Matrix::new(150);
        let mut expected = vec![RoaringBitmap::new(); 150];
        for _ in 0..4 {
            let mut changed = Vec::new();
            for mirror in (0..150).filter(|_| random.bool()).collect::<Vec<_>>() {
                let mut has = RoaringBitmap::new();
                has.extend((0..3000).map(|_| random.u32(..140_000)));
                has.insert_range(random.u32(..60_000)..random.u32(60_000..130_000));
                has.optimize();
                let mut bytes = Vec::new();
                has.serialize_into(&mut bytes).expect("memory");
                changed.push((mirror, SerializedBitmap::parse(bytes).expect("a bitmap")));
                expected[mirror] = has;
            }
            matrix.set_columns(&changed);
            for _ in 0..20_000 {
                let (mirror, file) = (random.usize(..150), random.u32(..140_000));
                let bit = matrix.word(FileId(file), mirror / 64) >> (mirror % 64) & 1;
                assert_eq!(bit == 1, expected[mirror].contains(file));
            }
        }
    }

    #[test]
    fn counts_are_those_of_one_bit_after_the_other() {
        let mut matrix = Matrix::new(130);
        for mirror in 0..130u32 {
            let has: RoaringBitmap = (0..300).filter(|file| file % (mirror + 1) == 0).collect();
            matrix.set_column(mirror as usize, &has);
        }
        let files: Vec<FileId> = (0..300).chain([900_000]).map(FileId).collect();
        let counts = matrix.counts(&files);
        for (mirror, count) in counts.iter().take(130).enumerate() {
            let step = mirror as u64 + 1;
            assert_eq!(*count, 300u64.div_ceil(step), "{mirror}");
        }
        assert!(counts[130..].iter().all(|count| *count == 0));
        assert!(Matrix::new(0).counts(&files).is_empty());
    }
}
