//! What of which mirror is due: pure, the time is an argument.
//!
//! - *Whole*: never scanned, or the last scan is older than `scan.whole_age_s`; one that failed is
//!   made again after an eighth of that.
//! - *Changed directories* that the mirror lacks, until `scan.changed_share` of the mirrors have
//!   them: a fresh change is looked for every [`PAUSE_S_MIN`], an old one ever more seldom.
//! - *Suspicious*: what a suspicious scan saw waits for a second one, which is made
//!   [`CONFIRM_S_MIN`] later.
//! - *Requested*: somebody said that there is something new; what it lacks, else the whole, but
//!   that no sooner than after one that failed.
//!
//! Times that lie ahead (a clock was wrong) are as if there were none, and are told.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::changed_directories::ChangedDirectories;
use crate::config::DueConfig;
use crate::db::scan::attempt::ScanAttempt;
use crate::domain::time::Timestamp;

/// Shortest pause between two looks at a mirror: mirrors synchronise every some minutes at best,
/// and an operator should not see us more often than his own monitoring.
pub const PAUSE_S_MIN: i64 = 300;

/// Pause until the second look at a mirror that seems to have lost its files: its sync may be over
/// then, and clients are not sent for what is gone for more than some minutes.
pub const CONFIRM_S_MIN: i64 = 180;

/// The pause is this part of the age that the change has at its end: what a mirror has not got
/// after a day it rarely gets within the next minutes. Some 25 looks in three days, most of them
/// in the first hours.
const PAUSE_PART: i64 = 4;

/// A whole scan that failed is made again after this part of the age at which one is due: three
/// hours of a day. What failed for minutes is then over, and the mirror is not a day behind.
const RETRY_PART: i64 = 8;

/// Changed directories of one scan: more rules make a long command line for rsync, and as many
/// requests over FTP and HTTP as a good part of the tree.
const DIRECTORIES_MAX: usize = 200;

/// The same as a part of the directories of the catalogue: beyond a quarter, reading what lies
/// around them costs little more.
const DIRECTORIES_PART: usize = 4;

/// What others tell about a mirror.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// When somebody last asked for a scan.
    pub requested_at: Option<Timestamp>,
}

/// What is known of a mirror.
#[derive(Debug, Clone)]
pub struct MirrorState {
    /// When the last scan of all it has ended well; a time that lies ahead only for want of
    /// another one.
    pub whole_at: Option<Timestamp>,
    /// When a suspicious scan saw what waits for a second one.
    pub suspicious_at: Option<Timestamp>,
    /// Whether that scan was stopped before its end.
    pub is_unfinished: bool,
    /// When it was last asked.
    pub attempt: ScanAttempt,
    /// What others tell.
    pub hints: Hints,
    /// Versions that it has.
    pub current: RoaringBitmap,
    /// Numbers of changed directories that it is never asked for.
    pub unwanted: Arc<RoaringBitmap>,
}

/// What of a mirror is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DuePart {
    /// Nothing.
    Nothing,
    /// Some of the changed directories, by number.
    Changed(Vec<u32>),
    /// All it has.
    Whole,
}

/// Why it is due, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueReason {
    /// It was never scanned.
    NeverScanned,
    /// Its last scan lies ahead: a clock was wrong, and nobody knows how old it is.
    Ahead {
        /// The time that it has.
        at: Timestamp,
    },
    /// A suspicious scan waits for a second one.
    Suspicious,
    /// The last scan is this old.
    Old {
        /// Seconds.
        age_s: i64,
    },
    /// The last scan was stopped.
    Unfinished,
    /// It lacks changed directories.
    Lacks {
        /// How many.
        directories: usize,
        /// Seconds since the latest of the changes.
        age_s: i64,
    },
    /// It lacks so many that all is looked at.
    LacksMuch {
        /// How many.
        directories: usize,
    },
    /// Somebody asked for it.
    Requested,
    /// Not yet: a scan of all was tried and has not ended well.
    Tried,
    /// Not yet: it was looked at.
    Looked {
        /// Changed directories that it lacks.
        directories: usize,
    },
    /// Not yet: somebody asked for it, and it was looked at.
    RequestedSoon,
    /// No: what it lacks, most mirrors have.
    MostHave {
        /// Changed directories that it lacks.
        directories: usize,
    },
    /// No: it has all.
    HasAll,
}

/// What is decided about a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDecision {
    /// What is due.
    pub what: DuePart,
    /// Why.
    pub why: DueReason,
    /// When something will be due, as far as is known now; for what is due: now.
    pub next_at: Timestamp,
}

/// Decides about all mirrors that can be scanned, in their order.
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

/// Directories that not most of the mirrors have.
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

/// Whether a mirror may be due for anything but its age, if it lacks a change of that time: what
/// can be said before it is known what it lacks.
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
            // Anybody may be able to ask: all of a mirror is not read at each word of his.
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

    /// When all is due, and why then.
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

    /// When what is suspicious is looked at again.
    fn confirm_at(&self) -> Option<Timestamp> {
        let seen_at = past(self.now, self.mirror.suspicious_at)?;
        let from = past(self.now, self.mirror.attempt.whole_at).unwrap_or(seen_at);
        Some(Timestamp(from.0.saturating_add(CONFIRM_S_MIN)))
    }

    /// Until when all is not read again, whatever came of it.
    fn retry_at(&self) -> Timestamp {
        let retry_s = (seconds(self.config.whole_age) / RETRY_PART).max(PAUSE_S_MIN);
        let tried_at = past(self.now, self.mirror.attempt.whole_at);
        Timestamp(tried_at.map_or(i64::MIN, |at| at.0.saturating_add(retry_s)))
    }

    /// Whether a whole scan would be due had it not been tried.
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

/// When a mirror was last asked for anything.
pub(super) fn last_look(now: Timestamp, mirror: &MirrorState) -> Option<Timestamp> {
    let ScanAttempt {
        whole_at,
        changed_at,
    } = mirror.attempt;
    past(now, whole_at).max(past(now, changed_at))
}

/// A request is there until a scan begins that came after it.
fn is_requested(now: Timestamp, mirror: &MirrorState) -> bool {
    past(now, mirror.hints.requested_at).is_some()
}

fn pause_ends_at(asked_at: Option<Timestamp>) -> Timestamp {
    Timestamp(asked_at.map_or(i64::MIN, |at| at.0.saturating_add(PAUSE_S_MIN)))
}

/// The first time at which the pause is a part of the change's age: `t - asked = (t - change) / 4`.
fn look_again_at(asked_at: Option<Timestamp>, change: Timestamp) -> Timestamp {
    let Some(asked) = asked_at else {
        return Timestamp(i64::MIN);
    };
    let since = asked.0.saturating_sub(change.0);
    let pause_s = since.div_euclid(PAUSE_PART - 1).max(PAUSE_S_MIN);
    Timestamp(asked.0.saturating_add(pause_s))
}

/// What lies ahead is not known.
fn past(now: Timestamp, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| *at <= now)
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
