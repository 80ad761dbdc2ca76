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

use crate::domain::file::FileId;
use crate::domain::select::set::WORD_BITS;

/// Number of files per block; the matrix grows by blocks.
const BLOCK_FILES: usize = 1 << 16;

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
        if let Some(last) = has.max() {
            let blocks = last as usize / BLOCK_FILES + 1;
            while self.blocks.len() < blocks {
                let zeros = (0..BLOCK_FILES * self.words).map(|_| AtomicU64::new(0));
                self.blocks.push(zeros.collect());
            }
        }
        let (word, bit) = (mirror / WORD_BITS, 1 << (mirror % WORD_BITS));
        let mut wanted = has.iter().map(|id| id as usize).peekable();
        for (number, block) in self.blocks.iter().enumerate() {
            let first = number * BLOCK_FILES;
            for (offset, row) in block.chunks_exact(self.words.max(1)).enumerate() {
                let wants = wanted.next_if_eq(&(first + offset)).is_some();
                if wants != (row[word].load(Ordering::Relaxed) & bit != 0) {
                    row[word].fetch_xor(bit, Ordering::Relaxed);
                }
            }
        }
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
