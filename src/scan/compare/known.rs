//! Holds the catalogue for comparison with mirrors: its files, its directories, and those files
//! that not every server can deliver or shows.

use roaring::RoaringBitmap;

use super::directory::KnownDirectories;
use super::earlier::EarlierCopies;
use crate::config::ScanConfig;
use crate::db::{DbError, marker_version, open::Queryable};
use crate::domain::file::FileId;
use crate::snapshot::KnownFiles;

/// Size and offset beyond which old servers fail: they use 31 bits.
pub const LARGE_BYTES: u64 = 1 << 31;

/// A file that not every server can deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFile {
    /// Its id.
    pub id: FileId,
    /// Its path.
    pub path: Vec<u8>,
    /// Size in bytes, more than [`LARGE_BYTES`].
    pub size: u64,
}

/// The catalogue at the begin of the run.
#[derive(Debug)]
pub struct KnownTree {
    /// All files.
    pub files: KnownFiles,
    /// Directories that contain any of them.
    pub directories: KnownDirectories,
    /// Files of more than [`LARGE_BYTES`], in path order.
    pub large: Vec<LargeFile>,
    /// Ids of files with a name in their path that begins with a dot: some servers hide them.
    pub hidden: RoaringBitmap,
    /// Number of files that the site's rules allow: over HTTP and FTP, and over rsync.
    pub allowed: [u64; 2],
    /// Earlier versions of files that were replaced under their names.
    pub earlier: EarlierCopies,
}

impl KnownTree {
    /// Reads the whole catalogue; `seed` should be a new random number.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn load(
        database: &impl Queryable,
        rules: &ScanConfig,
        seed: u64,
    ) -> Result<KnownTree, DbError> {
        let mut earlier = EarlierCopies::default();
        let versions = marker_version::all(database)?;
        let rules = [false, true].map(|by_rsync| rules.allowed_files(by_rsync));
        let mut allowed = [0; 2];
        let mut directories = KnownDirectories::default();
        let mut large = Vec::new();
        let mut hidden = RoaringBitmap::new();
        let files = KnownFiles::load_with(database, seed, |path, file| {
            directories.add(path, file.id);
            if let Some(versions) = versions.get(path) {
                earlier.add(file.id, versions);
            }
            for (count, rules) in allowed.iter_mut().zip(&rules) {
                *count += u64::from(rules.has(path));
            }
            if is_hidden(path) {
                hidden.insert(file.id.0);
            }
            let size = file.version.map_or(0, |version| version.size);
            if size > LARGE_BYTES {
                let (id, path) = (file.id, path.to_vec());
                large.push(LargeFile { id, path, size });
            }
        })?;
        Ok(KnownTree {
            files,
            directories,
            large,
            hidden,
            allowed,
            earlier,
        })
    }
}

fn is_hidden(path: &[u8]) -> bool {
    path.starts_with(b".") || path.windows(2).any(|two| two == b"/.")
}
