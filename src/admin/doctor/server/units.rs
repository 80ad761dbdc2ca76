//! systemd's units: whether they run, and whether their walls hide what the site needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::admin::doctor::examined::Examined;
use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::admin::doctor::shell::word;

/// Units that must be active, with what they are for; one of a line is enough.
const WANTED: [(&[&str], &str); 4] = [
    (&["heliostat-fcgi.socket"], "nobody answers Apache"),
    (&["heliostat-index.timer"], "new files are never redirected"),
    (
        &["heliostat-scan.timer", "heliostat-scan-due.timer"],
        "nobody learns what mirrors have",
    ),
    (
        &["heliostat-probe.service", "heliostat-probe-once.timer"],
        "clients are sent to dead mirrors",
    ),
];

/// Fewer descriptors than this may run out: one is needed per connection of Apache.
const DESCRIPTORS_MIN: u64 = 1024;

/// Judges the units, where systemd runs.
pub(in crate::admin::doctor) fn check(examined: &Examined<'_>) -> AreaReport {
    let mut report = AreaReport::of_machine("units");
    if !Path::new("/run/systemd/system").is_dir() {
        report.absent("systemd does not run here");
        return report;
    }
    for (names, effect) in WANTED {
        let states: Vec<_> = names.iter().filter_map(|name| show(name)).collect();
        if states.is_empty() {
            report.absent("systemctl cannot be run");
            return report;
        }
        if !states
            .iter()
            .any(|state| is(state, "ActiveState", "active"))
        {
            report.push(
                Finding::error(
                    "unit-inactive",
                    format!("{} is not active", names.join(" or ")),
                )
                .because(effect)
                .mended_by(format!("systemctl enable --now {}", names[0])),
            );
        }
    }
    if let Some(state) = show("heliostat-fcgi.service") {
        report.findings.extend(judge_responder(examined, &state));
    }
    report.looked_at = Some("systemctl show".to_owned());
    report
}

fn is(state: &BTreeMap<String, String>, name: &str, value: &str) -> bool {
    state.get(name).is_some_and(|found| found == value)
}

fn show(unit: &str) -> Option<BTreeMap<String, String>> {
    let properties = "ActiveState,LoadState,LimitNOFILE,ProtectHome,BindReadOnlyPaths,User";
    let output = Command::new("systemctl")
        .args(["show", unit, "-p", properties])
        .output()
        .ok()?;
    Some(properties_of(&String::from_utf8_lossy(&output.stdout)))
}

fn properties_of(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn judge_responder(examined: &Examined<'_>, state: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !is(state, "LoadState", "loaded") {
        return findings;
    }
    let limit = state
        .get("LimitNOFILE")
        .and_then(|text| text.parse::<u64>().ok());
    if let Some(limit) = limit.filter(|limit| *limit < DESCRIPTORS_MIN) {
        findings.push(
            Finding::warning(
                "unit-limit",
                format!("the responder may open {limit} files"),
            )
            .because("each connection of Apache is one; further ones wait")
            .mended_by(drop_in("limit", "LimitNOFILE=4096")),
        );
    }
    let hides_home = ["yes", "tmpfs"]
        .iter()
        .any(|value| is(state, "ProtectHome", value));
    let shown = state.get("BindReadOnlyPaths").map_or("", String::as_str);
    for site in &examined.sites {
        let tree = std::fs::canonicalize(&site.tree).unwrap_or_else(|_| site.tree.clone());
        let is_hidden = ["/home", "/root", "/run/user"]
            .iter()
            .any(|top| tree.starts_with(top));
        let is_bound = shown.split_whitespace().any(|pair| {
            let source = pair.split(':').next().unwrap_or_default();
            tree.starts_with(source.trim_start_matches('-'))
        });
        if hides_home && is_hidden && !is_bound {
            findings.push(
                Finding::error(
                    "tree-hidden",
                    format!("heliostat-fcgi.service cannot see {}", tree.display()),
                )
                .because("its ProtectHome= hides /home, so that every file is served here")
                .mended_by(drop_in(
                    "tree",
                    &format!("BindReadOnlyPaths={}", word(&tree)),
                )),
            );
        }
    }
    findings
}

fn drop_in(name: &str, line: &str) -> String {
    let folder = "/etc/systemd/system/heliostat-fcgi.service.d";
    // The last name counts, also against the override.conf of `systemctl edit`.
    format!(
        "mkdir -p {folder} && printf '[Service]\\n{line}\\n' >{folder}/zz-{name}.conf && \
         systemctl daemon-reload && systemctl restart heliostat-fcgi.service"
    )
}
