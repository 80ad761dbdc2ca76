//! Gives room that the database does not need back to the disk.
//!
//! # Locking
//! SQLite writes the database anew into its WAL, so readers go on with what they see; writers wait,
//! some seconds for a million files. Then the WAL is moved into the file as after each commit.

use crate::db::error::DbError;
use crate::db::lock_wait::wait_told;
use crate::db::open::Writer;
use crate::system::free_bytes;

impl Writer {
    /// Writes the database anew without its free pages. `needed_bytes` is what is left of it.
    ///
    /// # Errors
    /// [`DbError::NoRoom`] if the disk has too little room for a second one, [`DbError::Locked`],
    /// [`DbError::Sql`]; the database is as it was then.
    pub fn vacuum(&self, needed_bytes: u64) -> Result<(), DbError> {
        // One copy is a temporary file, which may be on the same disk, the other is the WAL.
        let room = free_bytes(&self.path);
        if let Some(bytes) = room.filter(|bytes| *bytes < needed_bytes.saturating_mul(2)) {
            let path = self.path.clone();
            return Err(DbError::NoRoom { path, bytes });
        }
        wait_told(&self.connection, &self.path, || {
            self.connection.execute_batch("VACUUM")
        })?;
        self.empty_wal();
        Ok(())
    }
}
