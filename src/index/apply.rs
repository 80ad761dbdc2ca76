//! All changes of a run, within its one transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use super::change::{Change, ChangeList};
use super::run::Step;
use crate::db::catalogue::CatalogueWriter;
use crate::db::open::Transaction;
use crate::db::{self, DbError};
use crate::domain::time::Timestamp;

/// Changes between two looks at the stop flag.
const CHANGES_A_STOP_CHECK: u64 = 1024;

/// Why the changes were not made.
pub(super) enum Abort {
    /// The database failed.
    Database(DbError),
    /// The stop flag is set.
    Stopped,
    /// The catalogue is not the one that was compared.
    Moved,
}

impl From<DbError> for Abort {
    fn from(error: DbError) -> Abort {
        Abort::Database(error)
    }
}

/// Makes the changes; an error must roll the transaction back.
pub(super) fn change_all(
    transaction: &Transaction<'_>,
    changes: &ChangeList,
    at: Timestamp,
    (stop, observe): (&AtomicBool, &dyn Fn(Step)),
) -> Result<(), Abort> {
    let mut catalogue = CatalogueWriter::new(transaction)?;
    let has_hashes = db::hash::any(transaction)?;
    let total = changes.counts.total();
    let mut done = 0;
    changes.for_each(|path, change| {
        if done % CHANGES_A_STOP_CHECK == 0 {
            if stop.load(Ordering::Relaxed) {
                return Err(Abort::Stopped);
            }
            observe(Step::Writing(done, total));
        }
        done += 1;
        match change {
            Change::Add(version) => drop(catalogue.insert(path, version)?),
            Change::Replace(_, version) => drop(catalogue.replace(path, version)?),
            Change::Adopt(id, version) => catalogue.adopt(path, id, version)?,
            Change::Remove(_) => catalogue.remove(path)?,
        }
        match change {
            Change::Replace(id, _) | Change::Remove(id) if has_hashes => {
                db::hash::remove(transaction, id)?;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(catalogue.finish_at(at)?)
}

/// Names each change, for `-vv`.
pub(super) fn log_changes(changes: &ChangeList) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let written = changes.for_each(|path, change| {
        let what = match change {
            Change::Add(_) => "add",
            Change::Replace(..) => "change",
            Change::Adopt(..) => "adopt",
            Change::Remove(_) => "remove",
        };
        log::debug!("{what} path={}", path.escape_ascii());
        Ok::<(), std::convert::Infallible>(())
    });
    written.unwrap_or_else(|never| match never {});
}
