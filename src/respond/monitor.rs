//! Answers `/.heliostat/metrics` for Prometheus, and for load balancers `/.heliostat/health` and
//! bouncer's heartbeat, on sites whose configuration asks for them.
//!
//! # Security
//! Metrics tell the load of each mirror. The virtual host must close the URL to everybody but the
//! monitoring host; the shipped one does. A request about a file, as the locations of files send
//! it, never gets metrics, whatever its URL, because other rules guard files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rustix::time::{ClockId, clock_gettime};

use super::count::CountShared;
use super::state::ResponderState;
use crate::decide::SiteState;
use crate::domain::metric::exposition::{Exposition, MetricFormat};
use crate::domain::metric::facts::{self, DatabaseFacts};
use crate::domain::metric::name;
use crate::domain::metric::sums::{self, SiteSeries};
use crate::domain::time::Timestamp;
use crate::fcgi::Stats;
use crate::http::{Method, Request, Response};
use crate::tree::Tree;

/// Path of metrics behind the prefix.
const METRICS: &[u8] = b"/metrics";

/// Path of the state behind the prefix.
const HEALTH: &[u8] = b"/health";

/// bouncer's URLs for load balancers, at the top of the host.
const HEARTBEATS: [&[u8]; 2] = [b"/__heartbeat__", b"/__lbheartbeat__"];

/// bouncer's URL for what runs here.
const VERSION: &[u8] = b"/__version__";

/// The prefix on a host whose tree is elsewhere than at its top.
const PREFIX: &[u8] = b"/.heliostat";

/// The counters that metrics show.
#[derive(Clone)]
pub(super) struct Monitor {
    counting: Arc<CountShared>,
    server: Arc<Stats>,
}

impl Monitor {
    /// Shows the sums of counting, and the counters of the server.
    pub fn new(counting: Arc<CountShared>, server: Arc<Stats>) -> Monitor {
        Monitor { counting, server }
    }

    /// Answers a request for metrics or the state; returns false if it is neither, and then writes
    /// nothing.
    pub fn answer(
        &self,
        out: &mut Vec<u8>,
        (state, site): (&ResponderState, &SiteState),
        request: &Request<'_>,
        now: Timestamp,
    ) -> bool {
        if request.is_about_file {
            return false;
        }
        let stats = &site.config.stats;
        let path = request.url_path();
        let below = path.strip_prefix(&stats.prefix[..]);
        let below = below.or_else(|| path.strip_prefix(PREFIX));
        let is_read = matches!(request.method, Method::Get | Method::Head);
        let heartbeat = site.config.products.heartbeat && is_read;
        match below {
            _ if heartbeat && HEARTBEATS.contains(&&*path) => {
                write_heartbeat(out, site.snapshot.is_some(), request);
            }
            _ if heartbeat && *path == *VERSION => {
                let version = concat!("{\"version\":\"", env!("CARGO_PKG_VERSION"), "\"}\n");
                write_json(out, ("200 OK", version), request);
            }
            Some(METRICS) if stats.metrics && is_read => self.metrics(out, state, request),
            Some(HEALTH) if stats.health && is_read => health(out, site, request, now),
            _ => return false,
        }
        true
    }

    fn metrics(&self, out: &mut Vec<u8>, state: &ResponderState, request: &Request<'_>) {
        let format = MetricFormat::from_accept(request.accept);
        let mut text = Exposition::new(format);
        let version = env!("CARGO_PKG_VERSION");
        text.sample(name::BUILD_INFO, &[("version", version)], 1.0);
        let watched = || state.sites.iter().filter(|site| site.config.stats.metrics);
        self.write_sums(&mut text, watched());
        self.write_state(&mut text, watched());
        let facts = self.counting.facts.load();
        let told: Vec<DatabaseFacts> = watched().map(|site| told(site, &facts)).collect();
        facts::write(&mut text, &told);
        self.write_uncounted(&mut text);
        let server = &self.server;
        let connections = server.connections.load(Relaxed) as f64;
        text.sample(name::CONNECTIONS, &[], connections);
        text.sample(name::PANICS, &[], server.panics.load(Relaxed) as f64);
        write_process(&mut text, self.counting.started_at);
        let text = text.end();
        let mut response = Response::new(out, "200 OK");
        response.field("Cache-Control", b"no-store");
        match request.method {
            Method::Head => response.head(format.mime_type(), text.len() as u64),
            _ => response.body(format.mime_type(), text.as_bytes()),
        }
    }

    fn write_sums<'s>(&self, text: &mut Exposition, sites: impl Iterator<Item = &'s SiteState>) {
        let totals = self.counting.totals.load();
        let mut series = Vec::new();
        for site in sites {
            let Some(totals) = totals.get(&site.config.name) else {
                continue;
            };
            let snapshot = site.snapshot.as_ref();
            let mirrors = snapshot.map_or(&[][..], |snapshot| snapshot.roster.mirrors());
            let mirrors: Vec<&str> = match mirrors.len() <= facts::MIRRORS_MAX {
                true => mirrors.iter().map(|mirror| &*mirror.identifier).collect(),
                false => Vec::new(),
            };
            series.push(SiteSeries {
                site: &site.config.name,
                totals,
                mirrors,
            });
        }
        sums::write(text, &series);
    }

    fn write_state<'s>(&self, text: &mut Exposition, sites: impl Iterator<Item = &'s SiteState>) {
        let sites: Vec<&SiteState> = sites.collect();
        for site in &sites {
            let is_up = site.geoip.problems().next().is_none();
            let labels = [("site", &*site.config.name)];
            text.sample(name::GEOIP_UP, &labels, f64::from(u8::from(is_up)));
        }
        for site in &sites {
            if let Some(made_s) = site.geoip.tables_made_s().min() {
                let labels = [("site", &*site.config.name)];
                text.sample(name::TOPOLOGY_TIME, &labels, made_s as f64);
            }
        }
        for site in &sites {
            let labels = [("site", &*site.config.name)];
            text.sample(name::SNAPSHOT_TIME, &labels, site.changed_at.0 as f64);
        }
    }

    fn write_uncounted(&self, text: &mut Exposition) {
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for totals in self.counting.totals.load().values() {
            for (reason, requests) in &totals.uncounted {
                *reasons.entry(reason).or_default() += requests;
            }
        }
        // A reason that has never happened is shown as 0, so that a rate shows its first time.
        for (reason, requests) in [
            ("channel-full", self.counting.dropped.load(Relaxed)),
            ("joins-full", 0),
            ("spool", 0),
        ] {
            *reasons.entry(reason).or_default() += requests;
        }
        for (reason, requests) in reasons {
            text.sample(name::UNCOUNTED, &[("reason", reason)], requests as f64);
        }
    }
}

/// Facts from a site's database, if it can be read now.
fn told(site: &SiteState, facts: &[DatabaseFacts]) -> DatabaseFacts {
    let known = facts.iter().find(|known| known.site == site.config.name);
    match (known, &site.snapshot) {
        (Some(known), Some(_)) => DatabaseFacts {
            is_up: true,
            ..known.clone()
        },
        (_, snapshot) => DatabaseFacts {
            site: site.config.name.clone(),
            is_up: snapshot.is_some(),
            ..DatabaseFacts::default()
        },
    }
}

/// Answers 200 if the site can redirect, else 503, with the reasons.
fn health(out: &mut Vec<u8>, site: &SiteState, request: &Request<'_>, now: Timestamp) {
    let database = site.snapshot.is_some();
    let tree = match site.config.origin {
        Some(_) => Ok(()),
        None => Tree::new(&site.config.tree).check(),
    };
    let word = |is_fine: bool| if is_fine { "ok" } else { "unavailable" };
    let is_fine = database && tree.is_ok();
    let text = format!(
        "{}\ndatabase: {}\ntree: {}\nsnapshot: {} s\n",
        word(is_fine),
        word(database),
        word(tree.is_ok()),
        now.0 - site.changed_at.0
    );
    let status = match is_fine {
        true => "200 OK",
        false => "503 Service Unavailable",
    };
    let mut response = Response::new(out, status);
    response.field("Cache-Control", b"no-store");
    const TEXT: &str = "text/plain; charset=utf-8";
    match request.method {
        Method::Head => response.head(TEXT, text.len() as u64),
        _ => response.body(TEXT, text.as_bytes()),
    }
}

/// Answers as bouncer does whether products can be found.
fn write_heartbeat(out: &mut Vec<u8>, is_well: bool, request: &Request<'_>) {
    let answer = match is_well {
        true => ("200 OK", "{\"db\":true,\"healthy\":true}\n"),
        false => (
            "500 Internal Server Error",
            "{\"db\":false,\"healthy\":false}\n",
        ),
    };
    write_json(out, answer, request);
}

fn write_json(out: &mut Vec<u8>, (status, text): (&str, &str), request: &Request<'_>) {
    const JSON: &str = "application/json";
    let mut response = Response::new(out, status);
    response.field("Cache-Control", b"max-age=5");
    match request.method {
        Method::Head => response.head(JSON, text.len() as u64),
        _ => response.body(JSON, text.as_bytes()),
    }
}

/// Facts from the system about this process; facts that it does not give are left out.
fn write_process(text: &mut Exposition, started_at: i64) {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    text.sample(name::PROCESS_CPU, &[], cpu);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    if let Some(kib) = kib {
        text.sample(name::PROCESS_MEMORY, &[], (kib * 1024) as f64);
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        text.sample(name::PROCESS_FDS, &[], entries.count() as f64);
    }
    text.sample(name::PROCESS_START, &[], started_at as f64);
}
