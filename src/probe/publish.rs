//! Stores the results of one pass in one transaction.

use super::notice::Due;
use super::plan::ProbePlan;
use super::report::ProbeCounts;
use super::verdict::{CERTIFICATE, Newsworthy, ProbeVerdict};
use crate::db::probe::{self, Outage, Switches};
use crate::db::run::{self, RunEnd, RunId, RunKind, RunOutcome};
use crate::db::{DbError, Writer, cache_answer, event};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Who wrote the events.
const ACTOR: &str = "heliostat-probe";

/// Passes without a word are remembered so long: a pass a minute is half a million rows a year.
const QUIET_RUNS_S: i64 = 3 * 86_400;

/// And those with a word so long.
const RUNS_S: i64 = 90 * 86_400;

/// A pass, to be written.
#[derive(Debug)]
pub struct Pass<'a> {
    /// What was planned.
    pub planned: &'a [ProbePlan],
    /// What follows, in the same order.
    pub verdicts: &'a [ProbeVerdict],
    /// Switch on (`enabled`) what is revived.
    pub enable: bool,
    /// Its run; `None`: that of a round before.
    pub run: Option<RunId>,
    /// How it went.
    pub counts: &'a ProbeCounts,
    /// What is to be said of the pass as a whole.
    pub error: String,
    /// Whether all of it was made.
    pub outcome: RunOutcome,
    /// Outages of this host that began or ended.
    pub outages: &'a [Outage],
    /// When.
    pub now: Timestamp,
}

/// Writes a pass; returns the mirrors whose switch somebody else moved meanwhile.
///
/// # Errors
/// [`DbError`]; then nothing is written.
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
            // A mirror that was deleted or switched meanwhile begins anew in the next pass.
            if !probe::switch(transaction, verdict.mirror, from, to)? {
                moved.push(verdict.mirror);
                continue;
            }
            probe::replace(transaction, verdict.mirror, &verdict.records)?;
            cache_answer::add(transaction, verdict.mirror, verdict.answers)?;
            for fact in verdict.facts.iter().filter(|fact| fact.changed) {
                let what = in_words(fact, to.enabled != from.enabled);
                event::record(transaction, pass.now, ACTOR, Some(verdict.mirror), &what)?;
            }
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
            error: pass.error.clone(),
        };
        run::end(transaction, run, &end)?;
        let before = |age_s| Timestamp(pass.now.0 - age_s);
        let (quiet, all) = (before(QUIET_RUNS_S), before(RUNS_S));
        run::forget(transaction, RunKind::Probe, quiet, all)?;
        Ok(moved)
    })
}

/// Writes what people know now. A certificate is an event when it is told: no pass changes it.
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

/// The line of an event: what, why, and how to see the same.
fn in_words(fact: &Newsworthy, enabled: bool) -> String {
    let enabled = if enabled { "; enabled" } else { "" };
    if fact.evidence.is_empty() {
        return format!("{}{enabled}", fact.text);
    }
    format!("{}{enabled}; to see it: {}", fact.text, fact.evidence)
}
