//! Drops old sums and adds up rare rows, once per day.
//!
//! Sums are added to the hour, the day and the month at the same time, so that a spool file that
//! comes late changes all of them, and days add up to their month.

use rusqlite::{Transaction, params};

use super::merge::{NameIds, SPOOL_KEPT_S};
use super::store::StatsWriter;
use crate::db::error::{DbError, Doing};
use crate::domain::count::period::Period;
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

/// Cleans up, unless a run did so today. Returns whether it cleaned up.
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
        add_up_networks(transaction, today, NETWORKS)?;
        add_up_files(transaction, today, FILES_PER_MONTH)?;
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
        // One day more than the age from which files are refused, so that none is forgotten and
        // added again.
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

/// Adds up the networks of past periods, except the largest ones.
fn add_up_networks(
    transaction: &Transaction<'_>,
    today: Period,
    networks: [(&str, &str, i64); 3],
) -> Result<(), DbError> {
    for (table, unit, most) in networks {
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

/// Adds up the files of past months by directory, except those that were downloaded most.
fn add_up_files(transaction: &Transaction<'_>, today: Period, most: i64) -> Result<(), DbError> {
    let crowded = "SELECT month FROM file_month JOIN name ON id = path \
                   WHERE month < ?1 AND substr(text, -1) <> x'2f' \
                   GROUP BY month HAVING count(*) > ?2";
    for month in periods(transaction, crowded, (today.month, most))? {
        let mut names = NameIds::new(transaction);
        for (id, path) in rare_files(transaction, month, most)? {
            let end = path.iter().rposition(|byte| *byte == b'/');
            // Files at the top are those of the tree itself.
            let directory = end.map_or(&b"/"[..], |end| &path[..=end]);
            let directory = names.id("path", directory)?;
            move_counts(transaction, month, id, directory)?;
        }
    }
    Ok(())
}

fn rare_files(
    transaction: &Transaction<'_>,
    month: i64,
    most: i64,
) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    let sql = "SELECT path, text FROM file_month JOIN name ON id = path \
               WHERE month = ?1 AND substr(text, -1) <> x'2f' \
               ORDER BY downloads DESC, bytes DESC, path LIMIT -1 OFFSET ?2";
    let read = || {
        let mut statement = transaction.prepare(sql)?;
        let rows =
            statement.query_map(params![month, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::stats::merge::{MergeOutcome, merge};
    use crate::db::stats::open_stats_writer;
    use crate::db::stats::sums::{SumSpan, SumSubject, SumUnit, largest, total};
    use crate::domain::count::spool::{SpoolHead, SpoolLine, SpoolRoute};
    use crate::domain::count::tally::{DownloadSum, FileCounts};

    const DAY_S: i64 = 86_400;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    /// A spool file of one moment, with files and networks of which each has another count.
    fn add(writer: &StatsWriter, seq: u64, from: Timestamp, now: Timestamp) -> MergeOutcome {
        let head = SpoolHead {
            front: "f".to_owned(),
            boot: 1,
            seq,
            from,
            to: from,
        };
        let mut lines = Vec::new();
        for number in 1..=9_u64 {
            let path = format!("dir-{}/file-{number}", number % 2).into_bytes();
            let counts = FileCounts {
                downloads: number,
                bytes: 1,
                ..FileCounts::default()
            };
            lines.push(SpoolLine::File(path.into(), counts));
            let route = SpoolRoute {
                mirror: "m".into(),
                country: "de",
                asn: number as u32,
                tier: "country",
            };
            let downloads = number;
            lines.push(SpoolLine::Route(
                route,
                DownloadSum {
                    downloads,
                    bytes: 1,
                },
            ));
        }
        merge(writer, &head, &lines, now).expect("added")
    }

    fn sums(writer: &StatsWriter, subject: SumSubject, unit: SumUnit) -> Vec<i64> {
        let span = SumSpan {
            unit,
            first: 0,
            last: i64::MAX,
        };
        total(writer, subject, (span, None)).expect("a sum")
    }

    #[test]
    fn days_add_up_to_their_month_also_when_rare_rows_are_added_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = open_stats_writer(&folder.path().join("s.sqlite")).expect("a database");
        let now = at("2026-11-27T10:00:00Z");
        for (seq, day) in (0..).zip([1, 3, 30, 31, 40]) {
            add(&writer, seq, Timestamp(now.0 - day * DAY_S), now);
        }
        let small = NETWORKS.map(|(table, unit, _)| (table, unit, 3));
        // Rows that come late are added up again.
        for late in [false, true] {
            if late {
                add(&writer, 9, Timestamp(now.0 - 35 * DAY_S), now);
            }
            writer
                .transaction(|transaction| {
                    add_up_networks(transaction, Period::of(now), small)?;
                    add_up_files(transaction, Period::of(now), 3)
                })
                .expect("added up");
            let files = 5 + i64::from(late);
            for subject in [SumSubject::Files, SumSubject::Networks] {
                let days = sums(&writer, subject, SumUnit::Day);
                assert_eq!(days[..2], [files * 45, files * 9], "{subject:?}");
                assert_eq!(sums(&writer, subject, SumUnit::Month), days, "{subject:?}");
            }
            let october = SumSpan {
                unit: SumUnit::Month,
                first: 202_610,
                last: 202_610,
            };
            let names = |subject| {
                let rows = largest(&writer, subject, (october, None), 100).expect("rows");
                let mut names: Vec<_> = rows.into_iter().map(|row| row.names[0].clone()).collect();
                names.sort();
                names.join(" ")
            };
            assert_eq!(names(SumSubject::Networks), "0 7 8 9");
            let expected = "dir-0/ dir-0/file-8 dir-1/ dir-1/file-7 dir-1/file-9";
            assert_eq!(names(SumSubject::Files), expected);
        }
    }

    #[test]
    fn old_rows_go_and_months_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = open_stats_writer(&folder.path().join("s.sqlite")).expect("a database");
        let then = at("2026-11-27T10:00:00Z");
        let head = Timestamp(then.0 - DAY_S);
        assert_eq!(add(&writer, 0, head, then), MergeOutcome::Added(0));
        assert_eq!(add(&writer, 0, head, then), MergeOutcome::Known);
        assert!(clean_up(&writer, then).expect("cleaned"));
        assert!(
            !clean_up(&writer, Timestamp(then.0 + 60)).expect("cleaned"),
            "once per day"
        );
        let later = |days: i64| Timestamp(then.0 + days * DAY_S);
        let all = |unit| {
            let subjects = [SumSubject::Files, SumSubject::Networks];
            subjects.map(|subject| match (subject, unit) {
                (SumSubject::Files, SumUnit::Hour) => 0,
                _ => sums(&writer, subject, unit)[0],
            })
        };
        assert!(clean_up(&writer, later(14)).expect("cleaned"));
        assert_eq!(all(SumUnit::Hour), [0, 0]);
        assert_eq!(all(SumUnit::Day), [45, 45]);
        clean_up(&writer, later(90)).expect("cleaned");
        assert_eq!(all(SumUnit::Day), [0, 45]);
        assert_eq!(add(&writer, 0, head, later(90)), MergeOutcome::TooOld);
        clean_up(&writer, later(400)).expect("cleaned");
        assert_eq!(all(SumUnit::Day), [0, 0]);
        assert_eq!(all(SumUnit::Month), [45, 45]);
    }
}
