//! Stores counts from access logs: each line once, however often its log is imported.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{OptionalExtension, params};

use super::merge::add_product;
use super::store::StatsWriter;
use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;
use crate::domain::count::period::Period;
use crate::domain::count::product::ProductNames;
use crate::domain::count::tally::DownloadSum;
use crate::domain::time::Timestamp;

/// Downloads by day, product and country.
pub type LogSums = BTreeMap<(i64, LogProduct), u64>;

/// A product and the country of clients.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogProduct {
    /// Product, version, os, arch, lang.
    pub names: [String; 5],
    /// The country; `--`: unknown.
    pub country: String,
}

/// The part of a log that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    /// Hash of its first line.
    pub first_line: u64,
    /// Unpacked bytes, up to the end of a line.
    pub bytes: u64,
    /// Lines in them.
    pub lines: u64,
}

/// How far a log was read before, in unpacked bytes; 0 for a new log.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn read_before(database: &impl Queryable, first_line: u64) -> Result<u64, DbError> {
    let sql = "SELECT bytes FROM import WHERE first_line = ?1";
    let key = [first_line.cast_signed()];
    let found = database
        .sqlite()
        .query_row(sql, key, |row| row.get::<_, i64>(0));
    let found = found.optional().doing("looking for an imported log")?;
    Ok(found.map_or(0, |bytes| u64::try_from(bytes).unwrap_or(0)))
}

/// Days of which a front end has counted requests itself.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn counted_days(database: &impl Queryable, front: &str) -> Result<HashSet<i64>, DbError> {
    let read = || {
        let sql = "SELECT day FROM front_day WHERE front = ?1";
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let rows = statement.query_map([front], |row| row.get(0))?;
        rows.collect::<Result<HashSet<_>, _>>()
    };
    read().doing("looking for counted days")
}

/// Stores the sums of a log and how far it was read, in one transaction.
///
/// # Errors
/// Returns [`DbError::NotWritten`] or [`DbError::Locked`] if the database cannot be written; then
/// nothing is stored.
pub fn store(
    writer: &StatsWriter,
    place: LogPlace,
    sums: &LogSums,
    now: Timestamp,
) -> Result<(), DbError> {
    let days = sums.keys().map(|(day, _)| *day);
    let (first, last) = (days.clone().min().unwrap_or(0), days.max().unwrap_or(0));
    writer.transaction(|transaction| {
        for ((day, product), downloads) in sums {
            let [name, version, os, arch, lang] = product.names.clone();
            let names = ProductNames {
                product: name,
                version,
                os,
                arch,
                lang,
            };
            let period = Period::of(Timestamp(day * 86_400));
            let sum = DownloadSum {
                downloads: *downloads,
                bytes: 0,
            };
            add_product(transaction, period, (&names, &product.country), &sum)?;
        }
        let sql = "INSERT INTO import VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET \
                   bytes = excluded.bytes, lines = excluded.lines, \
                   first_day = min(first_day, excluded.first_day), \
                   last_day = max(last_day, excluded.last_day), added_at = excluded.added_at";
        let values = params![
            place.first_line.cast_signed(),
            place.bytes.cast_signed(),
            place.lines.cast_signed(),
            first,
            last,
            now.0
        ];
        transaction
            .execute(sql, values)
            .doing("storing how far a log was read")?;
        Ok(())
    })
}
