//! Adds up what following redirects found.

use rusqlite::params;

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::domain::follow::rate::MisdirectionRate;
use crate::domain::follow::result::FollowResult;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// How long the sums of an hour are kept: the longer of the periods that are shown.
const KEPT_HOURS: i64 = 30 * 24;

/// Seconds of an hour.
const HOUR_S: i64 = 3600;

/// A redirect that was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowRecord {
    /// The mirror.
    pub mirror: MirrorId,
    /// The result of following the redirects.
    pub result: FollowResult,
    /// Whether it was drawn from redirects that clients got.
    pub is_weighted: bool,
}

/// Adds redirects that were followed, and drops what is old.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn add(
    transaction: &Transaction<'_>,
    followed: &[FollowRecord],
    now: Timestamp,
) -> Result<(), DbError> {
    let doing = "adding up redirects that were followed";
    let hour = now.0.div_euclid(HOUR_S);
    let sqlite = transaction.inner;
    for one in followed {
        let result = one.result.as_str();
        sqlite
            .execute(
                "INSERT INTO follow_hour VALUES (?1, ?2, ?3, ?4, 1) \
                 ON CONFLICT DO UPDATE SET checks = checks + 1",
                params![hour, one.mirror.0, result, one.is_weighted],
            )
            .doing(doing)?;
        sqlite
            .execute(
                "INSERT INTO follow_total VALUES (?1, 1) \
                 ON CONFLICT DO UPDATE SET checks = checks + 1",
                [result],
            )
            .doing(doing)?;
    }
    sqlite
        .execute(
            "DELETE FROM follow_hour WHERE hour < ?1",
            [hour - KEPT_HOURS],
        )
        .doing(doing)?;
    Ok(())
}

/// The rate over the hours since a time; of one mirror, or of all.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn rate(
    database: &impl Queryable,
    mirror: Option<MirrorId>,
    since: Timestamp,
) -> Result<MisdirectionRate, DbError> {
    let sql = "SELECT result, sum(checks), is_weighted FROM follow_hour \
               WHERE hour >= ?1 AND (?2 IS NULL OR mirror_id = ?2) GROUP BY 1, 3";
    let hour = since.0.div_euclid(HOUR_S);
    let mut rate = MisdirectionRate::default();
    let mut read = || {
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let mut rows = statement.query(params![hour, mirror.map(|mirror| mirror.0)])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(0)?;
            let (count, is_weighted): (i64, bool) = (row.get(1)?, row.get(2)?);
            if let Some(result) = FollowResult::from_word(&word) {
                rate.add(result, count.max(0) as u64, is_weighted);
            }
        }
        Ok(())
    };
    read().doing("reading the rate of misdirection")?;
    Ok(rate)
}

/// Redirects that were followed since the first, by result.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn totals(database: &impl Queryable) -> Result<Vec<(FollowResult, u64)>, DbError> {
    let read = || {
        let sql = "SELECT result, checks FROM follow_total ORDER BY result";
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<Vec<(String, i64)>, _>>()
    };
    let rows = read().doing("reading what following redirects found")?;
    let named =
        |(word, count): (String, i64)| Some((FollowResult::from_word(&word)?, count.max(0) as u64));
    Ok(rows.into_iter().filter_map(named).collect())
}
