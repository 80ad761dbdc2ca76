//! Writes a report for people: the worst mirrors first, each with its first problems.

use std::io::{self, Write};

use super::report::{MirrorSmoke, SmokeReport};
use super::verdict::{SmokeGrade, SmokeOutcome};
use crate::domain::order::ShortList;
use crate::program::table::TextTable;

/// Problems that are shown per mirror; the JSON has more.
const PROBLEMS_SHOWN: usize = 3;

/// Mirrors that were not met, as they are named on one line.
const MISSED_SHOWN: usize = 10;

const MEGABYTE: f64 = 1_000_000.0;

pub(super) fn write(report: &SmokeReport, out: &mut impl Write) -> io::Result<()> {
    for run in &report.runs {
        writeln!(
            out,
            "{} from {}: {} to {}, rounds {}, files {}, requests {}, redirects {}, seed {}",
            run.url,
            run.machine,
            run.began,
            run.ended,
            run.rounds,
            run.files,
            run.requests,
            run.redirects,
            run.seed
        )?;
    }
    let mut mirrors: Vec<(&String, &MirrorSmoke)> = report.mirrors.iter().collect();
    mirrors.order_by_key(|(host, mirror)| (std::cmp::Reverse(mirror.grade()), *host));
    let mut table = TextTable::new([
        "mirror",
        "downloads",
        "ok",
        "digests",
        "MB",
        "MB/s",
        "result",
    ]);
    for (host, mirror) in &mirrors {
        table.add_row(row(host, mirror));
    }
    if !mirrors.is_empty() {
        writeln!(out, "\n{}", table.text([1, 2, 3, 4, 5]))?;
    }
    let not_well = mirrors
        .iter()
        .filter(|(_, mirror)| mirror.grade() > SmokeGrade::Well);
    for (host, mirror) in not_well {
        writeln!(out, "\n{}:", shown(host, mirror))?;
        write_problems(mirror, out)?;
    }
    write_summary(report, out)
}

fn row(host: &str, mirror: &MirrorSmoke) -> [String; 7] {
    let ok = mirror.outcomes.get(SmokeOutcome::Ok.as_str());
    let seconds = mirror.took_ms as f64 / 1000.0;
    let megabytes = mirror.bytes as f64 / MEGABYTE;
    let rate = if seconds > 0.0 {
        format!("{:.1}", megabytes / seconds)
    } else {
        String::new()
    };
    let others = mirror.outcomes.iter();
    let others = others.filter(|(word, _)| *word != SmokeOutcome::Ok.as_str());
    let others: Vec<String> = others
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    [
        shown(host, mirror),
        mirror.tries().to_string(),
        ok.copied().unwrap_or_default().to_string(),
        mirror.digests.to_string(),
        format!("{megabytes:.1}"),
        rate,
        if others.is_empty() {
            "ok".to_owned()
        } else {
            others.join(", ")
        },
    ]
}

fn shown(host: &str, mirror: &MirrorSmoke) -> String {
    let names: Vec<&str> = mirror.names.iter().map(String::as_str).collect();
    match (&names[..], mirror.is_host) {
        (_, true) => format!("{host} (the host itself)"),
        ([name], false) if *name == host => host.to_owned(),
        ([], false) => host.to_owned(),
        (names, false) => format!("{host} ({})", names.join(", ")),
    }
}

fn write_problems(mirror: &MirrorSmoke, out: &mut impl Write) -> io::Result<()> {
    let mut problems: Vec<_> = mirror.problems.iter().collect();
    problems.order_by_key(|problem| {
        let outcome = SmokeOutcome::named(&problem.outcome);
        std::cmp::Reverse(outcome.map_or(SmokeGrade::Unknown, SmokeOutcome::grade))
    });
    for problem in problems.into_iter().take(PROBLEMS_SHOWN) {
        let place = match problem.place.as_str() {
            "" => String::new(),
            place => format!(" as {place}"),
        };
        let times = match problem.count {
            1 => String::new(),
            count => format!(", {count} times"),
        };
        writeln!(
            out,
            "    {}: {} ({}{place}): {}{times}",
            problem.outcome, problem.file, problem.manner, problem.detail
        )?;
    }
    Ok(())
}

fn write_summary(report: &SmokeReport, out: &mut impl Write) -> io::Result<()> {
    if !report.missed.is_empty() {
        let names: Vec<&str> = report.missed.iter().map(String::as_str).collect();
        let more = names.len().saturating_sub(MISSED_SHOWN);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = &names[..names.len().min(MISSED_SHOWN)];
        writeln!(
            out,
            "\nnot asked, because no file of the sample led to them: {}{more}; raise --files, or \
             add --place",
            named.join(", ")
        )?;
    }
    let count = |grade| {
        let mirrors = report.mirrors.values();
        mirrors
            .filter(|mirror| !mirror.is_host && mirror.grade() == grade)
            .count()
    };
    let host = report.mirrors.values().find(|mirror| mirror.is_host);
    let host = match host.map(MirrorSmoke::grade) {
        None | Some(SmokeGrade::Well) => "well",
        Some(SmokeGrade::Unknown) => "unknown",
        Some(SmokeGrade::Bad) => "bad",
    };
    writeln!(
        out,
        "\nmirrors: well {}, bad {}, unknown {}; the host itself: {host}",
        count(SmokeGrade::Well),
        count(SmokeGrade::Bad),
        count(SmokeGrade::Unknown)
    )
}
