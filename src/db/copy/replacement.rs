//! Puts a copy in the place of a database that other programs use.
//!
//! A file that is renamed over a database meets the WAL of the file before it, which SQLite would
//! mix into it. So the pages are written into the database as one transaction: readers see either
//! the content before or the new one, and a program that is killed leaves the one before. Only a
//! file that SQLite cannot read at all is replaced by a rename, after its WAL was moved away.
//!
//! The new content begins a branch (see [`lineage`](super::lineage)). The responder then reads
//! everything anew, and a run that began before stores nothing.

use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::lineage::begin_branch;
use super::moment::{
    FILES_BESIDE, Moment, Observer, give_name, is_damage, remove_unfinished, run, seal, step,
};
use crate::db::error::{DbError, Doing};
use crate::db::lock_wait::{WRITER_BUSY_TIMEOUT, beside, is_busy, open_error, set_wal};
use crate::db::open::{Transaction, check_kinds, keep_wal_files, open_writer, refuse_stale_wal};
use crate::db::schema;

/// A copy that is ready to be put in place: of this program's schema, on a branch of its own.
#[derive(Debug)]
pub struct Replacement {
    file: PathBuf,
    bytes: u64,
}

/// The database that is to be replaced.
enum Occupant {
    Database(Connection),
    /// Nothing, or something that SQLite cannot read.
    Unusable,
}

impl Replacement {
    /// Copies to `file`, migrates, and records the change by `record`.
    ///
    /// # Errors
    /// Returns [`DbError`] if the file cannot be written or the copy cannot be migrated.
    pub fn prepare(
        copy: &Moment,
        file: &Path,
        record: impl FnOnce(&Transaction<'_>) -> Result<(), DbError>,
        observe: Observer<'_>,
    ) -> Result<Replacement, DbError> {
        copy.copy_pages(file, observe)?;
        seal(file, false)?;
        let mut writer = open_writer(file)?;
        writer.transaction(|transaction| {
            begin_branch(transaction.inner)?;
            record(transaction)
        })?;
        Ok(Replacement {
            file: file.to_owned(),
            bytes: copy.bytes(),
        })
    }

    /// Puts it in the place of `database`, and keeps a file that was there as `kept`; returns
    /// whether one was.
    ///
    /// # Errors
    /// Returns [`DbError`] if either cannot be read or written; the database is as it was then.
    pub fn put(self, database: &Path, kept: &Path, observe: Observer<'_>) -> Result<bool, DbError> {
        let was_kept = match open_occupant(database)? {
            Occupant::Database(connection) => {
                self.write_into(connection, (database, kept), observe)?;
                true
            }
            Occupant::Unusable => self.rename_over(database, kept)?,
        };
        // Opening sets WAL, which a renamed file does not have.
        open_writer(database)?.shrink_wal()?;
        Ok(was_kept)
    }

    fn write_into(
        &self,
        mut connection: Connection,
        (database, kept): (&Path, &Path),
        observe: Observer<'_>,
    ) -> Result<(), DbError> {
        let failed = |source| match is_busy(&source) {
            true => open_error(database, source),
            false => DbError::NotWritten {
                path: database.to_owned(),
                source,
            },
        };
        let copy = Connection::open_with_flags(&self.file, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .doing("opening the copy")?;
        let backup = Backup::new(&copy, &mut connection).map_err(failed)?;
        // From the first page on nobody else can write, so that no change is lost.
        let first = step(&backup, 1).map_err(failed)?;
        keep(database, kept)?;
        if first != StepResult::Done {
            run(&backup, observe, self.bytes).map_err(failed)?;
        }
        Ok(())
    }

    fn rename_over(&self, database: &Path, kept: &Path) -> Result<bool, DbError> {
        drop(seal(&self.file, false)?);
        let replaced = || {
            let is_there = database.try_exists()?;
            if is_there {
                std::fs::hard_link(beside(database, ""), kept)?;
            }
            for end in FILES_BESIDE {
                let file = beside(database, end);
                if file.exists() {
                    std::fs::rename(file, beside(kept, end))?;
                }
            }
            give_name(&self.file, &beside(database, ""))?;
            Ok(is_there)
        };
        replaced().map_err(|source| DbError::Misplaced {
            path: database.to_owned(),
            source,
        })
    }
}

/// Keeps what is in a database now; it may be damaged, since that is a reason to replace it.
fn keep(database: &Path, kept: &Path) -> Result<(), DbError> {
    let unfinished = beside(kept, ".tmp");
    let cannot = |source| DbError::Misplaced {
        path: kept.to_owned(),
        source,
    };
    let written = Moment::open(database)
        .and_then(|now| now.write_unchecked(&unfinished, &mut |_| {}))
        .and_then(|()| give_name(&unfinished, kept).map_err(cannot));
    if written.is_err() {
        remove_unfinished(&unfinished).map_err(cannot)?;
    }
    written
}

fn open_occupant(database: &Path) -> Result<Occupant, DbError> {
    check_kinds(database)?;
    if matches!(database.metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
        || database.metadata().is_ok_and(|file| file.len() == 0)
    {
        return Ok(Occupant::Unusable);
    }
    let open = |source| open_error(database, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags).map_err(open)?;
    if refuse_stale_wal(&connection, database).is_err() {
        return Ok(Occupant::Unusable);
    }
    connection.busy_timeout(WRITER_BUSY_TIMEOUT).map_err(open)?;
    match schema::check_for_copying(&connection, database) {
        // A newer program may have migrated it, and somebody goes back to an older one.
        Ok(()) | Err(DbError::Newer { .. }) => {}
        Err(DbError::Open { source, .. }) if is_damage(&source) => return Ok(Occupant::Unusable),
        Err(error) => return Err(error),
    }
    set_wal(&connection, database)?;
    keep_wal_files(&connection);
    // An admin is told that it was done.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(open)?;
    Ok(Occupant::Database(connection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_learnt_something_of_the_content_before_stores_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let [database, copy, kept, temporary] =
            ["a.db", "b.db", "c.db", "d.db"].map(|name| folder.path().join(name));
        let mut before = open_writer(&database).expect("it opens");
        let moment = Moment::open(&database).expect("it opens");
        moment.write_copy(&copy, &mut |_| {}).expect("a copy");
        let copied = Moment::open(&copy).expect("it opens");
        let prepared = Replacement::prepare(&copied, &temporary, |_| Ok(()), &mut |_| {});
        let was_kept = prepared
            .and_then(|replacement| replacement.put(&database, &kept, &mut |_| {}))
            .expect("it is put in place");
        assert!(was_kept);
        let refused = before.transaction(|_| Ok(())).expect_err("another branch");
        assert!(matches!(refused, DbError::Replaced { .. }), "{refused}");
        let mut after = open_writer(&database).expect("it opens");
        after.transaction(|_| Ok(())).expect("the same branch");
        // A file that was renamed over it is another one, too.
        std::fs::rename(&copy, &database).expect("a rename");
        let refused = after.transaction(|_| Ok(())).expect_err("another file");
        assert!(matches!(refused, DbError::Replaced { .. }), "{refused}");
    }
}
