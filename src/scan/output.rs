//! Prints the progress and results of scans.
//!
//! Where standard output is no terminal, and with `-v`, the lines are MirrorBrain's, word for word,
//! because scripts read them; times are UTC. On a terminal each mirror gets a bar while it is
//! scanned and one line when it is done. Failures go to the log on standard error.

use crate::program::clock::now;
use crate::program::console::locked_output;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::report::{MirrorReport, ScanReport};
use crate::db::mirror::MirrorRecord;
use crate::db::run::RunOutcome;
use crate::domain::time::ctime;
use crate::program::progress::{Bar, Progress};

/// How much is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Nothing: `-qq`.
    Nothing,
    /// The totals: `-q`.
    Totals,
    /// MirrorBrain's lines.
    Lines,
    /// One line per mirror.
    Summary,
    /// One JSON object at the end.
    Json,
}

impl Style {
    /// The style that the options ask for.
    pub fn of(quiet: u8, verbose: u8, json: bool) -> Style {
        match (json, quiet) {
            (true, _) => Style::Json,
            (false, 0) if verbose == 0 && io::stdout().is_terminal() => Style::Summary,
            (false, 0) => Style::Lines,
            (false, 1) => Style::Totals,
            (false, _) => Style::Nothing,
        }
    }
}

/// Prints how a scan goes.
#[derive(Debug)]
pub struct Output {
    style: Style,
    progress: Progress,
}

impl Output {
    /// Prints in `style`, and bars into `progress`.
    pub fn new(style: Style, progress: Progress) -> Output {
        Output { style, progress }
    }

    /// Prints nothing.
    pub fn silent() -> Output {
        Output::new(Style::Nothing, Progress::hidden())
    }

    /// The bar over all mirrors; one mirror has its own.
    pub(super) fn total(&self, mirrors: usize) -> Option<Bar> {
        let bar = || self.progress.bar("all", "mirrors", Some(mirrors as u64));
        (mirrors > 1).then(bar)
    }

    /// A mirror is begun; `before` are its current files and the files listed at the last scan.
    pub(super) fn begin(&self, mirror: &MirrorRecord, before: (u64, u64)) -> Bar {
        let name = &mirror.identifier;
        if self.style == Style::Lines {
            let mut text = line(name, "starting");
            if !mirror.enabled {
                text += &line(name, "is disabled, and is scanned because it is named");
            }
            text += &line(name, &format!("total files before scan: {}", before.0));
            self.print(&text);
        }
        let expected = (before.1 > 0).then_some(before.1);
        self.progress.bar(name, "files", expected)
    }

    /// A mirror is done.
    pub(super) fn finish(&self, report: &MirrorReport) {
        match self.style {
            Style::Nothing | Style::Json => {}
            Style::Totals if report.is_published() => {
                self.print(&line(&report.identifier, &total_after(report)));
            }
            Style::Totals => {}
            Style::Lines => self.print(&lines(report)),
            Style::Summary => self.print(&summary(report)),
        }
        tell(report);
    }

    /// All are done.
    pub(super) fn end(&self, report: &ScanReport) {
        for name in &report.without_url {
            log::info!("{name}: no URL to scan; it is not scanned");
        }
        match self.style {
            Style::Json => self.print(&(report.to_json() + "\n")),
            Style::Lines | Style::Summary => {
                self.print(&format!("Completed in {}\n", elapsed(report.took)));
            }
            Style::Nothing | Style::Totals => {}
        }
    }

    /// There is nothing to do.
    pub(super) fn nothing_due(&self, site: &str) {
        match self.style {
            Style::Json => self.print(&format!(
                "{}\n",
                serde_json::json!({ "site": site, "mirrors": [] })
            )),
            Style::Lines | Style::Summary => self.print("nothing is due\n"),
            Style::Nothing | Style::Totals => {}
        }
    }

    /// Prints the answer to a question, as text or as JSON.
    pub(super) fn show(&self, text: &str, json: &str) {
        let is_json = self.style == Style::Json;
        self.print(if is_json { json } else { text });
    }

    /// No mirror could be scanned at all.
    pub(super) fn fail(&self, error: &str) {
        log::error!("{error}");
        if self.style == Style::Json {
            let failed = serde_json::json!({ "outcome": "failed", "error": error });
            self.print(&format!("{failed}\n"));
        }
    }

    /// A reader that went away is no reason to stop a scan.
    fn print(&self, text: &str) {
        let printed = self.progress.above(|| {
            let mut out = locked_output();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        });
        if let Err(error) = printed {
            log::debug!("nobody reads what is printed: {error}");
        }
    }
}

fn line(mirror: &str, text: &str) -> String {
    format!("{} {mirror}: {text}\n", ctime(now()))
}

fn total_after(report: &MirrorReport) -> String {
    let counts = &report.counts;
    let delta = counts.after as i64 - counts.before as i64;
    format!("total files after scan: {} (delta: {delta})", counts.after)
}

fn lines(report: &MirrorReport) -> String {
    let name = &report.identifier;
    if !report.is_published() {
        return String::new();
    }
    let counts = &report.counts;
    let mut text = line(
        name,
        &format!(
            "scanned {} files ({}/s) in {}s",
            counts.files,
            report.files_per_second(),
            report.took.as_secs()
        ),
    );
    text += &line(name, &format!("files to be purged: {}", counts.vanished));
    text += &line(name, &total_after(report));
    if report.enabled {
        text += &line(name, "enabled");
    }
    text + &line(name, "done.")
}

fn summary(report: &MirrorReport) -> String {
    let counts = &report.counts;
    if !report.is_published() {
        return String::new();
    }
    let enabled = if report.enabled { ", enabled" } else { "" };
    format!(
        "{}: {} files ({}/s), {} current, {} outdated, {} unknown, {} vanished{enabled}\n",
        report.identifier,
        counts.files,
        report.files_per_second(),
        counts.current,
        counts.outdated,
        counts.unknown,
        counts.vanished
    )
}

/// The one line of the log that a mirror gets.
fn tell(report: &MirrorReport) {
    let (name, error, note) = (&report.identifier, &report.error, &report.note);
    match report.outcome {
        RunOutcome::Ok | RunOutcome::Partial if note.is_empty() => {}
        // Cron, with -q, mails it once, not each time.
        RunOutcome::Ok | RunOutcome::Partial if report.is_news => log::error!("{name}: {note}"),
        RunOutcome::Ok => log::info!("{name}: {note}"),
        RunOutcome::Partial => log::warn!("{name}: {note}"),
        RunOutcome::Failed | RunOutcome::Interrupted | RunOutcome::Running => {
            log::error!("{name}: {error}; its files stay as they were");
        }
        RunOutcome::Suspicious => {
            let news = match note.is_empty() || !report.is_news {
                true => String::new(),
                false => format!("; {note}"),
            };
            log::error!(
                "{name}: suspicious, so nothing is published: {error}; \
                 a second scan that sees the same publishes it, --force does now{news}"
            );
        }
    }
    for note in &report.notes {
        log::info!("{name}: {note}");
    }
    let counts = &report.counts;
    log::info!(
        "scan mirror={name} outcome={} files={} current={} outdated={} unknown={} private={} \
         unreadable={} undeliverable={} vanished={} by={} requests={} shift_min={} took_ms={}",
        report.outcome.as_str(),
        counts.files,
        counts.current,
        counts.outdated,
        counts.unknown,
        counts.private,
        counts.unreadable,
        counts.undeliverable,
        counts.vanished,
        report.protocol_name(),
        counts.requests,
        counts.shift_min,
        report.took.as_millis()
    );
}

/// As MirrorBrain says it.
fn elapsed(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} seconds")
    } else if seconds < 3600.0 {
        format!("{:.1} minutes", seconds / 60.0)
    } else {
        format!("{:.1} hours", seconds / 3600.0)
    }
}
