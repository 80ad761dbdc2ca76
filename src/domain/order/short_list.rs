//! Sorts short lists by one copy of the algorithm.
//!
//! The standard library's stable sort is 5 kB of program per type and order, and there are some
//! sixty of them beside the request path: lines of tables, mirrors, findings. Lists of millions
//! (files of a manifest) are sorted by the standard library.

use std::cmp::Ordering;

/// A list that is sorted in place; equal items keep their order.
pub trait ShortList<T> {
    /// Sorts by a comparison, as `sort_by` does.
    fn order_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);

    /// Sorts by a key, as `sort_by_key` does.
    fn order_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K);
}

impl<T> ShortList<T> for [T] {
    fn order_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let mut sources = sources(self.len(), &mut |a, b| compare(&self[a], &self[b]));
        for start in 0..sources.len() {
            let mut place = start;
            loop {
                let source = std::mem::replace(&mut sources[place], place);
                // Here the item of the first place has come to the last place of its circle.
                if source == start {
                    break;
                }
                self.swap(place, source);
                place = source;
            }
        }
    }

    fn order_by_key<K: Ord>(&mut self, mut key: impl FnMut(&T) -> K) {
        self.order_by(|a, b| key(a).cmp(&key(b)));
    }
}

/// For each place the number of the item that belongs there.
#[inline(never)]
fn sources(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut sources: Vec<usize> = (0..len).collect();
    sources.sort_by(|&a, &b| compare(a, b));
    sources
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_are_as_the_standard_library_sorts_them(
            items in proptest::collection::vec((0_u8..8, "[a-d]{0,3}"), 0..80)
        ) {
            let (mut ours, mut theirs) = (items.clone(), items);
            ours.order_by_key(|(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(&ours, &theirs);
            ours.order_by(|a, b| b.1.cmp(&a.1));
            theirs.sort_by(|a, b| b.1.cmp(&a.1));
            prop_assert_eq!(ours, theirs);
        }
    }
}
