//! The catalogue in memory, as all mirrors of a run are compared with it.
//!
//! A path is known by 96 bits of its XXH3-128 with a seed of the run's own: 32 bytes a file in
//! path order, whatever the length of paths, and 8 bytes for a table that finds a key. Two of a
//! million paths are taken for one another once in 10^16 scans, and nobody can aim at it.
//!
//! Listings come in path order, too, within a directory. So a file is looked for behind the one
//! that was found last, which is in the processor's cache, and only then by the table, which is
//! not: less than a tenth of the time (measured, 1,000,000 files).

use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::directory::KnownDirectories;
use crate::db::{DbError, catalogue, open::Queryable};
use crate::domain::file::{CatalogueFile, FileId, FileVersion};

/// Places in the table for each file: short chains.
const PLACES_A_FILE: usize = 2;

/// An empty place; there are fewer files than file ids.
const EMPTY: u32 = u32::MAX;

/// `mtime` of an entry without a version; no file system has such a time.
const NO_VERSION: i64 = i64::MIN;

#[derive(Debug, Clone, Copy)]
struct Known {
    key: u64,
    key_more: u32,
    id: u32,
    size: u64,
    mtime: i64,
}

/// The catalogue as it was when the run began.
#[derive(Debug)]
pub struct KnownFiles {
    seed: u64,
    /// In path order.
    files: Vec<Known>,
    /// Places in `files`, found by key.
    table: Vec<u32>,
    ids: RoaringBitmap,
    directories: KnownDirectories,
    large: Vec<LargeFile>,
    hidden: RoaringBitmap,
}

/// A file that not every server can deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFile {
    /// Its id.
    pub id: FileId,
    /// Its path.
    pub path: Vec<u8>,
    /// Bytes; more than [`LARGE_BYTES`].
    pub size: u64,
}

/// Where old servers end: sizes and ranges in 31 bits.
pub const LARGE_BYTES: u64 = 1 << 31;

/// Where one listing was found last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    next: usize,
}

impl KnownFiles {
    /// Reads the whole catalogue; `seed` should be a new random number.
    ///
    /// # Errors
    /// [`DbError::Sql`].
    pub fn load(database: &impl Queryable, seed: u64) -> Result<KnownFiles, DbError> {
        let mut files = Vec::new();
        let mut directories = KnownDirectories::default();
        let mut large = Vec::new();
        let mut hidden = RoaringBitmap::new();
        catalogue::for_each(database, b"", |path, file| {
            files.push(known(path, file, seed));
            directories.add(path, file.id);
            if is_hidden(path) {
                hidden.insert(file.id.0);
            }
            let size = file.version.map_or(0, |version| version.size);
            if size > LARGE_BYTES {
                let (id, path) = (file.id, path.to_vec());
                large.push(LargeFile { id, path, size });
            }
        })?;
        Ok(KnownFiles {
            directories,
            large,
            hidden,
            ..KnownFiles::new(files, seed)
        })
    }

    fn new(files: Vec<Known>, seed: u64) -> KnownFiles {
        let mut table = vec![EMPTY; (files.len() * PLACES_A_FILE).max(1)];
        for (number, file) in (0..EMPTY).zip(&files) {
            let mut place = place(file.key, table.len());
            while table[place] != EMPTY {
                place = (place + 1) % table.len();
            }
            table[place] = number;
        }
        KnownFiles {
            seed,
            ids: files.iter().map(|file| file.id).collect(),
            files,
            table,
            directories: KnownDirectories::default(),
            large: Vec::new(),
            hidden: RoaringBitmap::new(),
        }
    }

    /// Ids of all versions in the catalogue.
    pub fn ids(&self) -> &RoaringBitmap {
        &self.ids
    }

    /// Directories that have any of them.
    pub fn directories(&self) -> &KnownDirectories {
        &self.directories
    }

    /// Those of more than [`LARGE_BYTES`], in path order.
    pub fn large(&self) -> &[LargeFile] {
        &self.large
    }

    /// Ids of those that have a name beginning with a dot in their path: some servers hide them.
    pub fn hidden(&self) -> &RoaringBitmap {
        &self.hidden
    }

    /// Looks a path up; its bytes must be canonical. The cursor makes the next look-up fast.
    pub fn find(&self, path: &[u8], cursor: &mut Cursor) -> Option<CatalogueFile> {
        let (key, key_more) = key(path, self.seed);
        let is_it = |file: &&Known| file.key == key && file.key_more == key_more;
        if let Some(file) = self.files.get(cursor.next).filter(is_it) {
            cursor.next += 1;
            return Some(file.file());
        }
        let mut place = place(key, self.table.len());
        // Half of the places are empty, so that this ends.
        loop {
            let number = self.table[place] as usize;
            let file = self.files.get(number)?;
            if is_it(&file) {
                cursor.next = number + 1;
                return Some(file.file());
            }
            place = (place + 1) % self.table.len();
        }
    }
}

impl Known {
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

fn is_hidden(path: &[u8]) -> bool {
    path.starts_with(b".") || path.windows(2).any(|two| two == b"/.")
}

fn known(path: &[u8], file: CatalogueFile, seed: u64) -> Known {
    let (key, key_more) = key(path, seed);
    let mtime = |version: FileVersion| version.mtime.max(NO_VERSION + 1);
    Known {
        key,
        key_more,
        id: file.id.0,
        size: file.version.map_or(0, |version| version.size),
        mtime: file.version.map_or(NO_VERSION, mtime),
    }
}

fn key(path: &[u8], seed: u64) -> (u64, u32) {
    let hash = xxh3_128_with_seed(path, seed);
    ((hash >> 64) as u64, hash as u32)
}

/// Spreads 64 bits evenly over the places, whatever their number.
fn place(key: u64, places: usize) -> usize {
    ((u128::from(key) * places as u128) >> 64) as usize
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
                if random.bool() {
                    assert_eq!(
                        all.find(format!("other-{id}").as_bytes(), &mut cursor),
                        None
                    );
                }
            }
        }
        let none = KnownFiles::new(Vec::new(), 7);
        assert_eq!(none.find(b"x", &mut Cursor::default()), None);
    }

    #[test]
    fn a_file_has_32_bytes() {
        assert_eq!(std::mem::size_of::<Known>(), 32);
    }
}
