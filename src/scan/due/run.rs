//! `heliostat-scan --due`: looks, and scans what is due.

use std::collections::HashMap;
use std::sync::Arc;

use super::look::look;
use super::report;
use crate::config::SiteConfig;
use crate::db::open_reader;
use crate::exit::Exit;
use crate::scan::error::ScanError;
use crate::scan::output::Output;
use crate::scan::run::now;
use crate::scan::scanner::{ScanOptions, Scanner};
use crate::terminal::stop_flag;

/// Scans what is due, or only shows it.
///
/// # Errors
/// [`ScanError`] when nothing could be scanned at all.
pub fn run(
    site: &Arc<SiteConfig>,
    is_dry: bool,
    options: &ScanOptions,
    output: &Output,
) -> Result<Exit, ScanError> {
    // Nobody has a way to ask for a scan of a mirror.
    let hints = HashMap::new();
    if is_dry {
        let look = look(&open_reader(&site.database)?, site, now(), &hints, true)?;
        output.show(&report::text(&look), &report::json(&look, &site.name));
        return Ok(Exit::Ok);
    }
    let stop = stop_flag().map_err(ScanError::Signals)?;
    // First, because it brings the schema up to date.
    let scanner = Scanner::open(site)?;
    let look = look(&open_reader(&site.database)?, site, now(), &hints, false)?;
    let tasks = look.tasks();
    if tasks.is_empty() {
        output.nothing_due(&site.name);
        return Ok(Exit::Ok);
    }
    let report = scanner.scan_tasks(&tasks, options, output, &stop)?;
    output.end(&report);
    Ok(report.exit())
}
