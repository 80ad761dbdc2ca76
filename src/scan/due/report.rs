//! Reports which scans are due, for people and programs (`--dry-run`).

use serde_json::{Value, json};

use super::decide::{DueDecision, DuePart, DueReason};
use super::look::Look;
use crate::db::mirror::MirrorRecord;
use crate::domain::time::{Timestamp, age};
use crate::program::table::TextTable;

/// Largest number of directories that are named per mirror.
const NAMED_MAX: usize = 3;

/// The report as a table: mirror, part, reason, and time of the next look.
pub fn text(look: &Look) -> String {
    let mut table = TextTable::new(["mirror", "due", "why", "next"]);
    for (mirror, decision) in &look.decisions {
        table.add_row([
            mirror.identifier.clone(),
            due(decision),
            why(look, decision),
            next(look.now, decision),
        ]);
    }
    for (mirror, why) in &look.passed_over {
        let name = mirror.identifier.as_str();
        table.add_row([name, "-", *why, "-"]);
    }
    table.text([]) + "\n"
}

fn due(decision: &DueDecision) -> String {
    match &decision.what {
        DuePart::Nothing => "-".to_owned(),
        DuePart::Changed(numbers) if numbers.len() == 1 => "1 directory".to_owned(),
        DuePart::Changed(numbers) => format!("{} directories", numbers.len()),
        DuePart::Whole => "all".to_owned(),
    }
}

fn why(look: &Look, decision: &DueDecision) -> String {
    let mut text = reason(decision.why);
    if let DuePart::Changed(numbers) = &decision.what {
        let paths = numbers.iter().take(NAMED_MAX);
        let names = paths.map(|number| format!("'{}'", name(look, *number)));
        let mut names: Vec<String> = names.collect();
        if numbers.len() > NAMED_MAX {
            names.push(format!("{} more", numbers.len() - NAMED_MAX));
        }
        text += &format!(": {}", names.join(", "));
    }
    text
}

/// One reason in words.
fn reason(why: DueReason) -> String {
    let ago = |age_s: i64| age(Timestamp(age_s), Timestamp(0));
    let count = |directories: usize| match directories {
        1 => "1 changed directory".to_owned(),
        _ => format!("{directories} changed directories"),
    };
    match why {
        DueReason::NeverScanned => "it was never scanned".to_owned(),
        DueReason::Ahead { at } => {
            format!("its last scan is of {at}, which lies ahead: a clock was wrong")
        }
        DueReason::Suspicious => "a suspicious scan waits for a second one".to_owned(),
        DueReason::Old { age_s } => format!("its last scan ended {} ago", ago(age_s)),
        DueReason::Unfinished => "its last scan was stopped".to_owned(),
        DueReason::Lacks { directories, age_s } => {
            let (what, ago) = (count(directories), ago(age_s));
            format!("it lacks {what}, the latest since {ago}")
        }
        DueReason::LacksMuch { directories } => {
            format!("it lacks {}, too many for single ones", count(directories))
        }
        DueReason::Requested => "somebody asked for it".to_owned(),
        DueReason::Tried => "a scan of all it has was tried and did not end well".to_owned(),
        DueReason::Looked { directories } => {
            format!("it lacks {}, and was looked at", count(directories))
        }
        DueReason::RequestedSoon => {
            "somebody asked for it, and it was looked at just now".to_owned()
        }
        DueReason::MostHave { directories } => {
            format!("it lacks {}, which most mirrors have", count(directories))
        }
        DueReason::HasAll => "it has all that changed".to_owned(),
    }
}

fn next(now: Timestamp, decision: &DueDecision) -> String {
    if decision.what != DuePart::Nothing {
        return "now".to_owned();
    }
    format!("in {}", age(decision.next_at, now))
}

fn name(look: &Look, number: u32) -> String {
    let path = &look.changed.paths()[number as usize];
    path.escape_ascii().to_string()
}

/// The report as one JSON object.
pub fn json(look: &Look, site: &str) -> String {
    let mirrors = look.decisions.iter();
    let mirrors: Vec<Value> = mirrors
        .map(|(mirror, decision)| mirror_json(look, mirror, decision))
        .collect();
    let passed_over = look.passed_over.iter();
    let passed_over: Vec<Value> = passed_over
        .map(|(mirror, why)| json!({ "identifier": mirror.identifier, "why": why }))
        .collect();
    let json = json!({
        "site": site,
        "dry_run": true,
        "at": look.now.to_string(),
        "mirrors": mirrors,
        "passed_over": passed_over,
    });
    format!("{json:#}\n")
}

fn mirror_json(look: &Look, mirror: &MirrorRecord, decision: &DueDecision) -> Value {
    let (due, directories) = match &decision.what {
        DuePart::Nothing => (None, Vec::new()),
        DuePart::Whole => (Some("all"), Vec::new()),
        DuePart::Changed(numbers) => {
            let names = numbers.iter().map(|number| name(look, *number));
            (Some("directories"), names.collect())
        }
    };
    json!({
        "identifier": mirror.identifier,
        "id": mirror.id.0,
        "due": due,
        "directories": directories,
        "why": reason(decision.why),
        "next_at": decision.next_at.to_string(),
    })
}
