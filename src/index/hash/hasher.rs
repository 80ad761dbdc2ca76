//! Hashes the files of one site: plans a run, feeds the pool, stores the results.

use crate::program::clock::now;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;

use super::super::error::IndexError;
use super::super::lock::{Activity, IndexLock};
use super::feed::Feed;
use super::plan::{HashPlan, HashRequest};
use super::pool::{FileEnd, Pool};
use super::report::{FAILURES_LISTED_MAX, HashCounts, HashFailure, HashReport};
use super::store::Batch;
use crate::config::SiteConfig;
use crate::db::run::{self, GuardedRuns, RunEnd, RunId, RunOutcome};
use crate::db::{DbError, Writer, catalogue, hash_state, open_reader, open_writer};
use crate::domain::run_counts::RunCounts;
use crate::program::exit::chain;
use crate::tree::Root;

/// Number of results that may wait for the storing thread; a thread with one more waits, too.
const RESULTS_WAITING_MAX: usize = 64;

/// Time between two checks of the stop flag, the progress and due results while no result arrives.
const TICK: Duration = Duration::from_millis(100);

/// Time between two checks for new files in the catalogue while very long files are read.
const NEWS_INTERVAL: Duration = Duration::from_secs(5);

/// Name of the threads, for `top -H`.
const THREAD_NAME: &str = "hash";

/// Hashes the files of one site.
#[derive(Debug)]
pub struct Hasher {
    site: Arc<SiteConfig>,
}

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashStep {
    /// Number of bytes read so far, and the total.
    Reading(u64, u64),
}

/// A run, of which there is only one per database at a time.
#[derive(Debug)]
pub struct HashRun<'a> {
    site: &'a SiteConfig,
    request: HashRequest,
    writer: Option<Writer>,
    /// The row in which the run is recorded; `None` if it is not recorded.
    record: Option<RunId>,
    _lock: Option<IndexLock>,
    began: Instant,
    counts: HashCounts,
    failures: Vec<HashFailure>,
    /// Files that this run has tried or is trying; it does not try them twice.
    tried: RoaringBitmap,
}

impl Hasher {
    /// Makes a hasher for one site.
    pub fn new(site: Arc<SiteConfig>) -> Hasher {
        Hasher { site }
    }

    /// Begins a run. `record` is the index run that it belongs to; if there is none, the run gets a
    /// row of its own.
    ///
    /// # Errors
    /// Returns [`IndexError::Locked`] if another program hashes, [`IndexError::Lock`] or
    /// [`IndexError::Hashes`] if the lock or the database is not available.
    pub fn start(
        &self,
        request: HashRequest,
        record: Option<RunId>,
    ) -> Result<HashRun<'_>, IndexError> {
        let site = &*self.site;
        let mut run = HashRun {
            site,
            request,
            writer: None,
            record,
            _lock: None,
            began: Instant::now(),
            counts: HashCounts::default(),
            failures: Vec::new(),
            tried: RoaringBitmap::new(),
        };
        if run.request.dry_run {
            return Ok(run);
        }
        run._lock = Some(IndexLock::take(&site.database, Activity::Hashing, now())?);
        let opened = open_writer(&site.database).and_then(|mut writer| {
            writer.expect_long_rows()?;
            let is_part = run.record.is_some();
            let begun = writer.transaction(|transaction| {
                run::mark_killed(transaction, GuardedRuns::Hashing, now())?;
                if is_part {
                    return Ok(None);
                }
                run::begin_hashing(transaction, now()).map(Some)
            })?;
            run.record = run.record.or(begun);
            Ok(writer)
        });
        run.writer = Some(opened.map_err(|error| run.error(error))?);
        Ok(run)
    }
}

impl<'a> HashRun<'a> {
    fn error(&self, source: DbError) -> IndexError {
        IndexError::Hashes {
            database: self.site.database.clone(),
            source,
        }
    }

    /// Executes the run. `stop` ends it early; `observe` is called with the progress. Everything
    /// that was stored stays.
    ///
    /// # Errors
    /// Returns [`IndexError`] if the run fails or is stopped.
    pub fn execute(
        mut self,
        stop: &AtomicBool,
        observe: &dyn Fn(HashStep),
    ) -> Result<HashReport, IndexError> {
        let result = match self.writer.take() {
            None => self.look(),
            Some(mut writer) => {
                let result = self.passes(&mut writer, stop, observe);
                self.end(&mut writer, &result);
                result
            }
        };
        result.map(|()| self.report())
    }

    fn report(&mut self) -> HashReport {
        self.counts.hashing_ms = self.began.elapsed().as_millis() as u64;
        let outcome = match self.counts.unhashed {
            0 => RunOutcome::Ok,
            _ => RunOutcome::Partial,
        };
        HashReport {
            site: self.site.name.clone(),
            outcome,
            dry_run: self.request.dry_run,
            counts: self.counts,
            failures: self.failures.clone(),
        }
    }

    /// A dry run, which only counts; without a database there is nothing to hash yet.
    fn look(&mut self) -> Result<(), IndexError> {
        let reader = match open_reader(&self.site.database) {
            Ok(reader) => reader,
            Err(DbError::Missing { .. }) => return Ok(()),
            Err(error) => return Err(self.error(error)),
        };
        let mut counts = HashCounts::default();
        let looked = HashPlan::new(self.site, &self.request, &reader).and_then(|plan| {
            let range = (&b""[..], &self.request.directory[..]);
            hash_state::for_each(&reader, range, |path, state| {
                if let Some(job) = plan.job(path, &state) {
                    log::debug!("hash path='{}'", path.escape_ascii());
                    counts.hashed += u64::from(!job.kinds.is_empty());
                    counts.hashed_bytes += job.bytes();
                    counts.signatures += u64::from(job.kinds.is_empty());
                }
                ControlFlow::Continue(())
            })
        });
        self.counts = counts;
        looked.map_err(|error| self.error(error))
    }

    /// Hashes in passes: as long as another index run has changed the catalogue since the last
    /// check, there is one more pass for the new files.
    fn passes(
        &mut self,
        writer: &mut Writer,
        stop: &AtomicBool,
        observe: &dyn Fn(HashStep),
    ) -> Result<(), IndexError> {
        let site = self.site;
        let request = self.request.clone();
        loop {
            let fail = |error| IndexError::Hashes {
                database: site.database.clone(),
                source: error,
            };
            let mut generation = catalogue::generation(writer).map_err(fail)?;
            let plan = HashPlan::new(site, &request, writer).map_err(fail)?;
            let feed = Feed::new(&plan, &request.directory, writer, &self.tried).map_err(fail)?;
            if !feed.is_empty() {
                generation = self.pass(writer, (feed, generation), stop, observe)?;
            }
            if catalogue::generation(writer).map_err(fail)? == generation {
                return Ok(());
            }
        }
    }

    /// Hashes the files of the feed and, while a very long file keeps the threads busy, files that
    /// are added to the catalogue meanwhile. Returns the generation that was seen last.
    fn pass(
        &mut self,
        writer: &mut Writer,
        (feed, generation): (Feed<'_>, i64),
        stop: &AtomicBool,
        observe: &dyn Fn(HashStep),
    ) -> Result<i64, IndexError> {
        let (site, request) = (self.site, self.request.clone());
        let fail = |error| IndexError::Hashes {
            database: site.database.clone(),
            source: error,
        };
        let root = Root::open(&self.site.tree)?;
        let pool = Pool::new(&root);
        std::thread::scope(|scope| {
            // The threads end, however this function ends.
            let _stop = StopAtEnd(&pool);
            let results = start_threads(scope, &pool, self.site.hashes.threads)?;
            let threads = (&pool, &results);
            let mut seen = generation;
            let mut news = self.conduct(writer, threads, (feed, seen), (stop, observe))?;
            while let Some(generation) = news {
                seen = generation;
                let plan = HashPlan::new(site, &request, writer).map_err(fail)?;
                let tried = self.tried.clone();
                let feed = Feed::new(&plan, &request.directory, writer, &tried).map_err(fail)?;
                news = self.conduct(writer, threads, (feed, seen), (stop, observe))?;
            }
            Ok(seen)
        })
    }

    /// Feeds the pool and stores the results until all is done. If the catalogue gets another
    /// generation than `seen` while the pool is still working, returns that generation.
    fn conduct(
        &mut self,
        writer: &mut Writer,
        (pool, results): (&Pool<'_>, &Receiver<FileEnd>),
        (mut feed, seen): (Feed<'_>, i64),
        (stop, observe): (&AtomicBool, &dyn Fn(HashStep)),
    ) -> Result<Option<i64>, IndexError> {
        let mut batch = Batch::default();
        let mut looked = Instant::now();
        let ended = loop {
            if stop.load(Ordering::Relaxed) {
                break Err(IndexError::HashingStopped);
            }
            feed.fill(pool, writer, now())
                .map_err(|error| self.error(error))?;
            if feed.is_done() && pool.is_idle() {
                pool.close();
            } else if feed.is_done() && looked.elapsed() >= NEWS_INTERVAL {
                looked = Instant::now();
                let now = catalogue::generation(writer).map_err(|error| self.error(error))?;
                if now != seen {
                    break Ok(Some(now));
                }
            }
            match results.recv_timeout(TICK) {
                Ok(done) => self.take(done, &mut batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Ok(None),
            }
            if batch.is_due() {
                self.store(writer, &mut batch)?;
            }
            observe(HashStep::Reading(pool.bytes(), feed.total_bytes()));
        };
        self.tried |= feed.tried();
        self.store(writer, &mut batch)?;
        ended
    }

    fn take(&mut self, done: FileEnd, batch: &mut Batch) {
        self.tried.insert(done.job.id.0);
        let trouble = match done.result {
            Ok(record) => return batch.add(done.job, record),
            Err(trouble) => trouble,
        };
        self.counts.unhashed += 1;
        if self.failures.len() < FAILURES_LISTED_MAX {
            self.failures.push(HashFailure {
                path: done.job.path,
                reason: chain(&trouble),
            });
        }
    }

    fn store(&mut self, writer: &mut Writer, batch: &mut Batch) -> Result<(), IndexError> {
        let stored = batch.store(writer).map_err(|error| self.error(error))?;
        self.counts.hashed += stored.files;
        self.counts.hashed_bytes += stored.bytes;
        self.counts.signatures += stored.signatures;
        Ok(())
    }

    /// Records the end: in the index run's row, which already has the outcome of indexing, or in
    /// its own row.
    fn end(&mut self, writer: &mut Writer, result: &Result<(), IndexError>) {
        let report = self.report();
        let Some(id) = self.record else {
            return;
        };
        let (outcome, error) = match result {
            Ok(()) => (report.outcome, String::new()),
            Err(error) => (error.outcome(), chain(error)),
        };
        let end = RunEnd {
            at: now(),
            outcome,
            counts: RunCounts::of(&report.counts),
            error,
            note: report.note(),
        };
        let recorded = writer.transaction(|transaction| run::add_to_end(transaction, id, &end));
        if let Err(error) = recorded {
            log::warn!("the end of the run is not recorded: {}", chain(&error));
        }
        if let Err(error) = writer.shrink_wal() {
            log::warn!("the WAL stays large: {}", chain(&error));
        }
    }
}

struct StopAtEnd<'a, 'b>(&'a Pool<'b>);

impl Drop for StopAtEnd<'_, '_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Starts the reading thread and the digesting threads.
fn start_threads<'scope>(
    scope: &'scope Scope<'scope, '_>,
    pool: &'scope Pool<'_>,
    threads: usize,
) -> Result<Receiver<FileEnd>, IndexError> {
    let (sender, results) = sync_channel(RESULTS_WAITING_MAX);
    let start = |work: &'static str| Builder::new().name(format!("{THREAD_NAME}-{work}"));
    let failed = |error: io::Error| IndexError::Thread(error);
    let done = sender.clone();
    start("read")
        .spawn_scoped(scope, move || pool.read(&done))
        .map_err(failed)?;
    for _ in 0..threads {
        let done = sender.clone();
        start("digest")
            .spawn_scoped(scope, move || pool.digest(&done))
            .map_err(failed)?;
    }
    Ok(results)
}
