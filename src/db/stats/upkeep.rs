//! Drops what is old and adds up what is rare, once per day.
//!
//! Sums are added to the hour, the day and the month at the same time, so that a spool file that
//! comes late changes all of them, and days add up to their month.

use rusqlite::{Transaction, params};

use super::merge::{NameIds, Period, SPOOL_KEPT_S};
use super::store::StatsWriter;
use crate::db::error::{DbError, Doing};
use crate::domain::time::Timestamp;

/// Days for which sums of hours are kept.
const HOURS_KEPT_DAYS: i64 = 14;

/// Days for which sums of files per day are kept.
const FILES_KEPT_DAYS: i64 = 90;

/// Days for which all other sums of days are kept.
const DAYS_KEPT: i64 = 400;

/// Files of a month that are kept one by one; the rest is added up by directory.
const FILES_PER_MONTH: i64 = 10_000;

/// Networks that are kept one by one, per hour, day and month; the rest is added up as AS 0.
const NETWORKS: [(&str, &str, i64); 3] = [
    ("route_hour", "hour", 5000),
    ("route_day", "day", 2000),
    ("route_month", "month", 1000),
];

/// Cleans up, unless that was done today; returns whether it was done.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be written; then everything is as it was.
pub fn clean_up(writer: &StatsWriter, now: Timestamp) -> Result<bool, DbError> {
    let today = Period::of(now);
    writer.transaction(|transaction| {
        let sql = "INSERT INTO meta VALUES ('cleaned_day', ?1) ON CONFLICT DO UPDATE \
                   SET value = excluded.value WHERE value <> excluded.value";
        if run(transaction, sql, today.day)? == 0 {
            return Ok(false);
        }
        add_up_networks(transaction, today)?;
        add_up_files(transaction, today)?;
        drop_old(transaction, today, now)?;
        Ok(true)
    })
}

fn run(transaction: &Transaction<'_>, sql: &str, value: i64) -> Result<usize, DbError> {
    transaction
        .execute(sql, [value])
        .doing("cleaning up the statistics")
}

fn drop_old(transaction: &Transaction<'_>, today: Period, now: Timestamp) -> Result<(), DbError> {
    for (sql, limit) in [
        (
            "DELETE FROM file_day WHERE day < ?1",
            today.day - FILES_KEPT_DAYS,
        ),
        (
            "DELETE FROM route_hour WHERE hour < ?1",
            today.hour - HOURS_KEPT_DAYS * 24,
        ),
        (
            "DELETE FROM kind_hour WHERE hour < ?1",
            today.hour - HOURS_KEPT_DAYS * 24,
        ),
        (
            "DELETE FROM route_day WHERE day < ?1",
            today.day - DAYS_KEPT,
        ),
        ("DELETE FROM kind_day WHERE day < ?1", today.day - DAYS_KEPT),
        (
            "DELETE FROM product_day WHERE day < ?1",
            today.day - DAYS_KEPT,
        ),
        (
            "DELETE FROM front_day WHERE day < ?1",
            today.day - DAYS_KEPT,
        ),
        // One more day, so that no file that is refused as too old is forgotten before.
        (
            "DELETE FROM spool WHERE ended_at < ?1",
            now.0 - SPOOL_KEPT_S - 86_400,
        ),
    ] {
        run(transaction, sql, limit)?;
    }
    let unused = "DELETE FROM name WHERE kind = 'path' \
                  AND id NOT IN (SELECT path FROM file_day) \
                  AND id NOT IN (SELECT path FROM file_month) AND ?1 = ?1";
    run(transaction, unused, 0)?;
    Ok(())
}

/// Adds up the networks of past periods that have less than the largest ones.
fn add_up_networks(transaction: &Transaction<'_>, today: Period) -> Result<(), DbError> {
    for (table, unit, most) in NETWORKS {
        let present = match unit {
            "hour" => today.hour,
            "day" => today.day,
            _ => today.month,
        };
        let crowded = format!(
            "SELECT {unit} FROM {table} WHERE {unit} < ?1 AND asn <> 0 \
             GROUP BY {unit} HAVING count(DISTINCT asn) > ?2"
        );
        for period in periods(transaction, &crowded, (present, most))? {
            add_up_period(transaction, (table, unit), period, most)?;
        }
    }
    Ok(())
}

fn periods(
    transaction: &Transaction<'_>,
    sql: &str,
    (present, most): (i64, i64),
) -> Result<Vec<i64>, DbError> {
    let read = || {
        let mut statement = transaction.prepare(sql)?;
        let rows = statement.query_map(params![present, most], |row| row.get(0))?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("looking for sums to add up")
}

fn add_up_period(
    transaction: &Transaction<'_>,
    (table, unit): (&str, &str),
    period: i64,
    most: i64,
) -> Result<(), DbError> {
    let doing = "adding up small networks";
    let small = format!(
        "CREATE TEMP TABLE small AS SELECT asn FROM {table} WHERE {unit} = {period} AND asn <> 0 \
         GROUP BY asn ORDER BY sum(downloads) DESC, sum(bytes) DESC, asn LIMIT -1 OFFSET {most}"
    );
    let add = format!(
        "INSERT INTO {table} SELECT {unit}, mirror, country, 0, tier, sum(downloads), sum(bytes) \
         FROM {table} WHERE {unit} = {period} AND asn IN (SELECT asn FROM small) \
         GROUP BY mirror, country, tier ON CONFLICT DO UPDATE SET \
         downloads = downloads + excluded.downloads, bytes = bytes + excluded.bytes"
    );
    let remove =
        format!("DELETE FROM {table} WHERE {unit} = {period} AND asn IN (SELECT asn FROM small)");
    for sql in [&*small, &add, &remove, "DROP TABLE small"] {
        transaction.execute_batch(sql).doing(doing)?;
    }
    Ok(())
}

/// Adds up the files of past months that were asked for less than the others, by directory.
fn add_up_files(transaction: &Transaction<'_>, today: Period) -> Result<(), DbError> {
    let crowded = "SELECT month FROM file_month JOIN name ON id = path \
                   WHERE month < ?1 AND substr(text, -1) <> x'2f' \
                   GROUP BY month HAVING count(*) > ?2";
    for month in periods(transaction, crowded, (today.month, FILES_PER_MONTH))? {
        let mut names = NameIds::new(transaction);
        for (id, path) in rare_files(transaction, month)? {
            let end = path.iter().rposition(|byte| *byte == b'/');
            // Files at the top are those of the tree itself.
            let directory = end.map_or(&b"/"[..], |end| &path[..=end]);
            let directory = names.id("path", directory)?;
            move_counts(transaction, month, id, directory)?;
        }
    }
    Ok(())
}

fn rare_files(transaction: &Transaction<'_>, month: i64) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    let sql = "SELECT path, text FROM file_month JOIN name ON id = path \
               WHERE month = ?1 AND substr(text, -1) <> x'2f' \
               ORDER BY downloads DESC, bytes DESC, path LIMIT -1 OFFSET ?2";
    let read = || {
        let mut statement = transaction.prepare(sql)?;
        let rows = statement.query_map(params![month, FILES_PER_MONTH], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("looking for files to add up")
}

fn move_counts(
    transaction: &Transaction<'_>,
    month: i64,
    from: i64,
    to: i64,
) -> Result<(), DbError> {
    let add = "INSERT INTO file_month SELECT month, ?3, downloads, by_metalink, resumed, retries, \
               heads, probes, bots, local, bytes FROM file_month WHERE month = ?1 AND path = ?2 \
               ON CONFLICT DO UPDATE SET downloads = downloads + excluded.downloads, \
               by_metalink = by_metalink + excluded.by_metalink, \
               resumed = resumed + excluded.resumed, retries = retries + excluded.retries, \
               heads = heads + excluded.heads, probes = probes + excluded.probes, \
               bots = bots + excluded.bots, local = local + excluded.local, \
               bytes = bytes + excluded.bytes";
    let moved = || {
        transaction
            .prepare_cached(add)?
            .execute(params![month, from, to])?;
        let remove = "DELETE FROM file_month WHERE month = ?1 AND path = ?2";
        transaction
            .prepare_cached(remove)?
            .execute(params![month, from])
    };
    moved().doing("adding up files")?;
    Ok(())
}
