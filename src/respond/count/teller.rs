//! The thread that adds events up, and writes spool files and the sums for metrics.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::batch::{BATCHES_MAX, EventBatch};
use super::recorder::Recorder;
use super::shared::{CountShared, SiteTotals};
use super::spool_folder;
use crate::config::SiteConfig;
use crate::db::open_reader;
use crate::db::overview::facts::facts;
use crate::domain::count::column::{CountColumn, CountEvent};
use crate::domain::count::joins::Joins;
use crate::domain::count::sample::RedirectSample;
use crate::domain::count::spool::SpoolHead;
use crate::domain::count::tally::CountTally;
use crate::domain::count::totals::Totals;
use crate::domain::file::FileVersion;
use crate::domain::metric::facts::DatabaseFacts;
use crate::domain::time::Timestamp;
use crate::program::clock::now;
use crate::respond::state::ResponderState;
use crate::system::host_name;

/// A spool file covers one minute, so it lies within one hour and one day.
const PERIOD_S: i64 = 60;

/// Largest time between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How old the sums for metrics may be.
const TOTALS_EVERY: Duration = Duration::from_millis(500);

/// How old the facts about mirrors and programs may be.
const FACTS_EVERY: Duration = Duration::from_secs(30);

/// Memory that all sums may take, by estimate. Above it, spool files are written before the minute
/// is over.
const TALLY_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Longest time that the shutdown waits for the last statistics. If a disk hangs, a minute is lost.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// Shortest life of a seed in seconds; up to an hour is added, so that nobody knows when it ends.
const SEED_S: i64 = 23 * 3600;

/// Adds up the events of all workers.
struct Teller {
    batches: Receiver<EventBatch>,
    shared: Arc<CountShared>,
    state: Arc<ArcSwap<ResponderState>>,
    /// When the databases were last asked.
    facts_at: Option<Instant>,
    joins: Joins,
    sites: Vec<SiteSums>,
    boot: u64,
    seq: u64,
    host: String,
    seed_until: Timestamp,
    told_at: Instant,
    has_news: bool,
}

/// The sums of one site.
struct SiteSums {
    config: Arc<SiteConfig>,
    tally: CountTally,
    totals: Totals,
    /// Begin of the period.
    from: Timestamp,
    /// The last problem with the spool folder, which is logged once.
    complaint: String,
}

/// Counting, as the life cycle of the responder sees it.
pub(in crate::respond) struct Counting {
    batches: SyncSender<EventBatch>,
    shared: Arc<CountShared>,
    ended: Mutex<Receiver<()>>,
}

impl Counting {
    /// Starts the teller.
    ///
    /// # Errors
    /// Returns the error of the system if there can be no further thread.
    pub fn begin(state: &Arc<ArcSwap<ResponderState>>) -> std::io::Result<Counting> {
        let shared = CountShared::new();
        let (batches, incoming) = sync_channel(BATCHES_MAX);
        let (end, ended) = sync_channel(1);
        let teller = Teller::new(incoming, Arc::clone(&shared), Arc::clone(state));
        let thread = std::thread::Builder::new().name("teller".to_owned());
        thread.spawn(move || {
            teller.run();
            // The receiver may have gone.
            let _ = end.send(());
        })?;
        Ok(Counting {
            batches,
            shared,
            ended: Mutex::new(ended),
        })
    }

    /// A recorder for one worker.
    pub fn recorder(&self) -> Recorder {
        Recorder::new(self.batches.clone(), Arc::clone(&self.shared))
    }

    /// The state that workers and teller share.
    pub fn shared(&self) -> Arc<CountShared> {
        Arc::clone(&self.shared)
    }

    /// Waits until the last statistics are written, but not for long; the workers have ended.
    pub fn end(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(self.batches);
        let ended = self.ended.into_inner();
        let ended = ended.unwrap_or_else(PoisonError::into_inner);
        // Without an answer, the last minute is lost.
        let _ = ended.recv_timeout(END_PATIENCE);
    }
}

fn next_seed(now: Timestamp) -> Timestamp {
    Timestamp(now.0 + SEED_S + fastrand::i64(0..3600))
}

impl Teller {
    fn new(
        batches: Receiver<EventBatch>,
        shared: Arc<CountShared>,
        state: Arc<ArcSwap<ResponderState>>,
    ) -> Teller {
        Teller {
            batches,
            shared,
            state,
            facts_at: None,
            joins: Joins::default(),
            sites: Vec::new(),
            boot: fastrand::u64(..),
            seq: 0,
            host: host_name(),
            seed_until: next_seed(now()),
            told_at: Instant::now(),
            has_news: false,
        }
    }

    /// Adds up until all workers have ended or the teller is told to stop; then writes its sums.
    fn run(mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.tell()));
        if ended.is_err() {
            log::error!("requests are not counted any more after a bug; please report it");
        }
    }

    fn tell(&mut self) {
        loop {
            match self.batches.recv_timeout(LOOK_EVERY) {
                Ok(batch) => self.take(&batch),
                Err(RecvTimeoutError::Timeout) => {
                    if self.shared.stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look_at_clock(now());
        }
        let now = now();
        for index in 0..self.sites.len() {
            self.write(index, now);
        }
        self.publish();
    }

    fn take(&mut self, batch: &EventBatch) {
        let sites: Vec<usize> = batch.sites.iter().map(|site| self.site(site)).collect();
        let mut text = &batch.text[..];
        for event in &batch.events {
            let (path, rest) = text.split_at(event.lengths.0 as usize);
            let (mirror, rest) = rest.split_at(event.lengths.1 as usize);
            text = rest;
            let mut kind = event.kind;
            let site = &mut self.sites[sites[usize::from(event.site)]];
            if event.key != 0 {
                let (column, is_full) = self.joins.judge(event.key, event.at, event.has_range);
                kind.column = column;
                if is_full {
                    site.totals.add_uncounted("joins-full", 1);
                }
            }
            let counted = CountEvent {
                kind,
                path,
                // Identifiers and hosts are text.
                mirror: std::str::from_utf8(mirror).unwrap_or_default(),
                country: event.country,
                asn: event.asn,
                bytes: event.bytes,
            };
            if site.config.stats.spool.is_some() {
                site.tally.add(&counted, &site.config.stats.products);
                site.sample(&counted, event.redirect);
            }
            if site.config.stats.metrics {
                site.totals.add(&counted);
                if event.took_ns > 0 {
                    site.totals.add_duration(event.took_ns.into());
                }
            }
        }
        self.has_news = true;
    }

    /// Index of a site, whose configuration may be a new one.
    fn site(&mut self, config: &Arc<SiteConfig>) -> usize {
        let known = self
            .sites
            .iter()
            .position(|site| site.config.name == config.name);
        match known {
            Some(index) => {
                self.sites[index].config = Arc::clone(config);
                index
            }
            None => {
                self.sites.push(SiteSums {
                    config: Arc::clone(config),
                    tally: CountTally::default(),
                    totals: Totals::default(),
                    from: now(),
                    complaint: String::new(),
                });
                self.sites.len() - 1
            }
        }
    }

    fn look_at_clock(&mut self, now: Timestamp) {
        let bytes: usize = self.sites.iter().map(|site| site.tally.bytes()).sum();
        for index in 0..self.sites.len() {
            let site = &self.sites[index];
            let is_over = now.0.div_euclid(PERIOD_S) != site.from.0.div_euclid(PERIOD_S);
            if is_over || bytes > TALLY_BYTES_MAX {
                self.write(index, now);
            }
        }
        if now >= self.seed_until {
            self.shared.seed.store(fastrand::u64(..), Ordering::Relaxed);
            self.joins.clear();
            self.seed_until = next_seed(now);
        }
        if self.has_news && self.told_at.elapsed() >= TOTALS_EVERY {
            self.publish();
        }
        if self.facts_at.is_none_or(|at| at.elapsed() >= FACTS_EVERY) {
            self.facts_at = Some(Instant::now());
            self.ask_databases(now);
        }
    }

    /// Reads facts about mirrors and programs from the databases of sites with metrics.
    fn ask_databases(&mut self, now: Timestamp) {
        let state = self.state.load_full();
        let sites = state.sites.iter();
        let sites = sites.filter(|site| site.config.stats.metrics);
        let facts = sites.map(|site| {
            let (name, database) = (&site.config.name, &site.config.database);
            let read = open_reader(database).and_then(|reader| facts(&reader, name, now));
            read.unwrap_or_else(|error| {
                // The keeper logs why a database cannot be read.
                log::debug!("no facts for metrics: site={name} error=\"{error}\"");
                DatabaseFacts {
                    site: name.clone(),
                    ..DatabaseFacts::default()
                }
            })
        });
        self.shared.facts.store(Arc::new(facts.collect()));
    }

    /// Publishes the sums for metrics.
    fn publish(&mut self) {
        let with_metrics = self.sites.iter().filter(|site| site.config.stats.metrics);
        let totals: SiteTotals = with_metrics
            .map(|site| (site.config.name.clone(), site.totals.clone()))
            .collect();
        self.shared.totals.store(Arc::new(totals));
        self.told_at = Instant::now();
        self.has_news = false;
    }

    /// Writes the spool file of a site, if it has any sums, and begins the next period.
    fn write(&mut self, index: usize, now: Timestamp) {
        let site = &mut self.sites[index];
        let tally = std::mem::take(&mut site.tally);
        let from = std::mem::replace(&mut site.from, now);
        let Some(folder) = &site.config.stats.spool else {
            return;
        };
        if tally.requests() == 0 {
            return;
        }
        let configured = &site.config.stats.front;
        let front = match configured.is_empty() {
            true => &self.host,
            false => configured,
        };
        let head = SpoolHead {
            front: front.clone(),
            boot: self.boot,
            seq: self.seq,
            // All of it belongs to the minute in which it began, also after a clock was changed.
            from,
            to: Timestamp(now.0.max(from.0)),
        };
        self.seq += 1;
        let written = spool_folder::write(folder, &head, &tally);
        let complaint = match written {
            Ok(()) => String::new(),
            Err(error) => {
                site.totals.add_uncounted("spool", tally.requests());
                self.has_news = true;
                error.to_string()
            }
        };
        let folder = folder.clone();
        site.tell(&folder, complaint);
    }
}

impl SiteSums {
    /// Keeps a redirect, perhaps, so that the prober may follow it.
    fn sample(&mut self, counted: &CountEvent<'_>, redirect: Option<(FileVersion, &'static str)>) {
        let Some((version, scheme)) = redirect else {
            return;
        };
        if counted.kind.column == CountColumn::Own {
            return;
        }
        let samples = &mut self.tally.samples;
        samples.see(fastrand::u64(..), || RedirectSample {
            path: Cow::Owned(counted.path.to_vec()),
            version,
            mirror: Cow::Owned(counted.mirror.to_owned()),
            scheme: Cow::Borrowed(scheme),
            family: Cow::Borrowed(counted.kind.family),
        });
    }

    /// Logs a problem when it begins, and its end.
    fn tell(&mut self, folder: &Path, complaint: String) {
        let (site, folder) = (&self.config.name, folder.display());
        if complaint.is_empty() && !self.complaint.is_empty() {
            log::info!("statistics are written again: site={site} spool={folder}");
        } else if complaint != self.complaint {
            log::warn!(
                "statistics are lost, downloads go on; let the responder write there: \
                 site={site} spool={folder} error=\"{complaint}\""
            );
        }
        self.complaint = complaint;
    }
}
