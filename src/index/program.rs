//! The program `heliostat-index`: reads the command line and returns the exit code.

use std::cell::RefCell;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use regex::bytes::Regex;

use super::args::IndexArgs;
use super::error::IndexError;
use super::hash::{HashReport, HashRequest, HashStep, Hasher};
use super::manifest::ListedFiles;
use super::report::IndexReport;
use super::run::{IndexRequest, Indexer};
use super::step::IndexStep;
use crate::config::{self, SiteConfig};
use crate::program::console::locked_output;
use crate::program::exit::Exit;
use crate::program::exit::chain;
use crate::program::log::{log_level, start_log};
use crate::program::progress::{Bar, Progress};
use crate::program::signal::stop_flag;

/// Largest number of unreadable places that get a line each; a whole lost disk must not fill cron's
/// mail.
const UNREADABLE_SHOWN_MAX: usize = 20;

/// The results of a run, as far as it got.
#[derive(Default)]
struct ProgramEnd {
    index: Option<IndexReport>,
    hash: Option<HashReport>,
    error: Option<IndexError>,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let args = match IndexArgs::read() {
        Ok(args) => args,
        Err(exit) => return exit.into(),
    };
    let progress = Progress::new(args.quiet || args.verbose > 1);
    start_log(log_level(args.quiet, args.verbose), &progress);
    let mut result = ProgramEnd::default();
    let ended = stop_flag()
        .map_err(IndexError::Signals)
        .and_then(|stop| run(&args, &stop, &progress, &mut result));
    result.error = ended.err();
    complain(&result);
    let exit = result.exit();
    match print(&args, &result) {
        Ok(()) => exit.into(),
        Err(error) => {
            log::error!("cannot write to standard output: {error}");
            exit.max(Exit::Failed).into()
        }
    }
}

impl ProgramEnd {
    fn exit(&self) -> Exit {
        let index = self.index.as_ref().map(IndexReport::exit);
        if let Some(error) = &self.error {
            // If only hashing failed, the catalogue is up to date nevertheless.
            let is_partial = matches!(error, IndexError::Hashes { .. })
                && index.is_some_and(|exit| exit != Exit::Failed);
            return if is_partial {
                Exit::Partial
            } else {
                error.exit()
            };
        }
        let is_unhashed = self
            .hash
            .as_ref()
            .is_some_and(|hash| hash.counts.unhashed > 0);
        match index.unwrap_or(Exit::Ok) {
            Exit::Ok if is_unhashed => Exit::Partial,
            exit => exit,
        }
    }
}

fn run(
    args: &IndexArgs,
    stop: &Arc<AtomicBool>,
    progress: &Progress,
    result: &mut ProgramEnd,
) -> Result<(), IndexError> {
    let config = config::load(&config::config_path(args.config.as_deref()))?;
    let site = config.site(args.site.as_deref())?;
    let indexer = Indexer::new(Arc::clone(site));
    let directory = match &args.dir {
        Some(directory) => indexer.directory(directory)?,
        None => Vec::new(),
    };
    let listed = listed(args, &indexer, stop)?;
    let hash_request = HashRequest {
        directory: directory.clone(),
        rehash: args.rehash,
        dry_run: args.dry_run,
        file_mask: mask(args.file_mask.as_deref())?,
        ignore_mask: mask(args.ignore_mask.as_deref())?,
    };
    let bars = Bars {
        progress,
        label: &site.name,
        current: RefCell::new(None),
    };
    if !args.hashes_only {
        let run = indexer.start(IndexRequest {
            directory,
            force: args.force,
            dry_run: args.dry_run,
            listed,
        })?;
        let report = run.execute(stop, &|step| bars.show(step))?;
        let exit = report.exit();
        result.index = Some(report);
        if exit == Exit::Failed {
            return Ok(());
        }
    }
    let is_asked = args.hashes || args.hashes_only || args.rehash;
    let has_tree = site.origin.is_none();
    if is_asked || (has_tree && site.hashes.is_enabled && !args.no_hashes) {
        result.hash = hash(site, hash_request, &bars, (stop, result))?;
    }
    Ok(())
}

/// The files of a site without a tree; `None`: it has one.
fn listed(
    args: &IndexArgs,
    indexer: &Indexer,
    stop: &AtomicBool,
) -> Result<Option<Arc<ListedFiles>>, IndexError> {
    let site = &indexer.site;
    let name = || site.name.clone();
    match (&args.from, &site.origin) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(IndexError::NoTree { site: name() }),
        (Some(_), None) => Err(IndexError::HasTree { site: name() }),
        (Some(source), Some(_)) => {
            let files = ListedFiles::read(source, site, &indexer.exclude, stop)?;
            Ok(Some(Arc::new(files)))
        }
    }
}

/// Hashes the files. If another program is already hashing, it will also hash the new files.
fn hash(
    site: &Arc<SiteConfig>,
    request: HashRequest,
    bars: &Bars<'_>,
    (stop, result): (&AtomicBool, &ProgramEnd),
) -> Result<Option<HashReport>, IndexError> {
    let hasher = Hasher::new(Arc::clone(site));
    let record = result.index.as_ref().and_then(|report| report.run);
    match hasher.start(request, record) {
        Ok(run) => Ok(Some(run.execute(stop, &|step| bars.show_hashing(step))?)),
        Err(error @ IndexError::Locked { .. }) if result.index.is_some() => {
            log::info!("the other run will compute the hashes: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A mask as in MirrorBrain's `re.match`: it must match at the start, but not up to the end.
fn mask(given: Option<&str>) -> Result<Option<Regex>, IndexError> {
    let compile = |mask: &str| {
        Regex::new(&format!("^(?:{mask})")).map_err(|source| IndexError::Mask {
            mask: mask.to_owned(),
            source,
        })
    };
    given.map(compile).transpose()
}

struct Bars<'a> {
    progress: &'a Progress,
    label: &'a str,
    /// The bar on the screen, and the step that it shows.
    current: RefCell<Option<(&'static str, Bar)>>,
}

impl Bars<'_> {
    fn show(&self, step: IndexStep) {
        let (what, done, total) = match step {
            IndexStep::Walking(files) => ("walk", files, None),
            IndexStep::Comparing(files) => ("compare", files, None),
            IndexStep::Writing(done, total) => ("write", done, Some(total)),
        };
        self.set(what, done, |label| self.progress.bar(label, "files", total));
    }

    fn show_hashing(&self, HashStep::Reading(done, total): HashStep) {
        self.set("hash", done, |label| self.progress.bytes_bar(label, total));
    }

    fn set(&self, what: &'static str, done: u64, new: impl FnOnce(&str) -> Bar) {
        let mut current = self.current.borrow_mut();
        if current.as_ref().is_none_or(|(shown, _)| *shown != what) {
            // The old bar must leave the screen first.
            *current = None;
            *current = Some((what, new(&format!("{} {what}", self.label))));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set(done);
        }
    }
}

fn complain(result: &ProgramEnd) {
    if let Some(report) = &result.index {
        let places = report
            .unreadable
            .iter()
            .map(|place| (&place.path, &place.reason));
        name("read", places, report.counts.unreadable);
        if report.exit() == Exit::Failed {
            log::error!("site={}: {}", report.site, report.error);
        }
    }
    if let Some(report) = &result.hash {
        let files = report
            .failures
            .iter()
            .map(|file| (&file.path, &file.reason));
        name("hash", files, report.counts.unhashed);
    }
    if let Some(error) = &result.error {
        log::error!("{}", chain(error));
    }
}

fn name<'r>(verb: &str, all: impl Iterator<Item = (&'r Vec<u8>, &'r String)>, total: u64) {
    for (path, reason) in all.take(UNREADABLE_SHOWN_MAX) {
        log::error!("cannot {verb} path='{}': {reason}", path.escape_ascii());
    }
    if total > UNREADABLE_SHOWN_MAX as u64 {
        log::error!("cannot {verb} {} more", total - UNREADABLE_SHOWN_MAX as u64);
    }
}

fn print(args: &IndexArgs, result: &ProgramEnd) -> io::Result<()> {
    let mut out = locked_output();
    if args.json {
        writeln!(out, "{}", json(result))?;
    } else if !args.quiet {
        if let Some(report) = result
            .index
            .as_ref()
            .filter(|report| report.exit() != Exit::Failed)
        {
            writeln!(out, "{report}")?;
        }
        // An index run that had nothing to hash does not report that.
        let is_told = |report: &&HashReport| !report.is_empty() || result.index.is_none();
        if let Some(report) = result.hash.as_ref().filter(is_told) {
            writeln!(out, "{report}")?;
        }
    }
    out.flush()
}

fn json(result: &ProgramEnd) -> serde_json::Value {
    let mut json = match &result.index {
        Some(report) => serde_json::to_value(report).expect("a report is always JSON"),
        None => serde_json::json!({}),
    };
    if let Some(report) = &result.hash {
        json["hashes"] = report.to_json();
    }
    if let Some(error) = &result.error {
        json["outcome"] = error.outcome().as_str().into();
        json["error"] = chain(error).into();
    } else if result.index.is_none()
        && let Some(report) = &result.hash
    {
        json["outcome"] = report.outcome.as_str().into();
    }
    json
}
