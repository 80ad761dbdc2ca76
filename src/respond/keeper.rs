//! Looks for changes and publishes a new state; the workers never wait for it.

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

/// What the watch for signals tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Read everything anew.
    Reload,
    /// End.
    Stop,
}

/// What the keeper shares with the rest of the process.
#[derive(Clone)]
pub(super) struct Reins {
    pub complaints: Arc<Complaints>,
    /// Ends the process.
    pub shutdown: Shutdown,
    /// Set when the process ends: a large file is not read to its end then.
    pub stop: Arc<AtomicBool>,
}

/// Owner of all that is behind the state.
pub(super) struct Keeper {
    config: Arc<Config>,
    /// The file as it was read last.
    config_stamp: Option<FileStamp>,
    /// Why the configuration is not that of the file.
    config_problem: Option<String>,
    last_good: Option<LastGood>,
    sites: Vec<KeptSite>,
    begun_at: Instant,
    /// Whether the file was ever seen with its name in the folder.
    was_linked: bool,
    reins: Reins,
}

/// What tells a changed or replaced file from the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    changed_at: Option<SystemTime>,
    size: u64,
    inode: u64,
    /// None when the file was replaced, and this service's view of the folder is an old one.
    links: u64,
}

/// What Linux calls a file system in memory.
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// How long a service runs before it ends to get a new view of its configuration: it must not do
/// so all the time.
const VIEW_AGE_MIN: Duration = Duration::from_secs(10);

struct KeptSite {
    config: Arc<SiteConfig>,
    loader: Loader,
    snapshot: Option<Arc<Snapshot>>,
    geoip: Arc<GeoIp>,
    complaint: String,
    /// When the state that workers read last changed.
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

/// Whether something in memory stands in place of the folder that the file lies in, as with
/// `TemporaryFileSystem=`.
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
    /// Opens everything once; what takes long ends early when the process is to end.
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
            sites,
            config: Arc::new(start.config),
            begun_at: Instant::now(),
            was_linked: config_stamp.is_some_and(|stamp| stamp.links > 0),
            reins,
        }
    }

    /// What the workers read.
    pub(super) fn state(&self) -> ResponderState {
        ResponderState {
            config: Arc::clone(&self.config),
            sites: self.sites.iter().map(KeptSite::state).collect(),
            config_problem: self.config_problem.clone(),
        }
    }

    /// Looks for changes until it is told to stop.
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

    /// Reads the configuration anew when its file changed; a bad one is logged and the running one
    /// stays. Returns whether anything changed.
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
                keep(self.last_good.as_ref(), &config);
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

    /// Whether the file that the path names is not what everybody else sees: a unit that hides a
    /// folder but for one file in it goes on seeing a file that was replaced, and does not see one
    /// that was made anew. Only a service that is started anew by its manager may end for it.
    fn is_view_old(&self, now: Option<FileStamp>) -> bool {
        let is_old = match now {
            Some(stamp) => stamp.links == 0 && self.was_linked,
            None => is_folder_hidden(&self.config.path),
        };
        is_old && std::env::var_os("NOTIFY_SOCKET").is_some()
    }
}
