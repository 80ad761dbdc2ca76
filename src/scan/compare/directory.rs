//! Holds the directories of the catalogue, which decide which directories of a mirror are worth a
//! request.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::domain::file::FileId;

/// The facts about a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryFacts {
    /// Changes if a file in this directory gets a new version, comes or goes, or if a directory in
    /// it comes or goes.
    pub fingerprint: u64,
    /// Ids of the files directly in it, as inclusive ranges, because the largest possible id may be
    /// one of them.
    pub ranges: Vec<RangeInclusive<u32>>,
    /// Names of the directories in it.
    pub directories: Vec<Vec<u8>>,
}

/// All directories that have files of the catalogue in or below them.
#[derive(Debug, Default)]
pub struct KnownDirectories {
    /// By the hash of the path; the tree itself is the empty path. In one of 10^7 trees with a
    /// million directories, two have the same hash; and a tree's admin gains nothing by making such
    /// names.
    facts: HashMap<u64, DirectoryFacts>,
    last: Vec<u8>,
}

impl KnownDirectories {
    /// Adds a file; files come in the order of their paths.
    pub(in crate::scan) fn add(&mut self, path: &[u8], id: FileId) {
        let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        let directory = &path[..end];
        if self.last != directory || self.facts.is_empty() {
            self.make(directory);
            self.last.clear();
            self.last.extend_from_slice(directory);
        }
        let facts = self.facts.entry(key(directory)).or_default();
        facts.fingerprint = xxh3_64_with_seed(&id.0.to_le_bytes(), facts.fingerprint);
        match facts.ranges.last_mut() {
            Some(range) if range.end().checked_add(1) == Some(id.0) => {
                *range = *range.start()..=id.0;
            }
            _ => facts.ranges.push(id.0..=id.0),
        }
    }

    fn make(&mut self, directory: &[u8]) {
        let mut child = directory;
        let mut child_key = key(child);
        while !self.facts.contains_key(&child_key) {
            self.facts.insert(child_key, DirectoryFacts::default());
            if child.is_empty() {
                return;
            }
            let end = child.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            let parent = &child[..end];
            self.make(parent);
            let parent_key = key(parent);
            let facts = self.facts.entry(parent_key).or_default();
            facts.fingerprint = xxh3_64_with_seed(&child_key.to_le_bytes(), facts.fingerprint);
            let name = child.strip_prefix(parent).unwrap_or(child);
            let name = name.strip_prefix(b"/").unwrap_or(name);
            facts.directories.push(name.to_vec());
            (child, child_key) = (parent, parent_key);
        }
    }

    /// Whether the catalogue has files in or below a directory.
    pub fn has(&self, path: &[u8]) -> bool {
        self.facts.contains_key(&key(path))
    }

    /// Whether any of `ids` belongs to a file in or below a directory.
    pub fn is_any_below(&self, path: &[u8], ids: &RoaringBitmap) -> bool {
        let Some(facts) = self.facts(path) else {
            return false;
        };
        let has = |range: &RangeInclusive<u32>| ids.range_cardinality(range.clone()) > 0;
        facts.ranges.iter().any(has)
            || facts
                .directories
                .iter()
                .any(|name| self.is_any_below(&below(path, name), ids))
    }

    /// The facts about a directory.
    pub fn facts(&self, path: &[u8]) -> Option<&DirectoryFacts> {
        self.facts.get(&key(path))
    }
}

/// The path of an entry in a directory.
pub(in crate::scan) fn below(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() {
        return name.to_vec();
    }
    [directory, b"/", name].concat()
}

/// The key of a path, in this process and in the database.
pub(in crate::scan) fn key(path: &[u8]) -> u64 {
    xxh3_64(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directories(files: &[(&str, u32)]) -> KnownDirectories {
        let mut directories = KnownDirectories::default();
        for (path, id) in files {
            directories.add(path.as_bytes(), FileId(*id));
        }
        directories
    }

    #[test]
    fn directories_are_known_with_all_they_lie_in() {
        let known = directories(&[
            ("a/b/x", 1),
            ("a/b/y", 2),
            ("a/c", 3),
            ("d-e/f", 4),
            ("g", 5),
        ]);
        for (path, expected) in [
            ("", true),
            ("a", true),
            ("a/b", true),
            ("a/b/x", false),
            ("d-e", true),
            ("d", false),
            ("g", false),
        ] {
            assert_eq!(known.has(path.as_bytes()), expected, "{path}");
        }
        let ranges = |path: &str| known.facts(path.as_bytes()).expect("known").ranges.clone();
        let below = |path: &str| known.is_any_below(path.as_bytes(), &[1_u32].into());
        assert!(below("") && below("a") && below("a/b") && !below("d-e") && !below("nowhere"));
        assert_eq!(ranges("a/b"), [1..=2]);
        assert_eq!(ranges("a"), [3..=3]);
        assert_eq!(ranges(""), [5..=5]);
    }

    #[test]
    fn a_fingerprint_tells_what_changed_right_there() {
        let before = directories(&[("a/b/x", 1), ("a/y", 2), ("z", 3)]);
        let print = |known: &KnownDirectories, path: &str| {
            let facts = known.facts(path.as_bytes());
            facts.expect("known").fingerprint
        };
        let changed = directories(&[("a/b/x", 9), ("a/y", 2), ("z", 3)]);
        for (path, same) in [("a/b", false), ("a", true), ("", true)] {
            assert_eq!(
                print(&before, path) == print(&changed, path),
                same,
                "{path}"
            );
        }
        let more = directories(&[("a/b/x", 1), ("a/c/x", 4), ("a/y", 2), ("z", 3)]);
        for (path, same) in [("a/b", true), ("a", false), ("", true)] {
            assert_eq!(print(&before, path) == print(&more, path), same, "{path}");
        }
    }

    #[test]
    fn the_largest_id_is_a_file_like_any_other() {
        let known = directories(&[("a/x", u32::MAX - 1), ("a/y", u32::MAX), ("a/z", 0)]);
        let ranges = &known.facts(b"a").expect("known").ranges;
        assert_eq!(*ranges, [u32::MAX - 1..=u32::MAX, 0..=0]);
        assert!(known.is_any_below(b"", &[u32::MAX].into()));
    }
}
