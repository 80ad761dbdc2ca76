//! One run: walk, compare, look twice at what seems lost, change all at once.

use crate::program::clock::now;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::apply::{Abort, change_all, log_changes};
use super::compare::{Comparison, compare};
use super::error::IndexError;
use super::generation;
use super::indexer::{Indexer, Request, Store};
use super::report::{Counts, Report};
use crate::db::catalogue;
use crate::db::event;
use crate::db::open::Queryable;
use crate::db::run::{self, Outcome, RunEnd};
use crate::domain::trace::GENERATION_NAME;
use crate::program::exit::chain;
use crate::tree::{Root, Walk, Walked};

/// How often a run begins again because the catalogue was changed meanwhile. Only an import does
/// that; more than a few would mean that something is badly wrong.
const ATTEMPTS_MAX: u32 = 3;

/// Who is named as the author of events.
const ACTOR: &str = "heliostat-index";

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Files found so far.
    Walking(u64),
    /// Comparing that many files with the catalogue.
    Comparing(u64),
    /// Changes made, of how many.
    Writing(u64, u64),
}

/// A run that has begun; see [`Indexer::start`].
#[derive(Debug)]
pub struct Run<'a> {
    pub(super) indexer: &'a Indexer,
    pub(super) request: Request,
    pub(super) store: Store,
    pub(super) began: Instant,
}

/// What one attempt saw.
struct Seen {
    /// The catalogue's generation before it was read.
    generation: i64,
    comparison: Comparison,
    /// Whether the catalogue had no files.
    was_empty: bool,
    report: Report,
    /// Why the admin should look first.
    suspicion: Option<String>,
}

impl Run<'_> {
    /// Does it; `stop` ends it without a change, `observe` hears how far it is.
    ///
    /// # Errors
    /// [`IndexError`]; the run is recorded as failed or interrupted.
    pub fn execute(
        mut self,
        stop: &AtomicBool,
        observe: &dyn Fn(Step),
    ) -> Result<Report, IndexError> {
        let result = self.attempts(stop, observe);
        let end = match &result {
            Err(error) => RunEnd {
                at: now(),
                outcome: error.outcome(),
                counts: "{}".to_owned(),
                error: chain(error),
            },
            Ok(report) if report.outcome == Outcome::Suspicious => self.end(report),
            // The end was recorded with the changes.
            Ok(_) => return result,
        };
        if let Store::Real { writer, id, .. } = &mut self.store {
            let id = *id;
            if let Err(error) = writer.transaction(|transaction| run::end(transaction, id, &end)) {
                log::warn!("the end of the run is not recorded: {}", chain(&error));
            }
        }
        result
    }

    fn attempts(
        &mut self,
        stop: &AtomicBool,
        observe: &dyn Fn(Step),
    ) -> Result<Report, IndexError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut seen = self.look(stop, observe)?;
            log_changes(&seen.comparison.changes);
            if let Some(suspicion) = seen.suspicion.take_if(|_| !self.request.force) {
                seen.report.outcome = Outcome::Suspicious;
                seen.report.error = format!(
                    "{suspicion}; nothing was changed; is the disk mounted? if it is right so, \
                     run again with --force"
                );
                return Ok(self.finished(seen.report));
            }
            if self.request.dry_run {
                return Ok(self.finished(seen.report));
            }
            match self.write(&mut seen, stop, observe) {
                Ok(()) => {
                    self.shrink_wal();
                    self.tell_generation();
                    return Ok(self.finished(seen.report));
                }
                Err(Abort::Database(error)) => return Err(self.indexer.database_error(error)),
                Err(Abort::Stopped) => return Err(IndexError::Stopped),
                Err(Abort::Moved) => log::info!("the catalogue changed meanwhile; once more"),
            }
        }
        Err(IndexError::Unsteady(ATTEMPTS_MAX))
    }

    fn finished(&self, mut report: Report) -> Report {
        report.counts.took_ms = self.took_ms();
        report
    }

    fn took_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn end(&self, report: &Report) -> RunEnd {
        let mut counts = report.counts;
        counts.took_ms = self.took_ms();
        RunEnd {
            at: now(),
            outcome: report.outcome,
            counts: counts.to_json(),
            error: report.error.clone(),
        }
    }

    fn look(&self, stop: &AtomicBool, observe: &dyn Fn(Step)) -> Result<Seen, IndexError> {
        let site = &self.indexer.site;
        let generation = match &self.store {
            Store::Real { writer, .. } => self.generation(writer)?,
            Store::Dry(Some(reader)) => self.generation(reader)?,
            Store::Dry(None) => 0,
        };
        let root = Root::open(&site.tree)?;
        let walk = Walk {
            threads: site.index.threads,
            exclude: &self.indexer.exclude,
            stop,
        };
        let progress = |files| observe(Step::Walking(files));
        let walked = root.walk(&self.request.directory, walk, &progress)?;
        observe(Step::Comparing(walked.files));
        match &self.store {
            Store::Real { writer, .. } => self.compare(Some(writer), &root, walked, generation),
            Store::Dry(reader) => self.compare(reader.as_ref(), &root, walked, generation),
        }
    }

    fn generation(&self, database: &impl Queryable) -> Result<i64, IndexError> {
        catalogue::generation(database).map_err(|error| self.indexer.database_error(error))
    }

    fn compare(
        &self,
        database: Option<&impl Queryable>,
        root: &Root,
        mut walked: Walked,
        generation: i64,
    ) -> Result<Seen, IndexError> {
        let site = &self.indexer.site;
        let below = &self.request.directory;
        let fail = |error| self.indexer.database_error(error);
        let mut counts = Counts::new(&walked);
        let unreadable = std::mem::take(&mut walked.unreadable);
        let comparison = compare(database, below, walked).map_err(fail)?;
        counts.add_comparison(&comparison);
        let whole = match database {
            Some(database) if !below.is_empty() => catalogue::count(database).map_err(fail)?,
            _ => comparison.catalogued,
        };
        if !below.is_empty() && comparison.catalogued == 0 && !root.has_directory(below) {
            return Err(IndexError::NoSuchDirectory {
                directory: below.escape_ascii().to_string(),
                tree: site.tree.clone(),
            });
        }
        let mut report = Report {
            site: site.name.clone(),
            directory: below.clone(),
            outcome: Outcome::Ok,
            dry_run: self.request.dry_run,
            counts,
            unreadable,
            error: String::new(),
            run: match &self.store {
                Store::Real { id, .. } => Some(*id),
                Store::Dry(_) => None,
            },
        };
        if let Some(first) = report.unreadable.first() {
            report.outcome = Outcome::Partial;
            report.error = format!(
                "{} places could not be read, among them '{}': {}",
                counts.unreadable,
                first.path.escape_ascii(),
                first.reason
            );
        }
        Ok(Seen {
            generation,
            was_empty: whole == 0,
            suspicion: self.suspicion(&counts, whole),
            comparison,
            report,
        })
    }

    /// An unmounted disk looks like an empty tree, and half a publication like half of one.
    fn suspicion(&self, counts: &Counts, catalogue: u64) -> Option<String> {
        let site = &self.indexer.site;
        let tree = site.tree.display();
        let whole_tree = self.request.directory.is_empty();
        if whole_tree && counts.files == 0 && counts.unreadable == 0 {
            return Some(format!(
                "the tree {tree} has no files, the catalogue has {catalogue}"
            ));
        }
        let share_max = site.index.vanished_share_max;
        let share = counts.removed as f64 / (catalogue.max(1)) as f64;
        (share > share_max).then(|| {
            format!(
                "{} of the {catalogue} files of {tree} have vanished, a larger share than \
                 index.vanished_share_max = {share_max}",
                counts.removed
            )
        })
    }

    /// Makes all changes and records the end, or does nothing.
    fn write(
        &mut self,
        seen: &mut Seen,
        stop: &AtomicBool,
        observe: &dyn Fn(Step),
    ) -> Result<(), Abort> {
        let mut end = self.end(&seen.report);
        let took_ms = self.took_ms();
        let Store::Real { writer, id, .. } = &mut self.store else {
            return Ok(());
        };
        writer.attempt(|transaction| {
            if catalogue::generation(transaction)? != seen.generation {
                return Err(Abort::Moved);
            }
            let counts = &mut seen.report.counts;
            if counts.added + counts.changed > 0 && !seen.was_empty {
                counts.first_id = Some(catalogue::next_id(transaction)?);
                counts.changed_at = Some(end.at.0);
                end.counts = Counts { took_ms, ..*counts }.to_json();
            }
            change_all(
                transaction,
                &seen.comparison.changes,
                end.at,
                (stop, observe),
            )?;
            if let Some(suspicion) = &seen.suspicion {
                let what = format!("changed by --force although {suspicion}");
                event::record(transaction, end.at, ACTOR, None, &what)?;
            }
            run::end(transaction, *id, &end)?;
            // The last moment at which a signal still means that nothing was changed.
            if stop.load(Ordering::Relaxed) {
                return Err(Abort::Stopped);
            }
            Ok(())
        })
    }

    /// The catalogue is what counts; a tree that cannot be written is only told.
    fn tell_generation(&self) {
        let site = &self.indexer.site;
        let Store::Real { writer, .. } = &self.store else {
            return;
        };
        if !site.index.write_generation {
            return;
        }
        let written = catalogue::generation(writer)
            .map_err(|error| chain(&error))
            .and_then(|number| {
                generation::write(&site.tree, number).map_err(|error| error.to_string())
            });
        if let Err(error) = written {
            log::warn!(
                "the generation is not written: file={}/{GENERATION_NAME} error=\"{error}\"",
                site.tree.display()
            );
        }
    }

    fn shrink_wal(&self) {
        if let Store::Real { writer, .. } = &self.store
            && let Err(error) = writer.shrink_wal()
        {
            log::warn!("the WAL stays large: {}", chain(&error));
        }
    }
}
