//! Adds downloads of products from access logs to the statistics.
//!
//! The first line identifies a log. Each run reads the log from its beginning, to recognise
//! repeated requests, and counts from the line at which the last run ended.
//!
//! # Limits
//! [`PRODUCTS_MAX`] rows per log, so that a wrong expression fills no memory.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::args::LogImportArgs;
use crate::admin::error::AdminError;
use crate::admin::replay::LogInput;
use crate::admin::session::Session;
use crate::config::SiteConfig;
use crate::db::stats::import::{LogPlace, LogProduct, LogSums, counted_days, read_before, store};
use crate::db::stats::{StatsWriter, open_stats_writer};
use crate::domain::count::dlcount::{Dlcount, LineVerdict, LogJudge, day_of};
use crate::domain::count::product::{ProductNames, product_of};
use crate::domain::escape::percent_decode;
use crate::domain::path::FilePath;
use crate::program::exit::Exit;
use crate::program::lock::{Lock, LockError};
use crate::regular_file;

/// Rows of one log: days, products and countries.
const PRODUCTS_MAX: usize = 1_000_000;

/// Bytes of a configuration of dlcount.
const DLCOUNT_BYTES_MAX: u64 = 1024 * 1024;

/// Text of a line whose request the web server answered without the responder.
const NOT_ASKED: &[u8] = b" want:- give:- ";

/// How lines are counted.
struct LogRules<'r> {
    dlcount: Dlcount,
    /// Whether products come from the site's own patterns.
    by_site: bool,
    is_like: bool,
    site: &'r SiteConfig,
    /// Days that the responder has counted.
    counted: HashSet<i64>,
}

/// Counts of the lines of a log.
#[derive(Debug, Default)]
struct LogResult {
    place: Option<LogPlace>,
    sums: LogSums,
    lines: u64,
    downloads: u64,
    repeated: u64,
    unmatched: u64,
    unusable: u64,
    counted_before: u64,
}

/// Adds the logs, each in one transaction.
///
/// # Errors
/// Returns [`AdminError::Usage`] if there are no rules for products or those of dlcount cannot be
/// used, [`AdminError::File`] for a log that cannot be read, and [`AdminError::Db`].
pub(super) fn import(session: &mut Session, args: &LogImportArgs) -> Result<Exit, AdminError> {
    let site = Arc::clone(&session.site);
    let dlcount = read_rules(&site, args)?;
    let lock = Lock::take(&site.stats.database, "collect", session.now);
    let _lock = lock.map_err(|error| match error {
        LockError::Held(_) => AdminError::Collecting(error),
        LockError::File(error) => AdminError::Lock(error),
    })?;
    let writer = open_stats_writer(&site.stats.database)?;
    let configured = Some(&site.stats.front).filter(|name| !name.is_empty());
    let front = args.front.clone().or(configured.cloned());
    let front = front.unwrap_or_else(crate::system::host_name);
    let rules = LogRules {
        dlcount,
        by_site: args.dlcount.is_none(),
        is_like: args.like_dlcount,
        site: &site,
        counted: counted_days(&writer, &front)?,
    };
    let mut told = Vec::new();
    for log in &args.logs {
        let result = rules.read(log, &writer)?;
        if let Some(place) = result.place.filter(|_| !args.dry_run) {
            store(&writer, place, &result.sums, session.now)?;
        }
        let name = log.to_string_lossy().into_owned();
        if !args.json {
            session.console.line(format!(
                "{name}: {} new lines, {} downloads, {} repeated, {} of no product, {} unusable, \
                 {} counted by the responder",
                result.lines,
                result.downloads,
                result.repeated,
                result.unmatched,
                result.unusable,
                result.counted_before
            ))?;
        }
        told.push(json!({
            "log": name,
            "lines": result.lines,
            "downloads": result.downloads,
            "repeated": result.repeated,
            "unmatched": result.unmatched,
            "unusable": result.unusable,
            "counted_before": result.counted_before,
        }));
    }
    if args.json {
        session.console.json(&Value::Array(told))?;
    }
    Ok(Exit::Ok)
}

fn read_rules(site: &SiteConfig, args: &LogImportArgs) -> Result<Dlcount, AdminError> {
    let Some(path) = &args.dlcount else {
        if site.stats.products.is_empty() {
            return Err(AdminError::Usage(format!(
                "there are no rules for products; give --dlcount FILE, or write [[site.{}.count]]",
                site.name
            )));
        }
        let none = Dlcount::parse("", args.like_dlcount);
        return none.map_err(|error| AdminError::Usage(error.to_string()));
    };
    let text = regular_file::read_text(path, DLCOUNT_BYTES_MAX);
    let text = text.map_err(|source| AdminError::File {
        doing: "read",
        path: path.clone(),
        source,
    })?;
    Dlcount::parse(&text, args.like_dlcount).map_err(|error| {
        let why = crate::program::exit::chain(&error);
        AdminError::Usage(format!("{}: {why}", path.display()))
    })
}

impl LogRules<'_> {
    fn read(&self, path: &Path, writer: &StatsWriter) -> Result<LogResult, AdminError> {
        let failed = |source| AdminError::File {
            doing: "read",
            path: path.to_owned(),
            source,
        };
        let mut input = LogInput::open(0, path, &Arc::new(AtomicU64::new(0))).map_err(failed)?;
        let mut judge = LogJudge::new(&self.dlcount);
        let mut result = LogResult::default();
        let (mut place, mut before) = (None::<LogPlace>, 0);
        let mut twice = HashSet::new();
        while let Some(block) = input.next_block().map_err(failed)? {
            // A line without an end may be written further.
            for line in block.bytes.split_inclusive(|byte| *byte == b'\n') {
                let Some(text) = line.strip_suffix(b"\n") else {
                    break;
                };
                let at = match &mut place {
                    Some(place) => place,
                    None => {
                        let first_line = xxh3_64(text);
                        before = read_before(writer, first_line)?;
                        place.insert(LogPlace {
                            first_line,
                            bytes: 0,
                            lines: 0,
                        })
                    }
                };
                at.bytes += line.len() as u64;
                at.lines += 1;
                let is_new = at.bytes > before;
                let also = &mut |first, second| {
                    if twice.insert((first, second)) {
                        log::warn!(
                            "{}: StatsCount {} and {} both fit {}; the first counts",
                            path.display(),
                            first + 1,
                            second + 1,
                            text.escape_ascii()
                        );
                    }
                };
                let utf8 = String::from_utf8_lossy(text);
                let verdict = judge.judge(&utf8, also);
                if is_new {
                    result.lines += 1;
                    self.count(&mut result, verdict, text);
                }
                if result.sums.len() > PRODUCTS_MAX {
                    return Err(AdminError::Usage(format!(
                        "{} has more than {PRODUCTS_MAX} products, days and countries; make the \
                         expressions narrower",
                        path.display()
                    )));
                }
            }
        }
        result.place = place.filter(|place| place.bytes > before);
        Ok(result)
    }

    fn count(&self, result: &mut LogResult, verdict: LineVerdict<'_>, line: &[u8]) {
        let (time, names, country) = match verdict {
            LineVerdict::NoRequest | LineVerdict::Ignored => return,
            LineVerdict::Repeated => {
                result.repeated += 1;
                return;
            }
            LineVerdict::Unusable => {
                result.unusable += 1;
                return;
            }
            LineVerdict::Download(found) => (found.time, Some(found.names), found.country),
            LineVerdict::Unmatched(found) => {
                let names = self.by_site.then(|| self.product(found.url)).flatten();
                (found.time, names, found.country)
            }
        };
        let Some(names) = names else {
            result.unmatched += 1;
            return;
        };
        let Some(day) = day_of(time, self.is_like) else {
            result.unusable += 1;
            return;
        };
        let is_asked = !line.windows(NOT_ASKED.len()).any(|part| part == NOT_ASKED);
        if self.counted.contains(&day) && is_asked {
            result.counted_before += 1;
            return;
        }
        result.downloads += 1;
        let product = LogProduct {
            names: [
                names.product,
                names.version,
                names.os,
                names.arch,
                names.lang,
            ],
            country,
        };
        *result.sums.entry((day, product)).or_default() += 1;
    }

    /// The product of a URL by the site's own patterns.
    fn product(&self, url: &str) -> Option<ProductNames> {
        let path = url.split('?').next().unwrap_or_default();
        let path = percent_decode(path.as_bytes());
        let path = FilePath::clean(&path).ok()?;
        let below = match self.site.url_path.as_slice() {
            b"" => &path[..],
            prefix => path.strip_prefix(prefix)?.strip_prefix(b"/")?,
        };
        product_of(&self.site.stats.products, below)
    }
}
