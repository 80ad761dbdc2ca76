//! Decides which part of which mirror is due (no I/O; the time is an argument).
//!
//! - *Whole*: the mirror was never scanned, or its last scan is older than `scan.whole_age_s`. A
//!   failed scan is repeated after an eighth of that.
//! - *Changed directories* that the mirror lacks, until `scan.changed_share` of the mirrors have
//!   them. A scan looks for a fresh change every [`PAUSE_S_MIN`], and for an old one ever more
//!   seldom.
//! - *Suspicious*: a suspicious scan waits for a second one, which follows after [`CONFIRM_S_MIN`].
//! - *Requested*: somebody said that the mirror has something new. The directories that it lacks
//!   are scanned, else the whole mirror; but after a failed scan no sooner than usual.
//!
//! A time in the future, which a wrong clock made, counts as missing, and is reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::changed_directories::ChangedDirectories;
use crate::config::DueConfig;
use crate::db::scan::attempt::ScanAttempt;
use crate::domain::time::Timestamp;

/// Shortest pause between two looks at a mirror: mirrors synchronise every few minutes at best, and
/// an operator should not see us more often than his own monitoring.
pub const PAUSE_S_MIN: i64 = 300;

/// Pause before the second look at a mirror that seems to have lost its files. A sync may be over
/// by then, and clients are sent to missing files for a few minutes only.
pub const CONFIRM_S_MIN: i64 = 180;

/// The pause is this fraction of the age that the change will have at its end: a mirror that lacks
/// a file after a day rarely gets it within the next minutes. This makes some 25 looks in three
/// days, most of them in the first hours.
const PAUSE_PART: i64 = 4;

/// A failed scan of the whole mirror is repeated after this fraction of `whole_age_s`: after three
/// hours if that is a day. A fault of some minutes is over then, and the mirror's state is not a
/// day old.
const RETRY_PART: i64 = 8;

/// Largest number of changed directories per scan: more would make a long command line for rsync,
/// and over FTP and HTTP as many requests as a good part of the tree.
const DIRECTORIES_MAX: usize = 200;

/// The same as a fraction of all directories: beyond a quarter, scanning the whole mirror costs
/// little more.
const DIRECTORIES_PART: usize = 4;

/// News about a mirror from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// Time of the last request for a scan.
    pub requested_at: Option<Timestamp>,
}

/// The state of a mirror.
#[derive(Debug, Clone)]
pub struct MirrorState {
    /// End of the last good scan of the whole mirror; a time in the future only if there is no
    /// other.
    pub whole_at: Option<Timestamp>,
    /// Time of the suspicious scan that waits for a second one.
    pub suspicious_at: Option<Timestamp>,
    /// Whether the last scan was stopped before its end.
    pub is_unfinished: bool,
    /// The last attempts.
    pub attempt: ScanAttempt,
    /// News from others.
    pub hints: Hints,
    /// Ids of the versions that it has.
    pub current: RoaringBitmap,
    /// Numbers of changed directories for which it is never asked.
    pub unwanted: Arc<RoaringBitmap>,
}

/// The part of a mirror that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DuePart {
    /// Nothing.
    Nothing,
    /// Some of the changed directories, by number.
    Changed(Vec<u32>),
    /// The whole mirror.
    Whole,
}

/// Why it is due, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueReason {
    /// The mirror was never scanned.
    NeverScanned,
    /// Its last scan lies in the future, because a clock was wrong, so that its age is unknown.
    Ahead {
        /// The time of that scan.
        at: Timestamp,
    },
    /// A suspicious scan waits for a second one.
    Suspicious,
    /// The last scan of the whole mirror is this old.
    Old {
        /// Seconds.
        age_s: i64,
    },
    /// The last scan was stopped.
    Unfinished,
    /// The mirror lacks new versions in changed directories.
    Lacks {
        /// Number of these directories.
        directories: usize,
        /// Seconds since the latest of the changes.
        age_s: i64,
    },
    /// The mirror lacks so many that all of it is scanned.
    LacksMuch {
        /// Number of these directories.
        directories: usize,
    },
    /// Somebody requested a scan.
    Requested,
    /// Not due yet: a scan of the whole mirror was tried and did not end well.
    Tried,
    /// Not due yet: it was looked at recently.
    Looked {
        /// Number of changed directories that it lacks.
        directories: usize,
    },
    /// Not due yet: a scan was requested, but the mirror was looked at recently.
    RequestedSoon,
    /// Not due: most mirrors already have what it lacks.
    MostHave {
        /// Number of changed directories that it lacks.
        directories: usize,
    },
    /// Not due: it has everything.
    HasAll,
}

/// The decision about a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDecision {
    /// The part that is due.
    pub what: DuePart,
    /// The reason.
    pub why: DueReason,
    /// The time at which something will be due, as far as is known now; now if something is due.
    pub next_at: Timestamp,
}

/// Decides about all mirrors that can be scanned; returns the decisions in the same order.
pub fn decide(
    config: &DueConfig,
    now: Timestamp,
    changed: &ChangedDirectories,
    mirrors: &[MirrorState],
) -> Vec<DueDecision> {
    let lacking: Vec<_> = mirrors
        .iter()
        .map(|mirror| {
            let mut lacking = changed.lacking(&mirror.current);
            lacking.retain(|number, _| !mirror.unwanted.contains(*number));
            lacking
        })
        .collect();
    let rare = rare(config.changed_share, changed, mirrors, &lacking);
    let decide = |(mirror, lacking): (&MirrorState, &BTreeMap<u32, Timestamp>)| {
        let case = DueCase {
            config,
            now,
            mirror,
            directories: changed.directories(),
        };
        case.decide(lacking, &rare)
    };
    mirrors.iter().zip(&lacking).map(decide).collect()
}

/// The changed directories that most mirrors do not have yet.
fn rare(
    share: f64,
    changed: &ChangedDirectories,
    mirrors: &[MirrorState],
    lacking: &[BTreeMap<u32, Timestamp>],
) -> RoaringBitmap {
    let mut wanting = vec![mirrors.len(); changed.paths().len()];
    let mut without = vec![0; changed.paths().len()];
    for (mirror, lacking) in mirrors.iter().zip(lacking) {
        for number in mirror.unwanted.iter() {
            wanting[number as usize] -= 1;
        }
        for number in lacking.keys() {
            without[*number as usize] += 1;
        }
    }
    let counts = wanting.into_iter().zip(without);
    (0..)
        .zip(counts)
        .filter(|(_, (wanting, without))| ((wanting - without) as f64) < share * *wanting as f64)
        .map(|(number, _)| number)
        .collect()
}

/// Whether a mirror may be due for another reason than its age, if it lacks a change of that time.
/// This can be said before it is known which versions the mirror lacks.
pub(super) fn may_lack(now: Timestamp, mirror: &MirrorState, latest: Timestamp) -> bool {
    let asked_at = last_look(now, mirror);
    is_requested(now, mirror) || now >= look_again_at(asked_at, latest)
}

struct DueCase<'a> {
    config: &'a DueConfig,
    now: Timestamp,
    mirror: &'a MirrorState,
    directories: usize,
}

impl DueCase<'_> {
    fn decide(&self, lacking: &BTreeMap<u32, Timestamp>, rare: &RoaringBitmap) -> DueDecision {
        let (why_whole, whole_at) = self.whole();
        if self.now >= whole_at {
            return self.due(DuePart::Whole, why_whole);
        }
        let asked_at = last_look(self.now, self.mirror);
        let is_known = past(self.now, self.mirror.whole_at).is_some();
        if is_requested(self.now, self.mirror) {
            let again_at = pause_ends_at(asked_at);
            if self.now < again_at {
                return not_due(DueReason::RequestedSoon, again_at.min(whole_at));
            }
            let is_part = is_known && !lacking.is_empty() && !self.is_much(lacking.len());
            if is_part {
                let numbers = lacking.keys().copied().collect();
                return self.due(DuePart::Changed(numbers), DueReason::Requested);
            }
            // Requests may come from anybody, so a request alone does not repeat a scan of the
            // whole mirror.
            let again_at = self.retry_at();
            if self.now < again_at {
                return not_due(DueReason::RequestedSoon, again_at.min(whole_at));
            }
            return self.due(DuePart::Whole, DueReason::Requested);
        }
        if !is_known {
            return not_due(DueReason::Tried, whole_at);
        }
        self.decide_changed(lacking, rare, asked_at, whole_at)
    }

    fn decide_changed(
        &self,
        lacking: &BTreeMap<u32, Timestamp>,
        rare: &RoaringBitmap,
        asked_at: Option<Timestamp>,
        whole_at: Timestamp,
    ) -> DueDecision {
        let asked = lacking.iter().filter(|(number, _)| rare.contains(**number));
        let numbers: Vec<u32> = asked.clone().map(|(number, _)| *number).collect();
        let directories = numbers.len();
        let Some(latest) = asked.map(|(_, at)| *at).max() else {
            let directories = lacking.len();
            let why = match directories {
                0 if self.is_old() => DueReason::Tried,
                0 => DueReason::HasAll,
                _ => DueReason::MostHave { directories },
            };
            return not_due(why, whole_at);
        };
        let again_at = look_again_at(asked_at, latest);
        if self.now < again_at {
            return not_due(DueReason::Looked { directories }, again_at.min(whole_at));
        }
        if self.is_much(directories) {
            return self.due(DuePart::Whole, DueReason::LacksMuch { directories });
        }
        let age_s = self.now.0.saturating_sub(latest.0);
        self.due(
            DuePart::Changed(numbers),
            DueReason::Lacks { directories, age_s },
        )
    }

    /// The reason for which a scan of the whole mirror is due, and since when.
    fn whole(&self) -> (DueReason, Timestamp) {
        let whole_age_s = seconds(self.config.whole_age);
        if let Some(at) = self.confirm_at() {
            return (DueReason::Suspicious, at);
        }
        let (why, at) = match past(self.now, self.mirror.whole_at) {
            None => match self.mirror.whole_at {
                Some(at) => (DueReason::Ahead { at }, i64::MIN),
                None => (DueReason::NeverScanned, i64::MIN),
            },
            Some(_) if self.mirror.is_unfinished => (DueReason::Unfinished, i64::MIN),
            Some(at) => {
                let age_s = self.now.0.saturating_sub(at.0);
                (DueReason::Old { age_s }, at.0.saturating_add(whole_age_s))
            }
        };
        (why, Timestamp(at).max(self.retry_at()))
    }

    /// The time of the second look after a suspicious scan.
    fn confirm_at(&self) -> Option<Timestamp> {
        let seen_at = past(self.now, self.mirror.suspicious_at)?;
        let from = past(self.now, self.mirror.attempt.whole_at).unwrap_or(seen_at);
        Some(Timestamp(from.0.saturating_add(CONFIRM_S_MIN)))
    }

    /// The time before which a scan of the whole mirror is not repeated, whatever its result.
    fn retry_at(&self) -> Timestamp {
        let retry_s = (seconds(self.config.whole_age) / RETRY_PART).max(PAUSE_S_MIN);
        let tried_at = past(self.now, self.mirror.attempt.whole_at);
        Timestamp(tried_at.map_or(i64::MIN, |at| at.0.saturating_add(retry_s)))
    }

    /// Whether a scan of the whole mirror would be due if it had not been tried.
    fn is_old(&self) -> bool {
        let at = past(self.now, self.mirror.whole_at);
        let is_young =
            |at: Timestamp| self.now.0.saturating_sub(at.0) < seconds(self.config.whole_age);
        self.mirror.is_unfinished || !at.is_some_and(is_young)
    }

    fn is_much(&self, directories: usize) -> bool {
        directories > DIRECTORIES_MAX || directories * DIRECTORIES_PART > self.directories
    }

    fn due(&self, what: DuePart, why: DueReason) -> DueDecision {
        DueDecision {
            what,
            why,
            next_at: self.now,
        }
    }
}

fn not_due(why: DueReason, next_at: Timestamp) -> DueDecision {
    DueDecision {
        what: DuePart::Nothing,
        why,
        next_at,
    }
}

/// The time at which the mirror was last asked for anything.
pub(super) fn last_look(now: Timestamp, mirror: &MirrorState) -> Option<Timestamp> {
    let ScanAttempt {
        whole_at,
        changed_at,
    } = mirror.attempt;
    past(now, whole_at).max(past(now, changed_at))
}

/// Whether there is a request that came after the begin of the last scan.
fn is_requested(now: Timestamp, mirror: &MirrorState) -> bool {
    past(now, mirror.hints.requested_at).is_some()
}

fn pause_ends_at(asked_at: Option<Timestamp>) -> Timestamp {
    Timestamp(asked_at.map_or(i64::MIN, |at| at.0.saturating_add(PAUSE_S_MIN)))
}

/// The first time at which the pause is the fraction of the change's age: `t - asked = (t - change)
/// / 4`.
fn look_again_at(asked_at: Option<Timestamp>, change: Timestamp) -> Timestamp {
    let Some(asked) = asked_at else {
        return Timestamp(i64::MIN);
    };
    let since = asked.0.saturating_sub(change.0);
    let pause_s = since.div_euclid(PAUSE_PART - 1).max(PAUSE_S_MIN);
    Timestamp(asked.0.saturating_add(pause_s))
}

/// A time in the future counts as missing.
fn past(now: Timestamp, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| *at <= now)
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
