//! Publishes a listing as a mirror's content or keeps it aside: one short transaction reads the
//! published content, judges and stores.
//!
//! # Locking
//! Everything that the verdict depends on is read inside the IMMEDIATE transaction, so that an
//! admin's `rollback` or `file add` meanwhile is neither lost nor undone by half.

use super::finding::{Listing, PublishOptions, listed};

use super::judge::{Coverage, JudgementCase, Verdict, add, judge, merge};
use super::repeat::repeated;
use crate::db::content::{self, Content, ContentOrigin, PendingContent, PublishedContent};
use crate::db::mirror::MirrorRecord;
use crate::db::open::Transaction;
use crate::db::run::{self, RunEnd, RunId, RunKind, RunOutcome};
use crate::db::scan::directory;
use crate::db::{DbError, Writer, event, mirror};
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;
use crate::domain::time::ctime;
use crate::scan::compare::large_files::UndeliverableFiles;
use crate::scan::report::ScanCounts;

/// Who the events are by.
const ACTOR: &str = "heliostat-scan";

/// What was done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// Ok, partial or suspicious.
    pub outcome: RunOutcome,
    /// Why a suspicious one was kept aside, or published all the same; empty: it was not.
    pub remark: String,
    /// The numbers.
    pub counts: ScanCounts,
    /// Whether the mirror was switched on.
    pub enabled: bool,
    /// The run that found just the same; this scan is to be counted with it.
    pub repeats: Option<RunId>,
    /// Whether the last run had something else to say.
    pub is_news: bool,
}

/// Publishes a listing or keeps it aside; `None` if the mirror no longer exists.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be read or written; nothing is changed then.
pub fn conclude(
    writer: &mut Writer,
    rules: PublishOptions<'_>,
    finding: Listing<'_>,
) -> Result<Option<Conclusion>, DbError> {
    writer.transaction(|transaction| {
        let Some(record) = mirror::get(transaction, finding.mirror)? else {
            return Ok(None);
        };
        let published = content::load(transaction, finding.mirror).or_else(none_if_damaged)?;
        let previous = published.as_ref().map(|published| &published.content);
        let pending = content::pending(transaction, finding.mirror).or_else(none_if_damaged)?;
        let merged = content_after(previous, rules, finding);
        let case = JudgementCase {
            previous,
            pending: pending.as_ref().map(|pending| &pending.content),
            merged: &merged,
            catalogue: rules.known.ids(),
            files: finding.found.seen.files,
            is_subtree: rules.scope.is_some(),
        };
        let verdict = judge(&case, rules.limits);
        let counts = ScanCounts {
            directories: rules.directories,
            allowed: rules.allowed,
            ..count(&case, finding, verdict)
        };
        let before = PreviousContent {
            published: published.as_ref(),
            record: &record,
            is_pending: pending.is_some(),
        };
        if verdict == Verdict::Ordinary
            && before.is_again(rules, finding, &merged)
            && let Some(run) = repeated(transaction, finding, &counts)?
        {
            store_left(transaction, rules, finding)?;
            return Ok(Some(Conclusion {
                repeats: Some(run),
                counts,
                ..Conclusion::of(listed(finding))
            }));
        }
        let conclusion = match verdict {
            Verdict::Suspicious(suspicion) => {
                let reason = suspicion.to_string();
                set_aside(transaction, finding, reason, merged)?
            }
            _ => {
                let large = large_files_news(finding, previous);
                let little = little_left_news(rules, previous, &merged);
                let how = (verdict, large.into_iter().chain(little).collect());
                publish(transaction, rules, finding, how, (record, merged))?
            }
        };
        let last = run::latest(transaction, RunKind::Scan, Some(finding.mirror), 1)?;
        let conclusion = Conclusion {
            counts,
            is_news: last.is_empty() || last.iter().any(|run| run.note != finding.note),
            ..conclusion
        };
        let (mirror, end) = (Some(finding.mirror), run_end(finding, &conclusion));
        run::record(transaction, RunKind::Scan, mirror, finding.began, &end)?;
        Ok(Some(conclusion))
    })
}

impl Conclusion {
    fn of(outcome: RunOutcome) -> Conclusion {
        Conclusion {
            outcome,
            remark: String::new(),
            counts: ScanCounts::default(),
            enabled: false,
            repeats: None,
            is_news: false,
        }
    }
}

/// What the mirror has now, as far as it is known.
fn content_after(
    previous: Option<&Content>,
    rules: PublishOptions<'_>,
    finding: Listing<'_>,
) -> Content {
    let seen = &finding.found.seen.content;
    let coverage = Coverage {
        scope: rules.scope,
        unlisted: finding.unlisted,
    };
    match rules.scope {
        Some(scope) if rules.directories > 0 => add(previous, seen, scope),
        _ => merge(previous, seen, coverage),
    }
}

/// What is stored of a mirror when a scan of it ends.
#[derive(Clone, Copy)]
struct PreviousContent<'a> {
    published: Option<&'a PublishedContent>,
    record: &'a MirrorRecord,
    is_pending: bool,
}

impl PreviousContent<'_> {
    /// Whether publishing would change nothing but times.
    fn is_again(self, rules: PublishOptions<'_>, finding: Listing<'_>, merged: &Content) -> bool {
        let is_same = self.published.is_some_and(|published| {
            published.content == *merged && published.origin.by == finding.found.by.name()
        });
        // A subtree may be another one each time; what waits is not touched by single directories.
        let is_alike = match rules.directories {
            0 => rules.scope.is_none() && !self.is_pending,
            _ => true,
        };
        is_same && is_alike && !to_be_enabled(rules, self.record, merged)
    }
}

/// A mirror that has nothing is of no use to anybody.
fn to_be_enabled(rules: PublishOptions<'_>, record: &MirrorRecord, content: &Content) -> bool {
    rules.enable && !content.current.is_empty() && !(record.enabled && record.alive)
}

/// What a scan over HTTP leaves for the next.
fn store_left(
    transaction: &Transaction<'_>,
    rules: PublishOptions<'_>,
    finding: Listing<'_>,
) -> Result<(), DbError> {
    if rules.scope.is_none() && finding.found.crawled.is_some() {
        directory::store(transaction, finding.mirror, finding.left)?;
    }
    Ok(())
}

/// A scan is what repairs a damaged content.
fn none_if_damaged<T>(error: DbError) -> Result<Option<T>, DbError> {
    match error {
        DbError::DamagedContent { mirror, .. } => {
            log::warn!("the content of a mirror is damaged and is learnt anew: mirror={mirror}");
            Ok(None)
        }
        other => Err(other),
    }
}

fn count(case: &JudgementCase<'_>, finding: Listing<'_>, verdict: Verdict) -> ScanCounts {
    let found = finding.found;
    let seen = &found.seen;
    let before = case.previous.map_or(0, |content| content.current.len());
    let is_aside = matches!(verdict, Verdict::Suspicious(_));
    ScanCounts {
        directories: 0,
        files: seen.files,
        current: seen.content.current.len(),
        outdated: seen.content.outdated.len(),
        unknown: seen.unknown,
        private: seen.private,
        unreadable: found.unreadable,
        undeliverable: finding.undeliverable.ids.len(),
        requests: found.requests,
        shift_min: seen.shift_min,
        allowed: 0,
        vanished: case.vanished().len(),
        before,
        after: if is_aside {
            before
        } else {
            case.merged.current.len()
        },
    }
}

fn set_aside(
    transaction: &Transaction<'_>,
    finding: Listing<'_>,
    reason: String,
    content: Content,
) -> Result<Conclusion, DbError> {
    let what = format!("scan kept aside: {reason}");
    event::record(transaction, finding.at, ACTOR, Some(finding.mirror), &what)?;
    let pending = PendingContent {
        seen_at: finding.at,
        reason,
        content,
    };
    content::set_pending(transaction, finding.mirror, &pending)?;
    Ok(Conclusion {
        remark: pending.reason,
        ..Conclusion::of(RunOutcome::Suspicious)
    })
}

fn publish(
    transaction: &Transaction<'_>,
    rules: PublishOptions<'_>,
    finding: Listing<'_>,
    (verdict, mut notable): (Verdict, Vec<String>),
    (mut record, content): (MirrorRecord, Content),
) -> Result<Conclusion, DbError> {
    let origin = ContentOrigin {
        at: finding.at,
        by: finding.found.by.name().to_owned(),
        unknown_files: finding.found.seen.unknown,
    };
    if rules.directories > 0 && verdict == Verdict::Ordinary {
        content::add(transaction, finding.mirror, &content)?;
    } else {
        content::publish(transaction, finding.mirror, &content, &origin)?;
    }
    store_left(transaction, rules, finding)?;
    let remark = match verdict {
        Verdict::Confirmed(suspicion) => format!("{suspicion}; a second scan confirms it"),
        Verdict::Forced(suspicion) => format!("{suspicion}; published by --force"),
        _ => String::new(),
    };
    if verdict == Verdict::First {
        notable.push(format!("first scan: {} files", content.current.len()));
    }
    if !remark.is_empty() {
        notable.push(format!("scan published: {remark}"));
    }
    let enabled = to_be_enabled(rules, &record, &content);
    if enabled {
        notable.push("enabled after a scan".to_owned());
        switch_on(&mut record, finding.at);
    }
    if rules.scope.is_none() {
        record.last_scan = finding.at.to_string();
        let minutes = finding.took.as_secs_f64().max(0.001) / 60.0;
        record.scan_fpm = (finding.found.seen.files as f64 / minutes) as i64;
    }
    if enabled || rules.scope.is_none() {
        mirror::update(transaction, &record)?;
    }
    for what in notable {
        event::record(transaction, finding.at, ACTOR, Some(finding.mirror), &what)?;
    }
    Ok(Conclusion {
        remark,
        enabled,
        ..Conclusion::of(listed(finding))
    })
}

/// That the mirror cannot deliver large files, the first time that it is found.
fn large_files_news(finding: Listing<'_>, previous: Option<&Content>) -> Option<String> {
    let UndeliverableFiles { ids, reason } = finding.undeliverable;
    let had = previous.is_none_or(|previous| !previous.current.is_disjoint(ids));
    (had && !ids.is_empty()).then(|| format!("large files are not counted: {reason}"))
}

/// That a mirror has next to nothing any more, whoever confirmed it; nothing where that is no news.
fn little_left_news(
    rules: PublishOptions<'_>,
    previous: Option<&Content>,
    merged: &Content,
) -> Option<String> {
    let count = |content: &Content| content.current.intersection_len(rules.known.ids());
    let (before, after) = (previous.map_or(0, count), count(merged));
    let is_low = |files: u64| (files as f64) < rules.allowed as f64 * rules.coverage_min;
    let was_low = previous.is_some_and(|_| is_low(before));
    if after == 0 && before > 0 {
        Some(format!("it has no current file any more ({before} before)"))
    } else if after * 2 < before {
        Some(format!(
            "it lost most of its files: {after} of {before} are left"
        ))
    } else if is_low(after) && !was_low {
        let (allowed, share) = (rules.allowed, rules.coverage_min * 100.0);
        Some(format!(
            "it has {after} of the {allowed} files that it may have, less than {share} % \
             (coverage_min)"
        ))
    } else {
        None
    }
}

/// MirrorBrain's note in the comment, word for word.
fn switch_on(record: &mut MirrorRecord, at: Timestamp) {
    record.enabled = true;
    record.alive = true;
    record.append_comment(&format!("*** scanned and enabled at {}.", ctime(at)));
}

fn run_end(finding: Listing<'_>, conclusion: &Conclusion) -> RunEnd {
    let error = match conclusion.outcome {
        RunOutcome::Suspicious => conclusion.remark.as_str(),
        _ => "",
    };
    RunEnd {
        at: finding.at,
        outcome: conclusion.outcome,
        counts: RunCounts::of(&conclusion.counts),
        error: error.to_owned(),
        note: finding.note.to_owned(),
    }
}
