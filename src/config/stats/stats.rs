//! `[site.NAME.stats]`: statistics and metrics.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use regex::bytes::{Regex, RegexBuilder};

use super::product::{RawCount, products};
use crate::domain::count::product::CountPattern;
use crate::domain::key::{Bounds, ConfigProblem, list, section};

/// Each is compared with the address of each request that is not yet counted as something else.
const IGNORE_MAX: usize = 1000;

/// Programs that look for pages.
const BOTS: &str = r"bot|crawl|spider|slurp|archive\.org|facebookexternalhit|HeadlessChrome";

/// Programs that copy trees.
const MIRRORERS: &str = "rclone|lftp|HTTrack|wget.*-m";

/// The longest name of a front end; it is a part of file names.
const FRONT_BYTES_MAX: usize = 100;

section! {
    /// `[site.NAME.stats]`: statistics and metrics. Without `spool` and `metrics`, nothing is
    /// counted.
    RawStats => _ {
        /// Folder for what the responder counts: a file per minute, which `heliostat stats collect`
        /// adds to the statistics and removes. Empty: no statistics.
        spool: PathBuf = PathBuf::new();
        /// The database of the statistics. Empty: `stats-NAME.sqlite` beside the mirror database.
        database: PathBuf = PathBuf::new();
        /// Name of this front end in the statistics; empty: the host's name.
        front: String = String::new();
        /// Regular expression for the `User-Agent` of programs that are counted as bots; case is
        /// ignored. Empty: none.
        bots: String = BOTS.to_owned();
        /// The same for programs that copy whole trees.
        mirrorers: String = MIRRORERS.to_owned();
        /// Addresses and networks whose requests are counted as our own.
        ignore: Vec<String> = Vec::new(), in Bounds::Entries(IGNORE_MAX);
        /// Whether the responder answers `/.heliostat/metrics` with metrics for Prometheus. The
        /// virtual host must close that URL to everybody else.
        metrics: bool = false;
        /// Whether the responder answers `/.heliostat/health` for load balancers.
        health: bool = false;
        /// Whether everybody may read how often files were downloaded, by `FILE?stats`,
        /// `DIR/?stats` and `?mirrorstats`.
        public: bool = false;
    }
}

/// Statistics and metrics, checked.
#[derive(Debug, Clone)]
pub struct StatsConfig {
    /// Folder for the sums of each minute, if there are to be statistics.
    pub spool: Option<PathBuf>,
    /// The database of the statistics.
    pub database: PathBuf,
    /// Name of this front end; empty: the host's name.
    pub front: String,
    /// Programs that are counted as bots.
    pub bots: Option<Regex>,
    /// Programs that are counted as those that copy trees.
    pub mirrorers: Option<Regex>,
    /// Networks that are counted as our own.
    pub ignore: Vec<IpNet>,
    /// Whether metrics are answered.
    pub metrics: bool,
    /// Whether the state is answered for load balancers.
    pub health: bool,
    /// Whether `FILE?stats` is answered.
    pub public: bool,
    /// The path of our own URLs: `/URL_PATH/.heliostat`.
    pub prefix: Vec<u8>,
    /// Products by path.
    pub products: Vec<CountPattern>,
}

impl StatsConfig {
    /// Whether requests are counted at all.
    pub fn is_on(&self) -> bool {
        self.spool.is_some() || self.metrics
    }
}

/// The paths that the site has in other sections.
pub(in crate::config) struct SitePaths<'s> {
    /// The tree.
    pub tree: &'s Path,
    /// The mirror database.
    pub database: &'s Path,
    /// The folder for pings.
    pub ping: &'s Path,
    /// The tree's URL path.
    pub url_path: &'s str,
}

/// Checks the sections beside the site's other keys.
pub(in crate::config) fn check_stats(
    stats: &RawStats,
    count: &[RawCount],
    site: &SitePaths<'_>,
) -> Result<StatsConfig, ConfigProblem> {
    let below = site.url_path.trim_matches('/');
    let slash = if below.is_empty() { "" } else { "/" };
    Ok(StatsConfig {
        spool: spool(stats, site).map_err(|problem| problem.below("spool").below("stats"))?,
        database: stats.database.clone(),
        front: front(&stats.front).map_err(|problem| problem.below("front").below("stats"))?,
        bots: agents(&stats.bots).map_err(|problem| problem.below("bots").below("stats"))?,
        mirrorers: agents(&stats.mirrorers)
            .map_err(|problem| problem.below("mirrorers").below("stats"))?,
        ignore: networks(&stats.ignore)
            .map_err(|problem| problem.below("ignore").below("stats"))?,
        metrics: stats.metrics,
        health: stats.health,
        public: stats.public,
        prefix: format!("{slash}{below}/.heliostat").into_bytes(),
        products: products(count)?,
    })
}

fn spool(raw: &RawStats, site: &SitePaths<'_>) -> Result<Option<PathBuf>, ConfigProblem> {
    let spool = &raw.spool;
    if spool.as_os_str().is_empty() {
        return Ok(None);
    }
    // Files are made and removed there.
    let is_in_tree = !site.tree.as_os_str().is_empty() && spool.starts_with(site.tree);
    let has_others = is_in_tree
        || site.database.parent() == Some(spool)
        || raw.database.parent() == Some(spool)
        || *spool == site.ping;
    if has_others {
        let why = format!("'{}' has other files", spool.display());
        return Err(ConfigProblem::unusable(
            why,
            "it must be a folder of its own",
        ));
    }
    Ok(Some(spool.clone()))
}

/// The database of a site where none is named.
pub(in crate::config) fn database_of(mirrors: &Path, site: &str) -> PathBuf {
    mirrors.with_file_name(format!("stats-{site}.sqlite"))
}

fn front(name: &str) -> Result<String, ConfigProblem> {
    let is_char = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_name = name.chars().all(is_char) && !name.starts_with('.');
    if !is_name || name.len() > FRONT_BYTES_MAX {
        let why = format!("'{name}' cannot be a part of file names");
        return Err(ConfigProblem::unusable(
            why,
            "use letters, digits, dots and dashes",
        ));
    }
    Ok(name.to_owned())
}

fn agents(pattern: &str) -> Result<Option<Regex>, ConfigProblem> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let built = RegexBuilder::new(pattern).case_insensitive(true).build();
    built.map(Some).map_err(|error| {
        let why = format!(
            "it is no regular expression: {}",
            last_line(&error.to_string())
        );
        ConfigProblem::unusable(why, "")
    })
}

/// The line of a regex error that says what is wrong; those before it show the place.
fn last_line(message: &str) -> String {
    let line = message.lines().next_back().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, ConfigProblem> {
    list(texts, |text| {
        let address = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
        let network = text.parse().ok().or_else(address);
        network.ok_or_else(|| {
            let why = format!("'{text}' is no address and no network");
            ConfigProblem::unusable(why, "write one such as 192.0.2.0/24")
        })
    })
}
