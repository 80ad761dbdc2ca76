//! Publishes a listing as a mirror's content or keeps it aside: one short transaction reads the
//! published content, judges and stores.
//!
//! # Locking
//! Everything that the verdict depends on is read inside the IMMEDIATE transaction, so that an
//! admin's `rollback` or `file add` meanwhile is neither lost nor undone by half.

use super::judge::{JudgementCase, ListingJudgement, Suspicion, Verdict, judge};
use super::options::{PublishOptions, ScanSpan};
use super::repeat::repeated;
use crate::db::content::{self, Content, ContentOrigin, PendingContent, PublishedContent};
use crate::db::follow::contradiction;
use crate::db::mirror::MirrorRecord;
use crate::db::open::Transaction;
use crate::db::run::{self, RunKind, RunOutcome};
use crate::db::scan::directory::{self, ScanMemory};
use crate::db::{DbError, Writer, event, mirror};
use crate::domain::time::{Timestamp, ctime};
use crate::scan::compare::large_files::UndeliverableFiles;
use crate::scan::listing::Listing;
use crate::scan::protocol::http_url;
use crate::scan::report::{MirrorReport, ScanCounts};

/// Name of the program in the events that it records.
const ACTOR: &str = "heliostat-scan";

/// Publishes a listing or keeps it aside; `None` if the mirror no longer exists.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be read or written; nothing is changed then.
pub fn conclude(
    writer: &mut Writer,
    options: PublishOptions<'_>,
    span: ScanSpan<'_>,
    listing: &Listing,
) -> Result<Option<MirrorReport>, DbError> {
    let rest = listing.rest.as_ref().filter(|_| options.scope.is_none());
    let left = rest.map(|rest| {
        let url = http_url(span.mirror).unwrap_or_default();
        let shift_min = listing.seen.shift_min;
        rest.row(url, options.tree_generation, shift_min, span.ended)
    });
    writer.transaction(|transaction| {
        let publication = Publication {
            transaction,
            options,
            span,
            listing,
            left: left.as_ref(),
        };
        let stored = publication.stored()?;
        stored
            .map(|stored| publication.conclude(stored))
            .transpose()
    })
}

/// A listing on its way into the database.
#[derive(Clone, Copy)]
struct Publication<'a> {
    transaction: &'a Transaction<'a>,
    options: PublishOptions<'a>,
    span: ScanSpan<'a>,
    listing: &'a Listing,
    /// Memory for the next scan, after a scan of the whole tree over HTTP.
    left: Option<&'a ScanMemory>,
}

/// The stored state of a mirror when a scan of it ends.
struct StoredMirror {
    record: MirrorRecord,
    published: Option<PublishedContent>,
    pending: Option<Content>,
}

impl StoredMirror {
    fn content(&self) -> Option<&Content> {
        self.published.as_ref().map(|published| &published.content)
    }
}

impl Publication<'_> {
    fn stored(self) -> Result<Option<StoredMirror>, DbError> {
        let id = self.span.mirror.id;
        let Some(record) = mirror::get(self.transaction, id)? else {
            return Ok(None);
        };
        let pending = content::pending(self.transaction, id).or_else(none_if_damaged)?;
        Ok(Some(StoredMirror {
            record,
            published: content::load(self.transaction, id).or_else(none_if_damaged)?,
            pending: pending.map(|pending| pending.content),
        }))
    }

    fn conclude(self, stored: StoredMirror) -> Result<MirrorReport, DbError> {
        let case = JudgementCase {
            previous: stored.content(),
            pending: stored.pending.as_ref(),
            catalogue: self.options.known.ids(),
            scope: self.options.scope,
            is_single: self.options.directories > 0,
            limits: self.options.limits,
        };
        let judgement = judge(&case, self.listing);
        let is_again =
            judgement.verdict == Verdict::Ordinary && self.is_again(&stored, &judgement.content);
        let mut report = MirrorReport {
            counts: self.count(stored.content(), &judgement),
            ..MirrorReport::of(self.span.mirror, self.listing)
        };
        if is_again && let Some(run) = repeated(self.transaction, &report)? {
            self.store_left()?;
            self.believe()?;
            report.repeats = Some(run);
            return Ok(report);
        }
        match judgement.verdict {
            Verdict::Suspicious(suspicion) => {
                self.set_aside(suspicion, judgement.content, &mut report)?;
            }
            _ => self.publish(stored, judgement, &mut report)?,
        }
        let (kind, mirror) = (RunKind::Scan, Some(self.span.mirror.id));
        let last = run::latest(self.transaction, kind, mirror, 1)?;
        report.is_news = last.is_empty() || last.iter().any(|run| run.note != report.note);
        let end = report.run_end(self.span.ended);
        run::record(self.transaction, kind, mirror, self.span.began, &end)?;
        Ok(report)
    }

    fn count(self, previous: Option<&Content>, judgement: &ListingJudgement) -> ScanCounts {
        let (listing, seen) = (self.listing, &self.listing.seen);
        // Earlier versions of files, which some mirrors have, are no files of their own.
        let known = self.options.known.ids();
        let count = |content: &Content| content.current.intersection_len(known);
        let before = previous.map_or(0, |content| content.current.len());
        ScanCounts {
            directories: self.options.directories,
            files: seen.files,
            current: count(&seen.content),
            outdated: seen.content.outdated.len(),
            unknown: seen.unknown,
            private: seen.private,
            unreadable: listing.unreadable,
            undeliverable: listing.undeliverable.ids.len(),
            requests: listing.requests,
            shift_min: seen.shift_min,
            allowed: self.options.allowed,
            vanished: judgement.vanished,
            before,
            after: match judgement.verdict {
                Verdict::Suspicious(_) => before,
                _ => judgement.content.current.len(),
            },
        }
    }

    /// A scan of all that the mirror has replaces what following redirects found before.
    fn believe(self) -> Result<(), DbError> {
        if self.options.scope.is_some() || self.options.directories > 0 {
            return Ok(());
        }
        contradiction::clear(self.transaction, self.span.mirror.id, self.span.began)
    }

    /// Whether publishing would change only times.
    fn is_again(self, stored: &StoredMirror, content: &Content) -> bool {
        let is_same = stored.published.as_ref().is_some_and(|published| {
            published.content == *content && published.origin.by == self.listing.by.name()
        });
        // A subtree may differ from the last one. Scans of single directories leave a content that
        // waits for confirmation alone.
        let is_alike = match self.options.directories {
            0 => self.options.scope.is_none() && stored.pending.is_none(),
            _ => true,
        };
        is_same && is_alike && !self.is_to_be_enabled(&stored.record, content)
    }

    /// Whether to enable the mirror; a mirror without current files stays as it is.
    fn is_to_be_enabled(self, record: &MirrorRecord, content: &Content) -> bool {
        let is_on = record.enabled && record.alive;
        self.options.enable && !content.current.is_empty() && !is_on
    }

    fn store_left(self) -> Result<(), DbError> {
        match self.left {
            Some(_) => directory::store(self.transaction, self.span.mirror.id, self.left),
            None => Ok(()),
        }
    }

    fn set_aside(
        self,
        suspicion: Suspicion,
        content: Content,
        report: &mut MirrorReport,
    ) -> Result<(), DbError> {
        let reason = suspicion.to_string();
        self.record_event(&format!("scan kept aside: {reason}"))?;
        report.outcome = RunOutcome::Suspicious;
        report.error.clone_from(&reason);
        let pending = PendingContent {
            seen_at: self.span.ended,
            reason,
            content,
        };
        content::set_pending(self.transaction, self.span.mirror.id, &pending)
    }

    fn publish(
        self,
        stored: StoredMirror,
        judgement: ListingJudgement,
        report: &mut MirrorReport,
    ) -> Result<(), DbError> {
        let (id, at) = (self.span.mirror.id, self.span.ended);
        let (content, verdict) = (judgement.content, judgement.verdict);
        let origin = ContentOrigin {
            at,
            by: self.listing.by.name().to_owned(),
            unknown_files: self.listing.seen.unknown,
        };
        if self.options.directories > 0 && verdict == Verdict::Ordinary {
            content::add(self.transaction, id, &content)?;
        } else {
            content::publish(self.transaction, id, &content, &origin)?;
        }
        self.store_left()?;
        self.believe()?;
        let large = self.large_files_news(stored.content());
        let little = self.little_left_news(stored.content(), &content);
        let mut news: Vec<String> = large.into_iter().chain(little).collect();
        let remark = match verdict {
            Verdict::Confirmed(suspicion) => {
                Some(format!("{suspicion}; a second scan confirms it"))
            }
            Verdict::Forced(suspicion) => Some(format!("{suspicion}; published by --force")),
            _ => None,
        };
        if verdict == Verdict::First {
            news.push(format!("first scan: {} files", content.current.len()));
        }
        if let Some(remark) = remark {
            news.push(format!("scan published: {remark}"));
            report.notes.push(remark);
        }
        let mut record = stored.record;
        report.enabled = self.is_to_be_enabled(&record, &content);
        if report.enabled {
            news.push("enabled after a scan".to_owned());
            switch_on(&mut record, at);
        }
        if self.options.scope.is_none() {
            record.last_scan = at.to_string();
            let minutes = self.span.took.as_secs_f64().max(0.001) / 60.0;
            record.scan_fpm = (self.listing.seen.files as f64 / minutes) as i64;
        }
        if report.enabled || self.options.scope.is_none() {
            mirror::update(self.transaction, &record)?;
        }
        news.iter().try_for_each(|what| self.record_event(what))
    }

    fn record_event(self, what: &str) -> Result<(), DbError> {
        let mirror = Some(self.span.mirror.id);
        event::record(self.transaction, self.span.ended, ACTOR, mirror, what)
    }

    /// News that the mirror cannot deliver large files; only when a scan first finds this.
    fn large_files_news(self, previous: Option<&Content>) -> Option<String> {
        let UndeliverableFiles { ids, reason } = &self.listing.undeliverable;
        let had = previous.is_none_or(|previous| !previous.current.is_disjoint(ids));
        (had && !ids.is_empty()).then(|| format!("large files are not counted: {reason}"))
    }

    /// News that the mirror lost most of its files, also if a second scan or the admin confirmed
    /// that; `None` if earlier news said so.
    fn little_left_news(self, previous: Option<&Content>, content: &Content) -> Option<String> {
        let options = self.options;
        let count = |content: &Content| content.current.intersection_len(options.known.ids());
        let (before, after) = (previous.map_or(0, count), count(content));
        let is_low = |files: u64| (files as f64) < options.allowed as f64 * options.coverage_min;
        let was_low = previous.is_some_and(|_| is_low(before));
        if after == 0 && before > 0 {
            Some(format!("it has no current file any more ({before} before)"))
        } else if after * 2 < before {
            Some(format!(
                "it lost most of its files: {after} of {before} are left"
            ))
        } else if is_low(after) && !was_low {
            let (allowed, share) = (options.allowed, options.coverage_min * 100.0);
            Some(format!(
                "it has {after} of the {allowed} files that it may have, less than {share} % \
                 (coverage_min)"
            ))
        } else {
            None
        }
    }
}

/// Reads a damaged content as absent: the scan replaces it.
fn none_if_damaged<T>(error: DbError) -> Result<Option<T>, DbError> {
    match error {
        DbError::DamagedContent { mirror, .. } => {
            log::warn!("the stored content is damaged; this scan replaces it: mirror={mirror}");
            Ok(None)
        }
        other => Err(other),
    }
}

/// MirrorBrain's note in the comment, word for word.
fn switch_on(record: &mut MirrorRecord, at: Timestamp) {
    record.enabled = true;
    record.alive = true;
    record.append_comment(&format!("*** scanned and enabled at {}.", ctime(at)));
}
