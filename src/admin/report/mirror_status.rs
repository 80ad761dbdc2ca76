//! Judges the state of each mirror, and finds reasons why a mirror gets no clients.

use std::collections::{BTreeSet, HashMap};

use roaring::RoaringBitmap;
use serde_json::{Value, json};

use super::trace;
use crate::admin::error::AdminError;
use crate::config::{AllowedFiles, ScanConfig};
use crate::db::cache_answer::CacheAnswers;
use crate::db::content;
use crate::db::mirror::MirrorRecord;
use crate::db::mirror_trace::StoredTrace;
use crate::db::open::Queryable;
use crate::db::probe::{self, Outage, ProbeRecord};
use crate::db::run::{self, RunOutcome, RunRecord};
use crate::domain::follow::rate::MisdirectionRate;
use crate::domain::mirror::{MirrorDrain, MirrorId, MirrorKind};
use crate::domain::select::HttpsCount;
use crate::domain::time::{Timestamp, age};
use crate::domain::url::Scheme;

/// A scan older than this needs attention: scans are made daily at least.
const SCAN_AGE_S_MAX: i64 = 3 * 86_400;

/// A probe older than this needs attention: probes are made each minute.
const PROBE_AGE_S_MAX: i64 = 3600;

/// Days whose scans the coverage of a mirror is compared with.
const PAST_DAYS: i64 = 30;

/// Certificates that expire sooner need attention, unless the configuration says otherwise.
const SECONDS_A_DAY: i64 = 86_400;

/// One mirror.
pub(super) struct StatusLine {
    pub identifier: String,
    pub kind: MirrorKind,
    pub state: &'static str,
    pub needs_attention: bool,
    pub current: u64,
    pub outdated: u64,
    /// Files that its include and exclude rules allow, and how many of them it has.
    pub allowed: u64,
    pub allowed_current: u64,
    /// Least and most coverage of the last days, 0 … 1, and files at most.
    pub past: Option<Past>,
    pub learnt: Option<(Timestamp, String)>,
    pub probed_at: Option<Timestamp>,
    pub trace: Option<StoredTrace>,
    pub reasons: Vec<String>,
    /// Share of probes that a cache answered from what it had, as it said.
    pub hit_ratio: Option<f64>,
    /// Remarks that need no action.
    pub notes: Vec<String>,
}

/// Results of the scans of the last [`PAST_DAYS`].
#[derive(Clone, Copy)]
pub(super) struct Past {
    least: f64,
    most: f64,
    files_max: u64,
    runs: usize,
}

/// Which files rules allow: the site's over HTTP and FTP, over rsync, and those of single mirrors.
pub(super) struct AllowedIds {
    pub rules: AllowedFiles,
    pub ids: RoaringBitmap,
}

/// Facts that the judgement of every mirror needs.
pub(super) struct SiteQuestion<'a> {
    pub config: &'a ScanConfig,
    pub files: RoaringBitmap,
    pub of_site: [AllowedIds; 2],
    pub of_mirrors: HashMap<String, [AllowedIds; 2]>,
    pub probes: HashMap<MirrorId, Vec<ProbeRecord>>,
    pub cache_answers: HashMap<MirrorId, CacheAnswers>,
    pub traces: HashMap<MirrorId, StoredTrace>,
    pub drains: HashMap<MirrorId, MirrorDrain>,
    pub generation: i64,
    pub certificate_s: i64,
    pub now: Timestamp,
    pub https: HttpsCount,
    /// Outages by which this host looks cut off now.
    pub cut_off: Vec<Outage>,
    /// How often redirects were wrong in 24 hours and in 30 days.
    pub misdirection: [MisdirectionRate; 2],
}

impl StatusLine {
    /// Rank in the order of trouble; the worst mirror has the smallest.
    pub(super) fn badness(&self) -> u8 {
        match (self.state, self.needs_attention) {
            ("down", _) => 0,
            ("partly", _) => 1,
            (_, true) => 2,
            ("disabled", false) => 4,
            (_, false) => 3,
        }
    }
}

pub(super) fn outages_now(database: &impl Queryable) -> Result<Vec<Outage>, AdminError> {
    let mut outages = probe::outages(database)?;
    outages.retain(|outage| outage.until.is_none());
    Ok(outages)
}

pub(super) fn line(
    database: &impl Queryable,
    mirror: &MirrorRecord,
    site: &SiteQuestion<'_>,
) -> Result<StatusLine, AdminError> {
    let published = content::load(database, mirror.id)?;
    let none = Vec::new();
    let probes = site.probes.get(&mirror.id).unwrap_or(&none);
    let mut line = StatusLine {
        identifier: mirror.identifier.clone(),
        kind: mirror.kind,
        state: state(mirror, probes),
        needs_attention: false,
        current: 0,
        outdated: 0,
        allowed: 0,
        allowed_current: 0,
        past: None,
        learnt: None,
        probed_at: probes.iter().map(|record| record.checked_at).max(),
        trace: site.traces.get(&mirror.id).cloned(),
        hit_ratio: site
            .cache_answers
            .get(&mirror.id)
            .and_then(|answers| answers.ratio()),
        reasons: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(published) = published {
        let again = run::last_repeat(database, mirror.id)?;
        line.current = published.content.current.intersection_len(&site.files);
        line.outdated = published.content.outdated.intersection_len(&site.files);
        let allowed = site.allowed(mirror);
        line.allowed = allowed.len();
        line.allowed_current = published.content.current.intersection_len(allowed);
        line.past = past(database, mirror, line.allowed, site)?;
        let at = published.origin.at.max(again.unwrap_or(Timestamp(0)));
        line.learnt = Some((at, published.origin.by));
    }
    if let Some(drain) = site.drains.get(&mirror.id) {
        line.notes.push(drain.text(site.now));
    }
    if line.state == "disabled" {
        return Ok(line);
    }
    line.reasons.extend(probe_reasons(probes, site));
    let last = run::latest_whole(database, mirror.id, false)?;
    line.reasons.extend(scan_reasons(
        database,
        mirror,
        (&line, last.as_ref()),
        site,
    )?);
    line.notes.extend(last.and_then(scan_note));
    if mirror.score == 0 {
        line.reasons
            .push("its score is 0, so it gets no clients".to_owned());
    }
    line.reasons.extend(mirror.check().1);
    line.needs_attention = line.state != "up" || !line.reasons.is_empty();
    if line.state == "down" && line.reasons.is_empty() {
        line.reasons
            .push("no probe has found it answering yet".to_owned());
    }
    if mirror.kind == MirrorKind::Cache {
        line.notes.extend(cache_notes(mirror, &line));
    }
    Ok(line)
}

/// Remarks about a pull-through cache.
fn cache_notes(mirror: &MirrorRecord, line: &StatusLine) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(hits) = line.hit_ratio {
        let share = hits * 100.0;
        notes.push(format!(
            "it answered {share:.1} % of the probes from what it had (hit ratio)"
        ));
    }
    if mirror.cache.fill_networks.is_empty() {
        let name = &mirror.identifier;
        notes.push(format!(
            "its own requests are known only if they have CDN-Loop, or Via with its name; \
             `heliostat edit {name} --set fillNetworks=NETWORK` tells where they come from"
        ));
    }
    notes
}

/// Its state in one word.
pub(in crate::admin) fn state(mirror: &MirrorRecord, probes: &[ProbeRecord]) -> &'static str {
    if !mirror.enabled {
        "disabled"
    } else if !mirror.alive {
        "down"
    } else if probes.iter().any(|record| !record.standing.usable) {
        "partly"
    } else {
        "up"
    }
}

fn probe_reasons(probes: &[ProbeRecord], site: &SiteQuestion<'_>) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for scheme in probes
        .iter()
        .map(|record| record.scheme)
        .collect::<BTreeSet<_>>()
    {
        reasons.extend(probe_reasons_over(scheme, probes));
    }
    let soonest = probes.iter().filter_map(|record| record.expires_at).min();
    if let Some(at) = soonest.filter(|at| at.0 - site.now.0 <= site.certificate_s) {
        let days = (at.0 - site.now.0).max(0) / SECONDS_A_DAY;
        reasons.push(format!("its certificate expires in {days} days"));
    }
    let last = probes.iter().map(|record| record.checked_at).max();
    if let Some(at) = last.filter(|at| site.now.0 - at.0 > PROBE_AGE_S_MAX) {
        reasons.push(format!("not probed since {at}; does heliostat-probe run?"));
    }
    reasons
}

/// The problem of a mirror over a scheme, once for both families if it is the same.
fn probe_reasons_over(scheme: Scheme, probes: &[ProbeRecord]) -> Vec<String> {
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for record in probes.iter().filter(|record| record.scheme == scheme) {
        let reason = match record.ok {
            Some(false) => record.reason.as_str(),
            _ if !record.standing.usable => "answers, but not long enough yet",
            _ => continue,
        };
        let family = record.family.as_str();
        match said.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, families)) => families.push(family),
            None => said.push((reason, vec![family])),
        }
    }
    let line = |(reason, families): (&str, Vec<&str>)| {
        format!("{} {}: {reason}", scheme.as_str(), families.join(" and "))
    };
    said.into_iter().map(line).collect()
}

fn scan_reasons(
    database: &impl Queryable,
    mirror: &MirrorRecord,
    (line, last): (&StatusLine, Option<&RunRecord>),
    site: &SiteQuestion<'_>,
) -> Result<Vec<String>, AdminError> {
    let mut reasons = Vec::new();
    if mirror.kind == MirrorKind::Cache {
        return Ok(reasons);
    }
    match &line.learnt {
        None => reasons.push("never scanned, so it gets no clients".to_owned()),
        Some((at, _)) if site.now.0 - at.0 > SCAN_AGE_S_MAX => {
            reasons.push(format!("last good scan {} ago", age(site.now, *at)));
        }
        Some(_) => {}
    }
    reasons.extend(coverage_reason(mirror, line, site));
    reasons.extend(lag_reason(line, site));
    if let Some(pending) = content::pending(database, mirror.id)? {
        reasons.push(format!("a suspicious scan waits: {}", pending.reason));
    }
    let failed = last.filter(|run| run.outcome == RunOutcome::Failed);
    reasons.extend(failed.map(|run| format!("last scan failed: {}", run.error)));
    Ok(reasons)
}

/// The notes of the last scan.
fn scan_note(run: RunRecord) -> Option<String> {
    (!run.note.is_empty()).then(|| format!("last scan: {}", run.note))
}

/// The reason for attention if a mirror lacks files, also if somebody confirmed that.
fn coverage_reason(
    mirror: &MirrorRecord,
    line: &StatusLine,
    site: &SiteQuestion<'_>,
) -> Option<String> {
    line.learnt.as_ref()?;
    if line.current == 0 {
        return Some("it has no current file, so it gets no clients".to_owned());
    }
    let most = line.past.map_or(0, |past| past.files_max);
    if line.current * 2 < most {
        return Some(format!(
            "it lost most of its files: {} now, {most} within {PAST_DAYS} days",
            line.current
        ));
    }
    let own = site.config.of_mirror(&mirror.identifier);
    let coverage_min = own.map_or(site.config.coverage_min, |own| own.coverage_min);
    let covered = share(line.allowed_current, line.allowed)?;
    (covered < coverage_min * 100.0).then(|| {
        format!(
            "it covers {covered:.1} % of the {} files that it may have, less than {} % \
             (coverage_min)",
            line.allowed,
            coverage_min * 100.0
        )
    })
}

/// Reads the results of the scans of the last days.
fn past(
    database: &impl Queryable,
    mirror: &MirrorRecord,
    allowed: u64,
    site: &SiteQuestion<'_>,
) -> Result<Option<Past>, AdminError> {
    let since = Timestamp(site.now.0 - PAST_DAYS * SECONDS_A_DAY);
    let runs = run::coverage_since(database, mirror.id, since, site.now)?;
    let mut past: Option<Past> = None;
    for run in &runs {
        let of = if run.allowed > 0 {
            run.allowed
        } else {
            allowed
        };
        let Some(covered) = share(run.files.min(of), of) else {
            continue;
        };
        let (least, most) = past.map_or((covered, covered), |past| (past.least, past.most));
        past = Some(Past {
            least: least.min(covered),
            most: most.max(covered),
            files_max: past.map_or(0, |past| past.files_max).max(run.files),
            runs: runs.len(),
        });
    }
    Ok(past)
}

impl AllowedIds {
    pub(super) fn of(config: &ScanConfig) -> [AllowedIds; 2] {
        [false, true].map(|by_rsync| AllowedIds {
            rules: config.allowed_files(by_rsync),
            ids: RoaringBitmap::new(),
        })
    }
}

impl SiteQuestion<'_> {
    /// Ids of the files that a mirror may have.
    fn allowed(&self, mirror: &MirrorRecord) -> &RoaringBitmap {
        let own = self.of_mirrors.get(&mirror.identifier);
        let by_rsync = usize::from(!mirror.rsync_url.trim().is_empty());
        &own.unwrap_or(&self.of_site)[by_rsync].ids
    }
}

impl Past {
    pub(super) fn shown(self) -> String {
        format!("{:.1} to {:.1} %", self.least, self.most)
    }
}

/// A mirror that has most files may sync as seldom as it likes.
fn lag_reason(line: &StatusLine, site: &SiteQuestion<'_>) -> Option<String> {
    let covered = share(line.current, site.files.len())?;
    let trace = &line.trace.as_ref()?.trace;
    let is_low = line.learnt.is_some() && covered < trace::COVERAGE_LOW * 100.0;
    let lag = || trace::lag(trace, site.generation, site.now);
    is_low.then(lag).flatten()
}

pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

fn rate_json(rate: &MisdirectionRate) -> Value {
    let (low, high) = rate.interval();
    json!({
        "wrong": rate.wrong,
        "followed": rate.followed,
        "rate": rate.rate(),
        "low": low,
        "high": high,
        "unweighted": rate.is_unweighted,
    })
}

/// The status as JSON.
pub(super) fn as_json(lines: &[StatusLine], site: &SiteQuestion<'_>) -> Value {
    let mirrors = lines.iter().map(|line| {
        let learnt = line.learnt.as_ref();
        let known = line.current + line.outdated;
        json!({
            "mirror": line.identifier,
            "kind": line.kind.as_str(),
            "state": line.state,
            "needs_attention": line.needs_attention,
            "current": line.current,
            "outdated": line.outdated,
            "coverage": share(line.current, site.files.len())
                .filter(|_| line.kind == MirrorKind::Mirror)
                .map(|share| share / 100.0),
            "allowed": line.allowed,
            "coverage_of_allowed": share(line.allowed_current, line.allowed)
                .map(|share| share / 100.0),
            "coverage_30_days": line.past.map(|past| json!({
                "least": past.least / 100.0,
                "most": past.most / 100.0,
                "files_max": past.files_max,
                "runs": past.runs,
            })),
            "hit_ratio": line.hit_ratio.filter(|_| line.kind == MirrorKind::Cache),
            "outdated_share": share(line.outdated, known).map(|share| share / 100.0),
            "scanned_at": learnt.map(|(at, _)| at.to_string()),
            "scanned_by": learnt.map(|(_, by)| by),
            "probed_at": line.probed_at.map(|at| at.to_string()),
            "trace": trace::json(line.trace.as_ref(), site.generation),
            "reasons": line.reasons,
            "notes": line.notes,
        })
    });
    json!({
        "at": site.now.to_string(),
        "files": site.files.len(),
        "tree_generation": site.generation,
        "misdirection": {
            "24_hours": rate_json(&site.misdirection[0]),
            "30_days": rate_json(&site.misdirection[1]),
        },
        "cut_off": site.cut_off.iter().map(|outage| json!({
            "family": outage.family.number(),
            "since": outage.since.to_string(),
            "reason": outage.reason,
        })).collect::<Vec<_>>(),
        "https_mirrors": { "with": site.https.with, "of": site.https.of },
        "mirrors": mirrors.collect::<Vec<_>>(),
    })
}
