//! Answers questions about the statistics: the largest rows of a period, and their course.

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;

/// The unit of time of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumUnit {
    /// Hours since 1970.
    Hour,
    /// Days since 1970.
    Day,
    /// YEAR * 100 + MONTH.
    Month,
}

impl SumUnit {
    /// The word in names of tables, and for people.
    pub fn as_str(self) -> &'static str {
        match self {
            SumUnit::Hour => "hour",
            SumUnit::Day => "day",
            SumUnit::Month => "month",
        }
    }
}

/// The things that a table adds up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumSubject {
    /// Files.
    Files,
    /// Mirrors; the empty name is the web server.
    Mirrors,
    /// Countries of clients.
    Countries,
    /// Autonomous systems of clients.
    Networks,
    /// Products: product, version, os, arch, lang.
    Products,
    /// Reasons for which the web server served files.
    Reasons,
    /// Where requests for files went.
    Efficiency,
    /// Columns, in which each request counts once.
    Columns,
}

/// A period of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SumSpan {
    /// The table's unit.
    pub unit: SumUnit,
    /// First period.
    pub first: i64,
    /// Last period.
    pub last: i64,
}

/// One row of sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumRow {
    /// Its names, as many as the subject has.
    pub names: Vec<String>,
    /// Its numbers, as many as [`SumSubject::numbers`] names.
    pub numbers: Vec<i64>,
}

/// The character between the names of one row.
const BETWEEN: char = '\u{1f}';

impl SumSubject {
    /// Heads of the columns of names.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            SumSubject::Files => &["path"],
            SumSubject::Mirrors => &["mirror"],
            SumSubject::Countries => &["country"],
            SumSubject::Networks => &["as"],
            SumSubject::Products => &["product", "version", "os", "arch", "lang"],
            SumSubject::Reasons => &["reason"],
            SumSubject::Efficiency => &["answer"],
            SumSubject::Columns => &["column"],
        }
    }

    /// Heads of the columns of numbers; rows are in the order of the first number.
    pub fn numbers(self) -> &'static [&'static str] {
        match self {
            SumSubject::Files => &[
                "downloads",
                "bytes",
                "by_metalink",
                "resumed",
                "retries",
                "heads",
                "probes",
                "bots",
                "local",
            ],
            SumSubject::Mirrors
            | SumSubject::Countries
            | SumSubject::Networks
            | SumSubject::Products => &["downloads", "bytes"],
            SumSubject::Reasons | SumSubject::Efficiency | SumSubject::Columns => &["requests"],
        }
    }

    /// Whether there are sums of hours.
    pub fn has_hours(self) -> bool {
        !matches!(self, SumSubject::Files | SumSubject::Products)
    }

    fn table(self) -> &'static str {
        match self {
            SumSubject::Files => "file",
            SumSubject::Mirrors | SumSubject::Countries | SumSubject::Networks => "route",
            SumSubject::Products => "product",
            SumSubject::Reasons | SumSubject::Efficiency | SumSubject::Columns => "kind",
        }
    }

    /// Gives the expression of a row's name, and further parts of the statement: a join and a
    /// condition.
    fn key(self) -> (&'static str, &'static str, &'static str) {
        match self {
            SumSubject::Files => ("text", "JOIN name ON name.id = path", "1"),
            SumSubject::Mirrors => ("text", "JOIN name ON name.id = mirror", "1"),
            SumSubject::Countries => ("country", "", "1"),
            SumSubject::Networks => ("asn", "", "1"),
            SumSubject::Products => (
                "concat_ws(char(31), product, version, os, arch, lang)",
                "",
                "1",
            ),
            SumSubject::Reasons => ("reason", "", "outcome = 'local'"),
            SumSubject::Efficiency => (
                "CASE WHEN counted IN ('own', 'bots', 'mirrorers') THEN counted \
                 WHEN outcome = 'redirect' AND tier IN ('prefix', 'AS', 'country', 'region') \
                 THEN 'mirror: ' || tier \
                 WHEN outcome = 'redirect' AND tier = 'fallback' THEN 'fallback' \
                 WHEN outcome = 'redirect' THEN 'mirror: elsewhere' \
                 WHEN outcome = 'local' AND counted = 'conditional' THEN 'local: conditional' \
                 ELSE outcome END",
                "",
                "1",
            ),
            SumSubject::Columns => ("counted", "", "1"),
        }
    }

    fn sums(self) -> String {
        let sums = self.numbers().iter().map(|name| format!("sum({name})"));
        sums.collect::<Vec<_>>().join(", ")
    }

    /// Gives FROM and WHERE of all statements; `below` is a directory of files, with a slash at the
    /// end.
    fn source(self, span: SumSpan, below: Option<&[u8]>) -> (String, Vec<Value>) {
        let (_, join, condition) = self.key();
        let unit = span.unit.as_str();
        let table = self.table();
        let mut sql =
            format!("FROM {table}_{unit} {join} WHERE {unit} BETWEEN ?1 AND ?2 AND {condition}");
        let mut values = vec![Value::Integer(span.first), Value::Integer(span.last)];
        if let Some(below) = below.filter(|_| self == SumSubject::Files) {
            sql += " AND substr(text, 1, ?3) = ?4";
            values.push(Value::Integer(below.len() as i64));
            values.push(Value::Blob(below.to_vec()));
        }
        (sql, values)
    }
}

fn numbers(row: &Row<'_>, from: usize, count: usize) -> Result<Vec<i64>, rusqlite::Error> {
    (from..from + count)
        .map(|index| Ok(row.get::<_, Option<i64>>(index)?.unwrap_or(0)))
        .collect()
}

/// The names of a row; bytes of a path that are no text are shown as `U+FFFD`.
fn names(row: &Row<'_>) -> Result<Vec<String>, rusqlite::Error> {
    let text = match row.get::<_, Value>(0)? {
        Value::Integer(number) => number.to_string(),
        Value::Blob(bytes) => return Ok(vec![String::from_utf8_lossy(&bytes).into_owned()]),
        Value::Text(text) => text,
        _ => String::new(),
    };
    Ok(text.split(BETWEEN).map(str::to_owned).collect())
}

/// The sum of all rows of a period.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn total(
    database: &impl Queryable,
    subject: SumSubject,
    (span, below): (SumSpan, Option<&[u8]>),
) -> Result<Vec<i64>, DbError> {
    let (source, values) = subject.source(span, below);
    let sql = format!("SELECT {} {source}", subject.sums());
    let count = subject.numbers().len();
    let read = || {
        let mut statement = database.sqlite().prepare_cached(&sql)?;
        statement.query_row(params_from_iter(values), |row| numbers(row, 0, count))
    };
    read().doing("adding up statistics")
}

/// The largest rows of a period, the largest first.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn largest(
    database: &impl Queryable,
    subject: SumSubject,
    (span, below): (SumSpan, Option<&[u8]>),
    most: usize,
) -> Result<Vec<SumRow>, DbError> {
    let (source, values) = subject.source(span, below);
    let (key, _, _) = subject.key();
    let sums = subject.sums();
    let second = if subject.numbers().len() > 1 {
        "3"
    } else {
        "1"
    };
    let sql = format!(
        "SELECT {key}, {sums} {source} GROUP BY 1 ORDER BY 2 DESC, {second} DESC, 1 LIMIT {most}"
    );
    let count = subject.numbers().len();
    let read = || {
        let mut statement = database.sqlite().prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            Ok(SumRow {
                names: names(row)?,
                numbers: numbers(row, 1, count)?,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("reading statistics")
}

/// All rows of each period, in the order of time: period, names, and numbers.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn course(
    database: &impl Queryable,
    subject: SumSubject,
    (span, below): (SumSpan, Option<&[u8]>),
    mut each: impl FnMut(i64, SumRow),
) -> Result<(), DbError> {
    let (source, values) = subject.source(span, below);
    let (key, _, _) = subject.key();
    let (unit, sums) = (span.unit.as_str(), subject.sums());
    let sql = format!("SELECT {key}, {unit}, {sums} {source} GROUP BY 2, 1 ORDER BY 2, 3 DESC, 1");
    let count = subject.numbers().len();
    let mut read = || {
        let mut statement = database.sqlite().prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values.clone()))?;
        while let Some(row) = rows.next()? {
            let sums = SumRow {
                names: names(row)?,
                numbers: numbers(row, 2, count)?,
            };
            each(row.get(1)?, sums);
        }
        Ok(())
    };
    read().doing("reading statistics")
}

/// How often a file was downloaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileTotals {
    /// Downloads.
    pub downloads: i64,
    /// Metalinks in its place.
    pub by_metalink: i64,
}

/// The first month of the statistics, as YEAR * 100 + MONTH; `None`: there is none.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn first_month(database: &impl Queryable) -> Result<Option<i64>, DbError> {
    let sql = "SELECT min(month) FROM file_month";
    database
        .sqlite()
        .query_row(sql, [], |row| row.get(0))
        .doing("looking for the first month of statistics")
}

/// Reads the downloads of one file in a span of days or months. Each period is one look-up by key,
/// so that a request does not wait long.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn of_file(
    database: &impl Queryable,
    path: &[u8],
    span: SumSpan,
) -> Result<FileTotals, DbError> {
    let unit = span.unit.as_str();
    let sql = format!(
        "SELECT downloads, by_metalink FROM file_{unit} WHERE {unit} = ?1 \
         AND path = (SELECT id FROM name WHERE kind = 'path' AND text = ?2)"
    );
    let read = || {
        let mut statement = database.sqlite().prepare_cached(&sql)?;
        let mut totals = FileTotals::default();
        let is_period = |period: &i64| unit != "month" || (1..=12).contains(&(period % 100));
        for period in (span.first..=span.last).filter(is_period) {
            let mut rows = statement.query(rusqlite::params![period, path])?;
            if let Some(row) = rows.next()? {
                totals.downloads += row.get::<_, i64>(0)?;
                totals.by_metalink += row.get::<_, i64>(1)?;
            }
        }
        Ok(totals)
    };
    read().doing("reading the downloads of a file")
}

/// Requests by column, since the first.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn totals(database: &impl Queryable) -> Result<Vec<(String, i64)>, DbError> {
    let read = || {
        let sql = "SELECT counted, requests FROM total ORDER BY counted";
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("reading the totals of statistics")
}
