//! Stores the past that pages show: results of probes per hour and day, and the state of each
//! mirror per day.

use rusqlite::params;

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::db::probe::ProbeRecord;
use crate::domain::health::Family;
use crate::domain::mirror::MirrorId;
use crate::domain::status_page::CheckSums;
use crate::domain::time::Timestamp;
use crate::domain::url::Scheme;

/// Seconds of an hour and of a day.
const HOUR_S: i64 = 3600;
const DAY_S: i64 = 86_400;

/// Hours that are kept: two weeks.
const HOURS: i64 = 14 * 24;

/// Days that are kept.
const DAYS: i64 = 400;

/// Days for which the arrival of news is kept.
const NEWS_DAYS: i64 = 90;

/// Adds the results of a pass at `now` to the sums of its hour and day. A result that is old, or
/// that says nothing of the mirror, does not count.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn add(
    transaction: &Transaction<'_>,
    records: &[ProbeRecord],
    now: Timestamp,
) -> Result<(), DbError> {
    let doing = "adding up results of probes";
    for (unit, seconds) in [("hour", HOUR_S), ("day", DAY_S)] {
        let sql = format!(
            "INSERT INTO probe_{unit} (mirror_id, {unit}, scheme, family, checks, ok, ms_sum, \
             ms_sq) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7) \
             ON CONFLICT DO UPDATE SET checks = checks + 1, ok = ok + excluded.ok, \
             ms_sum = ms_sum + excluded.ms_sum, ms_sq = ms_sq + excluded.ms_sq"
        );
        let mut statement = transaction.inner.prepare_cached(&sql).doing(doing)?;
        for record in records.iter().filter(|record| record.checked_at == now) {
            let Some(ok) = record.ok else {
                continue;
            };
            let ms = record.latency_ms.filter(|_| ok).unwrap_or(0);
            let ms = ms.min(MS_MAX) as i64;
            statement
                .execute(params![
                    record.mirror.0,
                    now.0.div_euclid(seconds),
                    record.scheme.as_str(),
                    record.family.number(),
                    ok,
                    ms,
                    ms * ms,
                ])
                .doing(doing)?;
        }
    }
    Ok(())
}

/// Longest time of a check that counts; its square fits a sum.
const MS_MAX: u64 = 3_600_000;

/// Drops rows that are older than the periods above.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn forget(transaction: &Transaction<'_>, now: Timestamp) -> Result<(), DbError> {
    let (hour, day) = (now.0.div_euclid(HOUR_S), now.0.div_euclid(DAY_S));
    let drop = |sql: &str, before: i64| {
        let done = transaction.inner.execute(sql, [before]);
        done.doing("dropping old results of probes").map(drop)
    };
    drop("DELETE FROM probe_hour WHERE hour <= ?1", hour - HOURS)?;
    drop("DELETE FROM probe_day WHERE day <= ?1", day - DAYS)?;
    drop("DELETE FROM mirror_day WHERE day <= ?1", day - DAYS)?;
    let news = now.0 - NEWS_DAYS * DAY_S;
    drop("DELETE FROM mirror_epoch WHERE seen_at <= ?1", news)
}

/// Sums of one period of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodSums {
    /// Hours or days since 1970.
    pub period: i64,
    /// Scheme of the URL.
    pub scheme: Scheme,
    /// Address family.
    pub family: Family,
    /// The sums.
    pub sums: CheckSums,
}

fn periods(
    database: &impl Queryable,
    unit: &str,
    (mirror, from): (MirrorId, i64),
) -> Result<Vec<PeriodSums>, DbError> {
    let doing = "reading results of probes";
    let sql = format!(
        "SELECT {unit}, scheme, family, checks, ok, ms_sum, ms_sq FROM probe_{unit} \
         WHERE mirror_id = ?1 AND {unit} >= ?2 ORDER BY {unit}, scheme, family"
    );
    let mut statement = database.sqlite().prepare_cached(&sql).doing(doing)?;
    let rows = statement.query_map([mirror.0, from], |row| {
        let scheme: String = row.get(1)?;
        let number = |index| Ok::<_, rusqlite::Error>(row.get::<_, i64>(index)?.max(0) as u64);
        let sums = CheckSums {
            checks: number(3)?,
            ok: number(4)?,
            ms_sum: number(5)?,
            ms_sq: number(6)?,
        };
        let scheme = Scheme::ALL.into_iter().find(|s| s.as_str() == scheme);
        let family = Family::from_number(row.get(2)?);
        Ok((row.get(0)?, scheme, family, sums))
    });
    let rows = rows.doing(doing)?.collect::<Result<Vec<_>, _>>();
    let known = rows.doing(doing)?.into_iter().filter_map(|row| {
        let (period, scheme, family, sums) = row;
        Some(PeriodSums {
            period,
            scheme: scheme?,
            family: family?,
            sums,
        })
    });
    Ok(known.collect())
}

/// The sums of a mirror's hours from one on.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn hours(
    database: &impl Queryable,
    mirror: MirrorId,
    from: i64,
) -> Result<Vec<PeriodSums>, DbError> {
    periods(database, "hour", (mirror, from))
}

/// The sums of a mirror's days from one on.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn days(
    database: &impl Queryable,
    mirror: MirrorId,
    from: i64,
) -> Result<Vec<PeriodSums>, DbError> {
    periods(database, "day", (mirror, from))
}

/// The state of a mirror on one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MirrorDay {
    /// Days since 1970.
    pub day: i64,
    /// Share of the tree's files that it had.
    pub coverage: Option<f64>,
    /// Seconds that it was behind.
    pub lag: Option<i64>,
    /// Share of probes that it answered.
    pub up_share: Option<f64>,
}

/// The days of a mirror from one on, in the order of time.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn mirror_days(
    database: &impl Queryable,
    mirror: MirrorId,
    from: i64,
) -> Result<Vec<MirrorDay>, DbError> {
    let doing = "reading the days of a mirror";
    let sql = "SELECT day, coverage, lag, up_share FROM mirror_day \
        WHERE mirror_id = ?1 AND day >= ?2 ORDER BY day";
    let mut statement = database.sqlite().prepare_cached(sql).doing(doing)?;
    let rows = statement.query_map([mirror.0, from], |row| {
        Ok(MirrorDay {
            day: row.get(0)?,
            coverage: row.get(1)?,
            lag: row.get(2)?,
            up_share: row.get(3)?,
        })
    });
    rows.doing(doing)?.collect::<Result<_, _>>().doing(doing)
}

/// Stores the state of a mirror on a day; nothing when the mirror is gone.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn store_day(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    day: &MirrorDay,
) -> Result<(), DbError> {
    let sql = "INSERT OR REPLACE INTO mirror_day (mirror_id, day, coverage, lag, up_share) \
        SELECT id, ?2, ?3, ?4, ?5 FROM mirror WHERE id = ?1";
    let doing = "storing how a mirror is";
    let mut statement = transaction.inner.prepare_cached(sql).doing(doing)?;
    let values = params![mirror.0, day.day, day.coverage, day.lag, day.up_share];
    statement.execute(values).doing(doing)?;
    Ok(())
}

/// Stores that a scan found the news of an epoch at a mirror, unless an earlier one did.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn store_arrival(
    transaction: &Transaction<'_>,
    (mirror, first_id): (MirrorId, u32),
    seen_at: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT OR IGNORE INTO mirror_epoch (first_id, mirror_id, seen_at) \
        SELECT ?2, id, ?3 FROM mirror WHERE id = ?1";
    let doing = "storing when news arrived";
    let mut statement = transaction.inner.prepare_cached(sql).doing(doing)?;
    statement
        .execute(params![mirror.0, first_id, seen_at.0])
        .doing(doing)?;
    Ok(())
}

/// Reads when scans first found the news of epochs: the epoch's first id, mirror, time.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn arrivals(
    database: &impl Queryable,
    from_id: u32,
) -> Result<Vec<(u32, MirrorId, Timestamp)>, DbError> {
    let doing = "reading when news arrived";
    let sql = "SELECT first_id, mirror_id, seen_at FROM mirror_epoch WHERE first_id >= ?1 \
        ORDER BY first_id, mirror_id";
    let mut statement = database.sqlite().prepare_cached(sql).doing(doing)?;
    let rows = statement.query_map([from_id], |row| {
        Ok((row.get(0)?, MirrorId(row.get(1)?), Timestamp(row.get(2)?)))
    });
    rows.doing(doing)?.collect::<Result<_, _>>().doing(doing)
}
