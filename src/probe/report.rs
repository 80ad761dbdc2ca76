//! The report of a pass, for people and for programs.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::outage::looks;
use super::plan::ProbePlan;
use super::verdict::{Newsworthy, ProbeVerdict};
use crate::db::probe::ProbeRecord;
use crate::domain::health::Family;
use crate::domain::run_counts::RunCounts;
use crate::program::console::locked_output;
use crate::program::exit::Exit;
use crate::program::table::TextTable;

/// Numbers of a pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProbeCounts {
    /// Mirrors in the plan.
    pub mirrors: u64,
    /// Mirrors that are alive.
    pub alive: u64,
    /// Mirrors that are not alive.
    pub dead: u64,
    /// Mirrors that were not checked: no URL, no time, or no route.
    pub unchecked: u64,
    /// Mirrors whose state changed.
    pub changed: u64,
}

/// The report on one mirror.
#[derive(Debug, Clone)]
pub struct MirrorLine {
    /// Its name.
    pub identifier: String,
    /// Its main base URL without credentials.
    pub url: String,
    /// Whether it was alive before.
    pub was_alive: bool,
    /// Whether it is alive now.
    pub alive: bool,
    /// The records of its targets.
    pub records: Vec<ProbeRecord>,
    /// The facts about it.
    pub facts: Vec<Newsworthy>,
    /// The faults of its URLs.
    pub problems: Vec<String>,
}

/// The report on one pass.
#[derive(Debug, Clone)]
pub struct ProbeReport {
    /// Name of the site.
    pub site: String,
    /// The mirrors.
    pub mirrors: Vec<MirrorLine>,
    /// Its numbers.
    pub counts: ProbeCounts,
    /// Families over which this host looks cut off.
    pub cut_off: Vec<Family>,
    /// Whether the deadline or a signal ended the pass early.
    pub is_cut_short: bool,
    /// Whether the pass before had the same remark.
    pub is_old_news: bool,
    /// Whether a receiver of notifications could not be reached.
    pub untold: bool,
    /// Duration of the pass.
    pub took: Duration,
}

impl ProbeCounts {
    /// The numbers as those of a run.
    pub fn of_run(self) -> RunCounts {
        RunCounts::of(&self.value())
    }

    fn value(self) -> Value {
        json!({
            "mirrors": self.mirrors,
            "alive": self.alive,
            "dead": self.dead,
            "unchecked": self.unchecked,
            "changed": self.changed,
        })
    }
}

impl MirrorLine {
    /// Makes the line from plan and verdict.
    pub fn new(planned: &ProbePlan, verdict: &ProbeVerdict) -> MirrorLine {
        MirrorLine {
            identifier: planned.mirror.identifier.clone(),
            url: crate::domain::url::shown_url(&planned.mirror.base_url),
            was_alive: planned.mirror.alive,
            alive: verdict.alive,
            records: verdict.records.clone(),
            facts: verdict.facts.clone(),
            problems: planned.problems.clone(),
        }
    }

    /// Why the mirror is down: the reasons of its targets.
    pub fn reason(&self) -> String {
        let failing = self
            .records
            .iter()
            .filter(|record| record.ok == Some(false));
        let mut reasons: Vec<&str> = failing.map(|record| record.reason.as_str()).collect();
        reasons.dedup();
        reasons.join("; ")
    }
}

impl ProbeReport {
    /// Adds the findings of a later round about some of the mirrors.
    pub fn take_in(&mut self, later: ProbeReport) {
        for mut line in later.mirrors {
            let place = self
                .mirrors
                .iter()
                .position(|known| known.identifier == line.identifier);
            let Some(known) = place.map(|place| &mut self.mirrors[place]) else {
                continue;
            };
            let is_changed = |line: &MirrorLine| line.facts.iter().any(|fact| fact.changed);
            let counts = &mut self.counts;
            counts.alive += u64::from(line.alive);
            counts.alive -= u64::from(known.alive);
            counts.dead = counts.mirrors - counts.alive;
            counts.changed += u64::from(is_changed(&line) && !is_changed(known));
            // A change in an earlier round belongs to the news of this pass, too.
            let earlier = known.facts.drain(..).filter(|fact| fact.changed);
            let earlier: Vec<Newsworthy> = earlier
                .filter(|fact| line.facts.iter().all(|later| later.about != fact.about))
                .collect();
            line.facts.extend(earlier);
            line.was_alive = known.was_alive;
            *known = line;
        }
        self.untold |= later.untold;
    }

    /// The exit code. A pass that could not check everything is partial, even if it checked
    /// nothing: all states stay, and the next pass comes as soon as usual. So a host that is cut
    /// off for a while does not make its systemd unit fail; `status`, mail and webhook tell of it.
    pub fn exit(&self) -> Exit {
        let counts = &self.counts;
        let is_unchecked = counts.mirrors > 0 && counts.unchecked == counts.mirrors;
        if is_unchecked || self.is_cut_short || self.untold || !self.cut_off.is_empty() {
            Exit::Partial
        } else {
            Exit::Ok
        }
    }

    /// The remark on the pass as a whole; may be empty.
    pub fn note(&self) -> String {
        let mut parts = Vec::new();
        for family in &self.cut_off {
            parts.push(looks(*family));
        }
        if self.is_cut_short {
            parts.push("not all was checked in time; the rest stays as it was".to_owned());
        }
        parts.join("; ")
    }

    /// Prints the lines that `mirrorprobe` logs about changes, and a summary for a person on a
    /// terminal.
    pub fn print(&self, is_named: bool) {
        let mut out = locked_output();
        let result = if is_named {
            writeln!(out, "{}", self.table().text([]))
        } else {
            self.print_changes(&mut out)
        };
        if let Err(error) = result {
            log::debug!("nobody reads what is printed: {error}");
        }
    }

    fn print_changes(&self, out: &mut impl Write) -> io::Result<()> {
        for mirror in &self.mirrors {
            for line in mirror.changes() {
                writeln!(out, "{line}")?;
            }
        }
        if io::stdout().is_terminal() {
            let counts = &self.counts;
            writeln!(
                out,
                "{} mirrors: {} alive, {} down, {} not checked, {} changed, in {:.1} s",
                counts.mirrors,
                counts.alive,
                counts.dead,
                counts.unchecked,
                counts.changed,
                self.took.as_secs_f64()
            )?;
        }
        Ok(())
    }

    fn table(&self) -> TextTable {
        let mut table = TextTable::new([
            "mirror",
            "url",
            "family",
            "result",
            "ms",
            "counts as",
            "remark",
        ]);
        for mirror in &self.mirrors {
            for problem in &mirror.problems {
                table.add_row([&mirror.identifier, "", "", "", "", "", problem]);
            }
            for record in &mirror.records {
                let result = match record.ok {
                    Some(true) => "ok",
                    Some(false) => "fails",
                    None => "unknown",
                };
                table.add_row([
                    mirror.identifier.clone(),
                    record.url.clone(),
                    record.family.as_str().to_owned(),
                    result.to_owned(),
                    record.latency_ms.map_or(String::new(), |ms| ms.to_string()),
                    if record.standing.usable { "up" } else { "down" }.to_owned(),
                    record.reason.clone(),
                ]);
            }
        }
        table
    }

    /// Prints a JSON object for a pass that could not be made.
    pub fn print_failure(error: &str) {
        print_line(&json!({ "outcome": "failed", "error": error }).to_string());
    }

    /// Prints one JSON object.
    pub fn print_json(&self) {
        let value = json!({
            "site": self.site,
            "counts": self.counts.value(),
            "cut_off": self.cut_off.iter().map(|family| family.as_str()).collect::<Vec<_>>(),
            "remark": self.note(),
            "took_ms": self.took.as_millis() as u64,
            "mirrors": self.mirrors.iter().map(MirrorLine::value).collect::<Vec<_>>(),
        });
        print_line(&value.to_string());
    }
}

/// A closed standard output does not end the pass.
fn print_line(line: &str) {
    if let Err(error) = writeln!(locked_output(), "{line}") {
        log::debug!("nobody reads what is printed: {error}");
    }
}

impl MirrorLine {
    /// The lines of `mirrorprobe` about changes.
    pub fn changes(&self) -> Vec<String> {
        let (name, url) = (&self.identifier, &self.url);
        if self.was_alive && !self.alive {
            return vec![format!("FAIL: {name} ({url}): {}", self.reason())];
        }
        if self.alive && !self.was_alive {
            return vec![format!("REVIVED: {name}")];
        }
        let changed = self.facts.iter().filter(|fact| fact.changed);
        changed
            .map(|fact| format!("{name}: {}", fact.text))
            .collect()
    }

    fn value(&self) -> Value {
        let targets = self.records.iter().map(|record| {
            json!({
                "scheme": record.scheme.as_str(),
                "family": record.family.number(),
                "url": record.url,
                "ok": record.ok,
                "usable": record.standing.usable,
                "latency_ms": record.latency_ms,
                "certificate_expires": record.expires_at.map(|at| at.to_string()),
                "reason": record.reason,
                "evidence": record.evidence,
            })
        });
        json!({
            "mirror": self.identifier,
            "alive": self.alive,
            "was_alive": self.was_alive,
            "problems": self.problems,
            "targets": targets.collect::<Vec<_>>(),
        })
    }
}
