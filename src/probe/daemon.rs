//! Makes one pass after the other until told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::follow::FOLLOW_EVERY;
use super::prober::{PassOptions, Prober};
use super::report::ProbeReport;
use crate::config::SiteConfig;
use crate::program::exit::chain;
use crate::program::progress::Progress;
use crate::system::{ManagerState, tell_manager};

/// How often the waiting daemon checks whether it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// Runs until `stop`. It reads the configuration again before each pass and gives each report to
/// `seen`. If a pass fails, the failure is logged, and the next pass follows as usual.
pub fn run(
    prober: &mut Prober,
    read_site: impl Fn() -> Result<Arc<SiteConfig>, String>,
    mut seen: impl FnMut(&ProbeReport),
    stop: &AtomicBool,
) {
    let options = PassOptions {
        retry: true,
        ..PassOptions::default()
    };
    let mut interval = Duration::ZERO;
    let mut followed = Instant::now();
    tell_manager(ManagerState::Ready);
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        match read_site() {
            Ok(site) => {
                interval = site.probe.interval;
                prober.configure(&site);
            }
            Err(error) => log::error!("the configuration before is used: {error}"),
        }
        match prober.pass(&options, &Progress::hidden(), stop) {
            Ok(report) => {
                let (counts, took) = (&report.counts, report.took.as_secs_f64());
                let (mirrors, alive) = (counts.mirrors, counts.alive);
                let status = format!("{alive} of {mirrors} mirrors alive, pass took {took:.1} s");
                tell_manager(ManagerState::Status(&status));
                seen(&report);
            }
            Err(error) => log::error!("no pass: {}", chain(&error)),
        }
        if followed.elapsed() >= FOLLOW_EVERY && !stop.load(Ordering::Relaxed) {
            followed = Instant::now();
            match prober.follow(stop) {
                Ok(report) => report.tell(),
                Err(error) => log::error!("no redirects are followed: {}", chain(&error)),
            }
        }
        while !stop.load(Ordering::Relaxed) && start.elapsed() < interval {
            std::thread::sleep(STOP_CHECK);
        }
    }
    tell_manager(ManagerState::Stopping);
}
