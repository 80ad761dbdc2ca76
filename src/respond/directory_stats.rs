//! Answers `DIR/?stats`: how often the files below a directory were downloaded, and which most.
//!
//! # Limits
//! A sum over a whole tree takes up to some tenths of a second. So one worker at a time makes one;
//! meanwhile, others answer 503. An answer is kept for [`KEPT`].
//!
//! # Security
//! An answer names only files that the catalogue has, in directories that are redirected. So
//! statistics tell no name that nobody may see.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Exchange;
use crate::db::DbError;
use crate::db::stats::StatsReader;
use crate::db::stats::below::{below, below_in, largest_below};
use crate::db::stats::sums::{SumSpan, SumUnit, first_month};
use crate::decide::{LocalReason, MissingReason, Outcome};
use crate::domain::count::period::Period;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60);

/// Answers that are kept at most. A site has fewer directories that anybody asks for.
const ANSWERS_MAX: usize = 1000;

/// Files that are named at most.
pub(super) const TOP_MAX: usize = 100;

/// Files that are read per file that is named, because some are gone or hidden.
const READ_PER_NAMED: usize = 4;

/// The answers of all workers.
#[derive(Debug, Default)]
pub(super) struct DirectorySums {
    kept: Mutex<HashMap<Vec<u8>, (Instant, Value)>>,
    turn: Mutex<()>,
}

/// A question about a directory.
pub(super) struct DirectoryQuestion<'q> {
    /// The directory without slashes around it; empty: the tree.
    pub directory: Vec<u8>,
    /// The period, if one is asked for.
    pub period: Option<(String, SumSpan)>,
    /// How many files are to be named.
    pub top: usize,
    /// The request.
    pub exchange: Exchange<'q>,
}

/// The directory that a request names, if its statistics may be told.
pub(super) fn directory_of(exchange: Exchange<'_>) -> Option<Vec<u8>> {
    let decision = exchange.decision;
    // Statistics are as forbidden as documents.
    let rules = &decision.rules;
    if !(rules.engine && rules.query && rules.documents) {
        return None;
    }
    match &decision.outcome {
        Outcome::Missing(MissingReason::Directory) => {
            let requested = decision.requested.as_ref()?;
            Some(requested.as_bytes().to_vec())
        }
        // The tree itself has no name in it.
        Outcome::Missing(MissingReason::NotInTree) => {
            let path = exchange.request.url_path();
            let start = path.iter().position(|byte| *byte != b'/');
            let path = start.map_or(&b""[..], |start| &path[start..]);
            let path = path.strip_suffix(b"/").unwrap_or(path);
            (path == &exchange.site.config.url_path[..]).then(Vec::new)
        }
        Outcome::Local(LocalReason::DirectoryIndex) => {
            let page = decision.requested.as_ref()?.as_bytes();
            let slash = page.iter().rposition(|byte| *byte == b'/');
            Some(slash.map_or(Vec::new(), |slash| page[..slash].to_vec()))
        }
        _ => None,
    }
}

impl DirectorySums {
    /// Makes the answer, or finds a kept one. Absent if another worker is making one.
    ///
    /// # Errors
    /// Returns [`DbError`] if the statistics cannot be read.
    pub fn answer<'r>(
        &self,
        question: &DirectoryQuestion<'_>,
        reader: impl FnOnce() -> Result<&'r StatsReader, DbError>,
    ) -> Result<Option<Value>, DbError> {
        let key = question.key();
        let lock = |kept: &'_ Mutex<HashMap<Vec<u8>, (Instant, Value)>>| {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept.get(&key).filter(|(at, _)| at.elapsed() < KEPT);
            found.map(|(_, value)| value.clone())
        };
        if let Some(value) = lock(&self.kept) {
            return Ok(Some(value));
        }
        let Ok(_turn) = self.turn.try_lock() else {
            return Ok(None);
        };
        let value = question.value(reader()?)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= ANSWERS_MAX {
            kept.clear();
        }
        kept.insert(key, (Instant::now(), value.clone()));
        Ok(Some(value))
    }
}

impl DirectoryQuestion<'_> {
    fn key(&self) -> Vec<u8> {
        let period = self.period.as_ref().map_or("", |(text, _)| text);
        let name = &self.exchange.site.config.name;
        let words = format!("{name}\0{period}\0{}\0", self.top);
        [words.as_bytes(), &self.directory].concat()
    }

    fn value(&self, reader: &StatsReader) -> Result<Value, DbError> {
        let today = Period::of(self.exchange.now);
        let since = first_month(reader)?;
        let (mut value, span, total) = match &self.period {
            Some((text, span)) => {
                let sum = below_in(reader, &self.directory, *span)?;
                (json!({ "Period": text, "Downloads": sum }), *span, sum)
            }
            None => {
                let sums = below(reader, &self.directory, today)?;
                let value = json!({
                    "Today": sums.today,
                    "Month": sums.month,
                    "Year": sums.year,
                    "Total": sums.total.downloads,
                    "ByMetalink": sums.total.by_metalink,
                    "Since": since.map(|month| format!("{:04}-{:02}", month / 100, month % 100)),
                });
                let span = SumSpan {
                    unit: SumUnit::Month,
                    first: since.unwrap_or(today.month),
                    last: today.month,
                };
                (value, span, sums.total.downloads)
            }
        };
        if self.top > 0 {
            let read = self.top * READ_PER_NAMED;
            let mut largest = largest_below(reader, &self.directory, span, read)?;
            largest.retain(|(path, _)| self.may_be_named(path));
            let items = largest.iter().take(self.top).zip(1..);
            let items = items.map(|((path, count), number)| {
                let percent = *count as f64 * 100.0 / total.max(1) as f64;
                json!({
                    "number": number,
                    "path": String::from_utf8_lossy(path),
                    "count": count,
                    "percent": format!("{percent:.2}"),
                })
            });
            value["items"] = items.collect();
        }
        Ok(value)
    }

    fn may_be_named(&self, path: &[u8]) -> bool {
        let site = self.exchange.site;
        let slash = path.iter().rposition(|byte| *byte == b'/');
        let directory = slash.map_or(&b""[..], |slash| &path[..slash]);
        let is_known = |snapshot: &crate::snapshot::Snapshot| snapshot.find(path).is_some();
        let rules = site.config.rules(directory);
        site.snapshot.as_deref().is_some_and(is_known) && rules.engine && rules.documents
    }
}
