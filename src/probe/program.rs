//! The program `heliostat-probe`: reads the command line and returns the exit code.

use crate::program::clock::now;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use log::LevelFilter;

use super::args::ProbeArgs;
use super::error::ProbeError;
use super::prober::{PassOptions, Prober};
use super::report::ProbeReport;
use super::{daemon, logfile};
use crate::config::{self, SiteConfig, is_mail_address};
use crate::program::exit::Exit;
use crate::program::exit::chain;
use crate::program::log::{log_level, start_log};
use crate::program::progress::Progress;
use crate::program::signal::stop_flag;

/// Runs the program.
pub fn main() -> ExitCode {
    run().into()
}

fn run() -> Exit {
    let args = match ProbeArgs::read() {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    let progress = Progress::new(args.quiet || args.json || args.daemon);
    start_log(level(&args), &progress);
    let site = match site(&args) {
        Ok(site) => site,
        Err(error) => {
            log::error!("{error}");
            return Exit::Usage;
        }
    };
    probe(&args, &site, &progress).unwrap_or_else(|error| {
        log::error!("{}", chain(&error));
        if args.json {
            ProbeReport::print_failure(&chain(&error));
        }
        match error {
            // The other process makes the pass.
            ProbeError::Running { .. } => Exit::Partial,
            _ => Exit::Failed,
        }
    })
}

fn level(args: &ProbeArgs) -> LevelFilter {
    let named = args.loglevel.as_deref().map(str::to_ascii_lowercase);
    match named.as_deref() {
        Some("debug") => LevelFilter::Debug,
        Some("info") => LevelFilter::Info,
        Some("warning" | "warn") => LevelFilter::Warn,
        Some("error" | "critical") => LevelFilter::Error,
        _ => log_level(args.quiet, args.verbose),
    }
}

/// The configured site, changed by the command line.
fn site(args: &ProbeArgs) -> Result<Arc<SiteConfig>, String> {
    let said = |error| chain(&error);
    let config = config::load(&config::config_path(args.config.as_deref())).map_err(said)?;
    let site = config.site(args.site.as_deref()).map_err(said)?;
    let mut site = SiteConfig::clone(site);
    if let Some(seconds) = args.timeout {
        site.probe.timeout = Duration::from_secs(seconds);
    }
    if !args.mailto.is_empty() {
        if let Some(wrong) = args.mailto.iter().find(|to| !is_mail_address(to)) {
            return Err(format!("--mailto: '{wrong}' is no plain mail address"));
        }
        site.probe.mail_to.clone_from(&args.mailto);
    }
    Ok(Arc::new(site))
}

fn probe(
    args: &ProbeArgs,
    site: &Arc<SiteConfig>,
    progress: &Progress,
) -> Result<Exit, ProbeError> {
    let stop = stop_flag().map_err(ProbeError::Signals)?;
    let mut prober = Prober::open(site, args.dry_run)?;
    if args.follow {
        return follow(args, &mut prober, &stop);
    }
    if args.daemon {
        return Ok(run_daemon(args, &mut prober, &stop));
    }
    let options = PassOptions {
        names: args.mirrors.clone(),
        dry_run: args.dry_run,
        enable: args.enable_revived,
        retry: args.retry,
    };
    let report = prober.pass(&options, progress, &stop)?;
    tell(args, &report);
    if args.json {
        report.print_json();
    } else if !args.quiet {
        report.print(!args.mirrors.is_empty());
    }
    if let Some(path) = &args.logfile {
        logfile::append(path, &report, args.is_debug(), now())?;
    }
    Ok(report.exit())
}

fn follow(args: &ProbeArgs, prober: &mut Prober, stop: &AtomicBool) -> Result<Exit, ProbeError> {
    let report = prober.follow(stop)?;
    report.tell();
    if args.json {
        report.print_json();
    } else if !args.quiet {
        report.print();
    }
    Ok(report.exit())
}

fn run_daemon(args: &ProbeArgs, prober: &mut Prober, stop: &AtomicBool) -> Exit {
    let seen = |report: &ProbeReport| {
        tell(args, report);
        if !args.quiet {
            report.print(false);
        }
        if let Some(path) = &args.logfile
            && let Err(error) = logfile::append(path, report, args.is_debug(), now())
        {
            log::error!("{}", chain(&error));
        }
    };
    daemon::run(prober, || site(args), seen, stop);
    Exit::Ok
}

/// Writes a pass's lines to the log.
fn tell(args: &ProbeArgs, report: &ProbeReport) {
    let note = report.note();
    if note.is_empty() {
        log::debug!("the pass is whole");
    } else if report.is_old_news {
        // Above this level, cron would mail the line every minute.
        log::info!("{note}");
    } else {
        log::warn!("{note}");
    }
    for mirror in &report.mirrors {
        for problem in &mirror.problems {
            log::info!("mirror={} {problem}", mirror.identifier);
        }
        for record in mirror.records.iter().filter(|_| args.is_debug()) {
            log::debug!(
                "mirror={} url={} family={} ok={:?} usable={} latency_ms={} {}",
                mirror.identifier,
                record.url,
                record.family.as_str(),
                record.ok,
                record.standing.usable,
                record.latency_ms.unwrap_or(0),
                record.reason
            );
        }
    }
    let counts = &report.counts;
    log::info!(
        "probe site={} mirrors={} alive={} dead={} unchecked={} changed={} took_ms={}",
        report.site,
        counts.mirrors,
        counts.alive,
        counts.dead,
        counts.unchecked,
        counts.changed,
        report.took.as_millis()
    );
}
