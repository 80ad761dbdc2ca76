//! Stores requests for scans of mirrors.

use std::collections::HashMap;

use rusqlite::params;

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Notes that a scan was asked for; the last time counts. Nothing when the
/// mirror is gone.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn store(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    at: Timestamp,
) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "INSERT OR REPLACE INTO scan_request (mirror_id, requested_at) \
             SELECT id, ?2 FROM mirror WHERE id = ?1",
            params![mirror.0, at.0],
        )
        .doing("noting that a scan was asked for")?;
    Ok(())
}

/// When a scan was asked for, of each mirror of which one is.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn all(database: &impl Queryable) -> Result<HashMap<MirrorId, Timestamp>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT mirror_id, requested_at FROM scan_request")
        .doing("preparing to read requests for scans")?;
    let rows = statement
        .query_map([], |row| {
            Ok((MirrorId(row.get(0)?), Timestamp(row.get(1)?)))
        })
        .doing("reading requests for scans")?;
    rows.collect::<Result<_, _>>()
        .doing("reading requests for scans")
}

/// Forgets the request for a scan, if it is not later than that: one began then, and sees whatever
/// the mirror had by then.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn clear(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    until: Timestamp,
) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "DELETE FROM scan_request WHERE mirror_id = ?1 AND requested_at <= ?2",
            [mirror.0, until.0],
        )
        .doing("forgetting a request for a scan")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::mirror::{self, MirrorRecord};
    use crate::db::open_writer;

    #[test]
    fn the_last_request_counts_until_it_is_cleared() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let id = writer
            .transaction(|t| {
                let id = mirror::insert(t, &MirrorRecord::new("m"))?;
                store(t, id, Timestamp(5))?;
                store(t, id, Timestamp(9))?;
                store(t, MirrorId(99), Timestamp(5))?;
                Ok::<_, DbError>(id)
            })
            .expect("stored");
        let expected = HashMap::from([(id, Timestamp(9))]);
        assert_eq!(all(&writer).expect("read"), expected);
        let mut clear = |at| writer.transaction(|t| clear(t, id, Timestamp(at)));
        clear(8).expect("not yet");
        clear(9).expect("cleared");
        assert!(all(&writer).expect("read").is_empty());
    }
}
