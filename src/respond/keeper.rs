//! Looks for changes of database, GeoIP files and configuration, and publishes a new state; workers
//! never wait for it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;

use super::complaint::Complaints;
use super::start::{Start, check_trees, keep};
use super::state::ResponderState;
use crate::config::{self, Config, LastGood, SiteConfig};
use crate::decide::SiteState;
use crate::domain::time::Timestamp;
use crate::fcgi::Shutdown;
use crate::geoip::GeoIp;
use crate::program::clock::now;
use crate::program::exit::chain;
use crate::snapshot::{Loader, Snapshot, SnapshotChange};
use crate::system::{ManagerState, tell_manager};

/// An order from the thread that waits for signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Read everything again.
    Reload,
    /// Stop.
    Stop,
}

/// The values that the keeper shares with the rest of the process.
#[derive(Clone)]
pub(super) struct Reins {
    pub complaints: Arc<Complaints>,
    /// Ends the process.
    pub shutdown: Shutdown,
    /// Set when the process stops, so that no large file is read to its end.
    pub stop: Arc<AtomicBool>,
}

/// Owns everything from which the state is made.
pub(super) struct Keeper {
    config: Arc<Config>,
    /// The configuration file as last read.
    config_stamp: Option<FileStamp>,
    /// Reason for which the configuration in use is not that of the file.
    config_problem: Option<String>,
    last_good: Option<LastGood>,
    /// The configured address of the socket with which this process started.
    listen: String,
    sites: Vec<KeptSite>,
    begun_at: Instant,
    /// Whether the folder ever had an entry for the file.
    was_linked: bool,
    reins: Reins,
}

/// Values by which a changed or replaced file differs from the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    changed_at: Option<SystemTime>,
    size: u64,
    inode: u64,
    /// Link count; 0 if the file was replaced and this service has an old view of the folder.
    links: u64,
}

/// Linux's magic number for file systems in memory.
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// Shortest run time after which a service may restart itself for a new view of its configuration,
/// so that it does not restart all the time.
const VIEW_AGE_MIN: Duration = Duration::from_secs(10);

struct KeptSite {
    config: Arc<SiteConfig>,
    loader: Loader,
    snapshot: Option<Arc<Snapshot>>,
    geoip: Arc<GeoIp>,
    complaint: String,
    /// Time of the last change of the state that workers read.
    changed_at: Timestamp,
}

fn stamp(path: &Path) -> Option<FileStamp> {
    let file = std::fs::metadata(path).ok()?;
    Some(FileStamp {
        changed_at: file.modified().ok(),
        size: file.len(),
        inode: file.ino(),
        links: file.nlink(),
    })
}

/// Whether a file system in memory replaces the file's folder, as with `TemporaryFileSystem=`.
fn is_folder_hidden(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(Path::new("/"));
    rustix::fs::statfs(folder).is_ok_and(|stat| stat.f_type == TMPFS_MAGIC)
}

fn open_geoip(config: &SiteConfig, stop: &AtomicBool) -> Arc<GeoIp> {
    let stops = || stop.load(Ordering::Relaxed);
    Arc::new(GeoIp::open_unless(&config.geoip, &stops))
}

impl KeptSite {
    fn open(config: &Arc<SiteConfig>, stop: &AtomicBool) -> KeptSite {
        let mut site = KeptSite {
            config: Arc::clone(config),
            loader: Loader::new(&config.database).naming(&config.repositories),
            snapshot: None,
            geoip: open_geoip(config, stop),
            complaint: String::new(),
            changed_at: now(),
        };
        site.look_at_database();
        site
    }

    /// Looks for changes and returns whether there are any. An error is logged only when it is new.
    fn look(&mut self, stop: &AtomicBool) -> bool {
        let mut changed = self.look_at_database();
        if self.geoip.is_outdated() {
            let stops = || stop.load(Ordering::Relaxed);
            let reopened = self.geoip.reopen(&self.config.geoip, &stops);
            changed |= !reopened.is_like(&self.geoip);
            self.geoip = Arc::new(reopened);
        }
        if changed {
            self.changed_at = now();
        }
        changed
    }

    fn look_at_database(&mut self) -> bool {
        match self.loader.poll() {
            Ok(SnapshotChange::None) => false,
            Ok(SnapshotChange::New(snapshot)) => {
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
                let complaint = chain(&error);
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
    /// Opens everything once; long steps end early if the process has to stop.
    pub(super) fn new(start: Start, reins: Reins) -> Keeper {
        let sites = start.config.sites.iter();
        let sites = sites
            .map(|site| KeptSite::open(site, &reins.stop))
            .collect();
        let config_stamp = stamp(&start.config.path);
        Keeper {
            config_stamp,
            config_problem: start.config_problem,
            last_good: start.last_good,
            listen: start.config.fcgi.listen.clone(),
            sites,
            config: Arc::new(start.config),
            begun_at: Instant::now(),
            was_linked: config_stamp.is_some_and(|stamp| stamp.links > 0),
            reins,
        }
    }

    /// The state for the workers.
    pub(super) fn state(&self) -> ResponderState {
        ResponderState {
            config: Arc::clone(&self.config),
            sites: self.sites.iter().map(KeptSite::state).collect(),
            config_problem: self.config_problem.clone(),
        }
    }

    /// Looks for changes until it gets the order to stop.
    pub(super) fn keep(mut self, published: &ArcSwap<ResponderState>, orders: &Receiver<Order>) {
        loop {
            let order = match orders.recv_timeout(self.config.fcgi.poll) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Order::Reload) => Some(Order::Reload),
                Err(RecvTimeoutError::Timeout) => None,
            };
            let reloads = order == Some(Order::Reload);
            let mut changed = self.look_at_config(reloads);
            for site in &mut self.sites {
                changed |= site.look(&self.reins.stop);
            }
            if changed {
                published.store(Arc::new(self.state()));
            }
            if reloads {
                log::info!("reloaded: config={}", self.config.path.display());
                tell_manager(ManagerState::Ready);
            }
        }
    }

    /// Reads the configuration again if its file changed. A bad one is logged, and the old one
    /// stays in use. Returns whether anything changed.
    fn look_at_config(&mut self, reloads: bool) -> bool {
        let path = &self.config.path;
        let now = stamp(path);
        self.was_linked |= now.is_some_and(|stamp| stamp.links > 0);
        if self.is_view_old(now) {
            if self.begun_at.elapsed() < VIEW_AGE_MIN {
                return false;
            }
            log::info!(
                "the configuration was replaced, and this service sees the old one; it ends, to be \
                 started anew: config={}",
                path.display()
            );
            self.reins.shutdown.trigger();
            return false;
        }
        if now == self.config_stamp && !reloads {
            return false;
        }
        self.config_stamp = now;
        match config::load(path) {
            Ok(config) => {
                if config.raw.fcgi != self.config.raw.fcgi {
                    log::warn!("changes of [fcgi] other than poll_ms need a restart");
                }
                if self.config_problem.take().is_some() {
                    log::info!(
                        "the configuration can be used again: config={}",
                        path.display()
                    );
                }
                // Only a start shows whether another socket can be made.
                if config.fcgi.listen == self.listen {
                    keep(self.last_good.as_ref(), &config);
                }
                check_trees(&config, &self.reins.complaints);
                let sites = config.sites.iter();
                self.sites = sites
                    .map(|site| KeptSite::open(site, &self.reins.stop))
                    .collect();
                self.config = Arc::new(config);
            }
            Err(error) => {
                let problem = chain(&error);
                log::error!("the configuration stays as it was: error=\"{problem}\"");
                self.config_problem = Some(problem);
            }
        }
        true
    }

    /// Whether this process sees another file under the path than other processes do. A unit that
    /// hides a folder except for one file keeps the old file after a replacement, and does not see
    /// a file that is made later. The process may stop for this only if a service manager restarts
    /// it.
    fn is_view_old(&self, now: Option<FileStamp>) -> bool {
        let is_old = match now {
            Some(stamp) => stamp.links == 0 && self.was_linked,
            None => is_folder_hidden(&self.config.path),
        };
        is_old && std::env::var_os("NOTIFY_SOCKET").is_some()
    }
}
