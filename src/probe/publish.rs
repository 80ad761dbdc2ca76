//! Stores the results of one pass in one transaction.

use super::notice::Due;
use super::plan::ProbePlan;
use super::report::ProbeCounts;
use super::verdict::{CERTIFICATE, Newsworthy, ProbeVerdict};
use crate::db::overview::history;
use crate::db::probe::{self, Outage, Switches};
use crate::db::run::{self, RunEnd, RunId, RunKind, RunOutcome};
use crate::db::{DbError, Writer, cache_answer, drain, event};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// The author of the events.
const ACTOR: &str = "heliostat-probe";

/// Seconds for which a pass without remark is kept: one pass per minute makes half a million rows
/// per year.
const QUIET_RUNS_S: i64 = 3 * 86_400;

/// Seconds for which a pass with a remark is kept.
const RUNS_S: i64 = 90 * 86_400;

/// A pass that is to be written.
#[derive(Debug)]
pub struct Pass<'a> {
    /// The plan.
    pub planned: &'a [ProbePlan],
    /// The verdicts, in the order of the plan.
    pub verdicts: &'a [ProbeVerdict],
    /// Whether to enable mirrors that answer again.
    pub enable: bool,
    /// The run of the pass; `None`: an earlier round has its run.
    pub run: Option<RunId>,
    /// The numbers of the pass.
    pub counts: &'a ProbeCounts,
    /// The remark on the pass as a whole; may be empty.
    pub note: String,
    /// Whether the pass is complete.
    pub outcome: RunOutcome,
    /// Outages of this host that began or ended.
    pub outages: &'a [Outage],
    /// The time of the pass.
    pub now: Timestamp,
}

/// Writes a pass; returns the mirrors that somebody else switched on or off meanwhile.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be read or written; nothing is written then.
pub fn publish(writer: &mut Writer, pass: &Pass<'_>) -> Result<Vec<MirrorId>, DbError> {
    writer.transaction(|transaction| {
        let mut moved = Vec::new();
        for (planned, verdict) in pass.planned.iter().zip(pass.verdicts) {
            let from = Switches {
                enabled: planned.mirror.enabled,
                alive: planned.mirror.alive,
            };
            let revived = verdict.alive && !from.alive;
            let to = Switches {
                enabled: from.enabled || pass.enable && revived,
                alive: verdict.alive,
            };
            // A mirror that was deleted or switched meanwhile starts without history in the next
            // pass.
            if !probe::switch(transaction, verdict.mirror, from, to)? {
                moved.push(verdict.mirror);
                continue;
            }
            probe::replace(transaction, verdict.mirror, &verdict.records)?;
            cache_answer::add(transaction, verdict.mirror, verdict.answers)?;
            history::add(transaction, &verdict.records, pass.now)?;
            for fact in verdict.facts.iter().filter(|fact| fact.changed) {
                let what = in_words(fact, to.enabled != from.enabled);
                event::record(transaction, pass.now, ACTOR, Some(verdict.mirror), &what)?;
            }
        }
        for mirror in drain::end_due(transaction, pass.now)? {
            let what = "its drain is over, clients come back within ten minutes";
            event::record(transaction, pass.now, ACTOR, Some(mirror), what)?;
        }
        for outage in pass.outages {
            probe::store_outage(transaction, outage)?;
            let what = match outage.until {
                None => outage.reason.clone(),
                Some(_) => format!(
                    "mirrors answer again over {}: this host was cut off since {}",
                    outage.family.as_str(),
                    outage.since
                ),
            };
            event::record(transaction, pass.now, ACTOR, None, &what)?;
        }
        let Some(run) = pass.run else {
            return Ok(moved);
        };
        let end = RunEnd {
            at: pass.now,
            outcome: pass.outcome,
            counts: pass.counts.of_run(),
            error: String::new(),
            note: pass.note.clone(),
        };
        run::end(transaction, run, &end)?;
        let before = |age_s| Timestamp(pass.now.0 - age_s);
        let (quiet, all) = (before(QUIET_RUNS_S), before(RUNS_S));
        run::forget(transaction, RunKind::Probe, quiet, all)?;
        history::forget(transaction, pass.now)?;
        Ok(moved)
    })
}

/// Records what people were told. The event of a certificate is written here, because no pass
/// changes a certificate.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be read or written.
pub fn record_told(
    writer: &mut Writer,
    due: &Due,
    is_told: bool,
    now: Timestamp,
) -> Result<(), DbError> {
    if due.first.is_empty() && due.notices.is_empty() {
        return Ok(());
    }
    writer.transaction(|transaction| {
        for told in &due.first {
            probe::tell(transaction, told)?;
        }
        for notice in due.notices.iter().filter(|_| is_told) {
            probe::tell(transaction, &notice.told)?;
            if !notice.fact.changed && notice.told.about == CERTIFICATE {
                let what = in_words(&notice.fact, false);
                event::record(transaction, now, ACTOR, Some(notice.told.mirror), &what)?;
            }
        }
        Ok(())
    })
}

/// The text of an event: the fact, its reason, and a command that shows the same.
fn in_words(fact: &Newsworthy, enabled: bool) -> String {
    let enabled = if enabled { "; enabled" } else { "" };
    if fact.evidence.is_empty() {
        return format!("{}{enabled}", fact.text);
    }
    format!("{}{enabled}; to see it: {}", fact.text, fact.evidence)
}
