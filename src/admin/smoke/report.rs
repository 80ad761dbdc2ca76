//! Adds results up by mirror; reports are written as JSON, read again, and added to each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::result::SmokeResult;
use super::verdict::{SmokeGrade, SmokeOutcome};

/// Marks the file as one of ours.
const FORMAT: &str = "heliostat-smoke";

/// The version of the file's form. Each change of the form raises it.
const VERSION: u32 = 1;

/// Problems that are kept per mirror, the first of each kind: a mirror that is down has thousands.
const PROBLEMS_MAX: usize = 8;

/// The results of one or several runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SmokeReport {
    format: String,
    version: u32,
    /// The runs; each has a name of its own, so that no report is added twice.
    pub runs: Vec<SmokeRunPart>,
    /// By host and port.
    pub mirrors: BTreeMap<String, MirrorSmoke>,
    /// Mirrors of the database to which no run came, if it has one.
    pub missed: BTreeSet<String>,
}

/// One run on one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SmokeRunPart {
    pub id: String,
    pub machine: String,
    pub url: String,
    pub seed: u64,
    /// RFC 3339, in UTC.
    pub began: String,
    pub ended: String,
    pub rounds: u64,
    pub files: u64,
    pub requests: u64,
    pub redirects: u64,
}

/// The downloads from one mirror, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MirrorSmoke {
    /// As the database or the virtual host calls it.
    pub names: BTreeSet<String>,
    /// Whether this is the virtual host itself.
    pub is_host: bool,
    /// Downloads, by what came of them.
    pub outcomes: BTreeMap<String, u64>,
    /// Downloads whose digest was compared.
    pub digests: u64,
    pub bytes: u64,
    /// Time of downloads with bytes.
    pub took_ms: u64,
    pub problems: Vec<SmokeProblem>,
}

/// A download that was not well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SmokeProblem {
    pub outcome: String,
    pub detail: String,
    /// The first file of which this was so.
    pub file: String,
    pub manner: String,
    /// Empty: the machine itself.
    pub place: String,
    pub count: u64,
}

impl MirrorSmoke {
    fn add(&mut self, result: &SmokeResult) {
        self.names.extend(result.name.clone());
        self.is_host |= result.is_own;
        let word = result.verdict.outcome.as_str();
        *self.outcomes.entry(word.to_owned()).or_default() += 1;
        self.digests += u64::from(result.has_digest);
        if result.bytes > 0 {
            self.bytes += result.bytes;
            self.took_ms += result.took_ms;
        }
        if result.verdict.outcome != SmokeOutcome::Ok {
            self.add_problem(SmokeProblem {
                outcome: word.to_owned(),
                detail: result.verdict.detail.clone(),
                file: result.file.clone(),
                manner: result.manner.as_str().to_owned(),
                place: result.place.clone(),
                count: 1,
            });
        }
    }

    fn add_problem(&mut self, problem: SmokeProblem) {
        let is_alike = |known: &&mut SmokeProblem| {
            known.outcome == problem.outcome && known.detail == problem.detail
        };
        if let Some(known) = self.problems.iter_mut().find(is_alike) {
            known.count += problem.count;
        } else if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    fn merge(&mut self, other: MirrorSmoke) {
        self.names.extend(other.names);
        self.is_host |= other.is_host;
        for (word, count) in other.outcomes {
            *self.outcomes.entry(word).or_default() += count;
        }
        self.digests += other.digests;
        self.bytes += other.bytes;
        self.took_ms += other.took_ms;
        for problem in other.problems {
            self.add_problem(problem);
        }
    }

    pub(super) fn tries(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Gives the worst grade of its outcomes.
    pub(super) fn grade(&self) -> SmokeGrade {
        let words = self.outcomes.keys();
        let grades = words.map(|word| {
            let outcome = SmokeOutcome::named(word);
            outcome.map_or(SmokeGrade::Unknown, SmokeOutcome::grade)
        });
        grades.max().unwrap_or(SmokeGrade::Well)
    }
}

impl SmokeReport {
    pub(super) fn new() -> SmokeReport {
        SmokeReport {
            format: FORMAT.to_owned(),
            version: VERSION,
            runs: Vec::new(),
            mirrors: BTreeMap::new(),
            missed: BTreeSet::new(),
        }
    }

    /// Reads what [`SmokeReport::to_json`] wrote.
    ///
    /// # Errors
    /// Returns the problem and its remedy, for people, if the text is no report.
    pub(super) fn read(text: &[u8]) -> Result<SmokeReport, String> {
        let report: SmokeReport = serde_json::from_slice(text).map_err(|error| {
            format!("it is no report of `heliostat smoke --json` ({error}); name such a file")
        })?;
        if report.format != FORMAT {
            return Err("it is no report of `heliostat smoke --json`; name such a file".to_owned());
        }
        if report.version != VERSION {
            return Err(format!(
                "it is a report of form {}, and this program knows {VERSION}; use the same \
                 version of heliostat everywhere",
                report.version
            ));
        }
        Ok(report)
    }

    pub(super) fn to_json(&self) -> String {
        // Texts and numbers alone: there is nothing that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub(super) fn add(&mut self, results: &[SmokeResult]) {
        for result in results {
            self.mirrors
                .entry(result.host.clone())
                .or_default()
                .add(result);
        }
    }

    /// Adds another report.
    ///
    /// # Errors
    /// Returns the problem and its remedy, for people; nothing is added then.
    pub(super) fn merge(&mut self, other: SmokeReport) -> Result<(), String> {
        let is_known = |run: &&SmokeRunPart| self.runs.iter().any(|known| known.id == run.id);
        if let Some(run) = other.runs.iter().find(is_known) {
            return Err(format!(
                "its run {} of {} is added already; name each report once",
                run.id, run.machine
            ));
        }
        // A mirror is missed if no run came to it.
        self.missed.extend(other.missed);
        self.runs.extend(other.runs);
        for (host, mirror) in other.mirrors {
            self.mirrors.entry(host).or_default().merge(mirror);
        }
        self.forget_met();
        Ok(())
    }

    /// A mirror that was met is not missed.
    pub(super) fn forget_met(&mut self) {
        let met = self.mirrors.values().flat_map(|mirror| &mirror.names);
        let met: BTreeSet<&String> = met.collect();
        self.missed.retain(|name| !met.contains(name));
    }

    /// Gives the worst grade of its mirrors.
    pub(super) fn grade(&self) -> SmokeGrade {
        let grades = self.mirrors.values().map(MirrorSmoke::grade);
        grades.max().unwrap_or(SmokeGrade::Well)
    }
}

#[cfg(test)]
mod tests {
    use super::super::result::SmokeManner;
    use super::super::verdict::SmokeVerdict;
    use super::*;

    fn result(host: &str, outcome: SmokeOutcome) -> SmokeResult {
        SmokeResult {
            host: host.to_owned(),
            name: Some(format!("name of {host}")),
            is_own: false,
            file: "/a".to_owned(),
            manner: SmokeManner::Get,
            place: String::new(),
            verdict: SmokeVerdict::new(outcome, "why"),
            bytes: 10,
            took_ms: 1,
            has_digest: true,
        }
    }

    fn report(id: &str, results: &[SmokeResult]) -> SmokeReport {
        let mut report = SmokeReport::new();
        report.runs.push(SmokeRunPart {
            id: id.to_owned(),
            ..SmokeRunPart::default()
        });
        report.add(results);
        report
    }

    #[test]
    fn reports_are_read_as_they_were_written_and_added() {
        let mut first = report("1", &[result("m", SmokeOutcome::Ok)]);
        first.missed = ["name of n".to_owned(), "o".to_owned()].into();
        let wrong = result("m", SmokeOutcome::WrongDigest);
        let second = report("2", &[wrong.clone(), wrong, result("n", SmokeOutcome::Ok)]);
        let read = SmokeReport::read(second.to_json().as_bytes()).expect("a report");
        assert_eq!(read, second);
        first.merge(read).expect("another run");
        let mirror = &first.mirrors["m"];
        assert_eq!((mirror.tries(), mirror.digests, mirror.bytes), (3, 3, 30));
        assert_eq!(mirror.outcomes["wrong digest"], 2);
        assert_eq!(mirror.problems.len(), 1);
        assert_eq!(mirror.problems[0].count, 2);
        assert_eq!(first.missed, ["o".to_owned()].into());
        assert_eq!(first.grade(), SmokeGrade::Bad);
        let error = first.merge(second).expect_err("the same run");
        assert!(error.contains("added already"), "{error}");
    }

    #[test]
    fn other_files_are_refused() {
        let newer = report("1", &[])
            .to_json()
            .replace("\"version\": 1", "\"version\": 9");
        for (text, expected) in [
            ("{}", "no report"),
            ("x", "no report"),
            (newer.as_str(), "form 9"),
        ] {
            let error = SmokeReport::read(text.as_bytes()).expect_err("no report");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn words_of_a_newer_program_are_not_fine() {
        let mut mirror = MirrorSmoke::default();
        mirror.outcomes.insert("something new".to_owned(), 1);
        assert_eq!(mirror.grade(), SmokeGrade::Unknown);
    }
}
