//! Stores some of the last redirects, which the prober follows.

use std::borrow::Cow;

use rusqlite::{Transaction, params};

use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;
use crate::domain::count::sample::RedirectSample;
use crate::domain::file::FileVersion;
use crate::domain::time::Timestamp;

/// How long samples are kept.
pub const KEPT_S: i64 = 3600;

/// Samples that are read at a time: those of ten minutes of thirty front ends.
const READ_MAX: i64 = 20_000;

/// Adds a sample of a period that ended then.
pub(super) fn add(
    transaction: &Transaction<'_>,
    at: Timestamp,
    sample: &RedirectSample<'_>,
) -> Result<(), DbError> {
    let sql = "INSERT INTO sample (at, path, size, mtime, mirror, scheme, family) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let add = || {
        transaction.prepare_cached(sql)?.execute(params![
            at.0,
            sample.path,
            sample.version.size as i64,
            sample.version.mtime,
            sample.mirror,
            sample.scheme,
            sample.family
        ])
    };
    add().doing("adding redirects to the statistics")?;
    Ok(())
}

/// Drops the samples from before a time.
pub(super) fn drop_before(transaction: &Transaction<'_>, time: Timestamp) -> Result<(), DbError> {
    transaction
        .execute("DELETE FROM sample WHERE at < ?1", [time.0])
        .doing("dropping old redirects")?;
    Ok(())
}

/// The redirects since a time.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn since(
    database: &impl Queryable,
    time: Timestamp,
) -> Result<Vec<RedirectSample<'static>>, DbError> {
    let sql = "SELECT path, size, mtime, mirror, scheme, family FROM sample \
               WHERE at >= ?1 ORDER BY at DESC LIMIT ?2";
    let read = || {
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let rows = statement.query_map([time.0, READ_MAX], |row| {
            Ok(RedirectSample {
                path: Cow::Owned(row.get(0)?),
                version: FileVersion {
                    size: row.get::<_, i64>(1)?.max(0) as u64,
                    mtime: row.get(2)?,
                },
                mirror: Cow::Owned(row.get(3)?),
                scheme: Cow::Owned(row.get(4)?),
                family: Cow::Owned(row.get(5)?),
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("reading redirects")
}
