//! Scans one mirror, from its lock to its report.

use crate::program::clock::now;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;

use super::choose::is_never_scanned;
use super::compare::known::KnownTree;
use super::compare::large_files;
use super::compare::tally::ZoneFrom;
use super::crawl::memory::{Memory, decode_paths, source_of};
use super::crawl::reading::PreviousListing;
use super::error::MirrorError;
use super::listing::Listing;
use super::lock::MirrorLock;
use super::network::{Network, is_stop};
use super::output::Output;
use super::protocol::{Protocol, http_url};
use super::publish::conclude::conclude;
use super::publish::options::{PublishOptions, ScanSpan};
use super::publish::repeat::Repeats;
use super::report::{MirrorReport, ScanCounts};
use super::{request, trace};
use crate::db::mirror::MirrorRecord;
use crate::db::run::{self, RunEnd, RunKind, RunOutcome};
use crate::db::scan::attempt::ScanAttemptKind;
use crate::db::scan::directory;
use crate::db::{DbError, Writer, catalogue, content};
use crate::domain::listing::ListingGaps;
use crate::domain::run_counts::{RunCounts, RunNumber};
use crate::domain::time::Timestamp;
use crate::fetch::{FetchError, HttpUrl, OwnPorts};
use crate::program::exit::chain;
use crate::program::lock::KilledHolder;
use crate::program::progress::Bar;

/// Largest age of an interrupted scan that is continued: an older one saw files as they no longer
/// are.
const RESUME_AGE_MAX: Duration = Duration::from_secs(6 * 3600);

/// The resources and options that all mirrors of a run share.
#[derive(Debug, Clone, Copy)]
pub struct ScanContext<'a> {
    /// The database; held for short transactions only.
    pub writer: &'a Mutex<Writer>,
    /// Scans that found nothing new.
    pub repeats: &'a Repeats,
    /// Options for publishing.
    pub rules: PublishOptions<'a>,
    /// The catalogue, with which listings are compared.
    pub known: &'a KnownTree,
    /// Clients for mirrors, with their limits.
    pub network: Network<'a>,
    /// Shows progress and results.
    pub output: &'a Output,
    /// Whether only scans that are due are made (`--due`).
    pub is_due: bool,
    /// Whether a mirror that another process is scanning is skipped without a failure.
    pub leaves_running: bool,
}

impl ScanContext<'_> {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A transaction that panicked was rolled back; the connection is as good as before.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remedy for links that rsync does not follow.
const LINKS_REMEDY: &str =
    "copy_links in [site.NAME.scan.mirror.\"IDENTIFIER\"] has rsync follow them";

/// Note about servers that hide files.
const HIDES: &str =
    "the server hides names that begin with a dot; earlier entries for them are kept";

/// One mirror being scanned.
#[derive(Debug)]
pub struct ScanRun<'a> {
    shared: ScanContext<'a>,
    mirror: &'a MirrorRecord,
    start: Instant,
    began: Timestamp,
    /// Notes about the mirror's trace.
    notes: Vec<String>,
}

impl<'a> ScanRun<'a> {
    /// Prepares to scan.
    pub fn new(mut shared: ScanContext<'a>, mirror: &'a MirrorRecord) -> ScanRun<'a> {
        let network = &mut shared.network;
        network.patience = network.patience.anew();
        let urls = std::iter::once(&mirror.base_url).chain(&mirror.further_base_urls);
        network.own_ports = OwnPorts::of(urls.map(String::as_str));
        ScanRun {
            shared,
            mirror,
            start: Instant::now(),
            began: now(),
            notes: Vec::new(),
        }
    }

    /// Scans and publishes; every failure is a part of the report. `None` if another process is
    /// scanning the mirror and this run leaves it alone.
    pub fn scan(mut self) -> Option<MirrorReport> {
        let before = self.before();
        let output = self.shared.output;
        let bar = output.begin(self.mirror, before);
        let result = self.try_scan(&bar);
        drop(bar);
        let report = match result {
            Ok(report) => report,
            Err(error @ MirrorError::Running { .. }) if self.shared.leaves_running => {
                log::info!("{}: {error}", self.mirror.identifier);
                return None;
            }
            Err(error) => self.failure(&error, before.0),
        };
        output.finish(&report);
        Some(report)
    }

    /// Current files, and files listed, at the last scan.
    fn before(&self) -> (u64, u64) {
        match content::load(&*self.shared.writer(), self.mirror.id) {
            Ok(Some(last)) => {
                let current = last.content.current.len();
                let listed = current + last.content.outdated.len() + last.origin.unknown_files;
                (current, listed)
            }
            Ok(None) => (0, 0),
            Err(error) => {
                log::debug!("mirror={} {}", self.mirror.identifier, chain(&error));
                (0, 0)
            }
        }
    }

    fn try_scan(&mut self, bar: &Bar) -> Result<MirrorReport, MirrorError> {
        if is_never_scanned(self.mirror) {
            return Err(MirrorError::NeverScanned);
        }
        if Protocol::of(self.mirror).is_empty() {
            return Err(MirrorError::NoUrl);
        }
        let database = self.shared.writer().path().to_owned();
        let lock = MirrorLock::take(&database, self.mirror.id, self.began)?;
        if let Some(killed) = lock.killed() {
            self.record_killed(killed)?;
        }
        let heeded = self.heed_mirror().map_err(MirrorError::from);
        let listed = heeded.and_then(|()| self.list(bar));
        let result = listed.and_then(|listing| self.conclude(listing));
        if let Err(error) = &result {
            self.record_failure(error);
        }
        result
    }

    /// Takes the request for this scan, and reads the mirror's trace.
    fn heed_mirror(&mut self) -> Result<(), DbError> {
        let shared = self.shared;
        if let Some(asked) = self.asked() {
            let mut writer = shared.writer();
            request::take(&mut writer, self.mirror.id, self.began)?;
            let attempt = (self.mirror.id, asked, self.began);
            shared
                .repeats
                .attempt(&mut writer, attempt, shared.is_due)?;
        }
        let read = trace::ask(&shared.network, self.mirror, self.began);
        let mut writer = shared.writer();
        self.notes.extend(read.note());
        if let Some(connections) = trace::keep(&mut writer, self.mirror.id, read, self.began)? {
            let requests = &mut self.shared.network.requests;
            *requests = (*requests).min(connections as usize).max(1);
        }
        Ok(())
    }

    /// The kind of attempt to record for this scan; `None` for a subtree named on the command line.
    fn asked(&self) -> Option<ScanAttemptKind> {
        match self.shared.rules {
            PublishOptions { scope: None, .. } => Some(ScanAttemptKind::Whole),
            PublishOptions { directories: 0, .. } => None,
            _ => Some(ScanAttemptKind::Changed),
        }
    }

    /// Lists the mirror by the first protocol that finds files. A subtree may well be absent, so an
    /// empty listing of it counts.
    fn list(&self, bar: &Bar) -> Result<Listing, MirrorError> {
        let mut failures = Vec::new();
        let mut empty = None;
        for protocol in Protocol::of(self.mirror) {
            match self.list_by(protocol, bar) {
                Ok(mut listing) if listing.seen.files > 0 || self.shared.rules.scope.is_some() => {
                    listing.fall_back(failures);
                    return Ok(listing);
                }
                Ok(listing) => empty = empty.or(Some(listing)),
                Err(error) if is_stop(&error) => return Err(error),
                Err(error) => failures.push((protocol, error)),
            }
        }
        if let Some(mut empty) = empty {
            empty.fall_back(failures);
            return Ok(empty);
        }
        if failures.len() > 1 {
            let said = |(by, error): &(Protocol, MirrorError)| {
                format!("by {}: {}", by.name(), chain(error))
            };
            let failures = failures.iter().map(said).collect::<Vec<_>>().join("; ");
            return Err(MirrorError::AllFailed { failures });
        }
        let only = failures.pop().map(|(_, error)| error);
        Err(only.unwrap_or(MirrorError::NoUrl))
    }

    fn list_by(&self, protocol: Protocol, bar: &Bar) -> Result<Listing, MirrorError> {
        let (network, known) = (self.shared.network, self.shared.known);
        match protocol {
            Protocol::Rsync => {
                let mut listing = network.list_rsync(&self.mirror.rsync_url, known, bar)?;
                self.follow_links(&mut listing)?;
                Ok(listing)
            }
            Protocol::Ftp => {
                let zone = self.zone(protocol)?;
                network.list_ftp(&self.mirror.ftp_url, known, zone, bar)
            }
            Protocol::Http => {
                let url = http_url(self.mirror).unwrap_or_default();
                let mut before = self.left_before(url)?;
                before.zone = self.zone(protocol)?;
                network.list_http(url, known, &before, bar)
            }
        }
    }

    /// Lists by HTTP the directories and files that the mirror has as links.
    fn follow_links(&self, listing: &mut Listing) -> Result<(), MirrorError> {
        let Some(shown) = listing.links.shown() else {
            return Ok(());
        };
        let links = format!("links on the mirror, which rsync does not follow: {shown}");
        let Some(url) = http_url(self.mirror) else {
            listing.notes.push(format!("{links}; {LINKS_REMEDY}"));
            listing.keep_links();
            return Ok(());
        };
        let before = PreviousListing {
            content: self.left_before(url)?.content,
            ..PreviousListing::default()
        };
        let (network, known) = (self.shared.network, self.shared.known);
        match network.follow_links(url, known, &before, listing) {
            Ok(()) => listing.notes.push(format!("{links}; listed by http")),
            Err(error) if is_stop(&error) => return Err(error),
            Err(error) => {
                let why = chain(&error);
                listing.notes.push(format!(
                    "{links}; not listed by http: {why}; {LINKS_REMEDY}"
                ));
                listing.keep_links();
            }
        }
        Ok(())
    }

    /// The source from which the time zone of listed times is known.
    fn zone(&self, protocol: Protocol) -> Result<ZoneFrom, DbError> {
        if self.shared.rules.directories == 0 {
            return Ok(ZoneFrom::Listing);
        }
        let writer = self.shared.writer();
        let by =
            content::load(&*writer, self.mirror.id).map(|last| last.map(|last| last.origin.by));
        if !matches!(by, Ok(Some(by)) if by == protocol.name()) {
            return Ok(ZoneFrom::Nothing);
        }
        let last = run::latest_whole(&*writer, self.mirror.id, true)?;
        let shift_min = last.and_then(|run| shift_of(&run.counts?));
        Ok(shift_min.map_or(ZoneFrom::Nothing, ZoneFrom::Before))
    }

    /// The published content, with the memory of the scan that found it if that scan used this URL.
    fn left_before(&self, url: &str) -> Result<PreviousListing, DbError> {
        let writer = self.shared.writer();
        let content = match content::load(&*writer, self.mirror.id) {
            Ok(published) => published.map(|published| published.content),
            // This scan replaces it.
            Err(DbError::DamagedContent { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut before = PreviousListing::default();
        let Some(content) = content else {
            return Ok(before);
        };
        before.content = content;
        let left = directory::load(&*writer, self.mirror.id)?;
        if let Some(left) = left.filter(|left| left.source == source_of(url)) {
            let age_s = now().0 - left.learnt_at.0;
            if (0..directory::MAX_AGE_S).contains(&age_s) {
                before.memory = Memory::decode(&left.directories);
            }
            let is_resumable = self.shared.rules.scope.is_none()
                && left.tree_generation == self.shared.rules.tree_generation
                && (0..RESUME_AGE_MAX.as_secs() as i64).contains(&age_s);
            if is_resumable {
                before.unfinished = decode_paths(&left.unfinished);
            }
        }
        Ok(before)
    }

    fn conclude(&self, mut listing: Listing) -> Result<MirrorReport, MirrorError> {
        self.check_large(&mut listing)?;
        if listing.hides && !self.shared.known.hidden.is_empty() {
            listing.notes.push(HIDES.to_owned());
        }
        self.keep_unlisted(&mut listing)?;
        let span = ScanSpan {
            mirror: self.mirror,
            began: self.began,
            ended: now(),
            took: self.start.elapsed(),
        };
        let mut writer = self.shared.writer();
        let report = conclude(&mut writer, self.shared.rules, span, &listing)?;
        let mut report = report.ok_or(MirrorError::Deleted)?;
        if let Some(run) = report.repeats {
            self.shared.repeats.add(&mut writer, run, span.ended);
        }
        drop(writer);
        report.notes.splice(0..0, self.notes.iter().cloned());
        report.took = self.start.elapsed();
        Ok(report)
    }

    /// Removes large files that the mirror lists but cannot deliver.
    fn check_large(&self, listing: &mut Listing) -> Result<(), MirrorError> {
        let known = self.shared.known;
        let current = &mut listing.seen.content.current;
        let has_large = known.large.iter().any(|file| current.contains(file.id.0));
        let base = http_url(self.mirror).and_then(|url| HttpUrl::parse(url).ok());
        let Some(base) = base.filter(|_| has_large) else {
            return Ok(());
        };
        let session = self.shared.network.session()?;
        match large_files::check(&session, &base, known, current) {
            Ok(undeliverable) => {
                *current -= &undeliverable.ids;
                listing.undeliverable = undeliverable;
            }
            // Files that were not asked for keep their state.
            Err(FetchError::Stopped | FetchError::TooLong { .. }) => {
                let unasked = known.large.iter().map(|file| file.id.0);
                let unasked: RoaringBitmap = unasked.collect();
                *current -= &unasked;
                listing.kept |= unasked;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Keeps the previous state of files that could not be listed.
    fn keep_unlisted(&self, listing: &mut Listing) -> Result<(), DbError> {
        if let Some(continued) = listing.rest.as_ref().map(|rest| &rest.continued)
            && !continued.is_empty()
        {
            // The interrupted scan saw the part before.
            let mut before = self.shared.rules.known.ids().clone();
            let writer = self.shared.writer();
            for path in continued {
                before -= ids_at(&*writer, path)?;
            }
            listing.kept |= before;
        }
        if listing.hides {
            listing.kept |= &self.shared.known.hidden;
        }
        match &listing.unlisted {
            ListingGaps::Nothing => {}
            ListingGaps::Anywhere => listing.kept |= self.shared.rules.known.ids(),
            ListingGaps::Below(paths) => {
                let writer = self.shared.writer();
                for path in paths {
                    listing.kept |= ids_at(&*writer, path)?;
                }
            }
        }
        Ok(())
    }

    /// Records a scan that was killed, unless that scan recorded itself.
    fn record_killed(&self, killed: &KilledHolder) -> Result<(), DbError> {
        let mut writer = self.shared.writer();
        writer.transaction(|transaction| {
            run::record_killed_scan(transaction, self.mirror.id, killed.since, self.began)
        })?;
        log::info!(
            "{}: its scan by {} was killed",
            self.mirror.identifier,
            killed.name
        );
        Ok(())
    }

    fn record_failure(&self, error: &MirrorError) {
        let end = RunEnd {
            at: now(),
            outcome: outcome_of(error),
            counts: RunCounts::of(&ScanCounts::default()),
            error: chain(error),
            note: String::new(),
        };
        // A mirror that is gone has no runs any more.
        let mirror = Some(self.mirror.id).filter(|_| !matches!(error, MirrorError::Deleted));
        let recorded = self.shared.writer().transaction(|transaction| {
            run::record(transaction, RunKind::Scan, mirror, self.began, &end)
        });
        if let Err(error) = recorded {
            log::error!(
                "cannot record the end of a scan: mirror={} {}",
                self.mirror.identifier,
                chain(&error)
            );
        }
    }

    fn failure(&self, error: &MirrorError, before: u64) -> MirrorReport {
        MirrorReport {
            id: self.mirror.id,
            identifier: self.mirror.identifier.clone(),
            by: None,
            outcome: outcome_of(error),
            enabled: false,
            counts: ScanCounts {
                before,
                after: before,
                ..ScanCounts::default()
            },
            took: self.start.elapsed(),
            error: chain(error),
            note: String::new(),
            repeats: None,
            is_news: true,
            notes: Vec::new(),
        }
    }
}

/// Minutes that a mirror's times are ahead of UTC, from the numbers of a run.
fn shift_of(counts: &RunCounts) -> Option<i32> {
    i32::try_from(counts.number(RunNumber::ShiftMin)?).ok()
}

/// Ids of the file at a path, or of all below it; the empty path is the tree.
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

fn outcome_of(error: &MirrorError) -> RunOutcome {
    match error {
        MirrorError::Fetch(FetchError::Stopped) => RunOutcome::Interrupted,
        _ => RunOutcome::Failed,
    }
}
