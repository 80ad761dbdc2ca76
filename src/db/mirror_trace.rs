//! Stores what mirrors said of themselves in their traces.

use std::collections::HashMap;

use rusqlite::{Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;
use crate::domain::trace::Trace;

/// A trace, and when it was first read as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTrace {
    /// When.
    pub read_at: Timestamp,
    /// The trace itself.
    pub trace: Trace,
}

const SELECT: &str = "SELECT mirror_id, read_at, synced_at, tree_generation, schemes, \
    connections, max_file_size FROM mirror_trace WHERE ?1 IS NULL OR mirror_id = ?1";

fn stored(row: &Row<'_>) -> Result<(MirrorId, StoredTrace), rusqlite::Error> {
    let schemes: String = row.get(4)?;
    let size: Option<i64> = row.get(6)?;
    let trace = Trace {
        synced_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
        tree_generation: row.get(3)?,
        schemes: Trace::schemes_of(&schemes),
        connections: row.get(5)?,
        max_file_size: size.map(|size| size.max(0) as u64),
    };
    let read_at = Timestamp(row.get(1)?);
    Ok((MirrorId(row.get(0)?), StoredTrace { read_at, trace }))
}

/// The traces of all mirrors that left one.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn all(database: &impl Queryable) -> Result<HashMap<MirrorId, StoredTrace>, DbError> {
    read(database, None)
}

/// The trace of a mirror, if it left one.
///
/// # Errors
/// Returns [`DbError::Sql`] if it cannot be read.
pub fn load(database: &impl Queryable, mirror: MirrorId) -> Result<Option<StoredTrace>, DbError> {
    Ok(read(database, Some(mirror))?.remove(&mirror))
}

/// The trace of one mirror, or of all.
fn read(
    database: &impl Queryable,
    only: Option<MirrorId>,
) -> Result<HashMap<MirrorId, StoredTrace>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(SELECT)
        .doing("preparing to read traces")?;
    let rows = statement
        .query_map([only.map(|id| id.0)], stored)
        .doing("reading traces")?;
    rows.collect::<Result<_, _>>().doing("reading traces")
}

/// Stores what a mirror says, `None` when it leaves no trace any more; nothing when the mirror is
/// gone.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn store(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    stored: Option<&StoredTrace>,
) -> Result<(), DbError> {
    let sqlite = transaction.inner;
    let Some(StoredTrace { read_at, trace }) = stored else {
        sqlite
            .execute("DELETE FROM mirror_trace WHERE mirror_id = ?1", [mirror.0])
            .doing("forgetting a trace")?;
        return Ok(());
    };
    sqlite
        .execute(
            "INSERT OR REPLACE INTO mirror_trace (mirror_id, read_at, synced_at, \
             tree_generation, schemes, connections, max_file_size) \
             SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM mirror WHERE id = ?1",
            params![
                mirror.0,
                read_at.0,
                trace.synced_at.map(|at| at.0),
                trace.tree_generation,
                trace.schemes_text(),
                trace.connections,
                trace
                    .max_file_size
                    .map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
            ],
        )
        .doing("storing a trace")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::mirror::{self, MirrorRecord};
    use crate::db::open_writer;
    use crate::domain::url::Scheme;

    #[test]
    fn traces_survive_being_stored_and_go_with_their_mirror() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let full = StoredTrace {
            read_at: Timestamp(7),
            trace: Trace {
                synced_at: Some(Timestamp(5)),
                tree_generation: Some(12),
                schemes: vec![Scheme::Https, Scheme::Rsync],
                connections: Some(4),
                max_file_size: Some(1 << 40),
            },
        };
        let id = writer
            .transaction(|t| {
                let id = mirror::insert(t, &MirrorRecord::new("m"))?;
                store(t, id, Some(&full))?;
                store(t, MirrorId(99), Some(&full))?;
                Ok::<_, DbError>(id)
            })
            .expect("stored");
        assert_eq!(load(&writer, id).expect("read"), Some(full.clone()));
        assert_eq!(all(&writer).expect("read").len(), 1);
        let bare = StoredTrace {
            trace: Trace::default(),
            ..full
        };
        writer
            .transaction(|t| store(t, id, Some(&bare)))
            .expect("stored");
        assert_eq!(load(&writer, id).expect("read"), Some(bare));
        writer.transaction(|t| store(t, id, None)).expect("stored");
        assert_eq!(load(&writer, id).expect("read"), None);
    }
}
