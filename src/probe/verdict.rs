//! Judges mirrors by the findings of a pass (no I/O).
//!
//! [`observe`] sorts a mirror's findings into observations, one per target: a URL over a family.
//! [`cut_off`] looks at all of them for signs that this host is cut off. [`conclude`] then gives
//! each target its new standing, and the mirror its new state.

use std::collections::HashMap;

use super::plan::ProbePlan;
use crate::config::ProbeConfig;
use crate::db::cache_answer::CacheAnswers;
use crate::db::probe::ProbeRecord;
use crate::domain::health::{Family, TargetStanding, looks_offline};
use crate::domain::mirror::MirrorId;
use crate::domain::order::ShortList;
use crate::domain::time::Timestamp;
use crate::domain::url::{Scheme, without_login};
use crate::fetch::probe::{Check, Failure, ProbeFinding};

/// Age in seconds from which a record says nothing any more: a mirror that was off for a while
/// starts without history.
const KNOWN_S_MAX: i64 = 3600;

/// The subject of facts about a mirror's certificate.
pub const CERTIFICATE: &str = "certificate";

/// One target of a mirror in this pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Scheme of the URL.
    pub scheme: Scheme,
    /// The family of the connections.
    pub family: Family,
    /// The URL without credentials.
    pub url: String,
    /// Its standing before this pass.
    pub before: TargetStanding,
    /// The stored record of the same URL.
    pub known: Option<ProbeRecord>,
    /// The check in this pass; `None` if there was no time for it.
    pub check: Option<Check>,
}

impl Observation {
    /// Whether this host has, or had, a route over the family.
    fn is_reachable(&self) -> bool {
        let failure = self
            .check
            .as_ref()
            .and_then(|check| check.result.as_ref().err());
        let has_answered =
            |known: &ProbeRecord| known.ok == Some(true) || known.standing.history.results > 0;
        failure != Some(&Failure::NoRoute) || self.known.as_ref().is_some_and(has_answered)
    }
}

/// A fact about a mirror whose changes people want to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newsworthy {
    /// `mirror`, `certificate`, or a target such as `https IPv6`.
    pub about: String,
    /// `up`, `down`, or when the certificate expires.
    pub state: String,
    /// Whether it is good news.
    pub is_good: bool,
    /// Whether this pass changed the fact.
    pub changed: bool,
    /// One line for people.
    pub text: String,
    /// A command line that shows the same.
    pub evidence: String,
}

/// The result of a pass about a mirror.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeVerdict {
    /// The mirror.
    pub mirror: MirrorId,
    /// The records to be stored.
    pub records: Vec<ProbeRecord>,
    /// Whether the mirror is alive now.
    pub alive: bool,
    /// Whether any of its targets was checked.
    pub is_checked: bool,
    /// The number of answers in which a cache told whether it had the file.
    pub answers: CacheAnswers,
    /// Its facts.
    pub facts: Vec<Newsworthy>,
}

impl ProbeVerdict {
    /// Whether a target failed that still gets clients: its next result may turn it off.
    pub fn is_in_doubt(&self, now: Timestamp) -> bool {
        let is_in_doubt = |record: &ProbeRecord| {
            record.ok == Some(false) && record.standing.usable && record.checked_at == now
        };
        self.records.iter().any(is_in_doubt)
    }
}

/// Sorts the findings of a mirror, in the order of its targets.
pub fn observe(
    planned: &ProbePlan,
    findings: &[Option<ProbeFinding>],
    now: Timestamp,
) -> Vec<Observation> {
    let mut seen = Vec::new();
    for (target, finding) in planned.targets.iter().zip(findings) {
        let scheme = target.url.scheme();
        let url = without_login(target.url.as_str());
        let is_fresh = |known: &&ProbeRecord| {
            known.scheme == scheme && known.url == url && now.0 - known.checked_at.0 <= KNOWN_S_MAX
        };
        let known: Vec<&ProbeRecord> = planned.known.iter().filter(is_fresh).collect();
        let checks: Vec<(Family, Option<Check>)> = match finding {
            None => known.iter().map(|record| (record.family, None)).collect(),
            Some(ProbeFinding::Checked(checks)) => checks
                .iter()
                .map(|(family, check)| (*family, Some(check.clone())))
                .collect(),
            Some(ProbeFinding::NoAddress(failure, evidence)) => {
                let mut families: Vec<Family> = known.iter().map(|known| known.family).collect();
                if families.is_empty() {
                    // The families in which the host has addresses are unknown.
                    families = Family::ALL.to_vec();
                }
                let check = unresolved(failure, evidence);
                let each = families.into_iter();
                each.map(|family| (family, Some(check.clone()))).collect()
            }
        };
        for (family, check) in checks {
            let known = known.iter().find(|record| record.family == family);
            seen.push(Observation {
                scheme,
                family,
                url: url.clone(),
                before: known.map_or(TargetStanding::new(planned.mirror.alive), |k| k.standing),
                known: known.map(|known| (*known).clone()),
                check,
            });
        }
    }
    believe_the_switch(planned.mirror.alive, &mut seen);
    seen
}

fn unresolved(failure: &Failure, evidence: &str) -> Check {
    Check {
        result: Err(failure.clone()),
        latency: None,
        expires_at: None,
        cache_hit: None,
        notes: Vec::new(),
        evidence: evidence.to_owned(),
    }
}

/// Starts from the mirror's state in the database, because an admin may have switched it since.
fn believe_the_switch(alive: bool, seen: &mut [Observation]) {
    let was_usable = seen.iter().any(|observation| observation.before.usable);
    if alive != was_usable {
        for observation in seen {
            observation.before = TargetStanding::new(alive);
        }
    }
}

/// The families over which so many mirrors fail at once that this host itself must be cut off.
/// `ongoing` are the families over which it was cut off until now. A family that this host never
/// had does not count.
pub fn cut_off(seen: &[Vec<Observation>], share: f64, ongoing: &[Family]) -> Vec<Family> {
    let is_cut_off = |family: &Family| {
        let was_cut_off = ongoing.contains(family);
        let (mut answered_before, mut fail_now) = (0, 0);
        for mirror in seen {
            let usable = |o: &&Observation| {
                o.family == *family && o.before.usable && (was_cut_off || o.is_reachable())
            };
            let targets: Vec<&Observation> = mirror.iter().filter(usable).collect();
            answered_before += usize::from(!targets.is_empty());
            let fails = |o: &&Observation| {
                let failure = o
                    .check
                    .as_ref()
                    .and_then(|check| check.result.as_ref().err());
                failure.is_some_and(Failure::is_of_the_way)
            };
            fail_now += usize::from(!targets.is_empty() && targets.iter().all(fails));
        }
        looks_offline(answered_before, fail_now, share)
    };
    Family::ALL.into_iter().filter(is_cut_off).collect()
}

/// Concludes the state of a mirror and its targets.
pub fn conclude(
    planned: &ProbePlan,
    seen: Vec<Observation>,
    cut_off: &[Family],
    config: &ProbeConfig,
    now: Timestamp,
) -> ProbeVerdict {
    let mirror = &planned.mirror;
    let mut answers = CacheAnswers::default();
    let checks = seen.iter().filter_map(|seen| seen.check.as_ref());
    for is_hit in checks.filter_map(|check| check.cache_hit) {
        answers.hits += u64::from(is_hit);
        answers.answers += 1;
    }
    let befores: Vec<bool> = seen.iter().map(|seen| seen.before.usable).collect();
    let nexts = seen.into_iter().zip(befores).filter_map(|(seen, before)| {
        Some((record(mirror.id, seen, cut_off, config, now)?, before))
    });
    let (known, unknown): (Vec<_>, Vec<_>) = nexts.partition(|(next, _)| next.is_known);
    // If nothing is known about any target, nothing changes.
    let is_usable = |(next, _): &(Next, bool)| next.record.standing.usable;
    let alive = if known.is_empty() {
        mirror.alive
    } else {
        known.iter().any(is_usable)
    };
    let mut facts: Vec<Newsworthy> = Vec::new();
    let mut records: Vec<ProbeRecord> = Vec::new();
    for (next, before) in known {
        facts.push(target_fact(&next.record, before));
        records.push(next.record);
    }
    // A target that cannot be checked from here gets the standing of the others, so that it neither
    // makes the mirror alive nor closes a family.
    records.extend(unknown.into_iter().map(|(next, _)| ProbeRecord {
        standing: TargetStanding::new(alive),
        ..next.record
    }));
    records.order_by_key(|record| (record.scheme, record.family));
    let is_checked = |record: &ProbeRecord| record.ok.is_some() && record.checked_at == now;
    let is_checked = records.iter().any(is_checked);
    if alive != mirror.alive || !alive {
        // One notification for the mirror replaces those of its targets.
        facts.clear();
    }
    facts.push(mirror_fact(mirror.alive, alive, &records));
    facts.extend(certificate_fact(&records, config, now));
    ProbeVerdict {
        mirror: mirror.id,
        records,
        alive,
        is_checked,
        answers,
        facts,
    }
}

/// A target's next record.
struct Next {
    record: ProbeRecord,
    /// Whether the standing is known, because this host can probe the target.
    is_known: bool,
}

/// The target's next record; `None` if it was not checked and has no record.
fn record(
    mirror: MirrorId,
    observation: Observation,
    cut_off: &[Family],
    config: &ProbeConfig,
    now: Timestamp,
) -> Option<Next> {
    let Observation {
        scheme,
        family,
        url,
        before,
        known,
        check,
    } = observation;
    let Some(check) = check else {
        return known.map(|known| Next {
            is_known: known.ok.is_some(),
            record: ProbeRecord {
                standing: before,
                ..known
            },
        });
    };
    let is_cut_off = cut_off.contains(&family);
    let (ok, reason) = match &check.result {
        Ok(()) => (Some(true), check.notes.join("; ")),
        Err(failure) if failure.is_of_the_way() && is_cut_off => (
            None,
            format!("not counted, since this host looks cut off: {failure}"),
        ),
        Err(failure) if failure.is_ours() => (None, failure.to_string()),
        Err(failure) => (Some(false), failure.to_string()),
    };
    let known_expiry = known.as_ref().and_then(|known| known.expires_at);
    let record = ProbeRecord {
        mirror,
        scheme,
        family,
        url,
        standing: ok.map_or(before, |ok| before.after(ok, &config.hysteresis)),
        ok,
        checked_at: now,
        latency_ms: check.latency.map(|latency| latency.as_millis() as u64),
        expires_at: check.expires_at.or(known_expiry),
        reason,
        evidence: check.evidence,
    };
    // A target that cannot be checked for the time being stays as it was.
    let is_known = !check.result.is_err_and(|failure| failure.is_ours()) || is_cut_off;
    Some(Next { record, is_known })
}

fn target_name(record: &ProbeRecord) -> String {
    format!("{} {}", record.scheme.as_str(), record.family.as_str())
}

fn target_fact(record: &ProbeRecord, before: bool) -> Newsworthy {
    let name = target_name(record);
    let usable = record.standing.usable;
    let text = if usable {
        format!("{name} ({}) answers again", record.url)
    } else {
        format!("{name} ({}) is down: {}", record.url, record.reason)
    };
    Newsworthy {
        about: name,
        state: state(usable),
        is_good: usable,
        changed: before != usable,
        text,
        evidence: record.evidence.clone(),
    }
}

fn mirror_fact(before: bool, alive: bool, records: &[ProbeRecord]) -> Newsworthy {
    let named = |record: &&ProbeRecord| record.standing.usable == alive;
    let targets: Vec<String> = records.iter().filter(named).map(target_name).collect();
    let failing = records.iter().find(|record| record.ok == Some(false));
    let text = if alive {
        format!("answers again ({})", targets.join(", "))
    } else {
        let why: Vec<String> = records
            .iter()
            .filter(|record| record.ok == Some(false))
            .map(|record| format!("{}: {}", target_name(record), record.reason))
            .collect();
        format!("is down: {}", why.join("; "))
    };
    let shown = if alive { records.first() } else { failing };
    Newsworthy {
        about: "mirror".to_owned(),
        state: state(alive),
        is_good: alive,
        changed: before != alive,
        text,
        evidence: shown
            .map(|record| record.evidence.clone())
            .unwrap_or_default(),
    }
}

fn state(usable: bool) -> String {
    if usable { "up" } else { "down" }.to_owned()
}

/// The fact about the certificate that expires first, of those in use.
fn certificate_fact(
    records: &[ProbeRecord],
    config: &ProbeConfig,
    now: Timestamp,
) -> Option<Newsworthy> {
    let in_use = records.iter().filter(|record| record.standing.usable);
    let (expires_at, record) = in_use
        .filter_map(|record| record.expires_at.map(|at| (at, record)))
        .min_by_key(|(at, _)| *at)?;
    let left_s = expires_at.0 - now.0;
    let is_good = left_s > config.certificate_s;
    let day = expires_at.to_string().chars().take(10).collect::<String>();
    let days = left_s.max(0) / 86_400;
    Some(Newsworthy {
        about: CERTIFICATE.to_owned(),
        state: if is_good {
            "fine".to_owned()
        } else {
            format!("expires {day}")
        },
        is_good,
        changed: false,
        text: if is_good {
            format!("its certificate was renewed and is good until {day}")
        } else {
            format!(
                "its certificate ({}) expires in {days} days, on {day}",
                record.url
            )
        },
        evidence: format!(
            "curl -sSvI '{}' 2>&1 | grep -i 'expire date'",
            record.url.replace('\'', "%27")
        ),
    })
}

/// Sorts the findings by planned mirror, in the order of all targets.
pub fn sort_findings(
    planned: &[ProbePlan],
    mut findings: HashMap<usize, ProbeFinding>,
) -> Vec<Vec<Option<ProbeFinding>>> {
    let mut place = 0;
    let mut sorted = Vec::with_capacity(planned.len());
    for mirror in planned {
        let places = place..place + mirror.targets.len();
        place = places.end;
        sorted.push(places.map(|place| findings.remove(&place)).collect());
    }
    sorted
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
