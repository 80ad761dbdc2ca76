//! Reads the facts about mirrors and programs that metrics tell.

use std::collections::HashMap;

use crate::db::error::DbError;
use crate::db::follow::{piece, sums};
use crate::db::open::Queryable;
use crate::db::run::{self, RunKind};
use crate::db::{catalogue, content, mirror, probe};
use crate::domain::follow::result::FollowResult;
use crate::domain::metric::facts::{DatabaseFacts, MIRRORS_MAX, MirrorFacts, RunFacts};
use crate::domain::time::Timestamp;

/// Runs of a kind that are searched for one that did all of its work.
const RUNS_MAX: u32 = 200;

/// Reads the facts of a site's database.
///
/// # Errors
/// Returns [`DbError`] if it cannot be read.
pub fn facts(
    database: &impl Queryable,
    site: &str,
    now: Timestamp,
) -> Result<DatabaseFacts, DbError> {
    let files = catalogue::count(database)?;
    let mirrors = mirrors(database, files)?;
    let mut runs = Vec::new();
    for kind in RunKind::ALL {
        let recent = run::recent(database, Some(kind), None, (now, RUNS_MAX))?;
        let good = recent.into_iter().find(|run| run.outcome.is_good());
        let Some((ended_at, run)) = good.and_then(|run| Some((run.ended_at?, run))) else {
            continue;
        };
        runs.push(RunFacts {
            kind: kind.as_str(),
            success_at: run.repeats.map_or(ended_at, |(_, at)| at).0,
            duration_s: ended_at.0 - run.started_at.0,
        });
    }
    Ok(DatabaseFacts {
        site: site.to_owned(),
        is_up: true,
        files: Some(files),
        mirrors,
        runs,
        redirects: redirects(database)?,
        pieces: pieces(database)?,
    })
}

/// Counts redirects for every result, so that a first wrong redirect is an increase.
fn redirects(database: &impl Queryable) -> Result<Vec<(&'static str, u64)>, DbError> {
    let totals: HashMap<FollowResult, u64> = sums::totals(database)?.into_iter().collect();
    let count = |result| totals.get(&result).copied().unwrap_or(0);
    let all = FollowResult::ALL.into_iter();
    Ok(all.map(|result| (result.as_str(), count(result))).collect())
}

fn pieces(database: &impl Queryable) -> Result<Vec<(&'static str, u64)>, DbError> {
    let checks = piece::all(database)?;
    let good = checks.values().map(|checks| checks.good).sum();
    let wrong = checks.values().map(|checks| checks.wrong).sum();
    Ok(vec![("ok", good), ("wrong", wrong)])
}

fn mirrors(database: &impl Queryable, files: u64) -> Result<Vec<MirrorFacts>, DbError> {
    let probes = probe::all(database)?;
    let mut mirrors = Vec::new();
    for record in mirror::all(database)?.into_iter().take(MIRRORS_MAX + 1) {
        let own = || probes.iter().filter(|probe| probe.mirror == record.id);
        let published = content::load(database, record.id)?;
        let held = published
            .as_ref()
            .map(|published| published.content.current.len());
        mirrors.push(MirrorFacts {
            is_up: record.enabled && record.alive,
            is_enabled: record.enabled,
            scanned_at: published.as_ref().map(|published| published.origin.at.0),
            probed_at: own().map(|probe| probe.checked_at.0).max(),
            coverage: held
                .filter(|_| files > 0)
                .map(|held| (held as f64 / files as f64).min(1.0)),
            expires_at: own()
                .filter_map(|probe| probe.expires_at)
                .map(|at| at.0)
                .min(),
            probes: own()
                .filter_map(|probe| {
                    let family = probe.family.as_str();
                    Some((probe.scheme.as_str(), family, probe.latency_ms?))
                })
                .collect(),
            name: record.identifier,
        });
    }
    Ok(mirrors)
}
