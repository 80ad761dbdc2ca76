//! Makes a round: asks, judges, and stores.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

use super::choose::{Looks, RedirectLook, choose};
use super::judge::judge;
use super::report::{FollowReport, WrongRedirect};
use crate::db::follow::contradiction::{self, Contradiction};
use crate::db::follow::sums::{self, FollowRecord};
use crate::db::open::Transaction;
use crate::db::run::{self, RunKind};
use crate::db::scan::request;
use crate::db::{DbError, event, open_reader};
use crate::domain::follow::result::FollowResult;
use crate::domain::health::Family;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;
use crate::fetch::probe::{ProbeClient, ProbeFinding, ProbeLimits, ProbeTarget};
use crate::probe::error::ProbeError;
use crate::probe::prober::Prober;
use crate::program::clock::now;

/// The name under which events are recorded.
pub(super) const ACTOR: &str = "heliostat-probe";

/// If so many mirrors were asked, and more than half of them cannot be reached, this host is cut
/// off.
const CUT_OFF_MIN: u64 = 3;

/// A scan is not asked for so soon after another began, so that a mirror that lists files that it
/// does not serve is not scanned without end.
const SCAN_PAUSE_S: i64 = 3600;

/// The period over which a mirror's share of wrong redirects counts.
const DAY_S: i64 = 86_400;

/// So many wrong redirects of a mirror, and more than one of so many, ask for a scan.
const WRONG_MIN: u64 = 3;
const WRONG_OF: u64 = 20;

/// A redirect that was followed.
struct FollowedLook<'l> {
    look: &'l RedirectLook,
    result: FollowResult,
    evidence: String,
}

impl Prober {
    /// Follows some of the last redirects once, and compares a piece of a file with ours if that is
    /// due.
    ///
    /// # Errors
    /// Returns [`ProbeError`] if the database cannot be read or written, or there is no client.
    pub fn follow(&mut self, stop: &AtomicBool) -> Result<FollowReport, ProbeError> {
        let mut report = FollowReport {
            site: self.site.name.clone(),
            ..FollowReport::default()
        };
        let reader = open_reader(&self.site.database)?;
        if self.site.probe.follow_per_min > 0 {
            let looks = choose(&reader, &self.site, &mut self.random, now())?;
            let targets: Vec<ProbeTarget> =
                looks.looks.iter().map(|look| look.target.clone()).collect();
            let findings = self.find(&targets, stop)?;
            self.conclude(&looks, findings, &mut report)?;
        }
        if !report.is_cut_off {
            report.piece = self.compare_piece(&reader, stop)?;
        }
        let since = Timestamp(now().0 - DAY_S);
        report.rate = sums::rate(&reader, None, since)?;
        Ok(report)
    }

    /// Asks all targets.
    pub(super) fn find(
        &self,
        targets: &[ProbeTarget],
        stop: &AtomicBool,
    ) -> Result<HashMap<usize, ProbeFinding>, ProbeError> {
        let limits = ProbeLimits {
            timeout: self.site.probe.timeout,
            deadline: self.site.probe.deadline,
        };
        let client = ProbeClient::new(limits, &self.site.server_names)?;
        let mut findings = HashMap::with_capacity(targets.len());
        client.run(targets, stop, |place, finding| {
            findings.insert(place, finding);
        });
        Ok(findings)
    }

    fn conclude(
        &mut self,
        looks: &Looks,
        findings: HashMap<usize, ProbeFinding>,
        report: &mut FollowReport,
    ) -> Result<(), ProbeError> {
        let mut answers = Vec::new();
        for (place, look) in looks.looks.iter().enumerate() {
            let Some(finding) = findings.get(&place) else {
                continue;
            };
            let preferred = look.again.as_ref().map_or(look.family, other_family);
            if let Some((result, evidence)) = judge(finding, preferred) {
                *report.results.entry(result).or_default() += 1;
                answers.push(FollowedLook {
                    look,
                    result,
                    evidence,
                });
            }
        }
        let silent = report.results.get(&FollowResult::Unreachable);
        let silent = silent.copied().unwrap_or(0);
        let asked: u64 = report.results.values().sum();
        report.is_cut_off = asked >= CUT_OFF_MIN && silent * 2 > asked;
        if report.is_cut_off {
            return Ok(());
        }
        let moved = looks.moved.len() as u64;
        if moved > 0 {
            *report.results.entry(FollowResult::Moved).or_default() += moved;
        }
        report.wrong = answers.iter().filter_map(FollowedLook::wrong).collect();
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let now = now();
        let scans = writer.transaction(|transaction| store(transaction, looks, &answers, now))?;
        let name = |id: &MirrorId| looks.looks.iter().find(|look| look.mirror == *id);
        let names = scans.iter().filter_map(name).map(|look| look.name.clone());
        report.scans = names.collect();
        Ok(())
    }
}

impl FollowedLook<'_> {
    fn wrong(&self) -> Option<WrongRedirect> {
        let path = || self.look.target.files.first().map(|file| file.shown());
        self.result.is_wrong().then(|| WrongRedirect {
            mirror: self.look.name.clone(),
            path: path().unwrap_or_default(),
            result: self.result,
            is_masked: self.look.again.is_some(),
            evidence: self.evidence.clone(),
        })
    }
}

/// Gives the other family than that of the first look, which the pair's command line names.
fn other_family(pair: &Contradiction) -> Option<Family> {
    match pair.evidence.contains(" -4 ") {
        true => Some(Family::V6),
        false => Some(Family::V4),
    }
}

/// Stores a round. Returns the mirrors of which it asks for a scan.
fn store(
    transaction: &Transaction<'_>,
    looks: &Looks,
    answers: &[FollowedLook<'_>],
    now: Timestamp,
) -> Result<BTreeSet<MirrorId>, DbError> {
    let moved = looks.moved.iter().map(|mirror| FollowRecord {
        mirror: *mirror,
        result: FollowResult::Moved,
        is_weighted: true,
    });
    // A second look is not drawn at random, so it does not count.
    let drawn = answers.iter().filter(|answer| answer.look.again.is_none());
    let drawn = drawn.map(|answer| FollowRecord {
        mirror: answer.look.mirror,
        result: answer.result,
        is_weighted: answer.look.is_weighted,
    });
    let followed: Vec<FollowRecord> = moved.chain(drawn).collect();
    sums::add(transaction, &followed, now)?;
    for pair in &looks.gone {
        contradiction::remove(transaction, pair.mirror, pair.file)?;
    }
    let mut suspects = BTreeSet::new();
    for answer in answers {
        let look = answer.look;
        match (&look.again, answer.result) {
            (Some(_), FollowResult::Right) => {
                contradiction::remove(transaction, look.mirror, look.file)?;
            }
            (before, result) if result.is_wrong() => {
                let pair = Contradiction {
                    mirror: look.mirror,
                    file: look.file,
                    seen_at: before.as_ref().map_or(now, |before| before.seen_at),
                    confirmed_at: before.as_ref().map(|_| now),
                    result: result.as_str().to_owned(),
                    evidence: answer.evidence.clone(),
                };
                contradiction::store(transaction, &pair)?;
                let is_often = before.is_none() && is_often_wrong(transaction, look.mirror, now)?;
                if before.is_some() || is_often {
                    suspects.insert(look.mirror);
                }
                if let Some(wrong) = answer.wrong().filter(|wrong| wrong.is_masked) {
                    let what = format!(
                        "no clients for {} until its next scan: {}; {}",
                        wrong.path,
                        result.as_str(),
                        wrong.evidence
                    );
                    event::record(transaction, now, ACTOR, Some(look.mirror), &what)?;
                }
            }
            // Anything else tells nothing; the pair is looked at again.
            _ => {}
        }
    }
    let mut asked = BTreeSet::new();
    for mirror in suspects {
        if request_scan(transaction, mirror, now)? {
            asked.insert(mirror);
        }
    }
    Ok(asked)
}

fn is_often_wrong(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rate = sums::rate(transaction, Some(mirror), Timestamp(now.0 - DAY_S))?;
    Ok(rate.wrong >= WRONG_MIN && rate.wrong * WRONG_OF > rate.followed)
}

/// Asks for a scan of a mirror, unless one began a short time ago.
pub(super) fn request_scan(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let last = run::latest(transaction, RunKind::Scan, Some(mirror), 1)?;
    let began = |run: &run::RunRecord| run.repeats.map_or(run.started_at, |(_, at)| at);
    let is_recent = last
        .iter()
        .any(|run| now.0 - began(run).0 < SCAN_PAUSE_S && began(run) <= now);
    if is_recent {
        return Ok(false);
    }
    request::store(transaction, mirror, now)?;
    Ok(true)
}
