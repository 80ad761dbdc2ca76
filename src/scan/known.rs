//! The catalogue in memory, as all mirrors of a run are compared with it.
//!
//! A path is known by 96 bits of its XXH3-128 with a seed of the run's own: 32 bytes a file in an
//! open-addressed table, whatever the length of paths, and one cache miss a lookup. Two of a
//! million paths are taken for one another once in 10^16 scans, and nobody can aim at it.

use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::db::{DbError, catalogue, open::Queryable};
use crate::domain::file::{CatalogueFile, FileId, FileVersion};

/// Slots for each four files: shorter chains than with fewer, no more memory than needed.
const SLOTS_FOR_FOUR: usize = 5;

/// `mtime` of an empty slot; no file system has such times.
const EMPTY: i64 = i64::MIN;

/// `mtime` of an entry without a version.
const NO_VERSION: i64 = i64::MIN + 1;

/// What a path is known by.
#[derive(Debug, Clone, Copy)]
pub struct PathKey {
    key: u64,
    key_more: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: u64,
    key_more: u32,
    id: u32,
    size: u64,
    mtime: i64,
}

const EMPTY_SLOT: Slot = Slot {
    key: 0,
    key_more: 0,
    id: 0,
    size: 0,
    mtime: EMPTY,
};

/// The catalogue as it was when the run began.
#[derive(Debug)]
pub struct KnownFiles {
    seed: u64,
    slots: Vec<Slot>,
    count: usize,
    ids: RoaringBitmap,
}

impl KnownFiles {
    /// Reads the whole catalogue; `seed` should be a new random number.
    ///
    /// # Errors
    /// [`DbError::Sql`].
    pub fn load(database: &impl Queryable, seed: u64) -> Result<KnownFiles, DbError> {
        let count = usize::try_from(catalogue::count(database)?).unwrap_or(usize::MAX);
        let mut known = KnownFiles::with_room(count, seed);
        catalogue::for_each(database, b"", |path, file| known.add(path, file))?;
        Ok(known)
    }

    fn with_room(count: usize, seed: u64) -> KnownFiles {
        KnownFiles {
            seed,
            slots: vec![EMPTY_SLOT; (count / 4 + 1) * SLOTS_FOR_FOUR],
            count: 0,
            ids: RoaringBitmap::new(),
        }
    }

    /// Ids of all versions in the catalogue.
    pub fn ids(&self) -> &RoaringBitmap {
        &self.ids
    }

    /// The key of a path; its bytes must be canonical.
    pub fn key(&self, path: &[u8]) -> PathKey {
        let hash = xxh3_128_with_seed(path, self.seed);
        PathKey {
            key: (hash >> 64) as u64,
            key_more: hash as u32,
        }
    }

    /// Looks a file up.
    pub fn find(&self, key: PathKey) -> Option<CatalogueFile> {
        let slot = self.slots[self.slot(key)];
        let version = FileVersion {
            size: slot.size,
            mtime: slot.mtime,
        };
        (slot.mtime != EMPTY).then(|| CatalogueFile {
            id: FileId(slot.id),
            version: (slot.mtime != NO_VERSION).then_some(version),
        })
    }

    fn add(&mut self, path: &[u8], file: CatalogueFile) {
        // The catalogue may have grown since it was counted.
        if self.count * SLOTS_FOR_FOUR >= self.slots.len() * 4 {
            self.grow();
        }
        self.count += 1;
        self.ids.insert(file.id.0);
        let key = self.key(path);
        let slot = self.slot(key);
        self.slots[slot] = Slot {
            key: key.key,
            key_more: key.key_more,
            id: file.id.0,
            size: file.version.map_or(0, |version| version.size),
            mtime: file
                .version
                .map_or(NO_VERSION, |version| version.mtime.max(NO_VERSION + 1)),
        };
    }

    fn grow(&mut self) {
        let more = vec![EMPTY_SLOT; self.slots.len() * 2];
        for slot in std::mem::replace(&mut self.slots, more) {
            if slot.mtime != EMPTY {
                let free = self.slot(PathKey {
                    key: slot.key,
                    key_more: slot.key_more,
                });
                self.slots[free] = slot;
            }
        }
    }

    /// The slot of that key, or the empty one where it belongs. One in five slots is empty.
    fn slot(&self, key: PathKey) -> usize {
        // Spreads 64 bits evenly over the slots, whatever their number.
        let mut place = ((u128::from(key.key) * self.slots.len() as u128) >> 64) as usize;
        loop {
            let slot = &self.slots[place];
            if slot.mtime == EMPTY || (slot.key == key.key && slot.key_more == key.key_more) {
                return place;
            }
            place += 1;
            if place == self.slots.len() {
                place = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(id: u32, version: Option<(u64, i64)>) -> CatalogueFile {
        CatalogueFile {
            id: FileId(id),
            version: version.map(|(size, mtime)| FileVersion { size, mtime }),
        }
    }

    #[test]
    fn every_file_is_found_again_and_no_other() {
        // Also when the catalogue grew tenfold while it was read.
        for room in [0, 1000, 10_000] {
            let mut known = KnownFiles::with_room(room, 7);
            assert_eq!(known.find(known.key(b"x")), None);
            for id in 1..=10_000 {
                let version = (id % 3 != 0).then_some((u64::from(id) << 20, -i64::from(id)));
                known.add(format!("dir/file-{id}").as_bytes(), file(id, version));
            }
            for id in 1..=10_000 {
                let version = (id % 3 != 0).then_some((u64::from(id) << 20, -i64::from(id)));
                let find = |name: &str| known.find(known.key(format!("{name}-{id}").as_bytes()));
                assert_eq!(find("dir/file"), Some(file(id, version)));
                assert_eq!(find("dir/other"), None);
            }
            assert_eq!(known.ids().len(), 10_000);
        }
    }

    #[test]
    fn a_slot_has_32_bytes() {
        assert_eq!(std::mem::size_of::<Slot>(), 32);
    }
}
