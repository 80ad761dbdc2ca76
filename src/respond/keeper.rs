//! Looks for changes and publishes a new state; the workers never wait for it.

use crate::program::clock::now;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::state::State;
use crate::config::{self, Config, SiteConfig};
use crate::decide::SiteState;
use crate::domain::time::Timestamp;
use crate::geoip::GeoIp;
use crate::snapshot::{Change, Loader, Snapshot};

/// What the watch for signals tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Read everything anew.
    Reload,
    /// End.
    Stop,
}

/// Owner of all that is behind the state.
pub(super) struct Keeper {
    config: Arc<Config>,
    config_changed_at: Option<SystemTime>,
    sites: Vec<Site>,
    /// Set when the process ends: a large file is not read to its end then.
    stop: Arc<AtomicBool>,
}

struct Site {
    config: Arc<SiteConfig>,
    loader: Loader,
    snapshot: Option<Arc<Snapshot>>,
    geoip: Arc<GeoIp>,
    complaint: String,
    /// When the state that workers read last changed.
    changed_at: Timestamp,
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|file| file.modified())
        .ok()
}

fn open_geoip(config: &SiteConfig, stop: &AtomicBool) -> Arc<GeoIp> {
    let stops = || stop.load(Ordering::Relaxed);
    Arc::new(GeoIp::open_unless(&config.geoip, &stops))
}

impl Site {
    fn open(config: &Arc<SiteConfig>, stop: &AtomicBool) -> Site {
        let mut site = Site {
            config: Arc::clone(config),
            loader: Loader::new(&config.database),
            snapshot: None,
            geoip: open_geoip(config, stop),
            complaint: String::new(),
            changed_at: now(),
        };
        site.look_at_database();
        site
    }

    /// Returns whether anything changed. An error is logged when it is new, not at every look.
    fn look(&mut self, stop: &AtomicBool) -> bool {
        let mut changed = self.look_at_database();
        if self.geoip.is_outdated() {
            self.geoip = open_geoip(&self.config, stop);
            log::info!("GeoIP files reopened: site={}", self.config.name);
            changed = true;
        }
        if changed {
            self.changed_at = now();
        }
        changed
    }

    fn look_at_database(&mut self) -> bool {
        match self.loader.poll() {
            Ok(Change::None) => false,
            Ok(Change::New(snapshot)) => {
                if !self.complaint.is_empty() {
                    log::info!("the database can be read again: site={}", self.config.name);
                    self.complaint.clear();
                }
                log::debug!(
                    "snapshot: site={} serial={} mirrors={}",
                    self.config.name,
                    snapshot.serial,
                    snapshot.roster.mirrors().len()
                );
                self.snapshot = Some(snapshot);
                true
            }
            Err(error) => {
                let complaint = crate::program::exit::chain(&error);
                if complaint != self.complaint {
                    log::error!(
                        "the web server serves the files: site={} error=\"{complaint}\"",
                        self.config.name
                    );
                    self.complaint = complaint;
                }
                self.snapshot.take().is_some()
            }
        }
    }

    fn state(&self) -> SiteState {
        SiteState {
            config: Arc::clone(&self.config),
            snapshot: self.snapshot.clone(),
            geoip: Arc::clone(&self.geoip),
            changed_at: self.changed_at,
        }
    }
}

impl Keeper {
    /// Opens everything once; what takes long ends early when `stop` is set.
    pub(super) fn new(config: Config, stop: Arc<AtomicBool>) -> Keeper {
        let config_changed_at = changed_at(&config.path);
        let sites = config.sites.iter();
        let sites = sites.map(|site| Site::open(site, &stop)).collect();
        Keeper {
            config: Arc::new(config),
            config_changed_at,
            sites,
            stop,
        }
    }

    /// What the workers read.
    pub(super) fn state(&self) -> State {
        State {
            config: Arc::clone(&self.config),
            sites: self.sites.iter().map(Site::state).collect(),
        }
    }

    /// Looks for changes until it is told to stop.
    pub(super) fn keep(mut self, published: &ArcSwap<State>, orders: &Receiver<Order>) {
        loop {
            let order = match orders.recv_timeout(self.config.fcgi.poll) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Order::Reload) => Some(Order::Reload),
                Err(RecvTimeoutError::Timeout) => None,
            };
            let reloads = order == Some(Order::Reload);
            let mut changed = self.look_at_config(reloads);
            for site in &mut self.sites {
                changed |= site.look(&self.stop);
            }
            if changed {
                published.store(Arc::new(self.state()));
            }
            if reloads {
                log::info!("reloaded: config={}", self.config.path.display());
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
            }
        }
    }

    /// Reads the configuration anew when its file changed; a bad one is logged and the running one
    /// stays.
    fn look_at_config(&mut self, reloads: bool) -> bool {
        let now = changed_at(&self.config.path);
        if now == self.config_changed_at && !reloads {
            return false;
        }
        self.config_changed_at = now;
        match config::load(&self.config.path) {
            Ok(config) => {
                if config.fcgi != self.config.fcgi {
                    log::warn!("changes of [fcgi] other than poll_ms need a restart");
                }
                let sites = config.sites.iter();
                self.sites = sites.map(|site| Site::open(site, &self.stop)).collect();
                self.config = Arc::new(config);
                true
            }
            Err(error) => {
                log::error!(
                    "the configuration stays as it was: error=\"{}\"",
                    crate::program::exit::chain(&error)
                );
                false
            }
        }
    }
}
