//! The scan of one mirror, from its lock to its report.

use std::ffi::OsString;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use roaring::RoaringBitmap;

use super::choose::is_never_scanned;
use super::error::MirrorError;
use super::lock::MirrorLock;
use super::output::Output;
use super::publish::{Conclusion, Finding, Rules, conclude, counts_json};
use super::report::{Counts, MirrorReport};
use super::tally::{Seen, Tally};
use crate::db::mirror::MirrorRecord;
use crate::db::run::{self, Outcome, RunEnd, RunId, RunKind};
use crate::db::{DbError, Writer, catalogue, content};
use crate::domain::listing::Unlisted;
use crate::domain::time::Timestamp;
use crate::fetch::{FetchError, ListOptions, Listed, RsyncUrl, list_rsync};
use crate::terminal::{Bar, chain};

/// How often the bar is told of files: more often costs more than looking a file up.
const FILES_A_TICK: u64 = 4096;

/// Directories that could not be listed and are named in a report.
const UNLISTED_NAMED_MAX: usize = 3;

/// What all mirrors of a run share.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// The database; held for short transactions only.
    pub writer: &'a Mutex<Writer>,
    /// What is published, and when.
    pub rules: Rules<'a>,
    /// rsync's rules.
    pub filters: &'a [OsString],
    /// How long a silent mirror is waited for.
    pub timeout: Duration,
    /// The program was told to stop.
    pub stop: &'a AtomicBool,
    /// Who is told how it goes.
    pub output: &'a Output,
}

impl Shared<'_> {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A transaction that panicked was rolled back; the connection is as good as before.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One mirror being scanned.
#[derive(Debug)]
pub struct Run<'a> {
    shared: Shared<'a>,
    mirror: &'a MirrorRecord,
    start: Instant,
}

struct Done {
    conclusion: Conclusion,
    partial: String,
    notes: Vec<String>,
}

impl<'a> Run<'a> {
    /// Prepares to scan.
    pub fn new(shared: Shared<'a>, mirror: &'a MirrorRecord) -> Run<'a> {
        Run {
            shared,
            mirror,
            start: Instant::now(),
        }
    }

    /// Scans and publishes, and tells how it went; never fails otherwise.
    pub fn scan(self) -> MirrorReport {
        let before = self.before();
        let output = self.shared.output;
        let bar = output.begin(self.mirror, before);
        let result = self.try_scan(&bar);
        drop(bar);
        let report = match result {
            Ok(done) => self.report(done),
            Err(error) => self.failure(&error, before.0),
        };
        output.finish(&report);
        report
    }

    /// Current files, and files listed, at the last scan.
    fn before(&self) -> (u64, u64) {
        match content::load(&*self.shared.writer(), self.mirror.id) {
            Ok(Some(last)) => {
                let current = last.content.current.len();
                let listed = current + last.content.outdated.len() + last.learnt.unknown_files;
                (current, listed)
            }
            Ok(None) => (0, 0),
            Err(error) => {
                log::debug!("mirror={} {}", self.mirror.identifier, chain(&error));
                (0, 0)
            }
        }
    }

    fn try_scan(&self, bar: &Bar) -> Result<Done, MirrorError> {
        if is_never_scanned(self.mirror) {
            return Err(MirrorError::NeverScanned);
        }
        if self.mirror.rsync_url.trim().is_empty() {
            return Err(MirrorError::NoRsyncUrl);
        }
        let database = self.shared.writer().path().to_owned();
        let _lock = MirrorLock::take(&database, self.mirror.id)?;
        let id = self.begin()?;
        let result = self.list(bar).and_then(|(seen, listed)| {
            let done = self.conclude(id, &seen, listed)?;
            done.ok_or(MirrorError::Deleted)
        });
        if let Err(error) = &result {
            self.record_failure(id, error);
        }
        result
    }

    fn begin(&self) -> Result<RunId, DbError> {
        let mirror = Some(self.mirror.id);
        self.shared
            .writer()
            .transaction(|transaction| run::begin(transaction, RunKind::Scan, mirror, now()))
    }

    fn list(&self, bar: &Bar) -> Result<(Seen, Listed), MirrorError> {
        let url = RsyncUrl::parse(&self.mirror.rsync_url)?;
        let options = ListOptions {
            timeout: self.shared.timeout,
            filters: self.shared.filters,
            stop: self.shared.stop,
        };
        let mut tally = Tally::new(self.shared.rules.known);
        let listed = list_rsync(&url, options, |entry, path| {
            tally.see(entry, path);
            if tally.files().is_multiple_of(FILES_A_TICK) {
                bar.set(tally.files());
            }
        })?;
        Ok((tally.finish(), listed))
    }

    fn conclude(
        &self,
        id: RunId,
        seen: &Seen,
        listed: Listed,
    ) -> Result<Option<Done>, MirrorError> {
        let unlisted = self.unlisted_ids(&listed.unlisted)?;
        let partial = describe(&listed.unlisted, &listed.notes);
        let finding = Finding {
            mirror: self.mirror.id,
            run: id,
            seen,
            unlisted: &unlisted,
            partial: &partial,
            at: now(),
            took: self.start.elapsed(),
        };
        let conclusion = conclude(&mut self.shared.writer(), self.shared.rules, finding)?;
        Ok(conclusion.map(|conclusion| Done {
            conclusion,
            partial,
            notes: listed.notes,
        }))
    }

    fn unlisted_ids(&self, unlisted: &Unlisted) -> Result<RoaringBitmap, DbError> {
        let mut ids = RoaringBitmap::new();
        match unlisted {
            Unlisted::Nothing => {}
            Unlisted::Anywhere => ids |= self.shared.rules.known.ids(),
            Unlisted::Below(paths) => {
                let writer = self.shared.writer();
                for path in paths {
                    ids |= ids_at(&*writer, path)?;
                }
            }
        }
        Ok(ids)
    }

    fn record_failure(&self, id: RunId, error: &MirrorError) {
        let end = RunEnd {
            at: now(),
            outcome: outcome_of(error),
            counts: counts_json(&Counts::default()),
            error: chain(error),
        };
        let recorded = self
            .shared
            .writer()
            .transaction(|transaction| run::end(transaction, id, &end));
        if let Err(error) = recorded {
            log::error!(
                "cannot record the end of a scan: mirror={} {}",
                self.mirror.identifier,
                chain(&error)
            );
        }
    }

    fn report(&self, done: Done) -> MirrorReport {
        let Done {
            conclusion,
            partial,
            mut notes,
        } = done;
        let is_aside = conclusion.outcome == Outcome::Suspicious;
        let mut error = partial;
        if is_aside {
            error = conclusion.remark;
        } else if !conclusion.remark.is_empty() {
            notes.push(conclusion.remark);
        }
        MirrorReport {
            id: self.mirror.id.0,
            identifier: self.mirror.identifier.clone(),
            outcome: conclusion.outcome,
            published: !is_aside,
            enabled: conclusion.enabled,
            counts: conclusion.counts,
            took: self.start.elapsed(),
            error,
            notes,
        }
    }

    fn failure(&self, error: &MirrorError, before: u64) -> MirrorReport {
        MirrorReport {
            id: self.mirror.id.0,
            identifier: self.mirror.identifier.clone(),
            outcome: outcome_of(error),
            published: false,
            enabled: false,
            counts: Counts {
                before,
                after: before,
                ..Counts::default()
            },
            took: self.start.elapsed(),
            error: chain(error),
            notes: Vec::new(),
        }
    }
}

/// Ids of the file at a path, or of all below it.
pub(super) fn ids_at(
    database: &impl crate::db::open::Queryable,
    path: &[u8],
) -> Result<RoaringBitmap, DbError> {
    let mut ids = RoaringBitmap::new();
    if let Some(file) = catalogue::find(database, path)? {
        ids.insert(file.id.0);
    }
    catalogue::for_each(database, path, |_, file| {
        ids.insert(file.id.0);
    })?;
    Ok(ids)
}

fn outcome_of(error: &MirrorError) -> Outcome {
    match error {
        MirrorError::Fetch(FetchError::Stopped) => Outcome::Interrupted,
        _ => Outcome::Failed,
    }
}

fn describe(unlisted: &Unlisted, notes: &[String]) -> String {
    match unlisted {
        Unlisted::Nothing => String::new(),
        Unlisted::Anywhere => {
            let said = notes
                .first()
                .map_or("it does not say which", String::as_str);
            format!("the server could not list everything ({said}); what it left out is kept")
        }
        Unlisted::Below(paths) => {
            let mut names: Vec<String> = paths
                .iter()
                .take(UNLISTED_NAMED_MAX)
                .map(|path| format!("'{}'", path.escape_ascii()))
                .collect();
            if paths.len() > UNLISTED_NAMED_MAX {
                names.push(format!("{} more", paths.len() - UNLISTED_NAMED_MAX));
            }
            format!(
                "the server could not list {}; what was known there is kept",
                names.join(", ")
            )
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_secs() as i64))
}
