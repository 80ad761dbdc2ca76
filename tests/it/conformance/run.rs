//! Every recording of a real MirrorBrain is answered the same through Apache with the shipped
//! virtual host, but for the differences that docs/migrate.md lists.
//!
//! `HELIOSTAT_ORACLE` names the folder of recordings; without it those of the fixtures are taken,
//! which are of a small site. `scripts/conformance` sets it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::judge::answered::{answered, is_set, oracle};
use crate::judge::apache::Host;
use crate::judge::difference::differences;
use crate::judge::judge::{Case, Verdict, judge};
use crate::judge::recording::read;
use crate::judge::sample::Sample;

/// Draws of each recorded class of clients.
const DRAWS: usize = 2_000;
/// Of some hundred comparisons one beyond five standard deviations comes in ten thousand runs.
const SIGMAS: f64 = 5.0;
/// Below so many expected draws the normal approximation says nothing.
const EXPECTED_MIN: f64 = 10.0;

/// Clients of one place, and how often each mirror was drawn for them.
#[derive(Debug, Deserialize)]
struct Distribution {
    case: String,
    path: String,
    headers: BTreeMap<String, String>,
    n: usize,
    mirrors: Vec<Drawn>,
}

#[derive(Debug, Deserialize)]
struct Drawn {
    mirror: String,
    count: usize,
    score: u32,
}

#[test]
fn every_recording_is_answered_the_same() {
    let oracle = oracle();
    let (cases, mut sample, host) = answered(&oracle);
    let mut report = Report::default();
    for (case, answer) in &cases {
        report.add(case, judge(case, answer));
    }
    let file = oracle.join("golden/distribution.json");
    if file.exists() {
        let known: Vec<Distribution> =
            serde_json::from_slice(&read(&file)).expect("distribution.json");
        for distribution in known {
            let found = judge_draws(&mut sample, &host, &distribution);
            report.draws(&distribution, found);
        }
    }
    println!("{}", report.text());
    assert!(
        report.wrong.is_empty(),
        "{} differ:\n{}",
        report.wrong.len(),
        report.wrong.join("\n")
    );
}

/// Mirrors are drawn as often as recorded and as the exact law says.
fn judge_draws(sample: &mut Sample, host: &Host, distribution: &Distribution) -> Vec<String> {
    let headers: Vec<_> = distribution.headers.clone().into_iter().collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for mirror in host.draw(&distribution.path, &headers, DRAWS) {
        *counts.entry(mirror).or_default() += 1;
    }
    let group = sample.first_group(&distribution.path, &headers);
    let scores: Vec<u32> = group.iter().map(|one| one.score).collect();
    let shares = sample.shares(&scores);
    let mut wrong = Vec::new();
    let names: BTreeSet<&String> = group.iter().map(|one| &one.name).collect();
    for name in counts.keys().filter(|name| !names.contains(name)) {
        wrong.push(format!("{name} was drawn"));
    }
    let recorded: BTreeMap<&str, &Drawn> = distribution
        .mirrors
        .iter()
        .map(|drawn| (drawn.mirror.as_str(), drawn))
        .collect();
    for (one, share) in group.iter().zip(shares) {
        let count = counts.get(&one.name).copied().unwrap_or(0);
        let deviation = |draws: usize| (draws as f64 * share * (1.0 - share)).sqrt().max(1.0);
        let off = |count: usize, draws: usize| {
            (count as f64 - draws as f64 * share).abs() / deviation(draws)
        };
        if off(count, DRAWS) > SIGMAS {
            wrong.push(format!(
                "{} {count} of {DRAWS}, its share is {share}",
                one.name
            ));
        }
        let drawn = recorded.get(one.name.as_str());
        let known = drawn.map_or(0, |drawn| drawn.count);
        let is_enough = distribution.n as f64 * share > EXPECTED_MIN;
        if is_enough && off(known, distribution.n) > SIGMAS {
            wrong.push(format!(
                "recorded {} {known} of {}, not {share}",
                one.name, distribution.n
            ));
        }
        if drawn.is_some_and(|drawn| drawn.score != one.score) {
            wrong.push(format!(
                "recorded {} of another score than {}",
                one.name, one.score
            ));
        }
    }
    wrong
}

/// The sums of all verdicts.
#[derive(Debug, Default)]
struct Report {
    lines: Vec<String>,
    wrong: Vec<String>,
    same: usize,
    on_purpose: usize,
    differences: BTreeMap<&'static str, usize>,
    unjudged: BTreeMap<&'static str, usize>,
}

impl Report {
    fn add(&mut self, case: &Case, mut verdict: Verdict) {
        let listed = differences();
        let unlisted = verdict
            .differences
            .iter()
            .filter(|key| !listed.contains_key(**key));
        let unlisted: Vec<String> = unlisted
            .map(|key| format!("the difference {key} is not in docs/migrate.md"))
            .collect();
        verdict.mismatches.extend(unlisted);
        verdict
            .mismatches
            .extend(case.recording.faults.iter().cloned());
        for key in &verdict.differences {
            *self.differences.entry(key).or_default() += 1;
        }
        for reason in &verdict.unjudged {
            *self.unjudged.entry(reason).or_default() += 1;
        }
        let name = format!("{} ({})", case.recording.name, case.recording.what);
        if !verdict.mismatches.is_empty() {
            self.wrong.push(format!(
                "{name}:\n      {}",
                verdict.mismatches.join("\n      ")
            ));
        } else if verdict.differences.is_empty() {
            self.same += 1;
            self.lines.push(format!("{name}: the same"));
        } else {
            self.on_purpose += 1;
            let keys: Vec<&str> = verdict.differences.into_iter().collect();
            self.lines
                .push(format!("{name}: on purpose: {}", keys.join(", ")));
        }
    }

    fn draws(&mut self, distribution: &Distribution, found: Vec<String>) {
        if found.is_empty() {
            self.same += 1;
            self.lines
                .push(format!("draws ({}): the same", distribution.case));
        } else {
            let found = found.join("\n      ");
            self.wrong
                .push(format!("draws ({}):\n      {found}", distribution.case));
        }
    }

    fn text(&self) -> String {
        let mut text = if is_set("HELIOSTAT_ALL") {
            self.lines.join("\n")
        } else {
            String::new()
        };
        text += &format!(
            "\n{:5} the same\n{:5} the same but for deliberate differences\n{:5} differ\n",
            self.same,
            self.on_purpose,
            self.wrong.len()
        );
        let listed = differences();
        text += "\nDeliberate differences (docs/migrate.md):\n";
        for (key, count) in &self.differences {
            let known = listed.get(*key);
            let ours = known.map_or("NOT LISTED", |known| &known.ours);
            let theirs = known.map_or("", |known| &known.theirs);
            text += &format!("{count:5} {key}: {ours} (MirrorBrain: {theirs})\n");
        }
        text += "\nNot judged:\n";
        for (reason, count) in &self.unjudged {
            text += &format!("{count:5} {reason}\n");
        }
        text
    }
}
