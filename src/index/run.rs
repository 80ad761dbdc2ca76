//! Executes one index run: walks, compares, checks whether files seem to be lost, and applies all
//! changes at once.

use super::lock::{Activity, IndexLock};
use super::step::IndexStep;
use crate::config::SiteConfig;
use crate::db::run::{GuardedRuns, RunId, RunKind};
use crate::db::{DbError, Reader, Writer, open_reader, open_writer};
use crate::domain::path::FilePath;
use crate::domain::pattern::Pattern;
use crate::program::clock::now;
use crate::snapshot::refresh_table;
use crate::tree::WalkError;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::apply::{Abort, change_all, log_changes};
use super::compare::{Comparison, compare};
use super::error::IndexError;
use super::generation;
use super::manifest::ListedFiles;
use super::marker::ChangedMarkers;
use super::report::{IndexCounts, IndexReport};
use crate::db::catalogue;
use crate::db::event;
use crate::db::open::Queryable;
use crate::db::run;
use crate::db::run::{RunEnd, RunOutcome};
use crate::domain::run_counts::RunCounts;
use crate::domain::trace::GENERATION_NAME;
use crate::program::exit::chain;
use crate::tree::{Root, TreeListing, WalkOptions};

/// Number of times that a run starts because the catalogue was changed meanwhile. Only an import
/// does that; more attempts would mean that something is badly wrong.
const ATTEMPTS_MAX: u32 = 3;

/// The author of events that an index run records.
const ACTOR: &str = "heliostat-index";

/// A run that has begun; see [`Indexer::start`].
#[derive(Debug)]
pub struct IndexRun<'a> {
    pub(super) indexer: &'a Indexer,
    pub(super) request: IndexRequest,
    pub(super) store: Store,
    pub(super) began: Instant,
}

/// The result of one attempt.
struct IndexObservations {
    /// The catalogue's generation before it was read.
    generation: i64,
    comparison: Comparison,
    /// Whether the catalogue had no files.
    was_empty: bool,
    report: IndexReport,
    /// Reason for which an admin should check the result first.
    suspicion: Option<String>,
}

/// Ids from which a run warns: half of all. With 1 % of ten million files changed each day, 2^31
/// ids last for 58 years, and so does the other half.
const FILE_IDS_WARNED: i64 = 1 << 31;

impl IndexRun<'_> {
    /// Executes the run. `stop` ends it without a change; `observe` is called with the progress.
    ///
    /// # Errors
    /// Returns [`IndexError`] if the run fails; then it is recorded as failed or interrupted.
    pub fn execute(
        mut self,
        stop: &AtomicBool,
        observe: &dyn Fn(IndexStep),
    ) -> Result<IndexReport, IndexError> {
        let result = self.attempts(stop, observe);
        let end = match &result {
            Err(error) => RunEnd {
                at: now(),
                outcome: error.outcome(),
                counts: RunCounts::default(),
                error: chain(error),
                note: String::new(),
            },
            Ok(report) if report.outcome == RunOutcome::Suspicious => self.end(report),
            // The end was recorded together with the changes.
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
        observe: &dyn Fn(IndexStep),
    ) -> Result<IndexReport, IndexError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut seen = self.look(stop, observe)?;
            log_changes(&seen.comparison.changes);
            if let Some(suspicion) = seen.suspicion.take_if(|_| !self.request.force) {
                seen.report.outcome = RunOutcome::Suspicious;
                let remedy = match seen.was_empty {
                    true => "put files there, mount its disk, or correct `tree`",
                    false => {
                        "nothing was changed; check that the disk is mounted; if the files are \
                         really gone, run again with --force"
                    }
                };
                seen.report.error = format!("{suspicion}; {remedy}");
                return Ok(self.finished(seen.report));
            }
            if self.request.dry_run {
                return Ok(self.finished(seen.report));
            }
            match self.write(&mut seen, stop, observe) {
                Ok(()) => {
                    self.shrink_wal();
                    self.refresh_table();
                    self.warn_of_ids();
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

    fn finished(&self, mut report: IndexReport) -> IndexReport {
        report.counts.took_ms = self.took_ms();
        report
    }

    fn took_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn end(&self, report: &IndexReport) -> RunEnd {
        let mut counts = report.counts;
        counts.took_ms = self.took_ms();
        RunEnd {
            at: now(),
            outcome: report.outcome,
            counts: RunCounts::of(&counts),
            error: report.error.clone(),
            note: report.note.clone(),
        }
    }

    fn look(
        &self,
        stop: &AtomicBool,
        observe: &dyn Fn(IndexStep),
    ) -> Result<IndexObservations, IndexError> {
        let site = &self.indexer.site;
        let generation = match &self.store {
            Store::Real { writer, .. } => self.generation(writer)?,
            Store::Dry(Some(reader)) => self.generation(reader)?,
            Store::Dry(None) => 0,
        };
        if let Some(listed) = &self.request.listed {
            let walked = TreeListing::of_files(&listed.files);
            return match &self.store {
                Store::Real { writer, .. } => self.compare(Some(writer), None, walked, generation),
                Store::Dry(reader) => self.compare(reader.as_ref(), None, walked, generation),
            };
        }
        let root = Root::open(&site.tree)?;
        let walk = WalkOptions {
            threads: site.index.threads,
            exclude: &self.indexer.exclude,
            stop,
        };
        let progress = |files| observe(IndexStep::Walking(files));
        let walked = root.walk(&self.request.directory, walk, &progress)?;
        observe(IndexStep::Comparing(walked.files));
        match &self.store {
            Store::Real { writer, .. } => {
                self.compare(Some(writer), Some(&root), walked, generation)
            }
            Store::Dry(reader) => self.compare(reader.as_ref(), Some(&root), walked, generation),
        }
    }

    fn generation(&self, database: &impl Queryable) -> Result<i64, IndexError> {
        catalogue::generation(database).map_err(|error| self.indexer.database_error(error))
    }

    fn compare(
        &self,
        database: Option<&impl Queryable>,
        root: Option<&Root>,
        mut walked: TreeListing,
        generation: i64,
    ) -> Result<IndexObservations, IndexError> {
        let site = &self.indexer.site;
        let below = &self.request.directory;
        let fail = |error| self.indexer.database_error(error);
        let mut counts = IndexCounts::new(&walked);
        let unreadable = std::mem::take(&mut walked.unreadable);
        let comparison = compare(database, (below, &site.markers), walked).map_err(fail)?;
        counts.add_comparison(&comparison);
        let whole = match database {
            Some(database) if !below.is_empty() => catalogue::count(database).map_err(fail)?,
            _ => comparison.catalogued,
        };
        let is_unknown = comparison.catalogued == 0 && counts.unreadable == 0;
        if let Some(root) = root
            && !below.is_empty()
            && is_unknown
            && !root.has_directory(below)?
        {
            return Err(IndexError::NoSuchDirectory {
                directory: below.escape_ascii().to_string(),
                tree: site.tree.clone(),
            });
        }
        let mut report = IndexReport {
            site: site.name.clone(),
            directory: below.clone(),
            outcome: RunOutcome::Ok,
            dry_run: self.request.dry_run,
            counts,
            unreadable,
            error: String::new(),
            note: String::new(),
            run: match &self.store {
                Store::Real { id, .. } => Some(*id),
                Store::Dry(_) => None,
            },
        };
        if let Some(first) = report.unreadable.first() {
            report.outcome = RunOutcome::Partial;
            report.note = format!(
                "{} places could not be read, among them '{}': {}",
                counts.unreadable,
                first.path.escape_ascii(),
                first.reason
            );
        }
        Ok(IndexObservations {
            generation,
            was_empty: whole == 0,
            suspicion: self.suspicion(&counts, whole),
            comparison,
            report,
        })
    }

    /// Returns the reason if the result looks wrong: an unmounted disk looks like an empty tree,
    /// and an unfinished publication like a tree that lost half of its files.
    fn suspicion(&self, counts: &IndexCounts, catalogue: u64) -> Option<String> {
        let site = &self.indexer.site;
        let listed = self.request.listed.as_ref();
        let tree = listed.map(|listed| listed.source.clone());
        let tree = tree.unwrap_or_else(|| site.tree.display().to_string());
        let whole_tree = self.request.directory.is_empty();
        if whole_tree && counts.files == 0 && counts.unreadable == 0 {
            return Some(match catalogue {
                0 => format!("the tree {tree} has no files yet"),
                _ => format!("the tree {tree} has no files, the catalogue has {catalogue}"),
            });
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

    /// Applies all changes and records the end, or does nothing.
    fn write(
        &mut self,
        seen: &mut IndexObservations,
        stop: &AtomicBool,
        observe: &dyn Fn(IndexStep),
    ) -> Result<(), Abort> {
        let mut end = self.end(&seen.report);
        let took_ms = self.took_ms();
        let Store::Real { writer, id, .. } = &mut self.store else {
            return Ok(());
        };
        let site = &self.indexer.site;
        let markers = ChangedMarkers::read(site, &seen.comparison, writer, stop)?;
        writer.attempt(|transaction| {
            if catalogue::generation(transaction)? != seen.generation {
                return Err(Abort::Moved);
            }
            let counts = &mut seen.report.counts;
            if counts.added + counts.changed > 0 && !seen.was_empty {
                counts.first_id = Some(catalogue::next_id(transaction)?);
                counts.changed_at = Some(end.at.0);
            }
            change_all(
                transaction,
                (&seen.comparison.changes, &markers),
                end.at,
                (stop, observe),
            )?;
            let made = catalogue::generation(transaction)?;
            counts.generation = Some(made).filter(|made| *made != seen.generation);
            end.counts = RunCounts::of(&IndexCounts { took_ms, ..*counts });
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

    /// Writes the generation into the tree. If that fails, the run is still a success, because the
    /// catalogue is up to date; the failure is only logged.
    fn tell_generation(&self) {
        let site = &self.indexer.site;
        let Store::Real { writer, .. } = &self.store else {
            return;
        };
        if !site.index.write_generation || site.origin.is_some() {
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

    /// Warns while half of all file ids is left, which no database gets back.
    fn warn_of_ids(&self) {
        let Store::Real { writer, .. } = &self.store else {
            return;
        };
        if let Ok(next) = catalogue::next_id(writer)
            && let Some(warning) = ids_warning(next)
        {
            log::warn!("site={}: {warning}", self.indexer.site.name);
        }
    }

    /// Writes the table that a start of the responder reads. Without it, a start takes longer.
    fn refresh_table(&self) {
        if let Store::Real { writer, .. } = &self.store
            && let Err(error) = refresh_table(writer.path())
        {
            log::warn!(
                "starts of heliostat-fcgi will take longer: {}",
                chain(&error)
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

/// The warning for a database whose next new version gets this id, if there is any.
fn ids_warning(next: i64) -> Option<String> {
    (next > FILE_IDS_WARNED).then(|| {
        let percent = next * 100 / i64::from(u32::MAX);
        format!(
            "{percent} % of all file ids are used up; before they end, make a new database: index \
             into another file, import or scan the mirrors there, and put it in the place of this \
             one"
        )
    })
}

/// Indexes one site.
#[derive(Debug)]
pub struct Indexer {
    pub(super) site: Arc<SiteConfig>,
    pub(super) exclude: Vec<Pattern>,
}

/// The options of a run.
#[derive(Debug, Clone, Default)]
pub struct IndexRequest {
    /// Path of the subtree relative to the tree, "" for all.
    pub directory: Vec<u8>,
    /// Whether the run may remove any number of files.
    pub force: bool,
    /// Whether the run must not change anything.
    pub dry_run: bool,
    /// The files, where the site has no tree.
    pub listed: Option<Arc<ListedFiles>>,
}

/// The database with which a run compares, and to which it writes.
#[derive(Debug)]
pub(super) enum Store {
    /// The run's row exists, and no other program indexes.
    Real {
        writer: Writer,
        id: RunId,
        _lock: IndexLock,
    },
    /// A database only for comparing; `None`: there is no database yet.
    Dry(Option<Reader>),
}

impl Indexer {
    /// Makes an indexer for one site.
    pub fn new(site: Arc<SiteConfig>) -> Indexer {
        let exclude = site.index.exclude.iter();
        Indexer {
            exclude: exclude.map(|mask| Pattern::new(mask)).collect(),
            site,
        }
    }

    /// Finds a directory's canonical path relative to the tree. It may be given relative to the
    /// tree or absolute, and need not exist any more.
    ///
    /// # Errors
    /// Returns [`IndexError::NoSuchDirectory`] if it is a file or outside of the tree,
    /// [`IndexError::Excluded`] if a mask excludes it, and [`IndexError::Walk`] if the tree cannot
    /// be read.
    pub fn directory(&self, given: &Path) -> Result<Vec<u8>, IndexError> {
        let tree = &self.site.tree;
        let missing = || IndexError::NoSuchDirectory {
            directory: given.display().to_string(),
            tree: tree.clone(),
        };
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |source| IndexError::Walk(WalkError::Root { path, source })
        };
        let root = tree.canonicalize().map_err(unreadable(tree))?;
        let below = match tree.join(given).canonicalize() {
            Ok(real) => {
                let found = std::fs::metadata(&real).map_err(unreadable(&real))?;
                let below = real.strip_prefix(&root).map_err(|_| missing())?;
                if !found.is_dir() {
                    return Err(missing());
                }
                below.as_os_str().as_bytes().to_vec()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let below = given.strip_prefix(tree).unwrap_or(given);
                let path = FilePath::parse(below.as_os_str().as_bytes()).map_err(|_| missing())?;
                path.as_bytes().to_vec()
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(missing()),
            Err(error) => return Err(unreadable(&tree.join(given))(error)),
        };
        let masks = || std::iter::zip(&self.exclude, &self.site.index.exclude);
        let excluded = below
            .split(|&byte| byte == b'/')
            .find_map(|component| masks().find(|(mask, _)| mask.matches(component)));
        if let Some((_, name)) = excluded {
            return Err(IndexError::Excluded {
                directory: given.display().to_string(),
                name: name.clone(),
            });
        }
        Ok(below)
    }

    /// Begins a run: takes the lock, opens the database and records the beginning.
    ///
    /// # Errors
    /// Returns [`IndexError::Locked`], [`IndexError::Lock`] or [`IndexError::Database`] if the lock
    /// or the database is not available, and [`IndexError::Walk`] if there is neither a tree nor a
    /// database.
    pub fn start(&self, request: IndexRequest) -> Result<IndexRun<'_>, IndexError> {
        let began = Instant::now();
        let database = &self.site.database;
        if matches!(database.try_exists(), Ok(false)) {
            // A mistyped tree must not leave an empty database behind.
            if request.listed.is_none() {
                Root::open(&self.site.tree)?;
            }
        }
        let store = if request.dry_run {
            match open_reader(database) {
                Ok(reader) => Store::Dry(Some(reader)),
                Err(DbError::Missing { .. }) => Store::Dry(None),
                Err(error) => return Err(self.database_error(error)),
            }
        } else {
            let lock = IndexLock::take(database, Activity::Indexing, now())?;
            let begin = |writer: &mut Writer| {
                writer.transaction(|transaction| {
                    let guarded = GuardedRuns::All(RunKind::Index);
                    run::mark_killed(transaction, guarded, now())?;
                    run::begin(transaction, RunKind::Index, None, now())
                })
            };
            let opened = open_writer(database).and_then(|mut writer| {
                let id = begin(&mut writer)?;
                Ok((writer, id))
            });
            let (writer, id) = opened.map_err(|error| self.database_error(error))?;
            Store::Real {
                writer,
                id,
                _lock: lock,
            }
        };
        Ok(IndexRun {
            indexer: self,
            request,
            store,
            began,
        })
    }

    pub(super) fn database_error(&self, source: DbError) -> IndexError {
        IndexError::Database {
            database: self.site.database.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_run_out_are_told_of_in_time() {
        assert_eq!(ids_warning(FILE_IDS_WARNED), None);
        let warning = ids_warning(FILE_IDS_WARNED + 1).expect("a warning");
        assert!(warning.starts_with("50 % of all file ids"), "{warning}");
    }
}
