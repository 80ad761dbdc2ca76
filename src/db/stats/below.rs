//! Adds up the downloads of all files below a directory.

use rusqlite::params;

use super::sums::{FileTotals, SumSpan, SumUnit};
use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;
use crate::domain::count::period::Period;

/// The downloads below a directory, in the periods that mirrorbits has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BelowTotals {
    /// Today.
    pub today: i64,
    /// This month.
    pub month: i64,
    /// This year.
    pub year: i64,
    /// Since the first.
    pub total: FileTotals,
}

/// A directory as the range of the paths below it; the tree itself has no slash.
struct PathRange {
    first: Vec<u8>,
    /// The first path behind; `None`: there is none.
    end: Option<Vec<u8>>,
}

impl PathRange {
    fn of(directory: &[u8]) -> PathRange {
        if directory.is_empty() {
            return PathRange {
                first: Vec::new(),
                end: None,
            };
        }
        PathRange {
            first: [directory, b"/"].concat(),
            // The byte after the slash.
            end: Some([directory, b"0"].concat()),
        }
    }
}

/// The downloads below a directory until today.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn below(
    database: &impl Queryable,
    directory: &[u8],
    today: Period,
) -> Result<BelowTotals, DbError> {
    let range = PathRange::of(directory);
    let sql = "SELECT total(CASE WHEN month = ?3 THEN downloads END), \
               total(CASE WHEN month BETWEEN ?4 AND ?3 THEN downloads END), \
               total(downloads), total(by_metalink) \
               FROM file_month JOIN name ON name.id = path \
               WHERE text >= ?1 AND (?2 IS NULL OR text < ?2) AND month <= ?3";
    let whole = |number: f64| number as i64;
    let read = || {
        let january = today.month / 100 * 100 + 1;
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let values = params![range.first, range.end, today.month, january];
        statement.query_row(values, |row| {
            Ok(BelowTotals {
                today: 0,
                month: whole(row.get(0)?),
                year: whole(row.get(1)?),
                total: FileTotals {
                    downloads: whole(row.get(2)?),
                    by_metalink: whole(row.get(3)?),
                },
            })
        })
    };
    let totals = read().doing("adding up the downloads below a directory")?;
    let day = SumSpan {
        unit: SumUnit::Day,
        first: today.day,
        last: today.day,
    };
    let today = below_in(database, directory, day)?;
    Ok(BelowTotals { today, ..totals })
}

/// The downloads below a directory in a span.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn below_in(
    database: &impl Queryable,
    directory: &[u8],
    span: SumSpan,
) -> Result<i64, DbError> {
    let range = PathRange::of(directory);
    let unit = span.unit.as_str();
    let sql = format!(
        "SELECT total(downloads) FROM file_{unit} JOIN name ON name.id = path \
         WHERE {unit} BETWEEN ?3 AND ?4 AND text >= ?1 AND (?2 IS NULL OR text < ?2)"
    );
    let read = || {
        let mut statement = database.sqlite().prepare_cached(&sql)?;
        let values = params![range.first, range.end, span.first, span.last];
        statement.query_row(values, |row| row.get::<_, f64>(0))
    };
    let sum = read().doing("adding up the downloads below a directory")?;
    Ok(sum as i64)
}

/// The most downloaded files below a directory in a span, the first ones first. Sums of rare files
/// are left out.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn largest_below(
    database: &impl Queryable,
    directory: &[u8],
    span: SumSpan,
    most: usize,
) -> Result<Vec<(Vec<u8>, i64)>, DbError> {
    let range = PathRange::of(directory);
    let unit = span.unit.as_str();
    let sql = format!(
        "SELECT text, sum(downloads) FROM file_{unit} JOIN name ON name.id = path \
         WHERE {unit} BETWEEN ?3 AND ?4 AND text >= ?1 AND (?2 IS NULL OR text < ?2) \
         AND substr(text, -1) <> x'2f' AND downloads > 0 \
         GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}"
    );
    let read = || {
        let mut statement = database.sqlite().prepare_cached(&sql)?;
        let values = params![range.first, range.end, span.first, span.last];
        let rows = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("reading the downloads below a directory")
}
