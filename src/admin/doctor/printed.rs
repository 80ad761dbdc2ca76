//! Prints findings, for people and for scripts.

use serde_json::{Value, json};

use super::finding::{AreaReport, Finding, Severity};
use crate::admin::console::Console;
use crate::admin::error::AdminError;
use crate::domain::order::ShortList;

const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";

/// Prints findings, the worst first, then the parts that were not checked; one line per area if
/// `verbose`.
pub(super) fn print(
    console: &mut Console,
    reports: &[AreaReport],
    verbose: bool,
) -> Result<(), AdminError> {
    for (sites, finding) in told_once(reports) {
        let paint = match finding.severity {
            Severity::Error => RED,
            Severity::Warning => YELLOW,
            Severity::Note => "",
        };
        let line = format!(
            "{}: {} [{}]",
            finding.severity.as_str(),
            finding.what,
            finding.id
        );
        console.painted_line(paint, &line)?;
        let site = match &sites[..] {
            [] => String::new(),
            [site] => format!(" (site {site})"),
            sites => format!(" (sites {})", sites.join(", ")),
        };
        console.line(format!("  cause: {}{site}", finding.cause))?;
        console.line(format!("  fix: {}", finding.fix))?;
    }
    for report in reports {
        for seen in &report.seen {
            console.line(format!("seen: {}: {seen}", place(report)))?;
        }
    }
    for report in reports {
        for unchecked in &report.unchecked {
            console.line(format!("not checked: {}: {}", place(report), unchecked.why))?;
        }
    }
    for report in reports.iter().filter(|_| verbose) {
        let count = report.findings.len();
        let judged = if count == 0 {
            "ok".to_owned()
        } else {
            format!("{count} found")
        };
        if let Some(looked_at) = &report.looked_at {
            console.line(format!("checked: {}: {looked_at}: {judged}", place(report)))?;
        }
    }
    Ok(())
}

/// The area, with the site.
fn place(report: &AreaReport) -> String {
    match &report.site {
        Some(site) => format!("{} of {site}", report.area),
        None => report.area.to_owned(),
    }
}

fn by_severity(reports: &[AreaReport]) -> Vec<(&AreaReport, &Finding)> {
    let findings = reports.iter().flat_map(|report| {
        let findings = report.findings.iter();
        findings.map(move |finding| (report, finding))
    });
    let mut findings: Vec<_> = findings.collect();
    findings.order_by_key(|(_, finding)| finding.severity);
    findings
}

/// Lists findings with their sites. Sites that share a tree share its findings.
fn told_once(reports: &[AreaReport]) -> Vec<(Vec<&str>, &Finding)> {
    let mut told: Vec<(Vec<&str>, &Finding)> = Vec::new();
    for (report, finding) in by_severity(reports) {
        let site = report.site.as_deref();
        match told.iter_mut().find(|(_, known)| *known == finding) {
            Some((sites, _)) => sites.extend(site),
            None => told.push((site.into_iter().collect(), finding)),
        }
    }
    told
}

/// The whole result as JSON.
pub(super) fn json(reports: &[AreaReport]) -> Value {
    let findings = by_severity(reports).into_iter().map(|(report, finding)| {
        json!({
            "id": finding.id,
            "severity": finding.severity.as_str(),
            "area": report.area,
            "site": report.site,
            "what": finding.what,
            "cause": finding.cause,
            "fix": finding.fix,
        })
    });
    let findings: Vec<Value> = findings.collect();
    let unchecked = reports.iter().flat_map(|report| {
        let unchecked = report.unchecked.iter();
        unchecked.map(move |one| {
            json!({
                "area": report.area,
                "site": report.site,
                "why": one.why,
                "for_want_of_permission": one.is_refused,
            })
        })
    });
    let unchecked: Vec<Value> = unchecked.collect();
    let checked = reports.iter().filter_map(|report| {
        let looked_at = report.looked_at.as_ref()?;
        Some(json!({ "area": report.area, "site": report.site, "looked_at": looked_at }))
    });
    let checked: Vec<Value> = checked.collect();
    let seen = reports.iter().flat_map(|report| {
        let seen = report.seen.iter();
        seen.map(move |what| json!({ "area": report.area, "site": report.site, "what": what }))
    });
    let seen: Vec<Value> = seen.collect();
    json!({ "findings": findings, "not_checked": unchecked, "checked": checked, "seen": seen })
}
