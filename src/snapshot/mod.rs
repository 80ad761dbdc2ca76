//! Holds the responder's view of the database in memory: known files, bits per file, mirrors.
//!
//! [`Loader`] reads mirrors and bitmaps with functions of `db` whenever the database has changed,
//! and returns a [`Snapshot`]. [`KnownFiles`] is the catalogue as a table, which scans use, too;
//! [`refresh_table`] keeps it in a file, which a start reads.
//! [`sample()`] draws files for probes of mirrors. [`Lookup`] reads data that requests need beyond
//! the snapshot: hashes. There is no SQL in this module.

mod catalogue_reader;
mod file_identity;
mod known_catalogue;
mod known_content;
mod known_files;
mod loader;
mod lookup;
mod mask;
mod matrix;
mod open_database;
mod roster;
mod sample;
mod serialized_bitmap;
mod snapshot;
mod table_file;

pub use file_identity::FileIdentity;
pub use known_files::{Cursor, KnownFiles};
pub use loader::{Loader, SnapshotChange};
pub use lookup::Lookup;
pub use matrix::Matrix;
pub use roster::roster;
pub use sample::{CACHE_FILE_BYTES_MAX, CacheLaw, FILES_TRIED_MAX, Sample, sample};
pub use snapshot::{Snapshot, SnapshotValues};
pub use table_file::{TableFileError, refresh_table, table_path};
