//! Reads the long part of one hash row in portions while it is sent.
//!
//! Each reader has a connection of its own: the worker's goes on with other requests meanwhile, and
//! to find a place in the middle of a long value SQLite walks all pages before it, so that the
//! value stays open from portion to portion. An open value keeps the WAL from being emptied; hence
//! it is closed and opened again, the row compared, when it has been open for a while.
//!
//! # Limits
//! Some 400 KiB a reader, whatever the length of the part (40 of them took 17 MiB).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::blob::Blob;
use rusqlite::{Connection, MAIN_DB};
use self_cell::self_cell;

use super::error::{DbError, Doing};
use super::hash::{self, Digests, HashPart, column_of};
use super::open::{Reader, open_reader};
use crate::domain::file::{FileId, FileVersion};

/// How long a value stays open: a client that takes longer costs a second search every so often.
const OPEN_MAX: Duration = Duration::from_secs(30);

/// Page cache of a reader in KiB: it reads each page once.
const CACHE_KIB: i64 = 64;

self_cell!(
    struct OpenPart {
        owner: Connection,
        #[covariant]
        dependent: Blob,
    }
);

/// Which part of which row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongKey {
    /// The database file.
    pub database: PathBuf,
    /// The row.
    pub id: FileId,
    /// Its version.
    pub version: FileVersion,
    /// Its digests; a row with others is another.
    pub digests: Digests,
    /// The part.
    pub part: HashPart,
    /// Bytes of the part.
    pub bytes: u64,
}

/// Reads one part.
pub struct LongReader {
    key: LongKey,
    open: OpenPart,
    since: Instant,
}

impl LongReader {
    /// Opens the part.
    ///
    /// # Errors
    /// Returns [`DbError::HashChanged`] if the row was replaced since, and any other [`DbError`] if
    /// the database cannot be read.
    pub fn open(key: LongKey) -> Result<LongReader, DbError> {
        let open = open_part(&key)?;
        Ok(LongReader {
            key,
            open,
            since: Instant::now(),
        })
    }

    /// Fills `portion` from the byte `from` of the part on; the part is long enough for that.
    ///
    /// # Errors
    /// Returns an error as [`LongReader::open`] does.
    pub fn read(&mut self, portion: &mut [u8], from: u64) -> Result<(), DbError> {
        if self.since.elapsed() >= OPEN_MAX {
            self.open = open_part(&self.key)?;
            self.since = Instant::now();
        }
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        self.open
            .borrow_dependent()
            .read_at_exact(portion, from)
            .doing("reading a long part of a hash row")
    }
}

fn open_part(key: &LongKey) -> Result<OpenPart, DbError> {
    let reader = open_reader(&key.database)?;
    reader
        .connection
        .pragma_update(None, "cache_size", -CACHE_KIB)
        .doing("preparing to read a long part")?;
    let Reader { connection, path } = reader;
    OpenPart::try_new(connection, |connection| {
        let blob = connection
            .blob_open(
                MAIN_DB,
                "hash_pieces",
                column_of(key.part),
                key.id.0.into(),
                true,
            )
            .doing("opening a long part of a hash row")?;
        // The open value holds a read transaction, so that the row is of the same moment.
        let digests = hash::find_with(connection, key.id, key.version)?;
        if digests.as_ref() != Some(&key.digests) || blob.len() as u64 != key.bytes {
            return Err(changed(&path));
        }
        Ok(blob)
    })
}

fn changed(path: &Path) -> DbError {
    DbError::HashChanged {
        path: path.to_owned(),
    }
}
