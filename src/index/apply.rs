//! Applies all changes of a run in its one transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use super::change::{ChangeList, IndexChange};
use super::marker::ChangedMarkers;
use super::step::IndexStep;
use crate::db::catalogue::CatalogueWriter;
use crate::db::open::Transaction;
use crate::db::{self, DbError};
use crate::domain::time::Timestamp;

/// Number of changes between two checks of the stop flag.
const CHANGES_PER_STOP_CHECK: u64 = 1024;

/// Why the changes were not made.
pub(super) enum Abort {
    /// The database failed.
    Database(DbError),
    /// The stop flag was set.
    Stopped,
    /// The catalogue has changed since it was compared.
    Moved,
}

impl From<DbError> for Abort {
    fn from(error: DbError) -> Abort {
        Abort::Database(error)
    }
}

/// Applies the changes; after an error the caller must roll the transaction back.
pub(super) fn change_all(
    transaction: &Transaction<'_>,
    (changes, markers): (&ChangeList, &ChangedMarkers<'_>),
    at: Timestamp,
    (stop, observe): (&AtomicBool, &dyn Fn(IndexStep)),
) -> Result<(), Abort> {
    let mut catalogue = CatalogueWriter::new(transaction)?;
    let has_hashes = db::hash::any(transaction)?;
    let total = changes.counts.total();
    let mut done = 0;
    changes.for_each(|path, change| {
        if done % CHANGES_PER_STOP_CHECK == 0 {
            if stop.load(Ordering::Relaxed) {
                return Err(Abort::Stopped);
            }
            observe(IndexStep::Writing(done, total));
        }
        done += 1;
        markers.before(transaction, (path, change), at)?;
        let id = match change {
            IndexChange::Add(version) => Some(catalogue.insert(path, version)?),
            IndexChange::Replace(_, version) => Some(catalogue.replace(path, version)?),
            IndexChange::Adopt(id, version) => {
                catalogue.adopt(path, id, version)?;
                Some(id)
            }
            IndexChange::Remove(_) => {
                catalogue.remove(path)?;
                None
            }
        };
        match change {
            IndexChange::Replace(id, _) | IndexChange::Remove(id) if has_hashes => {
                db::hash::remove(transaction, id)?;
            }
            _ => {}
        }
        match id {
            Some(id) => Ok(markers.after(transaction, path, id)?),
            None => Ok(()),
        }
    })?;
    markers.fill(transaction)?;
    Ok(catalogue.finish_at(at)?)
}

/// Logs each change, for `-vv`.
pub(super) fn log_changes(changes: &ChangeList) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let written = changes.for_each(|path, change| {
        let what = match change {
            IndexChange::Add(_) => "add",
            IndexChange::Replace(..) => "change",
            IndexChange::Adopt(..) => "adopt",
            IndexChange::Remove(_) => "remove",
        };
        log::debug!("{what} path={}", path.escape_ascii());
        Ok::<(), std::convert::Infallible>(())
    });
    written.unwrap_or_else(|never| match never {});
}
