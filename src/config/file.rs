//! The configuration as written: every key with its meaning and its default.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::hashes::RawHashes;
use super::probe::RawProbe;
use crate::domain::cache::MUTABLE_DEFAULT;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// The responder's socket and limits.
    pub fcgi: RawFcgi,
    /// `[site.NAME]`: what MirrorBrain calls an instance. The first by name is the default,
    /// unless `default_site` names another.
    pub site: BTreeMap<String, RawSite>,
    /// The site that commands work on without `-b`.
    pub default_site: Option<String>,
}

/// `[fcgi]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawFcgi {
    /// Path of a Unix socket, or ADDRESS:PORT. A socket inherited from systemd or mod_fcgid wins.
    pub listen: String,
    /// Permissions of the Unix socket, octal.
    pub listen_mode: String,
    /// Worker threads: the first does all the work while it keeps up, the others stand in while it
    /// waits for a disk; 0: one a core.
    pub threads: usize,
    /// How often the database, the GeoIP files and the configuration are looked at for changes,
    /// milliseconds.
    pub poll_ms: u64,
}

impl Default for RawFcgi {
    fn default() -> RawFcgi {
        RawFcgi {
            listen: "/run/heliostat/fcgi.sock".to_owned(),
            listen_mode: "0660".to_owned(),
            // As many as `fcgi` has by itself, whatever the machine: for waits, not for work.
            threads: 4,
            poll_ms: 500,
        }
    }
}

/// `[site.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSite {
    /// The file tree as the web server names it; may be a symlink.
    pub tree: PathBuf,
    /// The mirror database.
    pub database: PathBuf,
    /// URL path of the tree, where the web server does not tell which file a URL is, and where a
    /// URL of a file is needed that nobody asked for (lists for yum).
    pub url_path: String,
    /// Host names that belong to this site; empty: any.
    pub server_names: Vec<String>,
    /// How the web server is told to serve a file itself: `X-Sendfile` (Apache),
    /// `X-LIGHTTPD-send-file` (lighttpd) or `X-Accel-Redirect` (nginx).
    pub local_header: String,
    /// What replaces the tree in that header's value: nginx wants a URL path such as
    /// `/.heliostat-local`. Empty: the tree itself.
    pub local_prefix: String,
    /// How many mirrors are named in `Link: rel=duplicate` fields.
    pub link_mirrors: usize,
    /// Bytes that all header fields of a redirect may have. Where a long name would need more,
    /// `Link` fields are left out, mirrors first; a file whose Location alone is longer is served
    /// here. A proxy in front must take so many: nginx takes 4096 unless `proxy_buffer_size` says
    /// more.
    pub head_bytes_max: usize,
    /// GeoIP databases (.mmdb) in order; for each fact the first that knows it is believed.
    pub geoip: Vec<PathBuf>,
    /// Content types by extension, in the format of `/etc/mime.types`; only exclude_mime_types
    /// needs them, and a parameter HELIOSTAT_MIME_TYPE of the web server wins.
    pub mime_types_file: PathBuf,
    /// Further content types by extension, as Apache's AddType: `xml = "text/xml"`.
    pub mime_types: BTreeMap<String, String>,
    /// Who gets the client; the defaults are MirrorBrain's law.
    pub selection: RawSelection,
    /// What metalinks say beside the file.
    pub metalink: RawMetalink,
    /// Lists of mirrors for yum and dnf by query: `[[site.NAME.yum]]`, tried in their order.
    pub yum: Vec<RawYum>,
    /// Which torrents are offered.
    pub torrent: RawTorrent,
    /// Folder of the files that the web server's MirrorBrainMirrorlistHeader and
    /// MirrorBrainMirrorlistFooter may name. Empty: none, since whoever may write an `.htaccess`
    /// could publish with them what the responder may read.
    pub mirrorlist_parts: PathBuf,
    /// Folder for pings of mirrors after their syncs: with it the responder answers
    /// `/.heliostat/ping/IDENTIFIER` by a file there, which the next scan takes for a request.
    /// Empty: there is no such path.
    pub ping: PathBuf,
    /// How the tree is indexed.
    pub index: RawIndex,
    /// Which hashes are computed of which files.
    pub hashes: RawHashes,
    /// How mirrors are scanned.
    pub scan: RawScan,
    /// How mirrors are probed.
    pub probe: RawProbe,
    /// Paths whose content changes while their name stays, which pull-through caches never get;
    /// `*` and `?` stay within one name, `**` does not.
    pub mutable: Vec<String>,
    /// Rules for the whole tree.
    pub rules: RawRules,
    /// Rules for subtrees: `[[site.NAME.directory]]`, merged as MirrorBrain merges them.
    pub directory: Vec<RawDirectory>,
}

impl Default for RawSite {
    fn default() -> RawSite {
        RawSite {
            tree: PathBuf::new(),
            database: PathBuf::new(),
            url_path: "/".to_owned(),
            server_names: Vec::new(),
            local_header: "X-Sendfile".to_owned(),
            local_prefix: String::new(),
            link_mirrors: 5,
            head_bytes_max: 3584,
            geoip: Vec::new(),
            mime_types_file: PathBuf::from("/etc/mime.types"),
            mime_types: BTreeMap::new(),
            selection: RawSelection::default(),
            metalink: RawMetalink::default(),
            yum: Vec::new(),
            torrent: RawTorrent::default(),
            mirrorlist_parts: PathBuf::new(),
            ping: PathBuf::new(),
            index: RawIndex::default(),
            hashes: RawHashes::default(),
            scan: RawScan::default(),
            probe: RawProbe::default(),
            mutable: MUTABLE_DEFAULT.map(str::to_owned).to_vec(),
            rules: RawRules::default(),
            directory: Vec::new(),
        }
    }
}

/// `[site.NAME.selection]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSelection {
    /// `degrees` (MirrorBrain's) or `great-circle`.
    pub distance: String,
    /// `mirrorbrain` (a score of 50 beside 100 gets a quarter) or `proportional` (a third).
    pub weights: String,
    /// With coordinates, mirrors that are farther than the nearest by no more than so many degrees
    /// share the clients by score; 0: the nearest gets all clients of a place, as in MirrorBrain.
    pub spread_degrees: f64,
    /// Mirrors with other_countries share with the country's own instead of only standing in.
    pub share_other_countries: bool,
    /// Mirrors with prefix_only or as_only are private: only clients of their own prefixes and
    /// autonomous systems are sent there or see them in lists.
    pub restricted_are_private: bool,
    /// Mirrors that answer over IPv4 and have an IPv6 address that does not answer, on which
    /// clients with both hang: `last` (behind all other mirrors) or `as-any`.
    pub dead_ipv6: String,
}

impl Default for RawSelection {
    fn default() -> RawSelection {
        RawSelection {
            distance: "degrees".to_owned(),
            weights: "mirrorbrain".to_owned(),
            spread_degrees: 0.0,
            share_other_countries: false,
            restricted_are_private: false,
            dead_ipv6: "last".to_owned(),
        }
    }
}

/// `[site.NAME.metalink]`. A directory may say otherwise on all but publisher and number of
/// mirrors: `metalink.by_accept = "never"` in `[[site.NAME.directory]]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawMetalink {
    /// When a client gets a metalink from a file's own URL, because its `Accept` names the type:
    /// `always` (MirrorBrain's way), `unless-any` (the file where the client takes `*/*`, too, as
    /// aria2 does), `never`. Not set: `unless-any`, but `always` for libzypp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_accept: Option<String>,
    /// The same for some clients; the first whose pattern fits the whole `User-Agent` counts:
    /// `[{ user_agent = "aria2/*", by_accept = "always" }]`.
    pub by_accept_agents: Vec<RawAcceptRule>,
    /// `.meta4` and `.metalink` name our own URL where no mirror has the file yet, instead of 404.
    /// (Where mirrors have an older version, they always do.)
    pub own_url: bool,
    /// Metalinks name the torrent that is made of the file. aria2 goes on seeding it then.
    pub torrent: bool,
    /// Who publishes the files; empty: metalinks name nobody.
    pub publisher_name: String,
    /// Where the publisher is found; only with a name.
    pub publisher_url: String,
    /// How many mirrors a metalink names, the best ones; 0: all.
    pub mirrors_max: usize,
    /// For tests of clients: file with `<url>` elements of broken mirrors, which come first in a
    /// `.metalink` whose request has the field `X-Broken-Mirrors` (`only`: they come alone).
    /// (MirrorBrain's MetalinkBrokenTestMirrors.)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_test_mirrors: Option<PathBuf>,
}

/// One of `by_accept_agents`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAcceptRule {
    /// Wildcards, without regard to case.
    pub user_agent: String,
    /// `always`, `unless-any` or `never`.
    pub by_accept: String,
}

/// `metalink.*` of a directory; the meaning is that of [`RawMetalink`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawMetalinkRules {
    /// Comes before all that is said above it in the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_accept: Option<String>,
    /// Come before `by_accept` beside them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_accept_agents: Vec<RawAcceptRule>,
    /// The deepest wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_url: Option<bool>,
    /// The deepest wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub torrent: Option<bool>,
}

/// `[site.NAME.torrent]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTorrent {
    /// `v1` (MirrorBrain's: info hashes stay what they were) or `hybrid` (also BitTorrent v2,
    /// BEP 52, under other info hashes).
    pub version: String,
}

impl Default for RawTorrent {
    fn default() -> RawTorrent {
        RawTorrent {
            version: "v1".to_owned(),
        }
    }
}

/// `[[site.NAME.yum]]`: one MirrorBrainYumDir. The words of the directive's line with a `=` are the
/// arguments, the two without are directory and marker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawYum {
    /// `NAME=REGEX`, in the directive's order; the whole value must match.
    pub arguments: Vec<String>,
    /// Directory of the repository; `$1` is the value of the first argument.
    pub directory: String,
    /// A file below it that shows that a mirror has the repository: `repodata/repomd.xml`.
    pub marker: String,
}

/// `[site.NAME.index]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawIndex {
    /// Threads that walk the tree; 0: twice the cores, since they wait for disks.
    pub threads: usize,
    /// Names of files and directories that are never catalogued; `*` and `?` are wildcards.
    pub exclude: Vec<String>,
    /// Largest share of the catalogue that one run may find vanished; more needs `--force`,
    /// because an unmounted disk looks like an empty tree.
    pub vanished_share_max: f64,
    /// Write the catalogue's generation into `.heliostat-generation` at the top of the tree after
    /// each change, so that mirrors can tell which one they copied.
    pub write_generation: bool,
}

impl Default for RawIndex {
    fn default() -> RawIndex {
        RawIndex {
            threads: 0,
            exclude: vec![".~tmp~".to_owned()],
            vanished_share_max: 0.5,
            write_generation: false,
        }
    }
}

/// `[site.NAME.scan]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawScan {
    /// Mirrors scanned at a time.
    pub jobs: usize,
    /// Largest share of a mirror's files that one scan may find vanished; more is published only
    /// when a second scan sees the same, or by `--force`.
    pub vanished_share_max: f64,
    /// Share of the catalogue's files (of those that its include and exclude rules allow) that a
    /// mirror should have; with less it needs attention.
    pub coverage_min: f64,
    /// Seconds without a byte from a mirror until it is given up.
    pub timeout_s: u64,
    /// Seconds that one mirror may take in all, whatever it sends; what it has not told by then is
    /// left for the next scan.
    pub time_max_s: u64,
    /// Only these top-level names are scanned; empty: all. (MirrorBrain's scan_top_include.)
    pub top_include: Vec<String>,
    /// Requests at a time to one mirror that is listed over HTTP, and logins over FTP.
    pub requests: usize,
    /// Regular expressions; directories (`/DIR/`) and files (`/PATH`) that match are not listed
    /// over HTTP and FTP. (MirrorBrain's scan_exclude.)
    pub exclude: Vec<String>,
    /// Patterns that are given to rsync as `--exclude`. (MirrorBrain's scan_exclude_rsync.)
    pub exclude_rsync: Vec<String>,
    /// `--due`: seconds after which the whole of a mirror is scanned again.
    pub whole_age_s: u64,
    /// `--due`: seconds for which new versions of files are looked for by themselves.
    pub changed_age_s: u64,
    /// `--due`: share of the mirrors that must have a changed directory until the others are no
    /// longer asked for it by itself.
    pub changed_share: f64,
    /// Rules for single mirrors, by identifier: `[site.NAME.scan.mirror."IDENTIFIER"]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mirror: BTreeMap<String, RawMirrorScan>,
}

/// `[site.NAME.scan.mirror."IDENTIFIER"]`: what of one mirror is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawMirrorScan {
    /// Instead of the site's; empty: the site's.
    pub top_include: Vec<String>,
    /// Beside the site's.
    pub exclude: Vec<String>,
    /// Beside the site's.
    pub exclude_rsync: Vec<String>,
    /// rsync follows links on the mirror (`--copy-links`).
    pub copy_links: bool,
    /// Instead of the site's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_min: Option<f64>,
}

impl Default for RawScan {
    fn default() -> RawScan {
        RawScan {
            jobs: 8,
            requests: 3,
            vanished_share_max: 0.3,
            coverage_min: 0.5,
            timeout_s: 120,
            time_max_s: 4 * 3600,
            whole_age_s: 86_400,
            changed_age_s: 3 * 86_400,
            changed_share: 0.9,
            top_include: Vec::new(),
            exclude: vec![r"/\.~tmp~/".to_owned()],
            exclude_rsync: vec!["*/.~tmp~/".to_owned(), "/.~tmp~/".to_owned()],
            mirror: BTreeMap::new(),
        }
    }
}

/// `[site.NAME.rules]` and the keys of `[[site.NAME.directory]]`: MirrorBrain's directives. A
/// FastCGI parameter of the same name, or of the directive's name, wins (Apache's `SetEnv`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRules {
    /// MirrorBrainEngine; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<bool>,
    /// MirrorBrainMinSize, bytes; smaller files are served locally; default 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_size: Option<u64>,
    /// MirrorBrainExcludeMimeType; wildcards; adds to the parent's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_mime_types: Vec<String>,
    /// MirrorBrainExcludeUserAgent; wildcards; adds to the parent's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_user_agents: Vec<String>,
    /// MirrorBrainExcludeNetwork: a CIDR network, or MirrorBrain's text prefix such as `10.1.`;
    /// adds to the parent's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_networks: Vec<String>,
    /// MirrorBrainExcludeIP; adds to the parent's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_ips: Vec<String>,
    /// MirrorBrainExcludeFileMask: a regular expression on the URL path; the deepest wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_file_mask: Option<String>,
    /// MirrorBrainHandleHEADRequestLocally; default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle_head_locally: Option<bool>,
    /// MirrorBrainRedirectStampKey: redirects are signed with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_stamp_key: Option<String>,
    /// MirrorBrainFallback: hosts that have all of the tree, for files of the catalogue that no
    /// mirror has; adds to the parent's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<RawFallback>,
    /// Fallbacks also when mirrors have the file and none may serve this client; default false,
    /// as MirrorBrain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_when_ineligible: Option<bool>,
    /// Fallbacks also for files that the catalogue does not know, and while the database is away,
    /// as MirrorBrain; nobody knows whether they have them. Default false: the web server serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_when_unknown: Option<bool>,
    /// FormGET: whether query arguments mean anything; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<bool>,
    /// Documents about files (lists of mirrors, metalinks, hashes, torrents…); default true. A
    /// parameter can only switch them off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<bool>,
    /// MirrorBrainHashesSuppressFilenames: `.md5` and the like give the digest alone; default
    /// false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hashes_suppress_filenames: Option<bool>,
    /// MirrorBrainMirrorlistStyleSheet: URL of a style sheet in place of the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirrorlist_style_sheet: Option<String>,
    /// MirrorBrainMirrorlistHeader: a file that replaces the head of mirror lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirrorlist_header: Option<PathBuf>,
    /// MirrorBrainMirrorlistFooter: a file that replaces the `</body></html>` of mirror lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirrorlist_footer: Option<PathBuf>,
    /// MirrorBrainTorrentTrackerURL: the first is a torrent's `announce`; without any there are no
    /// torrents; adds to the parent's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trackers: Vec<String>,
    /// MirrorBrainDHTNode: `"HOST PORT"` or `"HOST:PORT"`; adds to the parent's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dht_nodes: Vec<String>,
    /// Torrents without a tracker, by web seeds and DHT alone; default false, as MirrorBrain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trackerless: Option<bool>,
    /// MirrorBrainMetalinkMagnetLinks: metalinks have a magnet link, too; default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metalink_magnet_links: Option<bool>,
    /// MirrorBrainMetalinkTorrentAddMask: a regular expression on the file's path in the tree;
    /// metalinks of such a file name the `.torrent` that lies beside it. The deepest wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metalink_torrent_add_mask: Option<String>,
    /// Who gets metalinks, and what they name: the keys of `[site.NAME.metalink]`.
    #[serde(skip_serializing_if = "is_default")]
    pub metalink: RawMetalinkRules,
    /// `Cache-Control` of redirects; default `private, no-cache`; empty: no such field. A cache in
    /// front may be given `no-cache, stale-if-error=86400`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_cache_control: Option<String>,
    /// Whether https clients may be sent to http URLs: `never` (default; browsers and many programs
    /// refuse that), `if-none` (when no mirror that has the file takes them over https), `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_to_http: Option<String>,
    /// Http clients get the http URL of a mirror that has one, and mirrors with https alone come
    /// last: for programs that cannot follow to https; default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer_http_for_http: Option<bool>,
}

fn is_default(rules: &RawMetalinkRules) -> bool {
    *rules == RawMetalinkRules::default()
}

/// One MirrorBrainFallback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFallback {
    /// Continent.
    pub region: String,
    /// Country.
    pub country: String,
    /// Base URL.
    pub url: String,
}

/// `[[site.NAME.directory]]`: `path`, and beside it the keys of [`RawRules`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct RawDirectory {
    /// The subtree, relative to the tree.
    pub path: String,
    /// Its rules.
    #[serde(flatten)]
    pub rules: RawRules,
}

// serde's flatten would let unknown keys pass, so the table is taken apart here.
impl TryFrom<toml::Table> for RawDirectory {
    type Error = String;

    fn try_from(mut table: toml::Table) -> Result<RawDirectory, String> {
        let path = match table.remove("path") {
            Some(toml::Value::String(path)) => path,
            _ => return Err("a directory needs `path = \"…\"`".to_owned()),
        };
        let rules = RawRules::deserialize(table).map_err(|error| error.message().to_owned())?;
        Ok(RawDirectory { path, rules })
    }
}
