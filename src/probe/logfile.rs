//! The log file of `-l`, as `mirrorprobe` writes it: `Mon DD HH:MM:SS INSTANCE LEVEL    message`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::ProbeError;
use super::report::ProbeReport;
use crate::domain::time::Timestamp;
use crate::domain::time::ctime;

/// Appends what a pass found.
///
/// # Errors
/// Returns [`ProbeError::LogFile`] if the log file cannot be opened.
pub fn append(
    path: &Path,
    report: &ProbeReport,
    is_verbose: bool,
    now: Timestamp,
) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::LogFile {
        path: PathBuf::from(path),
        source,
    };
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(failed)?;
    // Written at once, so that lines of two programs do not mix.
    file.write_all(lines(report, is_verbose, now).as_bytes())
        .map_err(failed)
}

fn lines(report: &ProbeReport, is_verbose: bool, now: Timestamp) -> String {
    let mut text = String::new();
    let time = ctime(now);
    // Weekday before it, year after it.
    let time = time.get(4..19).unwrap_or(&time).to_owned();
    let mut line = |level: &str, message: &str| {
        text += &format!("{time} {} {level:<8} {message}\n", report.site);
    };
    line(
        "INFO",
        &format!("----- {} mirrors to check", report.counts.mirrors),
    );
    for mirror in &report.mirrors {
        for change in mirror.changes() {
            line("INFO", &change);
        }
        if is_verbose && mirror.alive == mirror.was_alive {
            let state = if mirror.alive { "alive" } else { "still dead" };
            let said = format!("{state}: {} ({})", mirror.identifier, mirror.url);
            line("DEBUG", &said);
        }
    }
    let note = report.note();
    if !note.is_empty() {
        line("WARNING", &note);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::report::ProbeCounts;
    use std::time::Duration;

    #[test]
    fn lines_are_those_of_mirrorprobe() {
        let mirror = |name: &str, was_alive, alive| super::super::report::MirrorLine {
            identifier: name.into(),
            url: format!("http://{name}/"),
            was_alive,
            alive,
            records: Vec::new(),
            facts: Vec::new(),
            problems: Vec::new(),
        };
        let report = ProbeReport {
            site: "main".into(),
            mirrors: vec![
                mirror("a", false, true),
                mirror("b", true, false),
                mirror("c", true, true),
            ],
            counts: ProbeCounts {
                mirrors: 3,
                ..ProbeCounts::default()
            },
            cut_off: Vec::new(),
            is_cut_short: false,
            is_old_news: false,
            untold: false,
            took: Duration::ZERO,
        };
        assert_eq!(
            lines(&report, true, Timestamp(1_241_620_570)),
            "May  6 14:36:10 main INFO     ----- 3 mirrors to check\n\
             May  6 14:36:10 main INFO     REVIVED: a\n\
             May  6 14:36:10 main INFO     FAIL: b (http://b/): \n\
             May  6 14:36:10 main DEBUG    alive: c (http://c/)\n"
        );
    }
}
