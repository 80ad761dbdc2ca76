//! The prober: one database, pass after pass.

use crate::program::clock::now;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::error::ProbeError;
use super::lock::ProbeLock;
use super::notice::due;
use super::notify::Teller;
use super::plan::{Planned, plan};
use super::publish::{Pass, publish, record_told};
use super::report::{Counts, MirrorLine, Report};
use super::verdict::{Verdict, conclude, cut_off, observe, sort_findings};
use crate::config::SiteConfig;
use crate::db::run::{self, Guarded, Outcome, RunEnd, RunId, RunKind};
use crate::db::{DbError, Writer, open_reader, open_writer, probe};
use crate::domain::health::Family;
use crate::domain::time::Timestamp;
use crate::fetch::probe::{Finding, ProbeClient, ProbeLimits, Target};
use crate::program::exit::chain;
use crate::program::progress::Progress;

/// Probes the mirrors of one site; lives as long as its program.
#[derive(Debug)]
pub struct Prober {
    site: Arc<SiteConfig>,
    /// `None`: nothing is to be written.
    writer: Option<Writer>,
    random: fastrand::Rng,
    _lock: Option<ProbeLock>,
}

/// How a pass is to be made.
#[derive(Debug, Clone, Default)]
pub struct PassOptions {
    /// Only these mirrors, also disabled ones; none: all that are enabled.
    pub names: Vec<String>,
    /// Write nothing and tell nobody.
    pub dry_run: bool,
    /// Switch on what is revived.
    pub enable: bool,
}

impl Prober {
    /// Opens the site's database, and keeps other probers out unless nothing is to be written.
    ///
    /// # Errors
    /// [`ProbeError::Db`], [`ProbeError::Running`], [`ProbeError::Lock`].
    pub fn open(site: &Arc<SiteConfig>, dry_run: bool) -> Result<Prober, ProbeError> {
        if !site.database.exists() {
            return Err(ProbeError::Db(DbError::Missing {
                path: site.database.clone(),
            }));
        }
        Ok(Prober {
            site: Arc::clone(site),
            _lock: match dry_run {
                true => None,
                false => Some(ProbeLock::take(&site.database, now())?),
            },
            writer: match dry_run {
                // A dry run does not even bring the schema up to date.
                true => None,
                false => Some(open_writer(&site.database)?),
            },
            random: fastrand::Rng::new(),
        })
    }

    /// Goes on with a changed configuration of the same site and database.
    pub fn configure(&mut self, site: &Arc<SiteConfig>) {
        self.site = Arc::clone(site);
    }

    /// Probes the mirrors once.
    ///
    /// # Errors
    /// [`ProbeError`] when nothing could be probed or written.
    pub fn pass(
        &mut self,
        options: &PassOptions,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<Report, ProbeError> {
        let start = Instant::now();
        // No mirror is to be asked for what cannot be stored.
        let run = match options.dry_run {
            true => None,
            false => self.begin(options.enable)?,
        };
        let result = self.make_pass(options, run, start, (progress, stop));
        if let (Err(error), Some(run)) = (&result, run) {
            self.end_failed(run, error);
        }
        result
    }

    fn begin(&mut self, enable: bool) -> Result<Option<RunId>, DbError> {
        let Some(writer) = &mut self.writer else {
            return Ok(None);
        };
        writer.check_writable()?;
        if enable {
            // Somebody asked for it and is told that it is so.
            writer.commit_durably()?;
        }
        let run = writer.transaction(|transaction| {
            run::mark_killed(transaction, Guarded::All(RunKind::Probe), now())?;
            run::begin(transaction, RunKind::Probe, None, now())
        })?;
        Ok(Some(run))
    }

    fn end_failed(&mut self, run: RunId, error: &ProbeError) {
        let end = RunEnd {
            at: now(),
            outcome: Outcome::Failed,
            counts: "{}".to_owned(),
            error: chain(error),
        };
        let writer = self.writer.as_mut();
        let ended = writer.map(|writer| writer.transaction(|t| run::end(t, run, &end)));
        if let Some(Err(error)) = ended {
            log::warn!("the failed pass is not recorded: {}", chain(&error));
        }
    }

    fn make_pass(
        &mut self,
        options: &PassOptions,
        run: Option<RunId>,
        start: Instant,
        (progress, stop): (&Progress, &AtomicBool),
    ) -> Result<Report, ProbeError> {
        // The page cache of a writer is larger than a look at the catalogue needs.
        let reader = open_reader(&self.site.database)?;
        let planned = plan(&reader, &options.names, &mut self.random)?;
        drop(reader);
        log::debug!(
            "planned mirrors={} took_ms={}",
            planned.len(),
            start.elapsed().as_millis()
        );
        let findings = self.ask(&planned, progress, stop)?;
        let targets: usize = planned.iter().map(|planned| planned.targets.len()).sum();
        let is_cut_short = findings.len() < targets;
        let now = now();
        let (verdicts, cut_off) = self.judge(&planned, findings, now);
        let mut report = self.report(&planned, &verdicts);
        (report.cut_off, report.is_cut_short) = (cut_off, is_cut_short);
        if let Some(run) = run {
            self.write(
                &planned,
                &verdicts,
                (options.enable, run),
                (&mut report, now),
            )?;
        }
        report.took = start.elapsed();
        Ok(report)
    }

    fn ask(
        &self,
        planned: &[Planned],
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<HashMap<usize, Finding>, ProbeError> {
        let config = &self.site.probe;
        let limits = ProbeLimits {
            timeout: config.timeout,
            deadline: config.deadline,
        };
        let targets: Vec<Target> = planned.iter().flat_map(|p| p.targets.clone()).collect();
        let bar = progress.bar("probe", "URLs", Some(targets.len() as u64));
        let client = ProbeClient::new(limits, &self.site.server_names)?;
        let mut findings = HashMap::with_capacity(targets.len());
        client.run(&targets, stop, |place, finding| {
            findings.insert(place, finding);
            bar.add(1);
        });
        Ok(findings)
    }

    fn judge(
        &self,
        planned: &[Planned],
        findings: HashMap<usize, Finding>,
        now: Timestamp,
    ) -> (Vec<Verdict>, Vec<Family>) {
        let config = &self.site.probe;
        let findings = sort_findings(planned, findings);
        let each = planned.iter().zip(&findings);
        let seen: Vec<_> = each
            .map(|(planned, found)| observe(planned, found, now))
            .collect();
        let cut_off = cut_off(&seen, config.offline_share);
        let each = planned.iter().zip(seen);
        let verdicts = each.map(|(planned, seen)| conclude(planned, seen, &cut_off, config, now));
        (verdicts.collect(), cut_off)
    }

    fn report(&self, planned: &[Planned], verdicts: &[Verdict]) -> Report {
        let mut counts = Counts::default();
        let mut mirrors = Vec::with_capacity(planned.len());
        for (planned, verdict) in planned.iter().zip(verdicts) {
            counts.mirrors += 1;
            counts.alive += u64::from(verdict.alive);
            counts.dead += u64::from(!verdict.alive);
            counts.unchecked += u64::from(!verdict.is_checked);
            counts.changed += u64::from(verdict.facts.iter().any(|fact| fact.changed));
            mirrors.push(MirrorLine::new(planned, verdict));
        }
        Report {
            site: self.site.name.clone(),
            mirrors,
            counts,
            cut_off: Vec::new(),
            is_cut_short: false,
            is_old_news: false,
            untold: false,
            took: std::time::Duration::ZERO,
        }
    }

    fn write(
        &mut self,
        planned: &[Planned],
        verdicts: &[Verdict],
        (enable, run): (bool, RunId),
        (report, now): (&mut Report, Timestamp),
    ) -> Result<(), ProbeError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let remark = report.remark();
        let before = run::latest(writer, RunKind::Probe, None, 2)?;
        report.is_old_news = before.get(1).is_some_and(|before| before.error == remark);
        let pass = Pass {
            planned,
            verdicts,
            enable,
            run,
            counts: &report.counts,
            outcome: if remark.is_empty() {
                Outcome::Ok
            } else {
                Outcome::Partial
            },
            error: remark,
            now,
        };
        let moved = publish(writer, &pass)?;
        for mirror in &moved {
            log::info!("a mirror was changed while it was probed; left as it is: mirror={mirror}");
        }
        let mut counted = verdicts.to_vec();
        counted.retain(|verdict| !moved.contains(&verdict.mirror));
        report.untold = !self.tell(planned, &counted, now)?;
        Ok(())
    }

    /// Returns whether everybody was told who is to be told.
    fn tell(
        &mut self,
        planned: &[Planned],
        verdicts: &[Verdict],
        now: Timestamp,
    ) -> Result<bool, ProbeError> {
        let Some(writer) = &mut self.writer else {
            return Ok(true);
        };
        let due = due(probe::told(writer)?, verdicts, now);
        let teller = Teller {
            site: &self.site.name,
            config: &self.site.probe,
            planned,
            now,
        };
        let is_told = due.notices.is_empty() || teller.tell(&due.notices);
        record_told(writer, &due, is_told, now)?;
        Ok(is_told)
    }
}
