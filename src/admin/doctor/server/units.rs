//! systemd's units: whether they run and will run after a boot, whether their limits are those of a
//! responder, and whether their walls hide what the site needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use rustix::time::{ClockId, clock_gettime};

use crate::admin::doctor::examination::Examination;
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

/// Services that may have failed. One that a timer starts is also failed after one bad run.
const SERVICES: [&str; 8] = [
    "heliostat-fcgi.service",
    "heliostat-index.service",
    "heliostat-hash.service",
    "heliostat-scan.service",
    "heliostat-scan-due.service",
    "heliostat-probe.service",
    "heliostat-probe-once.service",
    "heliostat-stats.service",
];

/// Wait after which a timer never will run: the longest period of ours is a day.
const TIMER_WAIT_US_MAX: u64 = 26 * 3600 * 1_000_000;

/// Properties of a unit that systemd is asked for.
const PROPERTIES: &str = "ActiveState,ActiveEnterTimestampMonotonic,BindReadOnlyPaths,\
                          LastTriggerUSec,LastTriggerUSecMonotonic,LimitNOFILE,LoadState,MainPID,\
                          ProtectHome,Restart,Result,StartLimitIntervalUSec,UnitFileState,User,\
                          WatchdogUSec";

/// The properties of a unit.
struct UnitState {
    name: &'static str,
    properties: BTreeMap<String, String>,
}

/// Judges the units, where systemd runs.
pub(in crate::admin::doctor) fn check(examined: &Examination<'_>) -> AreaReport {
    let mut report = AreaReport::of_machine("units");
    if !has_systemd() {
        report.absent("systemd does not run here");
        return report;
    }
    for (names, effect) in WANTED {
        let states: Vec<UnitState> = names.iter().filter_map(|name| show(name)).collect();
        if states.is_empty() {
            report.absent("systemctl cannot be run");
            return report;
        }
        report.findings.extend(judge_wanted(&states, effect));
    }
    for service in SERVICES.iter().filter_map(|name| show(name)) {
        report.findings.extend(judge_failed(&service));
    }
    if let Some(state) = show("heliostat-fcgi.service") {
        report.findings.extend(judge_responder(examined, &state));
    }
    report.looked_at = Some("systemctl show".to_owned());
    report
}

fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// The main process of a running service.
pub(super) fn main_process(service: &'static str) -> Option<u32> {
    let state = show(service).filter(|_| has_systemd())?;
    state.get("MainPID").parse().ok().filter(|pid| *pid > 0)
}

impl UnitState {
    /// A property; one that this systemd does not tell is empty.
    fn get(&self, name: &str) -> &str {
        self.properties.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == value
    }

    fn is_active(&self) -> bool {
        self.is("ActiveState", "active")
    }
}

fn show(unit: &'static str) -> Option<UnitState> {
    let output = Command::new("systemctl")
        .args(["show", unit, "-p", PROPERTIES])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(UnitState {
        name: unit,
        properties: properties_of(&String::from_utf8_lossy(&output.stdout)),
    })
}

fn properties_of(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Judges units of which one has to be active.
fn judge_wanted(states: &[UnitState], effect: &str) -> Vec<Finding> {
    let active: Vec<&UnitState> = states.iter().filter(|state| state.is_active()).collect();
    let names: Vec<&str> = states.iter().map(|state| state.name).collect();
    let names = names.join(" or ");
    if !active.is_empty() {
        return active.into_iter().filter_map(judge_active).collect();
    }
    let first = &states[0];
    let enable = format!("systemctl enable --now {}", first.name);
    let finding = if states
        .iter()
        .all(|state| state.is("LoadState", "not-found"))
    {
        Finding::error("unit-missing", format!("{names} is not installed"))
            .because(effect)
            .mended_by(format!(
                "apt-get install --reinstall heliostat && systemctl daemon-reload && {enable}"
            ))
    } else if first.is("LoadState", "masked") {
        Finding::error(
            "unit-inactive",
            format!("{names} is masked, and cannot start"),
        )
        .because(effect)
        .mended_by(format!("systemctl unmask {} && {enable}", first.name))
    } else {
        Finding::error("unit-inactive", format!("{names} is not active"))
            .because(effect)
            .mended_by(enable)
    };
    vec![finding]
}

/// Judges a unit that is active: whether it comes back after a boot, and a timer whether it runs.
fn judge_active(state: &UnitState) -> Option<Finding> {
    let name = state.name;
    if state.is("UnitFileState", "disabled") {
        let what = format!("{name} is not enabled");
        return Some(
            Finding::warning("unit-not-enabled", what)
                .because("it runs now, and will not after the next boot")
                .mended_by(format!("systemctl enable {name}")),
        );
    }
    let service = name.strip_suffix(".timer")?;
    let has_run = !["", "n/a", "0"].contains(&state.get("LastTriggerUSec"))
        || !["", "0"].contains(&state.get("LastTriggerUSecMonotonic"));
    let since: u64 = state.get("ActiveEnterTimestampMonotonic").parse().ok()?;
    let now = clock_gettime(ClockId::Monotonic);
    let now_us = u64::try_from(now.tv_sec).ok()?.saturating_mul(1_000_000);
    let is_late = since > 0 && now_us.saturating_sub(since) > TIMER_WAIT_US_MAX;
    (is_late && !has_run).then(|| {
        Finding::warning("timer-never-ran", format!("{name} has never run"))
            .because("it has been active for more than a day; its times may never come")
            .mended_by(format!("systemctl start {service}.service"))
    })
}

fn judge_failed(state: &UnitState) -> Option<Finding> {
    let name = state.name;
    state.is("ActiveState", "failed").then(|| {
        Finding::error("unit-failed", format!("{name} has failed"))
            .because(format!(
                "systemd calls the result '{}'; `journalctl -u {name} -n 20` tells more",
                state.get("Result")
            ))
            .mended_by(format!(
                "systemctl reset-failed {name} && systemctl start {name}"
            ))
    })
}

/// Judges the limits of the responder.
fn judge_limits(state: &UnitState) -> Vec<Finding> {
    let mut findings = Vec::new();
    let limit = state.get("LimitNOFILE").parse::<u64>().ok();
    if let Some(limit) = limit.filter(|limit| *limit < DESCRIPTORS_MIN) {
        findings.push(
            Finding::warning(
                "unit-limit",
                format!("the responder may open {limit} files"),
            )
            .because("each connection of Apache is one; further ones wait")
            .mended_by(drop_in("limit", "[Service]\\nLimitNOFILE=4096")),
        );
    }
    // systemd tells the time only of a service that runs.
    if state.is_active() && ["0", "infinity"].contains(&state.get("WatchdogUSec")) {
        findings.push(
            Finding::warning(
                "unit-watchdog",
                "nobody watches whether the responder hangs",
            )
            .because("WatchdogSec= is off; each request then waits until the web server gives up")
            .mended_by(drop_in(
                "watchdog",
                "[Service]\\nWatchdogSec=5\\nWatchdogSignal=SIGKILL",
            )),
        );
    }
    if state.is("Restart", "no") {
        findings.push(
            Finding::warning("unit-restart", "a responder that ends is not started again")
                .because("Restart=no; nobody is redirected until the next request or boot")
                .mended_by(drop_in(
                    "restart",
                    "[Service]\\nRestart=always\\nRestartSec=1s",
                )),
        );
    }
    if !["", "0", "infinity"].contains(&state.get("StartLimitIntervalUSec")) {
        findings.push(
            Finding::warning("unit-start-limit", "systemd may give the responder up")
                .because("it has a limit of starts; after it, nobody is redirected")
                .mended_by(drop_in("start", "[Unit]\\nStartLimitIntervalSec=0")),
        );
    }
    findings
}

fn judge_responder(examined: &Examination<'_>, state: &UnitState) -> Vec<Finding> {
    if !state.is("LoadState", "loaded") {
        return Vec::new();
    }
    let mut findings = judge_limits(state);
    let hides_home = ["yes", "tmpfs"]
        .iter()
        .any(|value| state.is("ProtectHome", value));
    let shown = state.get("BindReadOnlyPaths");
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
                    &format!("[Service]\\nBindReadOnlyPaths={}", word(&tree)),
                )),
            );
        }
    }
    findings
}

/// The command that adds lines, written as printf takes them, to the responder's unit.
fn drop_in(name: &str, lines: &str) -> String {
    let folder = "/etc/systemd/system/heliostat-fcgi.service.d";
    // The last name counts, also against the override.conf of `systemctl edit`.
    format!(
        "mkdir -p {folder} && printf '{lines}\\n' >{folder}/zz-{name}.conf && \
         systemctl daemon-reload && systemctl restart heliostat-fcgi.service"
    )
}
