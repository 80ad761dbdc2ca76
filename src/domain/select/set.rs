//! Sets of mirrors as bits, so that "is in this class and has the file" is one AND per 64 mirrors.

/// A set of indexes of mirrors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorSet {
    words: Vec<u64>,
}

/// Number of mirrors per word of a set.
pub const WORD_BITS: usize = 64;

impl MirrorSet {
    /// Adds an index.
    pub fn insert(&mut self, index: usize) {
        let word = index / WORD_BITS;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (index % WORD_BITS);
    }

    /// Whether the index is in the set.
    pub fn contains(&self, index: usize) -> bool {
        self.word(index / WORD_BITS) >> (index % WORD_BITS) & 1 == 1
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The bits of 64 indexes; 0 beyond the end.
    pub fn word(&self, word: usize) -> u64 {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// Number of words.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// The indexes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(word, bits)| indexes(word, *bits))
    }
}

impl FromIterator<usize> for MirrorSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> MirrorSet {
        let mut set = MirrorSet::default();
        indexes.into_iter().for_each(|index| set.insert(index));
        set
    }
}

/// The indexes in one word of a set.
pub fn indexes(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let index = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(word * WORD_BITS + index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_in_order() {
        let set: MirrorSet = [130, 0, 63, 64].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 130]);
        assert!(set.contains(130) && !set.contains(129) && !set.contains(9999));
        assert!(!set.is_empty() && MirrorSet::default().is_empty());
    }
}
