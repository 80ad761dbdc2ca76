//! `heliostat-index`: command line in, exit code out.

use std::cell::RefCell;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::Args;
use super::error::IndexError;
use super::indexer::{Indexer, Request};
use super::report::Report;
use super::run::Step;
use crate::config;
use crate::exit::Exit;
use crate::terminal::{Bar, Progress, chain, log_level, start_log, stop_flag};

/// Unreadable places that get a line of their own; a whole lost disk must not fill cron's mail.
const UNREADABLE_SHOWN_MAX: usize = 20;

/// Runs the program.
pub fn main() -> ExitCode {
    let args = Args::from_command_line();
    let progress = Progress::new(args.quiet || args.verbose > 1);
    start_log(log_level(args.quiet, args.verbose), &progress);
    let result = stop_flag()
        .map_err(IndexError::Signals)
        .and_then(|stop| run(&args, &stop, &progress));
    let exit = match &result {
        Ok(report) => {
            complain(report);
            report.exit()
        }
        Err(error) => {
            log::error!("{}", chain(error));
            error.exit()
        }
    };
    match print(&args, &result) {
        Ok(()) => exit.into(),
        Err(error) => {
            log::error!("cannot write to standard output: {error}");
            exit.max(Exit::Failed).into()
        }
    }
}

fn run(args: &Args, stop: &Arc<AtomicBool>, progress: &Progress) -> Result<Report, IndexError> {
    let config = config::load(&config::config_path(args.config.as_deref()))?;
    let site = config.site(args.site.as_deref())?;
    let indexer = Indexer::new(Arc::clone(site));
    let directory = match &args.dir {
        Some(directory) => indexer.directory(directory)?,
        None => Vec::new(),
    };
    let run = indexer.start(Request {
        directory,
        force: args.force,
        dry_run: args.dry_run,
    })?;
    let bars = Bars {
        progress,
        label: &site.name,
        current: RefCell::new(None),
    };
    run.execute(stop, &|step| bars.show(step))
}

struct Bars<'a> {
    progress: &'a Progress,
    label: &'a str,
    /// The bar on the screen, and which step it is for.
    current: RefCell<Option<(&'static str, Bar)>>,
}

impl Bars<'_> {
    fn show(&self, step: Step) {
        let (what, done, total) = match step {
            Step::Walking(files) => ("walk", files, None),
            Step::Comparing(files) => ("compare", files, None),
            Step::Writing(done, total) => ("write", done, Some(total)),
        };
        let mut current = self.current.borrow_mut();
        if current.as_ref().is_none_or(|(shown, _)| *shown != what) {
            // The old bar leaves the screen first.
            *current = None;
            let label = format!("{} {what}", self.label);
            *current = Some((what, self.progress.bar(&label, "files", total)));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set(done);
        }
    }
}

fn complain(report: &Report) {
    for place in report.unreadable.iter().take(UNREADABLE_SHOWN_MAX) {
        let path = place.path.escape_ascii();
        log::error!("cannot read path='{path}': {}", place.reason);
    }
    let unreadable = report.counts.unreadable;
    if unreadable > UNREADABLE_SHOWN_MAX as u64 {
        let more = unreadable - UNREADABLE_SHOWN_MAX as u64;
        log::error!("cannot read {more} more");
    }
    if report.exit() == Exit::Failed {
        log::error!("site={}: {}", report.site, report.error);
    }
}

fn print(args: &Args, result: &Result<Report, IndexError>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match result {
        Ok(report) if args.json => writeln!(out, "{}", json(report)),
        Err(error) if args.json => {
            let failed = serde_json::json!({
                "outcome": error.outcome().as_str(),
                "error": chain(error),
            });
            writeln!(out, "{failed}")
        }
        Ok(report) if !args.quiet && report.exit() != Exit::Failed => writeln!(out, "{report}"),
        _ => Ok(()),
    }?;
    out.flush()
}

fn json(report: &Report) -> String {
    serde_json::to_string(report).expect("a report is always JSON")
}
