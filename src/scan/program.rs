//! The program `heliostat-scan`: reads the command line and returns the exit code.

use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use regex::bytes::RegexSet;

use super::args::ScanArgs;
use super::choose::{choose_all, choose_named};
use super::due;
use super::error::ScanError;
use super::output::{Output, Style};
use super::scanner::{ScanOptions, Scanner};
use crate::config::{self, ConfigError, ScanConfig, SiteConfig};
use crate::domain::order::ShortList;
use crate::domain::path::{FilePath, PathError};
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
    let args = match ScanArgs::read() {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    let style = Style::of(args.quiet, args.verbose, args.json);
    let progress = Progress::new(args.quiet > 0 || args.json);
    start_log(log_level(args.quiet > 0, args.verbose), &progress);
    let (site, dir) = match site_and_dir(&args) {
        Ok(found) => found,
        Err(error) => {
            log::error!("{error}");
            return Exit::Usage;
        }
    };
    let options = ScanOptions {
        dir,
        jobs: args.jobs.unwrap_or(0) as usize,
        enable: args.enable,
        force: args.force,
        is_due: args.due,
        leaves_running: args.due || args.all,
    };
    let output = Output::new(style, progress);
    let result = if args.due {
        due::run(&site, args.dry_run, &options, &output)
    } else {
        scan(&args, &site, &options, &output)
    };
    result.unwrap_or_else(|error| {
        output.fail(&chain(&error));
        Exit::Failed
    })
}

fn site_and_dir(args: &ScanArgs) -> Result<(Arc<SiteConfig>, Option<FilePath>), String> {
    let mut site = site(args).map_err(|error| chain(&error))?;
    narrow(&mut Arc::make_mut(&mut site).scan, args)
        .map_err(|error| format!("--exclude cannot be used: {error}"))?;
    let dir = dir(args).map_err(|error| format!("--dir cannot be used: {error}"))?;
    Ok((site, dir))
}

fn site(args: &ScanArgs) -> Result<Arc<SiteConfig>, ConfigError> {
    let config = config::load(&config::config_path(args.config.as_deref()))?;
    config.site(args.site.as_deref()).cloned()
}

/// Adds what the command line says to what the configuration says.
fn narrow(scan: &mut ScanConfig, args: &ScanArgs) -> Result<(), regex::Error> {
    scan.top_include.extend_from_slice(&args.include);
    scan.exclude_rsync.extend_from_slice(&args.exclude_rsync);
    if !args.exclude.is_empty() {
        scan.exclude = RegexSet::new(scan.exclude.patterns().iter().chain(&args.exclude))?;
    }
    Ok(())
}

/// The tree itself, however it is written, is no subtree.
fn dir(args: &ScanArgs) -> Result<Option<FilePath>, PathError> {
    let Some(dir) = &args.dir else {
        return Ok(None);
    };
    match FilePath::parse(dir.as_bytes()) {
        Ok(path) => Ok(Some(path)),
        Err(PathError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

fn scan(
    args: &ScanArgs,
    site: &Arc<SiteConfig>,
    options: &ScanOptions,
    output: &Output,
) -> Result<Exit, ScanError> {
    let stop = stop_flag().map_err(ScanError::Signals)?;
    let scanner = Scanner::open(site)?;
    scanner.collect_requests();
    let mirrors = scanner.mirrors()?;
    let choice = if args.all {
        let mut choice = choose_all(mirrors, &scanner.waiting()?);
        let requested = scanner.requested()?;
        choice
            .scanned
            .order_by_key(|mirror| !requested.contains(&mirror.id));
        choice
    } else {
        choose_named(&mirrors, &args.mirrors)?
    };
    let report = scanner.scan(&choice, options, output, &stop)?;
    output.end(&report);
    Ok(report.exit())
}
