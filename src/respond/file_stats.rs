//! Answers `FILE?stats`, `DIR/?stats` and `?mirrorstats`: how often files were downloaded, as
//! mirrorbits does. Off unless the site publishes its statistics.
//!
//! # Security
//! Statistics are as forbidden as documents: only the own URL of a file or directory has them, to
//! which the web server has granted access, and only where documents are allowed.
//!
//! # Limits
//! Each number of a file is a look-up by key in the statistics, so an answer takes well below a
//! millisecond of the worker. If the statistics cannot be read, the answer is 503, never the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Exchange;
use super::directory_stats::{DirectoryQuestion, DirectorySums, TOP_MAX, directory_of};
use super::mirror_stats;
use crate::db::DbError;
use crate::db::stats::sums::{SumSpan, SumUnit, first_month, of_file};
use crate::db::stats::{StatsReader, open_stats_reader};
use crate::decide::{Outcome, OwnUrl};
use crate::domain::count::period::{Period, parse_date};
use crate::domain::path::FilePath;
use crate::domain::time::Timestamp;
use crate::http::{Method, Query, Response};

/// The argument of the query.
const ARGUMENT: &str = "stats";

/// How long a connection is kept; then a database that replaced the file is opened.
const CONNECTION_AGE: Duration = Duration::from_secs(60);

/// The arguments of a query for the loads of mirrors.
const MIRRORS: &str = "mirrorstats";

/// The statistics that a worker has open.
pub(super) struct FileStats {
    open: Option<OpenStats>,
    sums: Arc<DirectorySums>,
}

struct OpenStats {
    path: PathBuf,
    reader: StatsReader,
    since: Instant,
}

impl FileStats {
    /// No statistics are open yet; `sums` are those of all workers.
    pub fn new(sums: &Arc<DirectorySums>) -> FileStats {
        FileStats {
            open: None,
            sums: Arc::clone(sums),
        }
    }

    /// Answers a request for downloads; returns false if it is another request, and then writes
    /// nothing.
    pub fn answer(&mut self, out: &mut Vec<u8>, exchange: Exchange<'_>) -> bool {
        let request = exchange.request;
        let stats = &exchange.site.config.stats;
        if !stats.public || request.query_string.is_empty() {
            return false;
        }
        let query = Query::parse(request.query_string);
        let is_read = matches!(request.method, Method::Get | Method::Head);
        if is_read && query.has(MIRRORS) {
            self.answer_mirrors(out, exchange, query.has("json"));
            return true;
        }
        let Some(wanted) = query.once(ARGUMENT).filter(|_| is_read) else {
            return false;
        };
        if let Some(directory) = directory_of(exchange) {
            self.answer_directory(out, exchange, (directory, wanted, query.once("top")));
            return true;
        }
        let is_there = matches!(
            exchange.decision.outcome,
            Outcome::Redirect(_) | Outcome::Local(_) | Outcome::Document(_)
        );
        let Some(file) = exchange.decision.file.as_ref().filter(|_| is_there) else {
            return false;
        };
        if !may_tell(exchange, &file.path) {
            return false;
        }
        let is_head = request.method == Method::Head;
        let asked = period(wanted);
        if asked.is_none() && !wanted.is_empty() {
            write(out, is_head, "400 Bad Request", &json!("Invalid period"));
            return true;
        }
        let path = file.path.as_bytes();
        let read = self.reader(&stats.database).and_then(|reader| match asked {
            None => all(reader, path, exchange.now),
            Some((text, span)) => {
                let found = of_file(reader, path, span)?;
                Ok(json!({ "Period": text, "Downloads": found.downloads }))
            }
        });
        match read {
            Ok(value) => write(out, is_head, "200 OK", &value),
            Err(error) => self.fail(out, is_head, &error),
        }
        true
    }

    /// Answers `DIR/?stats`.
    fn answer_directory(
        &mut self,
        out: &mut Vec<u8>,
        exchange: Exchange<'_>,
        (directory, wanted, top): (Vec<u8>, &[u8], Option<&[u8]>),
    ) {
        let is_head = exchange.request.method == Method::Head;
        let asked = period(wanted);
        let most = top.map_or(Some(0), |top| std::str::from_utf8(top).ok()?.parse().ok());
        let Some(top) = most.filter(|top| *top <= TOP_MAX) else {
            let text = json!(format!("top is a number up to {TOP_MAX}"));
            return write(out, is_head, "400 Bad Request", &text);
        };
        if asked.is_none() && !wanted.is_empty() {
            return write(out, is_head, "400 Bad Request", &json!("Invalid period"));
        }
        let question = DirectoryQuestion {
            directory,
            period: asked,
            top,
            exchange,
        };
        let sums = Arc::clone(&self.sums);
        let database = &exchange.site.config.stats.database;
        match sums.answer(&question, || self.reader(database)) {
            Ok(Some(value)) => write(out, is_head, "200 OK", &value),
            Ok(None) => unavailable(out, is_head, "Other sums are being made; try again soon."),
            Err(error) => self.fail(out, is_head, &error),
        }
    }

    /// Answers `?mirrorstats`.
    fn answer_mirrors(&mut self, out: &mut Vec<u8>, exchange: Exchange<'_>, as_json: bool) {
        let is_head = exchange.request.method == Method::Head;
        let database = &exchange.site.config.stats.database;
        let read = self.reader(database);
        match read.and_then(|reader| mirror_stats::loads(reader, exchange)) {
            Ok(loads) if as_json => {
                write(out, is_head, "200 OK", &mirror_stats::as_json(&loads));
            }
            Ok(loads) => {
                let page = mirror_stats::as_html(&loads);
                let mut response = Response::new(out, "200 OK");
                response.field("Cache-Control", b"max-age=60");
                const HTML: &str = "text/html; charset=utf-8";
                match is_head {
                    true => response.head(HTML, page.len() as u64),
                    false => response.body(HTML, &page),
                }
            }
            Err(error) => self.fail(out, is_head, &error),
        }
    }

    fn fail(&mut self, out: &mut Vec<u8>, is_head: bool, error: &DbError) {
        self.open = None;
        log::debug!("statistics cannot be read: {error}");
        unavailable(out, is_head, "The statistics cannot be read now.");
    }

    fn reader(&mut self, path: &Path) -> Result<&StatsReader, DbError> {
        let is_current =
            |open: &OpenStats| open.path == path && open.since.elapsed() < CONNECTION_AGE;
        let open = match self.open.take().filter(is_current) {
            Some(open) => open,
            None => OpenStats {
                path: path.to_owned(),
                reader: open_stats_reader(path)?,
                since: Instant::now(),
            },
        };
        Ok(&self.open.insert(open).reader)
    }
}

/// Whether the request is for the file's own URL, and the rules allow questions and documents, both
/// at the URL and at the place of the file.
fn may_tell(exchange: Exchange<'_>, file: &FilePath) -> bool {
    let decision = exchange.decision;
    let rules = &decision.rules;
    let is_own = matches!(decision.own, OwnUrl::Asked { .. }) && decision.named.is_none();
    let is_allowed = rules.engine && rules.query && rules.documents;
    is_own && is_allowed && exchange.site.config.rules(file.as_bytes()).documents
}

/// Reads the period that a text names, with its span.
fn period(text: &[u8]) -> Option<(String, SumSpan)> {
    let text = std::str::from_utf8(text).ok()?;
    let (first, last) = parse_date(text)?;
    let month = |day: i64| Period::of(Timestamp(day * 86_400)).month;
    let (unit, first, last) = match first == last {
        true => (SumUnit::Day, first, last),
        false => (SumUnit::Month, month(first), month(last)),
    };
    Some((text.to_owned(), SumSpan { unit, first, last }))
}

/// Makes the answer that mirrorbits gives, with further fields of ours.
fn all(reader: &StatsReader, path: &[u8], now: Timestamp) -> Result<Value, DbError> {
    let today = Period::of(now);
    let since = first_month(reader)?;
    let months = |first| SumSpan {
        unit: SumUnit::Month,
        first,
        last: today.month,
    };
    let day = SumSpan {
        unit: SumUnit::Day,
        first: today.day,
        last: today.day,
    };
    let total = of_file(reader, path, months(since.unwrap_or(today.month)))?;
    Ok(json!({
        "Today": of_file(reader, path, day)?.downloads,
        "Month": of_file(reader, path, months(today.month))?.downloads,
        "Year": of_file(reader, path, months(today.month / 100 * 100 + 1))?.downloads,
        "Total": total.downloads,
        "ByMetalink": total.by_metalink,
        "Since": since.map(|month| format!("{:04}-{:02}", month / 100, month % 100)),
    }))
}

fn unavailable(out: &mut Vec<u8>, is_head: bool, text: &str) {
    write(out, is_head, "503 Service Unavailable", &json!(text));
}

fn write(out: &mut Vec<u8>, is_head: bool, status: &str, value: &Value) {
    let text = format!("{value}\n");
    let mut response = Response::new(out, status);
    match status.starts_with("200") {
        true => response.field("Cache-Control", b"max-age=60"),
        false => response.field("Cache-Control", b"no-cache"),
    };
    if status.starts_with("503") {
        response.field("Retry-After", b"60");
    }
    const JSON: &str = "application/json";
    match is_head {
        true => response.head(JSON, text.len() as u64),
        false => response.body(JSON, text.as_bytes()),
    }
}
