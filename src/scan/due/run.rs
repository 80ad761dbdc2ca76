//! Runs `heliostat-scan --due`: finds what is due, and scans it.

use crate::program::clock::now;
use std::collections::HashMap;
use std::sync::Arc;

use super::decide::Hints;
use super::look::look;
use super::report;
use crate::config::SiteConfig;
use crate::db::scan::request;
use crate::db::{DbError, Reader, open_reader};
use crate::domain::mirror::MirrorId;
use crate::program::exit::Exit;
use crate::program::signal::stop_flag;
use crate::scan::error::ScanError;
use crate::scan::output::Output;
use crate::scan::scanner::{ScanOptions, Scanner};

/// Scans what is due, or only shows it.
///
/// # Errors
/// Returns [`ScanError`] if no scan could begin.
pub fn run(
    site: &Arc<SiteConfig>,
    is_dry: bool,
    options: &ScanOptions,
    output: &Output,
) -> Result<Exit, ScanError> {
    if is_dry {
        let reader = open_reader(&site.database)?;
        let look = look(&reader, site, now(), &hints(&reader)?, true)?;
        output.show(&report::text(&look), &report::json(&look, &site.name));
        return Ok(Exit::Ok);
    }
    let stop = stop_flag().map_err(ScanError::Signals)?;
    // The scanner comes first, because it migrates the schema.
    let scanner = Scanner::open(site)?;
    scanner.collect_requests();
    let reader = open_reader(&site.database)?;
    let look = look(&reader, site, now(), &hints(&reader)?, false)?;
    drop(reader);
    let tasks = look.tasks();
    if tasks.is_empty() {
        output.nothing_due(&site.name);
        return Ok(Exit::Ok);
    }
    let report = scanner.scan_tasks(&tasks, options, output, &stop)?;
    output.end(&report);
    Ok(report.exit())
}

/// The mirrors for which somebody requested a scan.
fn hints(reader: &Reader) -> Result<HashMap<MirrorId, Hints>, DbError> {
    let requests = request::all(reader)?.into_iter();
    let hints = |at| Hints {
        requested_at: Some(at),
    };
    Ok(requests.map(|(id, at)| (id, hints(at))).collect())
}
