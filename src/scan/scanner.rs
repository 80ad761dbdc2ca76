//! Scans many mirrors of one database at the same time.

use crate::program::clock::now;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use roaring::RoaringBitmap;

use super::choose::MirrorChoice;
use super::compare::area::Area;
use super::compare::known::KnownTree;
use super::compare::names::Names;
use super::crawl::wanted::CrawlRules;
use super::error::ScanError;
use super::filter::RsyncRules;
use super::network::Network;
use super::output::Output;
use super::publish::judge::JudgementLimits;
use super::publish::options::PublishOptions;
use super::publish::repeat::Repeats;
use super::report::{MirrorReport, ScanReport};
use super::request::collect_requests;
use super::run::{ScanContext, ScanRun, ids_at};
use crate::config::{ScanConfig, SiteConfig};
use crate::db::mirror::MirrorRecord;
use crate::db::scan::request;
use crate::db::{
    DbError, Writer, catalogue, check_there, content, mirror, open_reader, open_writer,
};
use crate::domain::mirror::MirrorId;
use crate::domain::path::FilePath;
use crate::fetch::{Addresses, FtpClient, OwnPorts, Patience};

/// Scans the mirrors of one site; lives as long as its program.
#[derive(Debug)]
pub struct Scanner {
    site: Arc<SiteConfig>,
    writer: Mutex<Writer>,
}

/// A mirror, and the part of it that is scanned.
#[derive(Debug, Clone)]
pub struct ScanTask {
    /// The mirror.
    pub mirror: MirrorRecord,
    /// The part.
    pub area: Area,
}

/// The options of a scan.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Scan only this subtree or file.
    pub dir: Option<FilePath>,
    /// Number of mirrors at a time; 0: as configured.
    pub jobs: usize,
    /// Enable each mirror after its scan was published.
    pub enable: bool,
    /// Also publish a suspicious listing.
    pub force: bool,
    /// Scan only what is due.
    pub is_due: bool,
    /// Skip a mirror that another process scans, without calling that a failure.
    pub leaves_running: bool,
}

impl Scanner {
    /// Opens the site's database.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database does not exist or cannot be opened.
    pub fn open(site: &Arc<SiteConfig>) -> Result<Scanner, DbError> {
        // A scan needs a catalogue, so it makes no new database.
        check_there(&site.database)?;
        Ok(Scanner {
            site: Arc::clone(site),
            writer: Mutex::new(open_writer(&site.database)?),
        })
    }

    /// All mirrors of the database.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database cannot be read or written.
    pub fn mirrors(&self) -> Result<Vec<MirrorRecord>, DbError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        mirror::all(&*writer)
    }

    /// Mirrors with a suspicious scan that waits for a second one.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database cannot be read or written.
    pub fn waiting(&self) -> Result<HashSet<MirrorId>, DbError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(content::pending_since(&*writer)?.into_keys().collect())
    }

    /// Mirrors of which a scan was asked for.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database cannot be read.
    pub fn requested(&self) -> Result<HashSet<MirrorId>, DbError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(request::all(&*writer)?.into_keys().collect())
    }

    /// Takes the pings since the last time; logs a failure.
    pub fn collect_requests(&self) {
        let Some(ping) = &self.site.ping else {
            return;
        };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match collect_requests(&ping.folder, &mut writer, now()) {
            Ok(0) => {}
            Ok(mirrors) => log::info!("pings collected: mirrors={mirrors}"),
            Err(error) => log::warn!("{}", crate::program::exit::chain(&error)),
        }
    }

    /// Scans the chosen mirrors, several at a time. A mirror that fails does not stop the others.
    ///
    /// # Errors
    /// Returns [`ScanError`] if no scan could begin.
    pub fn scan(
        &self,
        choice: &MirrorChoice,
        options: &ScanOptions,
        output: &Output,
        stop: &AtomicBool,
    ) -> Result<ScanReport, ScanError> {
        let area = options.dir.clone().map_or(Area::Whole, Area::Below);
        if choice.scanned.is_empty() {
            log::warn!("{}", why_nothing(choice));
        }
        let tasks = choice.scanned.iter().map(|mirror| ScanTask {
            mirror: mirror.clone(),
            area: area.clone(),
        });
        let tasks: Vec<ScanTask> = tasks.collect();
        let mut report = self.scan_tasks(&tasks, options, output, stop)?;
        report.without_url.clone_from(&choice.without_url);
        Ok(report)
    }

    /// Does the same for given parts of mirrors.
    ///
    /// # Errors
    /// Returns [`ScanError`] if no scan could begin.
    pub fn scan_tasks(
        &self,
        tasks: &[ScanTask],
        options: &ScanOptions,
        output: &Output,
        stop: &AtomicBool,
    ) -> Result<ScanReport, ScanError> {
        let start = Instant::now();
        self.prepare_to_store(options.enable)?;
        let (known, tree_generation, scope) = self.load(options.dir.as_ref())?;
        let wanted = CrawlRules::new(&self.site.scan, Area::Whole);
        let addresses = Addresses::default();
        let (http, ftp) = (OnceLock::new(), FtpClient::new(&addresses));
        let rsync = RsyncRules::new(&self.site.scan, &Area::Whole);
        let repeats = Repeats::new();
        let shared = ScanContext {
            writer: &self.writer,
            repeats: &repeats,
            rules: PublishOptions {
                known: &known.files,
                tree_generation,
                scope: None,
                directories: 0,
                limits: JudgementLimits {
                    vanished_share_max: self.site.scan.vanished_share_max,
                    force: options.force,
                },
                enable: options.enable,
                allowed: 0,
                coverage_min: self.site.scan.coverage_min,
            },
            known: &known,
            network: Network {
                rsync: &rsync,
                wanted: &wanted,
                requests: self.site.scan.requests,
                patience: Patience::new(self.site.scan.timeout, self.site.scan.time_max, stop),
                own_ports: OwnPorts::default(),
                addresses: &addresses,
                http: &http,
                ftp: &ftp,
                names: Names::new(&self.writer),
            },
            output,
            is_due: options.is_due,
            leaves_running: options.leaves_running,
        };
        let jobs = match options.jobs {
            0 => self.site.scan.jobs,
            jobs => jobs,
        };
        let plan = ScanPlan {
            shared,
            scan: &self.site.scan,
            below: scope.as_ref(),
        };
        let (mirrors, not_begun) = scan_all(plan, tasks, jobs);
        let is_recorded =
            repeats.store(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(ScanReport {
            site: self.site.name.clone(),
            dir: options.dir.as_ref().map(FilePath::to_string),
            not_begun: not_begun as u64,
            mirrors,
            without_url: Vec::new(),
            is_recorded,
            took: start.elapsed(),
        })
    }

    /// A result that cannot be stored is not worth asking mirrors for.
    fn prepare_to_store(&self, enable: bool) -> Result<(), DbError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.check_writable()?;
        if enable {
            // A person who named a mirror is told that the result is stored, so it has to be.
            writer.commit_durably()?;
        }
        Ok(())
    }

    fn load(
        &self,
        dir: Option<&FilePath>,
    ) -> Result<(KnownTree, i64, Option<RoaringBitmap>), ScanError> {
        // A reader has a small page cache; that of a writer would double the memory of a scan.
        let reader = open_reader(&self.site.database)?;
        let start = Instant::now();
        // The number is read before the files, so that a later generation is never taken for the
        // one that was read.
        let generation = catalogue::generation(&reader)?;
        let known = KnownTree::load(&reader, &self.site.scan, fastrand::u64(..))?;
        log::debug!(
            "catalogue loaded files={} took_ms={}",
            known.files.ids().len(),
            start.elapsed().as_millis()
        );
        if known.files.ids().is_empty() {
            return Err(ScanError::EmptyCatalogue);
        }
        let Some(dir) = dir else {
            return Ok((known, generation, None));
        };
        let scope = ids_at(&reader, dir.as_bytes())?;
        if scope.is_empty() {
            return Err(ScanError::NothingBelow(dir.to_string()));
        }
        Ok((known, generation, Some(scope)))
    }
}

/// How the mirrors of a run are scanned.
#[derive(Clone, Copy)]
struct ScanPlan<'a> {
    shared: ScanContext<'a>,
    scan: &'a ScanConfig,
    /// Ids of the files of `--dir`.
    below: Option<&'a RoaringBitmap>,
}

impl ScanPlan<'_> {
    /// The number of files that the rules allow the mirror to have.
    fn allowed(self, mirror: &MirrorRecord, own: Option<&ScanConfig>) -> u64 {
        let by_rsync = !mirror.rsync_url.trim().is_empty();
        match own {
            None => self.shared.known.allowed[usize::from(by_rsync)],
            Some(config) => self
                .shared
                .network
                .names
                .count(&config.allowed_files(by_rsync)),
        }
    }

    /// Scans a mirror by the site's rules, or by its own.
    fn scan(self, task: &ScanTask) -> Option<MirrorReport> {
        let ScanTask { mirror, area } = task;
        let own = self.scan.of_mirror(&mirror.identifier);
        let allowed = self.allowed(mirror, own.as_ref());
        if own.is_none() && matches!(area, Area::Whole) {
            let mut shared = self.shared;
            shared.rules.allowed = allowed;
            return ScanRun::new(shared, mirror).scan();
        }
        let config = own.as_ref().unwrap_or(self.scan);
        let rsync = RsyncRules::new(config, area);
        let wanted = CrawlRules::new(config, area.clone());
        let single = match area {
            Area::Single(directories) => Some(directories.ids(self.shared.known)),
            Area::Whole | Area::Below(_) => None,
        };
        let rules = PublishOptions {
            scope: match area {
                Area::Whole => None,
                Area::Below(_) => self.below,
                Area::Single(_) => single.as_ref(),
            },
            directories: area.directories(),
            allowed,
            coverage_min: config.coverage_min,
            ..self.shared.rules
        };
        let network = Network {
            rsync: &rsync,
            wanted: &wanted,
            ..self.shared.network
        };
        let shared = ScanContext {
            network,
            rules,
            ..self.shared
        };
        ScanRun::new(shared, mirror).scan()
    }
}

/// Largest number of skipped mirrors that are named if no mirror is scanned.
const PASSED_OVER_NAMED_MAX: usize = 3;

/// Why no mirror is scanned, and the remedy.
fn why_nothing(choice: &MirrorChoice) -> String {
    let without_url = choice.without_url.iter();
    let without_url = without_url.map(|name| format!("{name} (it has no URL to list)"));
    let passed_over = choice.passed_over.iter();
    let passed_over = passed_over.map(|(name, why)| format!("{name} ({why})"));
    let mut named: Vec<String> = passed_over.chain(without_url).collect();
    if named.is_empty() {
        return "no mirror is scanned: there is none; `heliostat new` adds one".to_owned();
    }
    let more = named.len().saturating_sub(PASSED_OVER_NAMED_MAX);
    named.truncate(PASSED_OVER_NAMED_MAX);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    format!(
        "no mirror is scanned: {}; `heliostat scan MIRROR` scans one in any state",
        named.join(", ")
    )
}

/// Reports in the order in which mirrors came to an end, and how many were not begun because the
/// program was told to stop.
fn scan_all(plan: ScanPlan<'_>, tasks: &[ScanTask], jobs: usize) -> (Vec<MirrorReport>, usize) {
    let shared = plan.shared;
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(Vec::with_capacity(tasks.len()));
    let total = shared.output.total(tasks.len());
    let work = || {
        while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            if shared.network.patience.stop.load(Ordering::Relaxed) {
                return;
            }
            let report = plan.scan(task);
            if let Some(total) = &total {
                total.add(1);
            }
            reports
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(report);
        }
    };
    std::thread::scope(|scope| {
        // This thread works too, so that at least one thread does.
        for _ in 1..jobs.min(tasks.len()) {
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, work) {
                log::warn!("fewer mirrors at a time: the system gives no thread: {error}");
                break;
            }
        }
        work();
    });
    let reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    let not_begun = tasks.len() - reports.len();
    (reports.into_iter().flatten().collect(), not_begun)
}
