//! Probes the mirrors of one database, pass after pass.

use crate::program::clock::now;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::ProbeError;
use super::lock::ProbeLock;
use super::notice::due;
use super::notify::Recipients;
use super::outage::{self, ongoing};
use super::plan::{ProbeLaw, ProbePlan, plan};
use super::publish::{Pass, publish, record_told};
use super::report::{MirrorLine, ProbeCounts, ProbeReport};
use super::verdict::{ProbeVerdict, conclude, cut_off, observe, sort_findings};
use crate::config::SiteConfig;
use crate::db::probe::{self, Outage};
use crate::db::run::{self, GuardedRuns, RunEnd, RunId, RunKind, RunOutcome};
use crate::db::{DbError, Writer, check_there, open_reader, open_writer};
use crate::domain::health::{Family, HISTORY_MAX};
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;
use crate::fetch::probe::{ProbeClient, ProbeFinding, ProbeLimits, ProbeTarget};
use crate::program::exit::chain;
use crate::program::progress::Progress;
use crate::snapshot::CacheLaw;

/// Probes the mirrors of one site; lives as long as its program.
#[derive(Debug)]
pub struct Prober {
    pub(super) site: Arc<SiteConfig>,
    /// `None` for a dry run.
    pub(super) writer: Option<Writer>,
    pub(super) random: fastrand::Rng,
    _lock: Option<ProbeLock>,
}

/// The options of a pass.
#[derive(Debug, Clone, Default)]
pub struct PassOptions {
    /// Probe only these mirrors, also disabled ones; empty: all that are enabled.
    pub names: Vec<String>,
    /// Write nothing and tell nobody.
    pub dry_run: bool,
    /// Also enable mirrors that answer again.
    pub enable: bool,
    /// Soon probe mirrors again that failed and still get clients.
    pub retry: bool,
}

/// The findings about some mirrors at one time.
struct Round {
    planned: Vec<ProbePlan>,
    verdicts: Vec<ProbeVerdict>,
    /// The outages that were recorded last.
    outages: Vec<Outage>,
    report: ProbeReport,
    /// Names of mirrors that failed and still get clients.
    doubtful: Vec<String>,
    /// Whether all enabled mirrors were probed.
    is_whole: bool,
    now: Timestamp,
}

/// Shortest pause before a second probe: a server that restarts needs a moment.
const RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);

/// How often a waiting prober checks whether it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// Waits until a time; returns false if the program was told to stop before.
fn wait_until(then: Instant, stop: &AtomicBool) -> bool {
    while Instant::now() < then {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        std::thread::sleep(STOP_CHECK.min(then.saturating_duration_since(Instant::now())));
    }
    !stop.load(Ordering::Relaxed)
}

impl Prober {
    /// Opens the site's database, and keeps other probers out unless nothing is to be written.
    ///
    /// # Errors
    /// Returns [`ProbeError::Db`] if the database cannot be read or written,
    /// [`ProbeError::Running`] if another probe runs, and [`ProbeError::Lock`] if the lock cannot
    /// be taken.
    pub fn open(site: &Arc<SiteConfig>, dry_run: bool) -> Result<Prober, ProbeError> {
        check_there(&site.database).map_err(ProbeError::Db)?;
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

    /// Changes the configuration; site and database must be the same.
    pub fn configure(&mut self, site: &Arc<SiteConfig>) {
        self.site = Arc::clone(site);
    }

    /// Probes the mirrors once.
    ///
    /// # Errors
    /// Returns [`ProbeError`] if no mirror could be probed or the database cannot be read or
    /// written.
    pub fn pass(
        &mut self,
        options: &PassOptions,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<ProbeReport, ProbeError> {
        let start = Instant::now();
        // A result that cannot be stored is not worth asking mirrors for.
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
            // A person who named a mirror is told that the result is stored, so it has to be.
            writer.commit_durably()?;
        }
        let run = writer.transaction(|transaction| {
            run::mark_killed(transaction, GuardedRuns::All(RunKind::Probe), now())?;
            run::begin(transaction, RunKind::Probe, None, now())
        })?;
        Ok(Some(run))
    }

    fn end_failed(&mut self, run: RunId, error: &ProbeError) {
        let end = RunEnd {
            at: now(),
            outcome: RunOutcome::Failed,
            counts: RunCounts::default(),
            error: chain(error),
            note: String::new(),
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
    ) -> Result<ProbeReport, ProbeError> {
        let config = &self.site.probe;
        let limits = ProbeLimits {
            timeout: config.timeout,
            deadline: config.deadline,
        };
        let mut round = self.round(options, limits, (progress, stop))?;
        if let Some(run) = run {
            self.write(&mut round, options.enable, Some(run))?;
        }
        let (mut report, doubtful) = (round.report, round.doubtful);
        if let (Some(run), true) = (run, options.retry) {
            self.retry(doubtful, (&mut report, run), (start, stop))?;
        }
        report.took = start.elapsed();
        Ok(report)
    }

    /// Probes mirrors again that failed and still get clients, until they are off or answer.
    fn retry(
        &mut self,
        mut doubtful: Vec<String>,
        (report, run): (&mut ProbeReport, RunId),
        (start, stop): (Instant, &AtomicBool),
    ) -> Result<(), ProbeError> {
        let retry = self.site.probe.retry;
        let deadline = start + self.site.probe.deadline;
        let mut began = start;
        let mut rounds = 0;
        while !retry.is_zero() && !doubtful.is_empty() && rounds < HISTORY_MAX {
            let next = (began + retry).max(Instant::now() + RETRY_PAUSE_MIN);
            if next + retry > deadline || !wait_until(next, stop) {
                break;
            }
            began = Instant::now();
            let options = PassOptions {
                names: std::mem::take(&mut doubtful),
                ..PassOptions::default()
            };
            let limits = ProbeLimits {
                timeout: self.site.probe.timeout.min(retry),
                deadline: deadline.saturating_duration_since(began),
            };
            let mut round = self.round(&options, limits, (&Progress::hidden(), stop))?;
            self.write(&mut round, false, None)?;
            report.take_in(round.report);
            doubtful = round.doubtful;
            rounds += 1;
        }
        if let (Some(writer), true) = (&mut self.writer, rounds > 0) {
            let end = RunEnd {
                at: now(),
                outcome: RunOutcome::Ok,
                counts: report.counts.of_run(),
                error: String::new(),
                note: String::new(),
            };
            writer.transaction(|transaction| run::add_to_end(transaction, run, &end))?;
        }
        Ok(())
    }

    /// Plans, asks and judges; writes nothing.
    fn round(
        &mut self,
        options: &PassOptions,
        limits: ProbeLimits,
        (progress, stop): (&Progress, &AtomicBool),
    ) -> Result<Round, ProbeError> {
        let start = Instant::now();
        // A writer's page cache is larger than reading the catalogue needs.
        let reader = open_reader(&self.site.database)?;
        let law = ProbeLaw {
            cache: CacheLaw {
                is_mutable: &|path| self.site.is_mutable(path),
                now: now(),
            },
            writes_generation: self.site.index.write_generation,
        };
        let planned = plan(&reader, &options.names, &law, &mut self.random)?;
        let outages = probe::outages(&reader)?;
        drop(reader);
        log::debug!(
            "planned mirrors={} took_ms={}",
            planned.len(),
            start.elapsed().as_millis()
        );
        let findings = self.ask(&planned, limits, (progress, stop))?;
        let targets: usize = planned.iter().map(|planned| planned.targets.len()).sum();
        let is_cut_short = findings.len() < targets;
        let now = now();
        let is_whole = options.names.is_empty();
        let (verdicts, cut_off) = self.judge(&planned, findings, (&outages, is_whole, now));
        let mut report = self.report(&planned, &verdicts);
        (report.cut_off, report.is_cut_short) = (cut_off, is_cut_short);
        let doubtful = verdicts.iter().zip(&planned);
        let doubtful = doubtful.filter(|(verdict, _)| verdict.is_in_doubt(now));
        let doubtful = doubtful.map(|(_, planned)| planned.mirror.identifier.clone());
        Ok(Round {
            doubtful: doubtful.collect(),
            is_whole,
            planned,
            verdicts,
            outages,
            report,
            now,
        })
    }

    fn ask(
        &self,
        planned: &[ProbePlan],
        limits: ProbeLimits,
        (progress, stop): (&Progress, &AtomicBool),
    ) -> Result<HashMap<usize, ProbeFinding>, ProbeError> {
        let targets: Vec<ProbeTarget> = planned.iter().flat_map(|p| p.targets.clone()).collect();
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
        planned: &[ProbePlan],
        findings: HashMap<usize, ProbeFinding>,
        (outages, is_whole, now): (&[Outage], bool, Timestamp),
    ) -> (Vec<ProbeVerdict>, Vec<Family>) {
        let config = &self.site.probe;
        let findings = sort_findings(planned, findings);
        let each = planned.iter().zip(&findings);
        let seen: Vec<_> = each
            .map(|(planned, found)| observe(planned, found, now))
            .collect();
        let ongoing = ongoing(outages, now);
        let cut_off = match is_whole {
            true => cut_off(&seen, config.offline_share, &ongoing),
            // A few named mirrors say nothing about this host.
            false => ongoing,
        };
        let each = planned.iter().zip(seen);
        let verdicts = each.map(|(planned, seen)| conclude(planned, seen, &cut_off, config, now));
        (verdicts.collect(), cut_off)
    }

    fn report(&self, planned: &[ProbePlan], verdicts: &[ProbeVerdict]) -> ProbeReport {
        let mut counts = ProbeCounts::default();
        let mut mirrors = Vec::with_capacity(planned.len());
        for (planned, verdict) in planned.iter().zip(verdicts) {
            counts.mirrors += 1;
            counts.alive += u64::from(verdict.alive);
            counts.dead += u64::from(!verdict.alive);
            counts.unchecked += u64::from(!verdict.is_checked);
            counts.changed += u64::from(verdict.facts.iter().any(|fact| fact.changed));
            mirrors.push(MirrorLine::new(planned, verdict));
        }
        ProbeReport {
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

    /// Writes a round, with the end of its run if it has one, and sends notifications.
    fn write(
        &mut self,
        round: &mut Round,
        enable: bool,
        run: Option<RunId>,
    ) -> Result<(), ProbeError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let now = round.now;
        let mut note = String::new();
        if run.is_some() {
            note = round.report.note();
            let before = run::latest(writer, RunKind::Probe, None, 2)?;
            round.report.is_old_news = before.get(1).is_some_and(|before| before.note == note);
        }
        let outages = match round.is_whole {
            true => outage::changed(&round.outages, &round.report.cut_off, now),
            false => Vec::new(),
        };
        let pass = Pass {
            planned: &round.planned,
            verdicts: &round.verdicts,
            enable,
            run,
            counts: &round.report.counts,
            outcome: match note.is_empty() {
                true => RunOutcome::Ok,
                false => RunOutcome::Partial,
            },
            note,
            outages: &outages,
            now,
        };
        let moved = publish(writer, &pass)?;
        for mirror in &moved {
            log::info!("a mirror was changed while it was probed; left as it is: mirror={mirror}");
        }
        let mut counted = round.verdicts.clone();
        counted.retain(|verdict| !moved.contains(&verdict.mirror));
        let is_told = self.tell(&round.planned, &counted, now)?;
        let is_outage_told = self.tell_outages(&round.planned, now)?;
        round.report.untold = !is_told || !is_outage_told;
        Ok(())
    }

    /// Tells that this host is cut off, or no longer is; returns whether all receivers were
    /// reached.
    fn tell_outages(&mut self, planned: &[ProbePlan], now: Timestamp) -> Result<bool, ProbeError> {
        let mut is_told = true;
        let Some(writer) = &mut self.writer else {
            return Ok(is_told);
        };
        let teller = Recipients {
            site: &self.site.name,
            config: &self.site.probe,
            planned,
            now,
        };
        for outage in probe::outages(writer)? {
            let Some(news) = outage::news(&outage, now) else {
                continue;
            };
            if !teller.tell_of_host(&news) {
                is_told = false;
                continue;
            }
            let told = Outage {
                told: true,
                told_at: Some(now),
                ..outage
            };
            writer.transaction(|transaction| probe::store_outage(transaction, &told))?;
        }
        Ok(is_told)
    }

    /// Sends the notifications of a pass; returns whether all receivers were reached.
    fn tell(
        &mut self,
        planned: &[ProbePlan],
        verdicts: &[ProbeVerdict],
        now: Timestamp,
    ) -> Result<bool, ProbeError> {
        let Some(writer) = &mut self.writer else {
            return Ok(true);
        };
        let due = due(probe::told(writer)?, verdicts, now);
        let teller = Recipients {
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
