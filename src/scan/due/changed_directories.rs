//! Finds the directories of the catalogue that contain new versions of files (no I/O).

use std::collections::{BTreeMap, HashSet};

use roaring::RoaringBitmap;

use crate::db::run::CatalogueChange;
use crate::domain::file::FileId;
use crate::domain::time::Timestamp;
use crate::scan::compare::area::parent;
use crate::scan::compare::directory::key;

/// The new versions in the catalogue, by directory. A directory's number is its position in path
/// order.
#[derive(Debug, Default)]
pub struct ChangedDirectories {
    /// In the order of their first ids.
    changes: Vec<CatalogueChange>,
    paths: Vec<Vec<u8>>,
    /// Id of a new version and number of its directory, by id.
    files: Vec<(u32, u32)>,
    ids: RoaringBitmap,
    /// Keys of all directories with files directly in them.
    all: HashSet<u64>,
}

impl ChangedDirectories {
    /// Takes `changes` in the order of their first ids; `for_each_file` gives the whole catalogue
    /// in path order.
    ///
    /// # Errors
    /// Returns the error of `for_each_file`.
    pub fn new<E>(
        changes: Vec<CatalogueChange>,
        for_each_file: impl FnOnce(&mut dyn FnMut(&[u8], FileId)) -> Result<(), E>,
    ) -> Result<ChangedDirectories, E> {
        let mut changed = ChangedDirectories {
            changes,
            ..ChangedDirectories::default()
        };
        let first = changed
            .changes
            .first()
            .map_or(u32::MAX, |first| first.first_id);
        // The files of a directory may come before and after those of its subdirectories.
        let mut numbers = BTreeMap::new();
        let mut last = None;
        for_each_file(&mut |path, id| {
            let directory = parent(path);
            if last.as_deref() != Some(directory) {
                changed.all.insert(key(directory));
                last = Some(directory.to_vec());
            }
            if id.0 >= first {
                let ids: &mut Vec<u32> = numbers.entry(directory.to_vec()).or_default();
                ids.push(id.0);
            }
        })?;
        for (number, (path, ids)) in (0..).zip(numbers) {
            changed.paths.push(path);
            changed.files.extend(ids.into_iter().map(|id| (id, number)));
        }
        changed.files.sort_unstable();
        changed.ids = changed.files.iter().map(|(id, _)| *id).collect();
        Ok(changed)
    }

    /// Paths of the changed directories; a directory's number is its index.
    pub fn paths(&self) -> &[Vec<u8>] {
        &self.paths
    }

    /// Number of all directories of the catalogue, changed or not.
    pub fn directories(&self) -> usize {
        self.all.len()
    }

    /// Changed directories of which a mirror lacks a new version, each with the time of its latest
    /// one.
    pub fn lacking(&self, current: &RoaringBitmap) -> BTreeMap<u32, Timestamp> {
        let mut lacking = BTreeMap::new();
        for id in &self.ids - current {
            let file = self.files.binary_search_by_key(&id, |(id, _)| *id);
            if let Ok(place) = file {
                // Ids come in ascending order, so that the latest change overwrites the others.
                lacking.insert(self.files[place].1, self.time_of(id));
            }
        }
        lacking
    }

    fn time_of(&self, id: u32) -> Timestamp {
        let after = self.changes.partition_point(|change| change.first_id <= id);
        let change = &self.changes[after.saturating_sub(1)];
        change.at
    }
}

#[cfg(test)]
pub(super) fn changed(changes: &[(i64, u32)], files: &[(&str, u32)]) -> ChangedDirectories {
    let change = |&(at, first_id): &(i64, u32)| CatalogueChange {
        at: Timestamp(at),
        first_id,
    };
    let changes = changes.iter().map(change).collect();
    let made = ChangedDirectories::new(changes, |give| {
        for (path, id) in files {
            give(path.as_bytes(), FileId(*id));
        }
        Ok::<(), std::convert::Infallible>(())
    });
    made.unwrap_or_else(|never| match never {})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mirror_lacks_has_the_time_of_the_latest_change() {
        let files = [
            ("a/b/x", 21),
            ("a/c", 1),
            ("a/d", 12),
            ("b/x", 11),
            ("b/y", 22),
            ("c/x", 2),
            ("top", 23),
        ];
        let changed = changed(&[(100, 10), (200, 20), (300, 23)], &files);
        assert_eq!(changed.paths(), [&b""[..], b"a", b"a/b", b"b"]);
        assert_eq!(changed.directories(), 5);
        for (current, expected) in [
            (&[][..], &[(0, 300), (1, 100), (2, 200), (3, 200)][..]),
            (&[1, 2, 11, 12, 21, 22, 23], &[]),
            (&[22, 21], &[(0, 300), (1, 100), (3, 100)]),
            (&[11, 12, 23], &[(2, 200), (3, 200)]),
        ] {
            let current: RoaringBitmap = current.iter().copied().collect();
            let lacking = changed.lacking(&current);
            let found: Vec<(u32, i64)> = lacking.iter().map(|(d, at)| (*d, at.0)).collect();
            assert_eq!(found, expected, "{current:?}");
        }
    }
}
