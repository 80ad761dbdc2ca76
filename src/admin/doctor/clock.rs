//! The clock: nothing that has happened lies in the future.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::examination::{Examination, SiteCommand};
use super::finding::{AreaReport, Finding};
use super::shell::words;
use crate::config::SiteConfig;
use crate::db::{Reader, catalogue, run};
use crate::domain::time::Timestamp;
use crate::program::exit::chain;

/// Clocks of machines that write the tree differ by seconds; time zones that were mistaken for
/// UTC, by hours.
const AHEAD_S_MAX: i64 = 3600;

/// A time before any machine with this program was set up.
const EARLIEST: Timestamp = Timestamp(1_735_689_600);

/// Files that are named.
const NAMED_MAX: usize = 8;

/// Runs that are looked at.
const RUNS_MAX: u32 = 1000;

/// Compares the times of files and runs with the clock.
pub(super) fn check(
    examined: &Examination<'_>,
    site: &Arc<SiteConfig>,
    reader: &Reader,
) -> AreaReport {
    let mut report = AreaReport::of_site("clock", site);
    let now = examined.now;
    if now.0 < EARLIEST.0 {
        report.push(
            Finding::error("clock-wrong", format!("the clock says {now}"))
                .because("that is long ago; certificates look invalid, and scans look old")
                .mended_by("timedatectl set-ntp true"),
        );
        return report;
    }
    let latest = Timestamp(now.0 + AHEAD_S_MAX);
    let (mut count, mut named) = (0_u64, Vec::new());
    let looked = catalogue::for_each(reader, b"", |path, file| {
        if file.version.is_some_and(|version| version.mtime > latest.0) {
            count += 1;
            if named.len() < NAMED_MAX {
                named.push(site.tree.join(std::ffi::OsStr::from_bytes(path)));
            }
        }
    });
    if let Err(error) = looked {
        report.refused(format!("times of files: {}", chain(&error)));
    }
    if let Some(first) = named.first() {
        report.push(
            Finding::warning(
                "file-time-future",
                format!(
                    "{count} files have a time in the future, such as {}",
                    first.display()
                ),
            )
            .because(
                "whoever wrote them had a wrong clock; mirrors look newer than they are, and \
                 caches keep them too long",
            )
            .mended_by(format!(
                "touch {} && {}",
                words(named.iter().map(|path| path.as_path())),
                SiteCommand::of(examined, site).with("index --no-hashes")
            )),
        );
    }
    match run::recent(reader, None, None, (now, RUNS_MAX)) {
        Ok(runs) => {
            if let Some(run) = runs.iter().find(|run| run.started_at.0 > latest.0) {
                report.push(
                    Finding::warning(
                        "run-time-future",
                        format!("a run is dated {}, in the future", run.started_at),
                    )
                    .because("the clock was wrong then, or is wrong now")
                    .mended_by("timedatectl set-ntp true"),
                );
            }
        }
        Err(error) => report.refused(format!("times of runs: {}", chain(&error))),
    }
    report.looked_at = Some(format!("{now}; times of files and runs"));
    report
}
