//! Recognises copies of earlier versions: what a mirror that is behind has of a file that was
//! replaced under its name.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::directory::DirectoryFacts;
use crate::db::content::Content;
use crate::domain::file::{FileId, FileVersion};
use crate::domain::generation::EarlierVersion;
use crate::domain::listing::{ListedFile, ListedSize};

/// How much a listed time may differ for its unknown time zone.
const ZONE_SLACK_S: i64 = 86_400;

/// Earlier versions by the id of the last one, the newest first.
#[derive(Debug, Clone, Default)]
pub struct EarlierCopies(HashMap<u32, Vec<(u32, FileVersion)>>);

impl EarlierCopies {
    /// Adds the earlier versions of a file.
    pub fn add(&mut self, last: FileId, versions: &[EarlierVersion]) {
        let versions = versions
            .iter()
            .map(|earlier| (earlier.id.0, earlier.version));
        self.0.insert(last.0, versions.collect());
    }

    /// The earlier version that a copy is: of the same size, and not older, as for the last one.
    pub fn find(&self, last: FileId, seen: FileVersion) -> Option<u32> {
        let is = |version: &FileVersion| seen.size == version.size && seen.mtime >= version.mtime;
        let mut versions = self.0.get(&last.0)?.iter();
        versions.find_map(|(id, version)| is(version).then_some(*id))
    }

    /// The same for a copy in a listing, whose size must be exact.
    pub fn find_listed(&self, last: FileId, listed: ListedFile) -> Option<u32> {
        let ListedSize::Exact(size) = listed.size else {
            return None;
        };
        let mtime = listed.time.map_or(i64::MAX, |time| {
            let slack = if time.is_utc { 0 } else { ZONE_SLACK_S };
            time.seconds + i64::from(time.step_s) - 1 + slack
        });
        self.find(last, FileVersion { size, mtime })
    }

    /// The earlier versions that a mirror had in a directory that has not changed since.
    pub fn again(&self, directory: &DirectoryFacts, before: &Content, found: &mut RoaringBitmap) {
        for (last, versions) in &self.0 {
            let is_in = directory.ranges.iter().any(|range| range.contains(last));
            // A mirror with the last version has no other.
            if is_in && !before.current.contains(*last) {
                let ids = versions.iter().map(|(id, _)| *id);
                found.extend(ids.filter(|id| before.current.contains(*id)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hash::Digests;
    use crate::domain::listing::ListedTime;
    use crate::domain::time::Timestamp;

    fn copies() -> EarlierCopies {
        let version = |id, size, mtime| EarlierVersion {
            id: FileId(id),
            version: FileVersion { size, mtime },
            digests: Digests::default(),
            replaced_at: Timestamp(0),
        };
        let mut copies = EarlierCopies::default();
        copies.add(FileId(9), &[version(5, 41, 1000), version(3, 40, 900)]);
        copies
    }

    #[test]
    fn a_copy_is_known_by_its_size_and_a_time_not_older() {
        let copies = copies();
        let find = |last, size, mtime| copies.find(FileId(last), FileVersion { size, mtime });
        assert_eq!(find(9, 41, 1000), Some(5));
        assert_eq!(find(9, 41, 1001), Some(5));
        assert_eq!(find(9, 41, 999), None);
        assert_eq!(find(9, 40, 900), Some(3));
        assert_eq!(find(9, 42, 1000), None);
        assert_eq!(find(8, 41, 1000), None);
    }

    #[test]
    fn a_listed_copy_needs_an_exact_size() {
        let copies = copies();
        let find = |size, time| copies.find_listed(FileId(9), ListedFile { size, time });
        let time = |seconds, is_utc| {
            Some(ListedTime {
                seconds,
                step_s: 60,
                is_utc,
            })
        };
        assert_eq!(find(ListedSize::Exact(41), None), Some(5));
        assert_eq!(find(ListedSize::Exact(41), time(960, true)), Some(5));
        assert_eq!(find(ListedSize::Exact(41), time(900, true)), None);
        assert_eq!(find(ListedSize::Exact(40), time(-80_000, false)), Some(3));
        assert_eq!(find(ListedSize::Between(40, 42), None), None);
        assert_eq!(find(ListedSize::Unknown, None), None);
    }

    #[test]
    fn an_unchanged_directory_keeps_what_the_mirror_had() {
        let copies = copies();
        let directory = DirectoryFacts {
            ranges: vec![8..=10],
            ..DirectoryFacts::default()
        };
        let again = |current: &[u32]| {
            let before = Content {
                current: current.iter().copied().collect(),
                ..Content::default()
            };
            let mut found = RoaringBitmap::new();
            copies.again(&directory, &before, &mut found);
            found.iter().collect::<Vec<_>>()
        };
        assert_eq!(again(&[3, 8]), [3]);
        assert!(again(&[3, 9]).is_empty());
    }
}
