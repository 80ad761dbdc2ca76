//! Adds spool files to the statistics: each of them once, in any order.

use std::collections::HashMap;

use rusqlite::{Transaction, params};

use super::sample;
use super::store::StatsWriter;
use crate::db::error::{DbError, Doing};
use crate::domain::count::period::Period;
use crate::domain::count::product::ProductNames;
use crate::domain::count::spool::{SpoolHead, SpoolLine};
use crate::domain::count::tally::{DownloadSum, FileCounts};
use crate::domain::time::Timestamp;

/// How long the database remembers added spool files. An older file is refused, because it may
/// have been added before.
pub const SPOOL_KEPT_S: i64 = 60 * 86_400;

/// How far the clock of another front end may be ahead. Sums of later days would never be dropped.
const AHEAD_S_MAX: i64 = 86_400;

/// The fate of a spool file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeOutcome {
    /// The spool file was added; its number of requests.
    Added(u64),
    /// The spool file had been added before.
    Known,
    /// The spool file is too old to know whether it was added before.
    TooOld,
    /// The spool file is of a time to come.
    Future,
}

/// The numbers that names have in the tables, as far as one transaction has met them.
pub(super) struct NameIds<'t> {
    transaction: &'t Transaction<'t>,
    known: HashMap<(&'static str, Vec<u8>), i64>,
}

impl<'t> NameIds<'t> {
    pub(super) fn new(transaction: &'t Transaction<'t>) -> NameIds<'t> {
        NameIds {
            transaction,
            known: HashMap::new(),
        }
    }

    pub(super) fn id(&mut self, kind: &'static str, text: &[u8]) -> Result<i64, DbError> {
        let key = (kind, text.to_vec());
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let doing = "storing a name of the statistics";
        let run = |sql| {
            let mut statement = self.transaction.prepare_cached(sql)?;
            let mut rows = statement.query(params![kind, text])?;
            rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()
        };
        let found = run("SELECT id FROM name WHERE kind = ?1 AND text = ?2").doing(doing)?;
        let id = match found {
            Some(id) => id,
            None => run("INSERT INTO name (kind, text) VALUES (?1, ?2) RETURNING id")
                .doing(doing)?
                .unwrap_or_default(),
        };
        self.known.insert(key, id);
        Ok(id)
    }
}

/// Adds one spool file, unless it was added before.
///
/// # Errors
/// Returns [`DbError::NotWritten`] or [`DbError::Locked`] if the database cannot be written; then
/// nothing of the file is added.
pub fn merge(
    writer: &StatsWriter,
    head: &SpoolHead,
    lines: &[SpoolLine<'_>],
    now: Timestamp,
) -> Result<MergeOutcome, DbError> {
    if head.to.0 < now.0 - SPOOL_KEPT_S {
        return Ok(MergeOutcome::TooOld);
    }
    if head.to.0 > now.0 + AHEAD_S_MAX {
        return Ok(MergeOutcome::Future);
    }
    writer.transaction(|transaction| {
        if !note(transaction, head, now)? {
            return Ok(MergeOutcome::Known);
        }
        let period = Period::of(head.from);
        let mut names = NameIds::new(transaction);
        let mut requests = 0;
        for line in lines {
            match line {
                SpoolLine::File(path, counts) => {
                    let path = names.id("path", path)?;
                    add_file(transaction, period, path, counts)?;
                }
                SpoolLine::Route(route, traffic) => {
                    let mirror = names.id("mirror", route.mirror.as_bytes())?;
                    let key = (mirror, route.country, route.asn, route.tier);
                    add_route(transaction, period, key, traffic)?;
                }
                SpoolLine::Kind(kind, count) => {
                    requests = count.saturating_add(requests);
                    let words = [
                        kind.outcome,
                        kind.column.as_str(),
                        kind.document,
                        kind.reason,
                        kind.tier,
                        kind.scheme,
                        kind.family,
                    ];
                    add_kind(transaction, period, words, *count)?;
                }
                SpoolLine::Product(names, country, traffic) => {
                    add_product(transaction, period, (names, country), traffic)?;
                }
                SpoolLine::Sample(sample) => {
                    sample::add(transaction, head.to, sample)?;
                }
            }
        }
        sample::drop_before(transaction, Timestamp(now.0 - sample::KEPT_S))?;
        let sql = "INSERT INTO front_day VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO UPDATE SET requests = requests + excluded.requests";
        run(
            transaction,
            sql,
            params![head.front, period.day, whole(requests)],
        )?;
        Ok(MergeOutcome::Added(requests))
    })
}

/// Notes that a file is added. Returns false if it was added before.
fn note(transaction: &Transaction<'_>, head: &SpoolHead, now: Timestamp) -> Result<bool, DbError> {
    let sql = "INSERT INTO spool VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    let values = params![
        head.front,
        // SQLite's whole numbers have a sign.
        head.boot.cast_signed(),
        head.seq.cast_signed(),
        head.from.0,
        head.to.0,
        now.0
    ];
    Ok(run(transaction, sql, values)? > 0)
}

fn run(
    transaction: &Transaction<'_>,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<usize, DbError> {
    let add = || transaction.prepare_cached(sql)?.execute(values);
    add().doing("adding to the statistics")
}

/// Gives a number as SQLite can hold it: a larger one becomes the largest.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The end of a statement that adds the counts of a file.
macro_rules! file_values {
    () => {
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE SET \
         downloads = downloads + excluded.downloads, \
         by_metalink = by_metalink + excluded.by_metalink, \
         resumed = resumed + excluded.resumed, retries = retries + excluded.retries, \
         heads = heads + excluded.heads, probes = probes + excluded.probes, \
         bots = bots + excluded.bots, local = local + excluded.local, \
         bytes = bytes + excluded.bytes"
    };
}
fn add_file(
    transaction: &Transaction<'_>,
    period: Period,
    path: i64,
    counts: &FileCounts,
) -> Result<(), DbError> {
    for (sql, at) in [
        (
            concat!("INSERT INTO file_day VALUES ", file_values!()),
            period.day,
        ),
        (
            concat!("INSERT INTO file_month VALUES ", file_values!()),
            period.month,
        ),
    ] {
        let [a, b, c, d, e, f, g, h, i] = counts.as_array().map(whole);
        run(
            transaction,
            sql,
            params![at, path, a, b, c, d, e, f, g, h, i],
        )?;
    }
    Ok(())
}

fn add_route(
    transaction: &Transaction<'_>,
    period: Period,
    (mirror, country, asn, tier): (i64, &str, u32, &str),
    traffic: &DownloadSum,
) -> Result<(), DbError> {
    for (table, at) in [
        ("route_hour", period.hour),
        ("route_day", period.day),
        ("route_month", period.month),
    ] {
        let sql = format!(
            "INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET \
             downloads = downloads + excluded.downloads, bytes = bytes + excluded.bytes"
        );
        let (downloads, bytes) = (whole(traffic.downloads), whole(traffic.bytes));
        let values = params![at, mirror, country, asn, tier, downloads, bytes];
        run(transaction, &sql, values)?;
    }
    Ok(())
}

fn add_kind(
    transaction: &Transaction<'_>,
    period: Period,
    [outcome, column, document, reason, tier, scheme, family]: [&str; 7],
    count: u64,
) -> Result<(), DbError> {
    let count = whole(count);
    for (table, at) in [
        ("kind_hour", period.hour),
        ("kind_day", period.day),
        ("kind_month", period.month),
    ] {
        let sql = format!(
            "INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT DO UPDATE SET requests = requests + excluded.requests"
        );
        let values = params![
            at, outcome, column, document, reason, tier, scheme, family, count
        ];
        run(transaction, &sql, values)?;
    }
    let sql = "INSERT INTO total VALUES (?1, ?2) \
               ON CONFLICT DO UPDATE SET requests = requests + excluded.requests";
    run(transaction, sql, params![column, count])?;
    Ok(())
}

/// Adds downloads of a product from a country.
pub(super) fn add_product(
    transaction: &Transaction<'_>,
    period: Period,
    (names, country): (&ProductNames, &str),
    traffic: &DownloadSum,
) -> Result<(), DbError> {
    for (table, at) in [("product_day", period.day), ("product_month", period.month)] {
        let sql = format!(
            "INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT DO UPDATE SET \
             downloads = downloads + excluded.downloads, bytes = bytes + excluded.bytes"
        );
        let (downloads, bytes) = (whole(traffic.downloads), whole(traffic.bytes));
        let ProductNames {
            product,
            version,
            os,
            arch,
            lang,
        } = names;
        let values = params![
            at, product, version, os, arch, lang, country, downloads, bytes
        ];
        run(transaction, &sql, values)?;
    }
    Ok(())
}
