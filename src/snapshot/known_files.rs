//! Holds the catalogue in memory, for the responder's decisions and for the comparison with
//! listings.
//!
//! A path is identified by 96 bits of its XXH3-128 with a seed of the process's own. That takes 32
//! bytes per file, in path order and whatever the length of the path, and 8 bytes for a hash table.
//! Two of a million paths collide once in 10^16 catalogues, and nobody can provoke it.
//!
//! Listings come in path order, too, within a directory. So a file is first looked for right after
//! the previous one, which is in the processor's cache, and only then in the hash table, which is
//! not. That takes less than a tenth of the time (measured, 1,000,000 files).

use std::sync::OnceLock;

use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::db::DbError;
use crate::db::catalogue;
use crate::db::open::Queryable;
use crate::domain::file::{CatalogueFile, FileId, FileVersion};

/// Number of table slots per file, so that chains are short.
const SLOTS_PER_FILE: usize = 2;

/// An empty slot; there are fewer files than file ids.
pub(super) const EMPTY: u32 = u32::MAX;

/// `mtime` of an entry without a version; no file system has such a time.
const NO_VERSION: i64 = i64::MIN;

/// A row of the table, which the file beside the database has, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownFile {
    pub key: u64,
    pub key_more: u32,
    pub id: u32,
    pub size: u64,
    pub mtime: i64,
}

/// The 96 bits that stand for a path.
pub(super) type PathKey = (u64, u32);

/// The catalogue as it was at one moment.
#[derive(Debug)]
pub struct KnownFiles {
    seed: u64,
    /// The files in path order.
    files: Vec<KnownFile>,
    /// Indexes in `files`, found by key.
    table: Vec<u32>,
    /// Made when it is asked for: requests never do.
    ids: OnceLock<RoaringBitmap>,
}

/// The position in the catalogue that one listing has reached.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    next: usize,
}

impl KnownFiles {
    /// Reads the whole catalogue; `seed` should be a new random number.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn load(database: &impl Queryable, seed: u64) -> Result<KnownFiles, DbError> {
        KnownFiles::load_with(database, seed, |_, _| {})
    }

    /// Like [`KnownFiles::load`]; `also` is called with every file and its path.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn load_with(
        database: &impl Queryable,
        seed: u64,
        mut also: impl FnMut(&[u8], CatalogueFile),
    ) -> Result<KnownFiles, DbError> {
        let count = catalogue::count(database)?;
        let mut files = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        catalogue::for_each(database, b"", |path, file| {
            files.push(known(path, file, seed));
            also(path, file);
        })?;
        Ok(KnownFiles::new(files, seed))
    }

    /// A catalogue of values, in the order of paths.
    pub(super) fn of(files: &[(Vec<u8>, CatalogueFile)], seed: u64) -> KnownFiles {
        let files = files.iter().map(|(path, file)| known(path, *file, seed));
        KnownFiles::new(files.collect(), seed)
    }

    fn new(files: Vec<KnownFile>, seed: u64) -> KnownFiles {
        let mut table = vec![EMPTY; slots_of(files.len())];
        for (number, file) in (0..EMPTY).zip(&files) {
            let mut slot = slot_of(file.key, table.len());
            while table[slot] != EMPTY {
                slot = (slot + 1) % table.len();
            }
            table[slot] = number;
        }
        KnownFiles {
            seed,
            files,
            table,
            ids: OnceLock::new(),
        }
    }

    /// Puts together what [`KnownFiles::parts`] gave. `None` if the table cannot be that of these
    /// files: a look-up might not end.
    pub(super) fn of_parts(
        seed: u64,
        files: Vec<KnownFile>,
        table: Vec<u32>,
    ) -> Option<KnownFiles> {
        let is_size = table.len() == slots_of(files.len());
        let used = table.iter().filter(|&&number| number != EMPTY);
        let (mut count, mut is_inside) = (0, true);
        for &number in used {
            count += 1;
            is_inside &= (number as usize) < files.len();
        }
        (is_size && is_inside && count == files.len()).then_some(KnownFiles {
            seed,
            files,
            table,
            ids: OnceLock::new(),
        })
    }

    /// The seed, the files in path order, and the hash table.
    pub(super) fn parts(&self) -> (u64, &[KnownFile], &[u32]) {
        (self.seed, &self.files, &self.table)
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The bits that stand for a path in this table.
    pub(super) fn key(&self, path: &[u8]) -> PathKey {
        key(path, self.seed)
    }

    /// Looks up one path by its key.
    pub(super) fn by_key(&self, key: PathKey) -> Option<CatalogueFile> {
        Some(self.files[self.number(key)?].file())
    }

    /// Ids of all versions in the catalogue.
    pub fn ids(&self) -> &RoaringBitmap {
        self.ids
            .get_or_init(|| self.files.iter().map(|file| file.id).collect())
    }

    /// Looks up one path, which must be canonical.
    pub fn get(&self, path: &[u8]) -> Option<CatalogueFile> {
        self.by_key(self.key(path))
    }

    /// Looks up a path of a listing; the cursor makes the next look-up fast.
    pub fn find(&self, path: &[u8], cursor: &mut Cursor) -> Option<CatalogueFile> {
        let key = key(path, self.seed);
        let follows = |file: &&KnownFile| file.is(key);
        if let Some(file) = self.files.get(cursor.next).filter(follows) {
            cursor.next += 1;
            return Some(file.file());
        }
        let number = self.number(key)?;
        cursor.next = number + 1;
        Some(self.files[number].file())
    }

    /// Index in `files`.
    fn number(&self, key: PathKey) -> Option<usize> {
        let mut slot = slot_of(key.0, self.table.len());
        // Half of the slots are empty, so the loop ends.
        loop {
            let number = self.table[slot] as usize;
            if self.files.get(number)?.is(key) {
                return Some(number);
            }
            slot = (slot + 1) % self.table.len();
        }
    }
}

impl KnownFile {
    fn is(&self, key: PathKey) -> bool {
        (self.key, self.key_more) == key
    }

    fn file(&self) -> CatalogueFile {
        let version = FileVersion {
            size: self.size,
            mtime: self.mtime,
        };
        CatalogueFile {
            id: FileId(self.id),
            version: (self.mtime != NO_VERSION).then_some(version),
        }
    }
}

fn known(path: &[u8], file: CatalogueFile, seed: u64) -> KnownFile {
    let (key, key_more) = key(path, seed);
    let mtime = |version: FileVersion| version.mtime.max(NO_VERSION + 1);
    KnownFile {
        key,
        key_more,
        id: file.id.0,
        size: file.version.map_or(0, |version| version.size),
        mtime: file.version.map_or(NO_VERSION, mtime),
    }
}

fn key(path: &[u8], seed: u64) -> PathKey {
    let hash = xxh3_128_with_seed(path, seed);
    ((hash >> 64) as u64, hash as u32)
}

/// Number of slots of the table for so many files.
pub(super) fn slots_of(files: usize) -> usize {
    (files * SLOTS_PER_FILE).max(1)
}

/// Distributes 64 bits evenly over any number of slots.
fn slot_of(key: u64, slots: usize) -> usize {
    ((u128::from(key) * slots as u128) >> 64) as usize
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
    fn every_file_is_found_again_in_any_order_and_no_other() {
        let version = |id: u32| (!id.is_multiple_of(3)).then_some((u64::from(id), -i64::from(id)));
        let path = |id: u32| format!("dir/file-{id:05}").into_bytes();
        let count = 10_000;
        let files = (1..=count).map(|id| known(&path(id), file(id, version(id)), 7));
        let all = KnownFiles::new(files.collect(), 7);
        assert_eq!(all.ids().len(), u64::from(count));
        let mut random = fastrand::Rng::with_seed(1);
        let mut orders: [Vec<u32>; 3] = std::array::from_fn(|_| (1..=count).collect());
        orders[1].reverse();
        random.shuffle(&mut orders[2]);
        for order in orders {
            let mut cursor = Cursor::default();
            for id in order {
                let found = all.find(&path(id), &mut cursor);
                assert_eq!(found, Some(file(id, version(id))));
                assert_eq!(all.get(&path(id)), found);
                if random.bool() {
                    assert_eq!(
                        all.find(format!("other-{id}").as_bytes(), &mut cursor),
                        None
                    );
                }
            }
        }
        let none = KnownFiles::new(Vec::new(), 7);
        assert_eq!(none.get(b"x"), None);
    }

    #[test]
    fn a_file_has_32_bytes() {
        assert_eq!(std::mem::size_of::<KnownFile>(), 32);
    }
}
