//! Stores when mirrors were last asked, whatever the result.

use std::collections::HashMap;

use rusqlite::params;

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// When a mirror was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanAttempt {
    /// For all it has.
    pub whole_at: Option<Timestamp>,
    /// For directories that changed in the catalogue.
    pub changed_at: Option<Timestamp>,
}

/// Of all mirrors that were ever asked.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn all(database: &impl Queryable) -> Result<HashMap<MirrorId, ScanAttempt>, DbError> {
    let doing = "reading when mirrors were scanned";
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT mirror_id, whole_at, changed_at FROM scan_attempt")
        .doing(doing)?;
    let rows = statement
        .query_map([], |row| {
            let attempt = ScanAttempt {
                whole_at: row.get::<_, Option<i64>>(1)?.map(Timestamp),
                changed_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
            };
            Ok((MirrorId(row.get(0)?), attempt))
        })
        .doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

/// Extent of an attempt to scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanAttemptKind {
    /// All it has.
    Whole,
    /// Directories that changed in the catalogue.
    Changed,
}

/// Records when mirrors were asked. One that was deleted meanwhile is passed over.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn record(
    transaction: &Transaction<'_>,
    attempts: &[(MirrorId, ScanAttemptKind, Timestamp)],
) -> Result<(), DbError> {
    for (mirror, asked, at) in attempts {
        let column = match asked {
            ScanAttemptKind::Whole => "whole_at",
            ScanAttemptKind::Changed => "changed_at",
        };
        let sql = format!(
            "INSERT INTO scan_attempt (mirror_id, {column}) \
             SELECT id, ?2 FROM mirror WHERE id = ?1 \
             ON CONFLICT (mirror_id) DO UPDATE SET {column} = excluded.{column}"
        );
        let doing = "recording that a mirror is scanned";
        let mut statement = transaction.inner.prepare_cached(&sql).doing(doing)?;
        statement.execute(params![mirror.0, at.0]).doing(doing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::mirror::{self, MirrorRecord};
    use crate::db::open_writer;

    #[test]
    fn attempts_are_kept_apart_and_leave_with_the_mirror() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let found = writer.transaction(|transaction| {
            let one = mirror::insert(transaction, &MirrorRecord::new("one"))?;
            let two = mirror::insert(transaction, &MirrorRecord::new("two"))?;
            let whole = |mirror, at| (mirror, ScanAttemptKind::Whole, Timestamp(at));
            let early = [whole(one, 5), whole(two, 5), whole(MirrorId(99), 5)];
            record(transaction, &early)?;
            let late = [whole(two, 7), (one, ScanAttemptKind::Changed, Timestamp(7))];
            record(transaction, &late)?;
            let found = all(transaction)?;
            mirror::delete(transaction, two)?;
            assert_eq!(all(transaction)?.len(), 1);
            Ok((found[&one], found[&two], found.len()))
        });
        let attempt = |whole: i64, changed: Option<i64>| ScanAttempt {
            whole_at: Some(Timestamp(whole)),
            changed_at: changed.map(Timestamp),
        };
        let expected = (attempt(5, Some(7)), attempt(7, None), 2);
        assert_eq!(found.expect("written and read"), expected);
    }
}
