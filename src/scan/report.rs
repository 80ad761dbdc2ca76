//! The report of a scan, mirror by mirror.

use std::time::Duration;

use serde::Serialize;

use super::listing::Listing;
use super::protocol::Protocol;
use crate::db::mirror::MirrorRecord;
use crate::db::run::{RunEnd, RunId, RunOutcome};
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;

/// Numbers of one mirror's scan; also stored with its run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ScanCounts {
    /// Directories that alone were asked for; 0: the tree, or a subtree.
    pub directories: u64,
    /// Files listed.
    pub files: u64,
    /// Of those, the version of the catalogue.
    pub current: u64,
    /// Of those, another version.
    pub outdated: u64,
    /// Of those, not in the catalogue.
    pub unknown: u64,
    /// Files that not everybody may read, so that they do not count.
    pub private: u64,
    /// Directories that could not be listed.
    pub unreadable: u64,
    /// Files that are listed and that the mirror cannot deliver: too large for it.
    pub undeliverable: u64,
    /// Requests for pages; 0 where the protocol has none.
    pub requests: u64,
    /// Minutes that the mirror's page times are ahead of UTC.
    pub shift_min: i32,
    /// Files that the mirror had, and the catalogue still has, that are gone.
    pub vanished: u64,
    /// Files of the catalogue that its include and exclude rules allow; 0: not counted.
    pub allowed: u64,
    /// Current files of the mirror before the scan.
    pub before: u64,
    /// Current files of the mirror after it.
    pub after: u64,
}

/// Result of scanning one mirror.
#[derive(Debug, Clone)]
pub struct MirrorReport {
    /// Its number.
    pub id: MirrorId,
    /// Its name.
    pub identifier: String,
    /// The protocol by which it was listed; `None` when it was not.
    pub by: Option<Protocol>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Whether it was switched on.
    pub enabled: bool,
    /// The numbers.
    pub counts: ScanCounts,
    /// How long it took.
    pub took: Duration,
    /// Why it was not published, one line; empty: it was.
    pub error: String,
    /// Remark on the listing for the admin, one line; recorded with the run.
    pub note: String,
    /// The run that found just the same; this scan is to be counted with it.
    pub repeats: Option<RunId>,
    /// Whether the last run had another note.
    pub is_news: bool,
    /// Further remarks.
    pub notes: Vec<String>,
}

impl MirrorReport {
    /// Of a listing that is published as it is.
    pub fn of(mirror: &MirrorRecord, listing: &Listing) -> MirrorReport {
        let mut notes = listing.notes.clone();
        if !listing.undeliverable.reason.is_empty() {
            notes.push(listing.undeliverable.reason.clone());
        }
        MirrorReport {
            id: mirror.id,
            identifier: mirror.identifier.clone(),
            by: Some(listing.by),
            outcome: match listing.holes().is_empty() {
                true => RunOutcome::Ok,
                false => RunOutcome::Partial,
            },
            enabled: false,
            counts: ScanCounts::default(),
            took: Duration::ZERO,
            error: String::new(),
            note: listing.note(&mirror.identifier),
            repeats: None,
            is_news: false,
            notes,
        }
    }

    /// The end of its run.
    pub fn run_end(&self, at: Timestamp) -> RunEnd {
        RunEnd {
            at,
            outcome: self.outcome,
            counts: RunCounts::of(&self.counts),
            error: self.error.clone(),
            note: self.note.clone(),
        }
    }

    /// Whether the mirror's content is now what was seen.
    pub fn is_published(&self) -> bool {
        self.outcome.is_good()
    }

    /// The name of the protocol by which it was listed; empty when it was not.
    pub fn protocol_name(&self) -> &'static str {
        self.by.map_or("", Protocol::name)
    }

    /// Files a second.
    pub fn files_per_second(&self) -> u64 {
        (self.counts.files as f64 / self.took.as_secs_f64().max(0.001)) as u64
    }
}

/// Result of scanning all mirrors.
#[derive(Debug, Clone)]
pub struct ScanReport {
    /// The site.
    pub site: String,
    /// The subtree, if not all.
    pub dir: Option<String>,
    /// In the order in which they ended.
    pub mirrors: Vec<MirrorReport>,
    /// Passed over: enabled, but without a URL that can be listed.
    pub without_url: Vec<String>,
    /// Not begun, because the program was told to stop.
    pub not_begun: u64,
    /// Whether it is stored when mirrors were asked that had nothing new.
    pub is_recorded: bool,
    /// How long it took.
    pub took: Duration,
}

impl ScanReport {
    /// 0: all were scanned and recorded; 1: none; 3: some.
    pub fn exit(&self) -> Exit {
        let count = |is: fn(RunOutcome) -> bool| {
            let mirrors = self.mirrors.iter();
            mirrors.filter(|mirror| is(mirror.outcome)).count()
        };
        let good = count(|outcome| outcome == RunOutcome::Ok);
        let partial = count(|outcome| outcome == RunOutcome::Partial);
        if good == self.mirrors.len() && self.not_begun == 0 && self.is_recorded {
            Exit::Ok
        } else if good + partial == 0 {
            Exit::Failed
        } else {
            Exit::Partial
        }
    }

    /// As one JSON object.
    pub fn to_json(&self) -> String {
        let json = ReportJson {
            site: &self.site,
            dir: self.dir.as_deref(),
            took_s: seconds(self.took),
            mirrors: self.mirrors.iter().map(mirror_json).collect(),
            without_url: &self.without_url,
            not_begun: self.not_begun,
        };
        serde_json::to_string_pretty(&json).expect("numbers and texts are always JSON")
    }
}

#[derive(Serialize)]
struct ReportJson<'a> {
    site: &'a str,
    dir: Option<&'a str>,
    took_s: f64,
    mirrors: Vec<MirrorJson<'a>>,
    without_url: &'a [String],
    not_begun: u64,
}

#[derive(Serialize)]
struct MirrorJson<'a> {
    identifier: &'a str,
    id: i64,
    by: &'static str,
    outcome: &'static str,
    published: bool,
    enabled: bool,
    #[serde(flatten)]
    counts: ScanCounts,
    took_s: f64,
    files_per_s: u64,
    error: &'a str,
    note: &'a str,
    notes: &'a [String],
}

fn mirror_json(mirror: &MirrorReport) -> MirrorJson<'_> {
    MirrorJson {
        identifier: &mirror.identifier,
        id: mirror.id.0,
        by: mirror.protocol_name(),
        outcome: mirror.outcome.as_str(),
        published: mirror.is_published(),
        enabled: mirror.enabled,
        counts: mirror.counts,
        took_s: seconds(mirror.took),
        files_per_s: mirror.files_per_second(),
        error: &mirror.error,
        note: &mirror.note,
        notes: &mirror.notes,
    }
}

/// Milliseconds are enough.
fn seconds(took: Duration) -> f64 {
    took.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[RunOutcome], not_begun: u64) -> ScanReport {
        let mirrors = outcomes.iter().map(|&outcome| MirrorReport {
            id: MirrorId(1),
            identifier: "m".into(),
            by: Some(Protocol::Rsync),
            outcome,
            enabled: false,
            counts: ScanCounts::default(),
            took: Duration::from_millis(1500),
            error: String::new(),
            note: String::new(),
            repeats: None,
            is_news: false,
            notes: Vec::new(),
        });
        ScanReport {
            site: "s".into(),
            dir: None,
            mirrors: mirrors.collect(),
            without_url: Vec::new(),
            not_begun,
            is_recorded: true,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn the_exit_code_says_all_some_or_none() {
        use RunOutcome::{Failed, Interrupted, Ok, Partial, Suspicious};
        for (outcomes, not_begun, expected) in [
            (&[][..], 0, Exit::Ok),
            (&[Ok, Ok], 0, Exit::Ok),
            (&[Ok, Failed], 0, Exit::Partial),
            (&[Ok, Partial], 0, Exit::Partial),
            (&[Partial], 0, Exit::Partial),
            (&[Suspicious], 0, Exit::Failed),
            (&[Failed, Interrupted], 0, Exit::Failed),
            (&[Ok], 1, Exit::Partial),
            (&[], 1, Exit::Failed),
        ] {
            assert_eq!(report(outcomes, not_begun).exit(), expected, "{outcomes:?}");
        }
    }

    #[test]
    fn the_report_is_json() {
        let json: serde_json::Value =
            serde_json::from_str(&report(&[RunOutcome::Ok], 0).to_json()).expect("JSON");
        assert_eq!(json["mirrors"][0]["outcome"], "ok");
        assert_eq!(json["mirrors"][0]["took_s"], 1.5);
        assert_eq!(json["mirrors"][0]["files"], 0);
    }
}
