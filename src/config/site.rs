//! `[site.NAME]`: a tree, its mirrors, and how its files are served.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{DirectoryRules, RawDirectory, check_directories, tree_rules};
use super::document::{RawMetalink, RawTorrent, RawYum, publisher, torrent_version, yum_rules};
use super::hashes::{HashesConfig, RawHashes, check_hashes};
use super::index::{IndexConfig, RawIndex};
use super::local::{LocalDelivery, OriginConfig, check_local, check_origin};
use super::mime_type::{MimeTypes, own_types};
use super::ping::{PingConfig, check_ping};
use super::probe::{ProbeConfig, RawProbe};
use super::question::{
    GenerationKeys, ListsConfig, RawAllowOutdated, RawGroup, RawHandoff, RawLists, RawProductRule,
    RawProducts, RawRepository, marker_law, product_law, repository_rules,
};
use super::scan::{RawScan, ScanConfig};
use super::selection::{RawSelection, law, place_overrides};
use super::stats::{COUNT_MAX, RawCount, RawStats, SitePaths, StatsConfig, check_stats};
use crate::domain::cache::{MUTABLE_DEFAULT, PathPattern};
use crate::domain::document::Publisher;
use crate::domain::document::info_dictionary::TorrentVersion;
use crate::domain::generation::MarkerLaw;
use crate::domain::key::{Bounds, ConfigProblem, Problem, list, section};
use crate::domain::path::is_below;
use crate::domain::place_override::PlaceOverrides;
use crate::domain::product::ProductLaw;
use crate::domain::repository::RepositoryRule;
use crate::domain::rule::{RawRules, Rules};
use crate::domain::select::Law;
use crate::domain::topology::NetworkRules;
use crate::domain::yum::YumRule;
use crate::regular_file;

/// Directory rules a site may have; each is compared with each request's path.
const DIRECTORIES_MAX: usize = 1000;

/// Each is compared with the path of each file that a cache may get.
const MUTABLE_MAX: usize = 100;

/// Each is compared with the directory of each marker when the catalogue is read.
const REPOSITORIES_MAX: usize = 1000;

/// Each is compared with the path of each requested file.
const GROUPS_MAX: usize = 100;

/// Each is compared with each question for a product.
const PRODUCT_RULES_MAX: usize = 100;

/// A thousand rules of the greatest length have some hundred bytes each.
const TOPOLOGY_RULES_BYTES_MAX: u64 = 1 << 20;

/// More fields do not fit into a head of [`HEAD_BYTES`].
const LINK_MIRRORS_MAX: u64 = 1000;

/// A day: an older database redirects nothing.
const ORIGIN_AGE_MAX_S: u64 = 86_400;

/// Less would hardly hold a Location, more is taken by no server.
const HEAD_BYTES: Bounds = Bounds::Whole(1024, 65_536);

section! {
    /// `[site.NAME]`: what MirrorBrain calls an instance.
    RawSite => SiteConfig {
        /// The file tree as the web server names it; may be a symbolic link. It must be set, unless
        /// `origin` is.
        tree: PathBuf = PathBuf::new() => tree: PathBuf = without_slash;
        /// Base URL of the host that has the files, on a front end without a tree: it gets every
        /// client that no mirror gets. There, `tree` must not be set.
        origin: String = String::new() => _;
        /// Seconds after which a database that nobody writes counts as old, on a front end without
        /// a tree. Then files that were new in it are the origin's, a day later all.
        origin_age_max_s: u64 = 3600, in Bounds::Whole(1, ORIGIN_AGE_MAX_S) => _;
        /// The mirror database. It must be set.
        database: PathBuf = PathBuf::new() => database: PathBuf = needed;
        /// URL path of the tree, where the web server does not tell which file a URL is, and where
        /// a URL of a file is needed that nobody asked for (lists for yum).
        url_path: String = "/".to_owned() => url_path: Vec<u8> = bare_path;
        /// Host names that belong to this site; empty: any.
        server_names: Vec<String> = Vec::new() => server_names: Vec<String> = lower_case;
        /// How the web server is told to serve a file itself: `X-Sendfile` (Apache),
        /// `X-LIGHTTPD-send-file` (lighttpd) or `X-Accel-Redirect` (nginx).
        local_header: String = "X-Sendfile".to_owned() => _;
        /// The text that replaces the tree in that field's value: nginx wants a URL path such as
        /// `/.heliostat-local`. Empty: the tree itself.
        local_prefix: String = String::new() => _;
        /// How many mirrors are named in `Link: rel=duplicate` fields, and in magnet links.
        link_mirrors: usize = 5, in Bounds::Whole(0, LINK_MIRRORS_MAX);
        /// Bytes that all header fields of a redirect may have. Where a long name would need more,
        /// `Link` fields are left out, mirrors first; a file whose Location alone is longer is
        /// served here. A proxy in front must take so many: nginx takes 4096 unless
        /// `proxy_buffer_size` says more.
        head_bytes_max: usize = 3584, in HEAD_BYTES;
        /// GeoIP databases (.mmdb) in order; for each fact the first that knows it is believed. A
        /// table of networks (`heliostat topology compile`) is asked first for the AS.
        geoip: Vec<PathBuf> = Vec::new();
        /// File of rules that give clients of some networks the mirrors that you name, one per line
        /// (`as 64500 MIRROR*10 MIRROR share=50`). Empty: there are none.
        topology_rules: PathBuf = PathBuf::new() => _;
        /// Content types by extension, in the format of `/etc/mime.types`. Only
        /// `exclude_mime_types` needs them, and the parameter HELIOSTAT_MIME_TYPE of the web server
        /// wins.
        mime_types_file: PathBuf = PathBuf::from("/etc/mime.types");
        /// Further content types by extension, as Apache's AddType: `xml = "text/xml"`.
        mime_types: BTreeMap<String, String> = BTreeMap::new()
            => mime_types: MimeTypes = own_types;
        /// Which mirrors get a client.
        selection: RawSelection = RawSelection::default() => law: Law = law;
        /// Facts that metalinks tell beside the file.
        metalink: RawMetalink = RawMetalink::default() => publisher: Option<Publisher> = publisher;
        /// Lists of mirrors for yum and dnf.
        yum: Vec<RawYum> = Vec::new() => yum: Vec<YumRule> = yum_rules;
        /// Lists of mirrors by the names of repositories.
        lists: RawLists = RawLists::default() => lists: ListsConfig = RawLists::checked;
        /// The names of repositories.
        repository: Vec<RawRepository> = Vec::new(), in Bounds::Entries(REPOSITORIES_MAX)
            => repositories: Arc<[RepositoryRule]> = repository_rules;
        /// Files that belong together.
        group: Vec<RawGroup> = Vec::new(), in Bounds::Entries(GROUPS_MAX) => _;
        /// Files of which mirrors may have an older version.
        allow_outdated: Vec<RawAllowOutdated> = Vec::new(), in Bounds::Entries(GROUPS_MAX) => _;
        /// Files by the names of products.
        products: RawProducts = RawProducts::default() => _;
        /// Which clients get another product than they ask for.
        product_rule: Vec<RawProductRule> = Vec::new(), in Bounds::Entries(PRODUCT_RULES_MAX) => _;
        /// Which clients are passed on to another host.
        product_handoff: Vec<RawHandoff> = Vec::new(), in Bounds::Entries(PRODUCT_RULES_MAX) => _;
        /// Which torrents are offered, and so which info hashes are computed.
        torrent: RawTorrent = RawTorrent::default()
            => torrent_version: TorrentVersion = torrent_version;
        /// Folder of the files that the web server's parameters MirrorBrainMirrorlistHeader and
        /// MirrorBrainMirrorlistFooter may name. Empty: they may name none, since whoever may write
        /// an `.htaccess` could publish with them what the responder may read.
        mirrorlist_parts: PathBuf = PathBuf::new();
        /// Folder for pings of mirrors after their syncs: with it the responder answers
        /// `/.heliostat/ping/IDENTIFIER` by a file there, which the next scan takes for a request.
        /// Empty: there is no such path.
        ping: PathBuf = PathBuf::new() => _;
        /// How the tree is indexed.
        index: RawIndex = RawIndex::default() => index: IndexConfig = RawIndex::checked;
        /// Which hashes are computed of which files.
        hashes: RawHashes = RawHashes::default() => _;
        /// How mirrors are scanned.
        scan: RawScan = RawScan::default() => scan: ScanConfig = RawScan::checked;
        /// How mirrors are probed.
        probe: RawProbe = RawProbe::default() => probe: ProbeConfig = RawProbe::checked;
        /// Counting of requests, for statistics and metrics.
        stats: RawStats = RawStats::default() => _;
        /// Products by path, for statistics.
        count: Vec<RawCount> = Vec::new(), in Bounds::Entries(COUNT_MAX) => _;
        /// Paths whose content changes while their name stays, which pull-through caches never get;
        /// `*` and `?` stay within one name, `**` does not.
        mutable: Vec<String> = MUTABLE_DEFAULT.map(str::to_owned).to_vec(),
            in Bounds::Entries(MUTABLE_MAX) => mutable: Vec<PathPattern> = path_patterns;
        /// Rules for the whole tree.
        rules: RawRules = RawRules::default() => _;
        /// Rules for subtrees.
        directory: Vec<RawDirectory> = Vec::new(), in Bounds::Entries(DIRECTORIES_MAX) => _;
    }
    also {
        /// Its name.
        name: String = unnamed;
        /// The origin of a site without a tree.
        origin: Option<OriginConfig> = origin;
        /// How files are served locally.
        local: LocalDelivery = local;
        /// Where GeoIP files are wrong.
        place_overrides: PlaceOverrides = overrides;
        /// Which mirrors some networks get first.
        network_rules: NetworkRules = network_rules;
        /// Which files are replaced under their names, and how long earlier versions count.
        markers: MarkerLaw = markers;
        /// Products: defaults and rules.
        products: ProductLaw = products;
        /// Broken mirrors for tests of clients.
        broken_test_mirrors: Option<PathBuf> = broken_test_mirrors;
        /// How many mirrors a metalink names at most.
        metalink_mirrors_max: usize = metalink_mirrors_max;
        /// Pings of mirrors, if they are wanted.
        ping: Option<PingConfig> = ping;
        /// Hashing.
        hashes: HashesConfig = hashes;
        /// Statistics and metrics.
        stats: StatsConfig = stats;
        /// Rules of the tree as written, for parameters that override them.
        raw_rules: RawRules = raw_rules;
        /// Rules of the tree.
        tree_rules: Arc<Rules> = compiled_rules;
        /// Rules of directories, deeper ones later.
        directories: Vec<DirectoryRules> = directories;
    }
}

fn needed(path: &Path) -> Result<PathBuf, ConfigProblem> {
    if path.as_os_str().is_empty() {
        return Err(ConfigProblem::new(Problem::Missing, "write its path"));
    }
    without_slash(path)
}

fn without_slash(path: &Path) -> Result<PathBuf, ConfigProblem> {
    Ok(path.components().collect())
}

fn bare_path(path: &str) -> Result<Vec<u8>, ConfigProblem> {
    Ok(path.trim_matches('/').as_bytes().to_vec())
}

fn lower_case(names: &[String]) -> Result<Vec<String>, ConfigProblem> {
    list(names, |name| Ok(name.to_ascii_lowercase()))
}

fn path_patterns(texts: &[String]) -> Result<Vec<PathPattern>, ConfigProblem> {
    list(texts, |text| {
        PathPattern::new(text).map_err(|error| ConfigProblem::unusable(error.to_string(), ""))
    })
}

/// The name is the key of the section, not one in it.
fn unnamed(_: &RawSite) -> Result<String, ConfigProblem> {
    Ok(String::new())
}

fn broken_test_mirrors(raw: &RawSite) -> Result<Option<PathBuf>, ConfigProblem> {
    Ok(raw.metalink.broken_test_mirrors.clone())
}

fn overrides(raw: &RawSite) -> Result<PlaceOverrides, ConfigProblem> {
    place_overrides(&raw.selection)
}

/// Reads the rules. A file that cannot be used is refused as the rest of the configuration is, so
/// that the responder goes on with the last good one.
fn network_rules(raw: &RawSite) -> Result<NetworkRules, ConfigProblem> {
    let path = &raw.topology_rules;
    if path.as_os_str().is_empty() {
        return Ok(NetworkRules::default());
    }
    let shown = path.display();
    let wrong = |why: String| ConfigProblem::unusable(why, "").below("topology_rules");
    let text = regular_file::read_text(path, TOPOLOGY_RULES_BYTES_MAX)
        .map_err(|error| wrong(format!("{shown} cannot be read: {error}")))?;
    NetworkRules::parse(&text).map_err(|problem| wrong(format!("{shown}: {problem}")))
}

fn products(raw: &RawSite) -> Result<ProductLaw, ConfigProblem> {
    product_law(&raw.products, &raw.product_rule, &raw.product_handoff)
}

fn markers(raw: &RawSite) -> Result<MarkerLaw, ConfigProblem> {
    marker_law(&GenerationKeys {
        groups: &raw.group,
        outdated: &raw.allow_outdated,
        repositories: &raw.repository,
        yum: &raw.yum,
        lists: &raw.lists,
    })
}

fn metalink_mirrors_max(raw: &RawSite) -> Result<usize, ConfigProblem> {
    match raw.metalink.mirrors_max {
        0 => Ok(usize::MAX),
        some => Ok(some),
    }
}

fn origin(raw: &RawSite) -> Result<Option<OriginConfig>, ConfigProblem> {
    check_origin(&raw.origin, &raw.tree, raw.origin_age_max_s)
}

fn local(raw: &RawSite) -> Result<LocalDelivery, ConfigProblem> {
    check_local(&raw.local_header, &raw.local_prefix, &raw.tree)
}

fn ping(raw: &RawSite) -> Result<Option<PingConfig>, ConfigProblem> {
    check_ping(&raw.ping, &raw.tree, &raw.database, &raw.url_path)
}

fn stats(raw: &RawSite) -> Result<StatsConfig, ConfigProblem> {
    let paths = SitePaths {
        tree: &raw.tree,
        database: &raw.database,
        ping: &raw.ping,
        url_path: &raw.url_path,
    };
    check_stats(&raw.stats, &raw.count, &paths)
}

fn hashes(raw: &RawSite) -> Result<HashesConfig, ConfigProblem> {
    let torrent = torrent_version(&raw.torrent)?;
    check_hashes(&raw.hashes, torrent).map_err(|problem| problem.below("hashes"))
}

fn raw_rules(raw: &RawSite) -> Result<RawRules, ConfigProblem> {
    Ok(tree_rules(&raw.rules, &raw.metalink))
}

fn compiled_rules(raw: &RawSite) -> Result<Arc<Rules>, ConfigProblem> {
    let rules = raw_rules(raw)?.compile().map(Arc::new);
    rules.map_err(|problem| match problem.key.starts_with("metalink.") {
        true => problem,
        false => problem.below("rules"),
    })
}

fn directories(raw: &RawSite) -> Result<Vec<DirectoryRules>, ConfigProblem> {
    check_directories(&raw.directory, &raw_rules(raw)?)
}

impl SiteConfig {
    /// Index of the deepest configured directory that has the path; `None`: the tree itself.
    pub fn directory_of(&self, path: &[u8]) -> Option<usize> {
        // Deeper directories come later.
        self.directories
            .iter()
            .rposition(|directory| is_below(path, &directory.path))
    }

    /// The rules of the deepest configured directory that has the path.
    pub fn rules(&self, path: &[u8]) -> &Arc<Rules> {
        self.directory_of(path)
            .map_or(&self.tree_rules, |index| &self.directories[index].rules)
    }

    /// Whether redirects are signed anywhere.
    pub fn signs(&self) -> bool {
        let mut rules = self.all_rules();
        rules.any(|rules| rules.redirect_stamp_key.is_some())
    }

    /// Whether a path's content changes while its name stays.
    pub fn is_mutable(&self, path: &[u8]) -> bool {
        self.mutable.iter().any(|pattern| pattern.is_match(path))
    }

    /// The same as written, merged: what parameters of the web server override.
    pub fn raw_rules(&self, path: &[u8]) -> &RawRules {
        self.directory_of(path)
            .map_or(&self.raw_rules, |index| &self.directories[index].raw)
    }

    /// Reads the file of content types, if a rule looks at them; a file that is not there knows
    /// none.
    pub(super) fn read_mime_types(&mut self) {
        let is_needed = |rules: &Rules| !rules.exclude_mime_types.is_empty();
        if self.all_rules().any(is_needed) {
            self.mime_types.add_file(Path::new(&self.mime_types_file));
        }
    }

    fn all_rules(&self) -> impl Iterator<Item = &Rules> {
        let directories = self.directories.iter().map(|directory| &*directory.rules);
        directories.chain([&*self.tree_rules])
    }
}
