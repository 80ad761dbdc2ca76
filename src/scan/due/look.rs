//! Reads from the database what the decision about due scans needs.
//!
//! A look happens every minute, so that the expensive parts are read only if they may matter: the
//! bitmap of a mirror only if there are new versions and the mirror's pause is over, and the
//! catalogue only if one of these bitmaps lacks a new version.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::changed_directories::ChangedDirectories;
use super::decide::{DueDecision, DuePart, Hints, MirrorState, decide, last_look, may_lack};
use crate::config::{ScanConfig, SiteConfig};
use crate::db::mirror::MirrorRecord;
use crate::db::run::CatalogueChange;
use crate::db::scan::{attempt, directory};
use crate::db::{DbError, Reader, catalogue, content, mirror, run};
use crate::domain::mirror::MirrorId;
use crate::domain::order::ShortList;
use crate::domain::time::Timestamp;
use crate::scan::choose::why_not_in_all;
use crate::scan::compare::area::{Area, DirectoryArea};
use crate::scan::crawl::wanted::CrawlRules;
use crate::scan::scanner::ScanTask;

/// Oldest repeat of a scan that is looked for. A report may then show the age of the scan before,
/// and the mirror is due in either case.
const REPEATED_S_MAX: i64 = 2 * 366 * 86_400;

/// The due scans at one moment.
#[derive(Debug)]
pub struct Look {
    /// The moment.
    pub now: Timestamp,
    /// Directories with new versions; empty if no mirror could lack any.
    pub changed: ChangedDirectories,
    /// Mirrors that can be scanned, with the decisions about them.
    pub decisions: Vec<(MirrorRecord, DueDecision)>,
    /// All other mirrors, with the reason why they are not scanned.
    pub passed_over: Vec<(MirrorRecord, &'static str)>,
    /// The order of the scans: mirrors that were asked longest ago come first.
    order: Vec<usize>,
}

impl Look {
    /// The scans to make. Changed directories come first, because they are urgent and take seconds.
    pub fn tasks(&self) -> Vec<ScanTask> {
        let of = |is_whole: bool| {
            self.order.iter().filter_map(move |&place| {
                let (mirror, decision) = &self.decisions[place];
                let area = match &decision.what {
                    DuePart::Changed(numbers) if !is_whole => {
                        Area::Single(self.directories(numbers))
                    }
                    DuePart::Whole if is_whole => Area::Whole,
                    _ => return None,
                };
                let mirror = mirror.clone();
                Some(ScanTask { mirror, area })
            })
        };
        of(false).chain(of(true)).collect()
    }

    fn directories(&self, numbers: &[u32]) -> DirectoryArea {
        let paths = self.changed.paths();
        DirectoryArea::new(numbers.iter().map(|number| paths[*number as usize].clone()))
    }
}

/// Finds out which scans are due now. With `is_full`, everything that explains the decisions is
/// read, too.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be read or written.
pub fn look(
    database: &Reader,
    site: &SiteConfig,
    now: Timestamp,
    hints: &HashMap<MirrorId, Hints>,
    is_full: bool,
) -> Result<Look, DbError> {
    let config = &site.scan.due;
    let attempts = attempt::all(database)?;
    let since = now.0.saturating_sub(REPEATED_S_MAX);
    let repeated = run::whole_repeats_since(database, Timestamp(since))?;
    let unfinished = directory::unfinished(database)?;
    let pending = content::pending_since(database)?;
    let (mut records, mut states, mut passed_over) = (Vec::new(), Vec::new(), Vec::new());
    for record in mirror::all(database)? {
        let suspicious_at = pending.get(&record.id).copied();
        if let Some(why) = why_not_in_all(&record, suspicious_at.is_some()) {
            passed_over.push((record, why));
            continue;
        }
        states.push(MirrorState {
            whole_at: latest(
                now,
                [
                    Timestamp::parse(&record.last_scan),
                    repeated.get(&record.id).copied(),
                ],
            ),
            suspicious_at,
            is_unfinished: unfinished.contains(&record.id),
            attempt: attempts.get(&record.id).copied().unwrap_or_default(),
            hints: hints.get(&record.id).copied().unwrap_or_default(),
            current: RoaringBitmap::new(),
            unwanted: Arc::default(),
        });
        records.push(record);
    }
    let news = News::read(database, now, config.changed_age.as_secs())?;
    let mut changed = ChangedDirectories::default();
    if let Some(news) = news
        && (is_full || news.may_be_lacked(database, now, &records, &states)?)
    {
        changed = news.changed(database)?;
        for (record, state) in records.iter().zip(&mut states) {
            state.current = current(database, record)?;
        }
        set_unwanted(&site.scan, &changed, &records, &mut states);
    }
    let decisions = decide(config, now, &changed, &states);
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.order_by_key(|&place| (last_look(now, &states[place]), states[place].whole_at));
    Ok(Look {
        now,
        changed,
        decisions: records.into_iter().zip(decisions).collect(),
        passed_over,
        order,
    })
}

/// The latest time that is not in the future, else the first time that is.
fn latest(now: Timestamp, times: [Option<Timestamp>; 2]) -> Option<Timestamp> {
    let times = || times.into_iter().flatten();
    let past = times().filter(|at| *at <= now).max();
    past.or_else(|| times().min())
}

/// The new versions of the last days.
struct News {
    changes: Vec<CatalogueChange>,
    latest: Timestamp,
    /// Their ids, also of versions that were replaced or removed meanwhile.
    ids: Range<u32>,
}

impl News {
    fn read(database: &Reader, now: Timestamp, age_s: u64) -> Result<Option<News>, DbError> {
        let age_s = i64::try_from(age_s).unwrap_or(i64::MAX);
        let since = Timestamp(now.0.saturating_sub(age_s));
        let changes = run::changes_since(database, since)?;
        let (Some(first), Some(latest)) = (
            changes.first().map(|change| change.first_id),
            changes.iter().map(|change| change.at).max(),
        ) else {
            return Ok(None);
        };
        let next_id = catalogue::next_id(database)?;
        let end = u32::try_from(next_id).unwrap_or(u32::MAX);
        Ok(Some(News {
            changes,
            latest,
            ids: first..end,
        }))
    }

    fn may_be_lacked(
        &self,
        database: &Reader,
        now: Timestamp,
        records: &[MirrorRecord],
        states: &[MirrorState],
    ) -> Result<bool, DbError> {
        for (record, state) in records.iter().zip(states) {
            if !may_lack(now, state, self.latest) {
                continue;
            }
            let current = current(database, record)?;
            let has = current.range_cardinality(self.ids.clone());
            if has < self.ids.len() as u64 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn changed(self, database: &Reader) -> Result<ChangedDirectories, DbError> {
        ChangedDirectories::new(self.changes, |give| {
            catalogue::for_each(database, b"", |path, file| give(path, file.id))
        })
    }
}

/// The content of a mirror; a damaged bitmap counts as empty until a scan repairs it.
fn current(database: &Reader, record: &MirrorRecord) -> Result<RoaringBitmap, DbError> {
    match content::current(database, record.id) {
        Err(DbError::DamagedContent { .. }) => Ok(RoaringBitmap::new()),
        other => other,
    }
}

/// Finds the directories that the configuration leaves out. Only rsync can apply `exclude_rsync`; a
/// directory that it leaves out is asked for and found missing, ever more seldom.
fn set_unwanted(
    config: &ScanConfig,
    changed: &ChangedDirectories,
    records: &[MirrorRecord],
    states: &mut [MirrorState],
) {
    let of = |config: &ScanConfig, by_rsync: bool| {
        let wanted = CrawlRules::new(config, Area::Whole);
        let is_unwanted = |path: &[u8]| match by_rsync {
            // The top includes are nearly always names of directories.
            _ if path.is_empty() => wanted.chooses_at_top(),
            true => !wanted.is_at_top(path),
            false => !wanted.has_directory(path),
        };
        let paths = (0..).zip(changed.paths());
        let unwanted = paths.filter(|(_, path)| is_unwanted(path));
        Arc::new(
            unwanted
                .map(|(number, _)| number)
                .collect::<RoaringBitmap>(),
        )
    };
    let [by_rsync, by_others] = [true, false].map(|by_rsync| of(config, by_rsync));
    for (record, state) in records.iter().zip(states) {
        let has_rsync = !record.rsync_url.trim().is_empty();
        state.unwanted = match config.of_mirror(&record.identifier) {
            Some(own) => of(&own, has_rsync),
            None if has_rsync => Arc::clone(&by_rsync),
            None => Arc::clone(&by_others),
        };
    }
}
