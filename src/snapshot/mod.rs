//! Holds the responder's view of the database in memory: known files, bits per file, mirrors.
//!
//! [`Loader`] reads mirrors and bitmaps with functions of `db` whenever the database has changed,
//! and returns a [`Snapshot`]. [`KnownFiles`] is the catalogue as a table, which scans use, too;
//! [`refresh_table`] keeps it in a file, which a start reads.
//! [`sample()`] draws files for probes of mirrors. [`Lookup`] reads data that requests need beyond
//! the snapshot: hashes. There is no SQL in this module.

mod known_catalogue;
mod known_files;
mod lookup;
mod mask;
mod matrix;
mod sample;
mod serialized_bitmap;
mod snapshot;
mod table_file;

pub use known_files::{Cursor, KnownFiles};
pub use lookup::Lookup;
pub use matrix::Matrix;
pub use sample::{CACHE_FILE_BYTES_MAX, CacheLaw, FILES_TRIED_MAX, Sample, sample};
pub use snapshot::{FileIdentity, Loader, Snapshot, SnapshotChange, SnapshotValues, roster};
pub use table_file::{TableFileError, refresh_table, table_path};
