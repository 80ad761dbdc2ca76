//! Scans one mirror, from its lock to its report.

use crate::program::clock::now;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_64;

use super::choose::is_never_scanned;
use super::compare::known::KnownTree;
use super::compare::large_files;
use super::compare::large_files::UndeliverableFiles;
use super::compare::tally::ZoneFrom;
use super::crawl::memory::{Memory, decode_paths, encode_paths};
use super::crawl::reading::PreviousListing;
use super::error::MirrorError;
use super::lock::MirrorLock;
use super::output::Output;
use super::protocol::{ListingResult, Network, Protocol, http_url, is_stop};
use super::publish::conclude::{Conclusion, conclude};
use super::publish::finding::{Listing, PublishOptions};
use super::publish::repeat::Repeats;
use super::report::{MirrorReport, ScanCounts};
use super::{request, trace};
use crate::db::mirror::MirrorRecord;
use crate::db::run::{self, RunEnd, RunKind, RunOutcome};
use crate::db::scan::attempt::ScanAttemptKind;
use crate::db::scan::directory;
use crate::db::scan::directory::ScanMemory;
use crate::db::{DbError, Writer, catalogue, content};
use crate::domain::listing::ListingGaps;
use crate::domain::run_counts::{RunCounts, RunNumber};
use crate::domain::time::Timestamp;
use crate::fetch::{FetchError, HttpUrl, OwnPorts};
use crate::program::exit::chain;
use crate::program::lock::KilledHolder;
use crate::program::progress::Bar;

/// How long an interrupted scan is continued; what it saw is older than what a new one sees.
const RESUME_AGE_MAX: Duration = Duration::from_secs(6 * 3600);

/// Directories that could not be listed and are named in a report.
const UNLISTED_NAMED_MAX: usize = 3;

/// What all mirrors of a run share.
#[derive(Debug, Clone, Copy)]
pub struct ScanContext<'a> {
    /// The database; held for short transactions only.
    pub writer: &'a Mutex<Writer>,
    /// Scans that found nothing new.
    pub repeats: &'a Repeats,
    /// What is published, and when.
    pub rules: PublishOptions<'a>,
    /// What mirrors are compared with.
    pub known: &'a KnownTree,
    /// How mirrors are asked.
    pub network: Network<'a>,
    /// Who is told how it goes.
    pub output: &'a Output,
    /// Only what is due is scanned.
    pub is_due: bool,
    /// A mirror that another process scans is left to it, and is no failure.
    pub leaves_running: bool,
}

impl ScanContext<'_> {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A transaction that panicked was rolled back; the connection is as good as before.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to do about links.
const LINKS_REMEDY: &str =
    "copy_links in [site.NAME.scan.mirror.\"IDENTIFIER\"] has rsync follow them";

/// Said of servers that hide files.
const HIDES: &str = "it shows no names that begin with a dot; what was known of them is kept";

/// One mirror being scanned.
#[derive(Debug)]
pub struct ScanRun<'a> {
    shared: ScanContext<'a>,
    mirror: &'a MirrorRecord,
    start: Instant,
    began: Timestamp,
    /// About the mirror's trace.
    notes: Vec<String>,
}

struct FinishedListing {
    by: Protocol,
    conclusion: Conclusion,
    note: String,
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

    /// Scans and publishes, and tells how it went; never fails otherwise. `None` when it was passed
    /// over because another process scans it.
    pub fn scan(mut self) -> Option<MirrorReport> {
        let before = self.before();
        let output = self.shared.output;
        let bar = output.begin(self.mirror, before);
        let result = self.try_scan(&bar);
        drop(bar);
        let report = match result {
            Ok(done) => self.report(done),
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

    fn try_scan(&mut self, bar: &Bar) -> Result<FinishedListing, MirrorError> {
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
        let result = listed.and_then(|found| {
            let done = self.conclude(found)?;
            done.ok_or(MirrorError::Deleted)
        });
        if let Err(error) = &result {
            self.record_failure(error);
        }
        result
    }

    /// Takes the request for this scan, and what the mirror says of itself.
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

    /// What this scan counts as an attempt of; a subtree that the admin names is none.
    fn asked(&self) -> Option<ScanAttemptKind> {
        match self.shared.rules {
            PublishOptions { scope: None, .. } => Some(ScanAttemptKind::Whole),
            PublishOptions { directories: 0, .. } => None,
            _ => Some(ScanAttemptKind::Changed),
        }
    }

    /// By the first protocol that finds files; a subtree may well be absent.
    fn list(&self, bar: &Bar) -> Result<ListingResult, MirrorError> {
        let mut failures = Vec::new();
        let mut empty = None;
        for protocol in Protocol::of(self.mirror) {
            match self.list_by(protocol, bar) {
                Ok(mut found) if found.seen.files > 0 || self.shared.rules.scope.is_some() => {
                    found.fall_back(failures);
                    return Ok(found);
                }
                Ok(found) => empty = empty.or(Some(found)),
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

    fn list_by(&self, protocol: Protocol, bar: &Bar) -> Result<ListingResult, MirrorError> {
        let (network, known) = (self.shared.network, self.shared.known);
        match protocol {
            Protocol::Rsync => {
                let mut found = network.list_rsync(&self.mirror.rsync_url, known, bar)?;
                self.follow_links(&mut found)?;
                Ok(found)
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

    /// What lies behind links on the mirror is listed by HTTP, where there are any.
    fn follow_links(&self, found: &mut ListingResult) -> Result<(), MirrorError> {
        let (directories, files) = (&found.links.directories, &found.links.files);
        let shown = directories.iter().chain(files.iter().map(|(path, _)| path));
        let shown: Vec<String> = shown
            .take(UNLISTED_NAMED_MAX)
            .map(|path| match path.as_slice() {
                b"" => "its top".to_owned(),
                path => format!("'{}'", path.escape_ascii()),
            })
            .collect();
        let count = directories.len() + files.len();
        if count == 0 {
            return Ok(());
        }
        let more = match count - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let links = format!(
            "links on the mirror, which rsync does not follow: {}{more}",
            shown.join(", ")
        );
        let Some(url) = http_url(self.mirror) else {
            found.notes.push(format!("{links}; {LINKS_REMEDY}"));
            keep_links(found);
            return Ok(());
        };
        let before = PreviousListing {
            content: self.left_before(url)?.content,
            ..PreviousListing::default()
        };
        let (network, known) = (self.shared.network, self.shared.known);
        match network.follow_links(url, known, &before, found) {
            Ok(()) => found.notes.push(format!("{links}; listed by http")),
            Err(error) if is_stop(&error) => return Err(error),
            Err(error) => {
                let why = chain(&error);
                found.notes.push(format!(
                    "{links}; not listed by http: {why}; {LINKS_REMEDY}"
                ));
                keep_links(found);
            }
        }
        Ok(())
    }

    /// What tells the zone of the times that it lists.
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

    /// What the mirror had, and what the scan left that found it, if it was of this URL.
    fn left_before(&self, url: &str) -> Result<PreviousListing, DbError> {
        let writer = self.shared.writer();
        let content = match content::load(&*writer, self.mirror.id) {
            Ok(published) => published.map(|published| published.content),
            // It is learnt anew.
            Err(DbError::DamagedContent { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut before = PreviousListing::default();
        let Some(content) = content else {
            return Ok(before);
        };
        before.content = content;
        let left = directory::load(&*writer, self.mirror.id)?;
        if let Some(left) = left.filter(|left| left.source == source(url)) {
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

    fn conclude(&self, mut found: ListingResult) -> Result<Option<FinishedListing>, MirrorError> {
        let undeliverable = self.check_large(&mut found)?;
        if found.hides && !self.shared.known.hidden.is_empty() {
            found.notes.push(HIDES.to_owned());
        }
        let unlisted = self.unlisted_ids(&found)?;
        let (partial, note) = (describe(&found), self.note(&found));
        let left = self.left_now(&found);
        let finding = Listing {
            mirror: self.mirror.id,
            began: self.began,
            found: &found,
            undeliverable: &undeliverable,
            left: left.as_ref(),
            unlisted: &unlisted,
            is_partial: !partial.is_empty(),
            note: &note,
            at: now(),
            took: self.start.elapsed(),
        };
        let mut writer = self.shared.writer();
        let conclusion = conclude(&mut writer, self.shared.rules, finding)?;
        if let Some(run) = conclusion.as_ref().and_then(|done| done.repeats) {
            self.shared.repeats.add(&mut writer, run, finding.at);
        }
        drop(writer);
        let mut notes = found.notes;
        if !undeliverable.reason.is_empty() {
            notes.push(undeliverable.reason);
        }
        Ok(conclusion.map(|conclusion| FinishedListing {
            by: found.by,
            conclusion,
            note,
            notes,
        }))
    }

    /// What an admin should know of the listing, one line: what could not be listed, and which
    /// protocols failed.
    fn note(&self, found: &ListingResult) -> String {
        let mut parts = Vec::new();
        match (describe(found), &found.refusal) {
            (partial, None) if partial.is_empty() => {}
            (partial, Some(refusal)) if partial.is_empty() => {
                parts.push(format!("not listed: {refusal}"));
            }
            (partial, None) => parts.push(partial),
            (partial, Some(refusal)) => parts.push(format!("{partial} ({refusal})")),
        }
        for (by, why) in &found.fallbacks {
            let (by, name) = (by.name(), &self.mirror.identifier);
            parts.push(format!(
                "not listed by {by}: {why}; listed by {}; correct or clear its {by} URL \
                 (heliostat edit {name})",
                found.by.name()
            ));
        }
        parts.join("; ")
    }

    /// Takes out what the mirror has and cannot deliver.
    fn check_large(&self, found: &mut ListingResult) -> Result<UndeliverableFiles, MirrorError> {
        let known = self.shared.known;
        let current = &mut found.seen.content.current;
        let has_large = known.large.iter().any(|file| current.contains(file.id.0));
        let base = http_url(self.mirror).and_then(|url| HttpUrl::parse(url).ok());
        let Some(base) = base.filter(|_| has_large) else {
            return Ok(UndeliverableFiles::default());
        };
        let session = self.shared.network.session()?;
        match large_files::check(&session, &base, known, current) {
            Ok(undeliverable) => {
                *current -= &undeliverable.ids;
                Ok(undeliverable)
            }
            // What was not asked is as it was.
            Err(FetchError::Stopped | FetchError::TooLong { .. }) => {
                found.unchecked = known.large.iter().map(|file| file.id.0).collect();
                *current -= &found.unchecked;
                Ok(UndeliverableFiles::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn left_now(&self, found: &ListingResult) -> Option<ScanMemory> {
        let left = found.crawled.as_ref()?;
        Some(ScanMemory {
            source: source(http_url(self.mirror).unwrap_or_default()),
            tree_generation: self.shared.rules.tree_generation,
            learnt_at: now(),
            shift_min: found.seen.shift_min,
            directories: left.memory.encode(),
            unfinished: encode_paths(&left.unfinished),
        })
    }

    fn unlisted_ids(&self, found: &ListingResult) -> Result<RoaringBitmap, DbError> {
        let mut ids = found.unchecked.clone();
        if let Some(continued) = found.crawled.as_ref().map(|left| &left.continued)
            && !continued.is_empty()
        {
            // The part before was seen by the scan that was interrupted.
            ids |= self.shared.rules.known.ids();
            let writer = self.shared.writer();
            for path in continued {
                ids -= ids_at(&*writer, path)?;
            }
        }
        if found.hides {
            ids |= &self.shared.known.hidden;
        }
        match &found.unlisted {
            ListingGaps::Nothing => {}
            ListingGaps::Anywhere => ids |= self.shared.rules.known.ids(),
            ListingGaps::Below(paths) => {
                let writer = self.shared.writer();
                for path in paths {
                    ids |= ids_at(&*writer, path)?;
                }
            }
        }
        Ok(ids)
    }

    /// Records a scan that was killed, unless it came as far as to record itself.
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

    fn report(&self, done: FinishedListing) -> MirrorReport {
        let FinishedListing {
            by,
            conclusion,
            note,
            mut notes,
        } = done;
        notes.splice(0..0, self.notes.iter().cloned());
        let is_aside = conclusion.outcome == RunOutcome::Suspicious;
        let mut error = String::new();
        if is_aside {
            error = conclusion.remark;
        } else if !conclusion.remark.is_empty() {
            notes.push(conclusion.remark);
        }
        MirrorReport {
            id: self.mirror.id.0,
            identifier: self.mirror.identifier.clone(),
            by: by.name(),
            outcome: conclusion.outcome,
            published: !is_aside,
            enabled: conclusion.enabled,
            counts: conclusion.counts,
            took: self.start.elapsed(),
            error,
            note,
            is_news: conclusion.is_news,
            notes,
        }
    }

    fn failure(&self, error: &MirrorError, before: u64) -> MirrorReport {
        MirrorReport {
            id: self.mirror.id.0,
            identifier: self.mirror.identifier.clone(),
            by: "",
            outcome: outcome_of(error),
            published: false,
            enabled: false,
            counts: ScanCounts {
                before,
                after: before,
                ..ScanCounts::default()
            },
            took: self.start.elapsed(),
            error: chain(error),
            note: String::new(),
            is_news: true,
            notes: Vec::new(),
        }
    }
}

/// What is behind links that nobody followed is as it was.
fn keep_links(found: &mut ListingResult) {
    for path in &found.links.directories {
        found.unlisted.add(path.clone());
    }
    for (path, file) in &found.links.files {
        found.unclear_in.push(path.clone());
        found.unchecked.insert(file.id.0);
    }
}

/// Minutes that a mirror's times are ahead of UTC, from the numbers of a run.
fn shift_of(counts: &RunCounts) -> Option<i32> {
    i32::try_from(counts.number(RunNumber::ShiftMin)?).ok()
}

/// What stands for a URL in the database: the URL itself may hold a password.
fn source(url: &str) -> i64 {
    xxh3_64(url.as_bytes()) as i64
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

fn describe(found: &ListingResult) -> String {
    let paths = match &found.unlisted {
        ListingGaps::Anywhere => {
            let said = found.notes.first();
            let said = said.map_or("it does not say which", String::as_str);
            return format!(
                "the server could not list everything ({said}); what it left out is kept"
            );
        }
        ListingGaps::Nothing => &[][..],
        ListingGaps::Below(paths) => paths,
    };
    let paths: Vec<&Vec<u8>> = paths.iter().chain(&found.unclear_in).collect();
    if paths.is_empty() {
        return String::new();
    }
    let named = paths.iter().take(UNLISTED_NAMED_MAX);
    let mut names: Vec<String> = named
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
