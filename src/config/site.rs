//! The configuration as programs use it: absolute paths, compiled rules, known names.

use super::problem::{ConfigProblem, check_share};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::ConfigError;
use super::file::{
    RawConfig, RawFcgi, RawIndex, RawMetalink, RawRules, RawSelection, RawSite, RawTorrent, RawYum,
};
use super::hashes::{HashesConfig, check_hashes};
use super::mime_type::MimeTypes;
use super::probe::{ProbeConfig, check_probe};
use super::rules::{compile_rules, merge_rules, tree_rules};
use super::scan::{ScanConfig, check_scan};
use crate::domain::cache::PathPattern;
use crate::domain::document::Publisher;
use crate::domain::document::info_dictionary::TorrentVersion;
use crate::domain::path::is_below;
use crate::domain::rule::Rules;
use crate::domain::select::{Distance, Law, Weights};
use crate::domain::yum::YumRule;
use crate::regular_file;

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from.
    pub path: PathBuf,
    /// The file as written, with relative paths resolved; what `heliostat config` prints.
    pub raw: RawConfig,
    /// The responder.
    pub fcgi: FcgiConfig,
    /// The sites by name.
    pub sites: Vec<Arc<SiteConfig>>,
    /// Place of the default site in `sites`.
    default_site: usize,
}

/// The responder's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcgiConfig {
    /// Socket path or ADDRESS:PORT.
    pub listen: String,
    /// Permissions of a Unix socket.
    pub listen_mode: u32,
    /// Worker threads; at least one.
    pub threads: usize,
    /// How often changes are looked for.
    pub poll: Duration,
}

/// The web servers, by how they are told to serve a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalKind {
    /// mod_xsendfile takes the file's name.
    Apache,
    /// The file's name, encoded.
    Lighttpd,
    /// A URL path of an internal location.
    Nginx,
}

/// How the web server is told to serve a file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDelivery {
    /// `X-Sendfile`, `X-LIGHTTPD-send-file` or `X-Accel-Redirect`.
    pub header: String,
    /// Which web server.
    pub kind: LocalKind,
    /// What a file's path is appended to: the tree, or nginx's internal location.
    pub prefix: Vec<u8>,
    /// Whether the server decodes the value: nginx and lighttpd do; mod_xsendfile 0.12 takes the
    /// bytes as they are, and later ones do with `XSendFileUnescape Off`.
    pub is_encoded: bool,
}

/// How mirrors say that they have synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingConfig {
    /// Where the files are that stand for pings.
    pub folder: PathBuf,
    /// What the path of each ping begins with: `/URL_PATH/.heliostat`.
    pub prefix: Vec<u8>,
}

impl PingConfig {
    fn check(raw: &RawSite) -> Result<Option<PingConfig>, ConfigProblem> {
        if raw.ping.as_os_str().is_empty() {
            return Ok(None);
        }
        // Files are made and removed there.
        if raw.ping.starts_with(&raw.tree) || raw.database.parent() == Some(raw.ping.as_path()) {
            let folder = raw.ping.display();
            let message = format!("'{folder}' has other files; it must be a folder of its own");
            return Err(("ping".into(), message));
        }
        let below = raw.url_path.trim_matches('/');
        let slash = if below.is_empty() { "" } else { "/" };
        Ok(Some(PingConfig {
            folder: raw.ping.clone(),
            prefix: format!("{slash}{below}/.heliostat").into_bytes(),
        }))
    }
}

/// One site.
#[derive(Debug, Clone)]
pub struct SiteConfig {
    /// Its name.
    pub name: String,
    /// The tree as the web server names it; without a trailing slash.
    pub tree: PathBuf,
    /// The mirror database.
    pub database: PathBuf,
    /// URL path of the tree, without leading and trailing slash.
    pub url_path: Vec<u8>,
    /// Lower-case host names; empty: any.
    pub server_names: Vec<String>,
    /// Folder of the files that parameters of the web server may name; empty: none.
    pub mirrorlist_parts: PathBuf,
    /// How files are served locally.
    pub local: LocalDelivery,
    /// Number of `Link: rel=duplicate` fields.
    pub link_mirrors: usize,
    /// Bytes of a redirect's header fields at most.
    pub head_bytes_max: usize,
    /// GeoIP databases.
    pub geoip: Vec<PathBuf>,
    /// Content types by extension; empty when no rule looks at them.
    pub mime_types: MimeTypes,
    /// Who gets the client.
    pub law: Law,
    /// Broken mirrors for tests of clients.
    pub broken_test_mirrors: Option<PathBuf>,
    /// Whom metalinks name as publisher.
    pub publisher: Option<Publisher>,
    /// Lists for yum and dnf.
    pub yum: Vec<YumRule>,
    /// How many mirrors a metalink names at most.
    pub metalink_mirrors_max: usize,
    /// Which torrents are offered, and so which info hashes are computed.
    pub torrent_version: TorrentVersion,
    /// Pings of mirrors, if they are wanted.
    pub ping: Option<PingConfig>,
    /// Indexing.
    pub index: RawIndex,
    /// Hashing.
    pub hashes: HashesConfig,
    /// Scanning.
    pub scan: ScanConfig,
    /// Probing.
    pub probe: ProbeConfig,
    /// Paths that caches never get.
    pub mutable: Vec<PathPattern>,
    /// Rules of the tree as written, for parameters that override them.
    pub raw_rules: RawRules,
    rules: Arc<Rules>,
    directories: Vec<Directory>,
}

#[derive(Debug, Clone)]
struct Directory {
    path: Vec<u8>,
    raw: RawRules,
    rules: Arc<Rules>,
}

/// Directory rules a site may have; each is compared with each request's path.
const DIRECTORIES_MAX: usize = 1000;

/// `head_bytes_max`: less would hardly hold a Location, more is taken by no server.
const HEAD_BYTES_RANGE: RangeInclusive<usize> = 1024..=65_536;

impl Config {
    /// Checks what was read from `path`.
    ///
    /// # Errors
    /// [`ConfigError::Value`] names the first key that cannot be used.
    pub fn check(path: &Path, mut raw: RawConfig) -> Result<Config, ConfigError> {
        let fail = |key: String, message: String| ConfigError::Value {
            path: path.to_owned(),
            key,
            message,
        };
        if raw.site.is_empty() {
            return Err(fail("site".into(), "there is none; add [site.NAME]".into()));
        }
        // `absolute` refuses the empty parent of a bare file name, but not that of "./NAME".
        let folder = Path::new(".").join(path.parent().unwrap_or(Path::new("")));
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        if raw.fcgi.listen.parse::<std::net::SocketAddr>().is_err() {
            raw.fcgi.listen = folder.join(&raw.fcgi.listen).to_string_lossy().into_owned();
        }
        for site in raw.site.values_mut() {
            resolve_paths(&folder, site);
        }
        let fcgi =
            check_fcgi(&raw.fcgi).map_err(|(key, text)| fail(format!("fcgi.{key}"), text))?;
        let mut sites = Vec::new();
        for (name, site) in &raw.site {
            let checked = SiteConfig::check(name, site)
                .map_err(|(key, message)| fail(format!("site.{name}.{key}"), message))?;
            sites.push(Arc::new(checked));
        }
        let default_site = match &raw.default_site {
            None => 0,
            Some(name) => sites
                .iter()
                .position(|site| site.name == *name)
                .ok_or_else(|| fail("default_site".into(), format!("there is no [site.{name}]")))?,
        };
        Ok(Config {
            path: path.to_owned(),
            raw,
            fcgi,
            sites,
            default_site,
        })
    }

    /// The site of that name, or the default one.
    ///
    /// # Errors
    /// [`ConfigError::NoSuchSite`].
    pub fn site(&self, name: Option<&str>) -> Result<&Arc<SiteConfig>, ConfigError> {
        let Some(name) = name else {
            return Ok(&self.sites[self.default_site]);
        };
        self.sites
            .iter()
            .find(|site| site.name == name)
            .ok_or_else(|| {
                let known: Vec<&str> = self.sites.iter().map(|site| site.name.as_str()).collect();
                ConfigError::NoSuchSite {
                    path: self.path.clone(),
                    name: name.to_owned(),
                    known: known.join(", "),
                }
            })
    }
}

fn resolve_paths(folder: &Path, site: &mut RawSite) {
    for path in [
        &mut site.tree,
        &mut site.database,
        &mut site.ping,
        &mut site.mirrorlist_parts,
    ]
    .into_iter()
    .chain(&mut site.geoip)
    {
        if !path.as_os_str().is_empty() {
            *path = folder.join(&path);
        }
    }
    let snippet = &mut site.metalink.broken_test_mirrors;
    *snippet = snippet.take().map(|path| folder.join(path));
    let of_directories = site
        .directory
        .iter_mut()
        .map(|directory| &mut directory.rules);
    for rules in of_directories.chain([&mut site.rules]) {
        for path in [&mut rules.mirrorlist_header, &mut rules.mirrorlist_footer] {
            *path = path.take().map(|path| folder.join(path));
        }
    }
}

fn check_fcgi(raw: &RawFcgi) -> Result<FcgiConfig, ConfigProblem> {
    let listen_mode = u32::from_str_radix(&raw.listen_mode, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| {
            (
                "listen_mode".into(),
                format!("'{}' is no octal mode such as 0660", raw.listen_mode),
            )
        })?;
    if raw.poll_ms == 0 {
        return Err((
            "poll_ms".into(),
            "0 would never stop looking; 500 is usual".into(),
        ));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(FcgiConfig {
        listen: raw.listen.clone(),
        listen_mode,
        threads: if raw.threads == 0 { cores } else { raw.threads },
        poll: Duration::from_millis(raw.poll_ms),
    })
}

impl SiteConfig {
    fn check(name: &str, raw: &RawSite) -> Result<SiteConfig, ConfigProblem> {
        let needed = |key: &str, path: &Path| {
            if path.as_os_str().is_empty() {
                return Err((key.to_owned(), "it is missing".to_owned()));
            }
            Ok(path.components().collect::<PathBuf>())
        };
        if raw.directory.len() > DIRECTORIES_MAX {
            return Err((
                "directory".into(),
                format!("there are more than {DIRECTORIES_MAX}"),
            ));
        }
        let tree = needed("tree", &raw.tree)?;
        let torrent_version = check_torrent(&raw.torrent)?;
        let rule = |(key, message): (&str, String)| match key.starts_with("metalink.") {
            true => (key.to_owned(), message),
            false => (format!("rules.{key}"), message),
        };
        let raw_rules = tree_rules(&raw.rules, &raw.metalink);
        let rules = Arc::new(compile_rules(&raw_rules).map_err(rule)?);
        Ok(SiteConfig {
            name: name.to_owned(),
            database: needed("database", &raw.database)?,
            url_path: raw.url_path.trim_matches('/').as_bytes().to_vec(),
            server_names: raw
                .server_names
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            mirrorlist_parts: raw.mirrorlist_parts.clone(),
            local: check_local(raw, &tree)?,
            tree,
            link_mirrors: raw.link_mirrors,
            head_bytes_max: check_head_bytes(raw.head_bytes_max)?,
            geoip: raw.geoip.clone(),
            mime_types: read_mime_types(raw),
            law: check_law(&raw.selection)?,
            broken_test_mirrors: raw.metalink.broken_test_mirrors.clone(),
            publisher: check_publisher(&raw.metalink)?,
            yum: check_yum(&raw.yum)?,
            metalink_mirrors_max: match raw.metalink.mirrors_max {
                0 => usize::MAX,
                some => some,
            },
            torrent_version,
            hashes: check_hashes(&raw.hashes, torrent_version)?,
            ping: PingConfig::check(raw)?,
            index: check_index(&raw.index)?,
            scan: check_scan(&raw.scan)?,
            probe: check_probe(&raw.probe)?,
            mutable: check_mutable(&raw.mutable)?,
            directories: check_directories(raw, &raw_rules)?,
            raw_rules,
            rules,
        })
    }

    /// Place of the deepest configured directory that has the path; `None`: the tree itself.
    pub fn directory_of(&self, path: &[u8]) -> Option<usize> {
        // Deeper directories come later.
        self.directories
            .iter()
            .rposition(|directory| is_below(path, &directory.path))
    }

    /// The rules of the deepest configured directory that has the path.
    pub fn rules(&self, path: &[u8]) -> &Arc<Rules> {
        self.directory_of(path)
            .map_or(&self.rules, |place| &self.directories[place].rules)
    }

    /// Whether redirects are signed anywhere.
    pub fn signs(&self) -> bool {
        let directories = self.directories.iter().map(|directory| &directory.rules);
        let mut rules = directories.chain([&self.rules]);
        rules.any(|rules| rules.redirect_stamp_key.is_some())
    }

    /// Whether a path's content changes while its name stays.
    pub fn is_mutable(&self, path: &[u8]) -> bool {
        self.mutable.iter().any(|pattern| pattern.is_match(path))
    }

    /// The same as written, merged: what parameters of the web server override.
    pub fn raw_rules(&self, path: &[u8]) -> &RawRules {
        self.directory_of(path)
            .map_or(&self.raw_rules, |place| &self.directories[place].raw)
    }
}

fn check_head_bytes(bytes: usize) -> Result<usize, ConfigProblem> {
    if HEAD_BYTES_RANGE.contains(&bytes) {
        return Ok(bytes);
    }
    let (least, most) = (HEAD_BYTES_RANGE.start(), HEAD_BYTES_RANGE.end());
    let message = format!("{bytes} is no number of bytes from {least} to {most}");
    Err(("head_bytes_max".into(), message))
}

/// Each is compared with the path of each file that a cache may get.
const MUTABLE_MAX: usize = 100;

fn check_mutable(texts: &[String]) -> Result<Vec<PathPattern>, ConfigProblem> {
    let problem = |message| ("mutable".to_owned(), message);
    if texts.len() > MUTABLE_MAX {
        return Err(problem(format!("there are more than {MUTABLE_MAX}")));
    }
    let read = texts.iter().map(|text| PathPattern::new(text));
    read.collect::<Result<_, _>>()
        .map_err(|error| problem(error.to_string()))
}

fn check_local(raw: &RawSite, tree: &Path) -> Result<LocalDelivery, ConfigProblem> {
    let kind = match raw.local_header.to_ascii_lowercase().as_str() {
        "x-sendfile" => LocalKind::Apache,
        "x-lighttpd-send-file" => LocalKind::Lighttpd,
        "x-accel-redirect" => LocalKind::Nginx,
        _ => {
            let message = format!(
                "'{}' is unknown; use X-Sendfile (Apache), X-LIGHTTPD-send-file or \
                 X-Accel-Redirect (nginx)",
                raw.local_header
            );
            return Err(("local_header".into(), message));
        }
    };
    let prefix = if raw.local_prefix.is_empty() {
        if kind == LocalKind::Nginx {
            let message = "nginx needs the internal location, e.g. \"/.heliostat-local\"";
            return Err(("local_prefix".into(), message.into()));
        }
        tree.as_os_str().as_encoded_bytes().to_vec()
    } else {
        raw.local_prefix.trim_end_matches('/').as_bytes().to_vec()
    };
    Ok(LocalDelivery {
        header: raw.local_header.clone(),
        kind,
        prefix,
        is_encoded: kind != LocalKind::Apache,
    })
}

fn check_publisher(raw: &RawMetalink) -> Result<Option<Publisher>, ConfigProblem> {
    if raw.publisher_name.is_empty() {
        if !raw.publisher_url.is_empty() {
            let message = "it needs metalink.publisher_name beside it";
            return Err(("metalink.publisher_url".into(), message.into()));
        }
        return Ok(None);
    }
    Ok(Some(Publisher {
        name: raw.publisher_name.clone(),
        url: raw.publisher_url.clone(),
    }))
}

fn check_yum(raw: &[RawYum]) -> Result<Vec<YumRule>, ConfigProblem> {
    let check = |(place, rule): (usize, &RawYum)| {
        YumRule::new(&rule.arguments, &rule.directory, &rule.marker)
            .map_err(|error| (format!("yum, number {}", place + 1), error.to_string()))
    };
    raw.iter().enumerate().map(check).collect()
}

fn check_torrent(raw: &RawTorrent) -> Result<TorrentVersion, ConfigProblem> {
    match raw.version.as_str() {
        "v1" => Ok(TorrentVersion::V1),
        "hybrid" => Ok(TorrentVersion::Hybrid),
        other => Err((
            "torrent.version".into(),
            format!("'{other}' is unknown; use v1 or hybrid"),
        )),
    }
}

/// Bytes of a file of types; Debian's has 70,000.
const MIME_TYPES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Types are read only when a rule needs them; a file that is not there knows none.
fn read_mime_types(raw: &RawSite) -> MimeTypes {
    let needed = std::iter::once(&raw.rules)
        .chain(raw.directory.iter().map(|directory| &directory.rules))
        .any(|rules| !rules.exclude_mime_types.is_empty());
    let mut types = MimeTypes::default();
    if needed {
        match regular_file::read_text(&raw.mime_types_file, MIME_TYPES_BYTES_MAX) {
            Ok(text) => types = MimeTypes::parse(&text),
            Err(error) => log::warn!(
                "exclude_mime_types knows only `mime_types`: file={} error=\"{error}\"",
                raw.mime_types_file.display()
            ),
        }
    }
    for (extension, mime_type) in &raw.mime_types {
        types.add(extension, mime_type);
    }
    types
}

fn check_law(raw: &RawSelection) -> Result<Law, ConfigProblem> {
    let unknown = |key: &str, found: &str, known: &str| {
        Err((
            format!("selection.{key}"),
            format!("'{found}' is unknown; use {known}"),
        ))
    };
    let distance = match raw.distance.as_str() {
        "degrees" => Distance::Degrees,
        "great-circle" => Distance::GreatCircle,
        other => return unknown("distance", other, "degrees or great-circle"),
    };
    let weights = match raw.weights.as_str() {
        "mirrorbrain" => Weights::MirrorBrain,
        "proportional" => Weights::Proportional,
        other => return unknown("weights", other, "mirrorbrain or proportional"),
    };
    if !(0.0..=360.0).contains(&raw.spread_degrees) {
        let message = format!(
            "{} is no number of degrees from 0 to 360",
            raw.spread_degrees
        );
        return Err(("selection.spread_degrees".into(), message));
    }
    Ok(Law {
        distance,
        weights,
        spread: (raw.spread_degrees * 1000.0) as u32,
        share_other_countries: raw.share_other_countries,
        restricted_are_private: raw.restricted_are_private,
        dead_ipv6_as_any: match raw.dead_ipv6.as_str() {
            "last" => false,
            "as-any" => true,
            other => return unknown("dead_ipv6", other, "last or as-any"),
        },
    })
}

fn check_index(raw: &RawIndex) -> Result<RawIndex, ConfigProblem> {
    check_share("index.vanished_share_max", raw.vanished_share_max)?;
    Ok(raw.clone())
}

/// Merges each directory with all that it lies in; the result is sorted with deeper ones later.
fn check_directories(raw: &RawSite, tree: &RawRules) -> Result<Vec<Directory>, ConfigProblem> {
    let mut written: Vec<(Vec<u8>, &RawRules)> = raw
        .directory
        .iter()
        .map(|directory| {
            (
                directory.path.trim_matches('/').as_bytes().to_vec(),
                &directory.rules,
            )
        })
        .collect();
    written.sort_by_key(|(path, _)| path.len());
    let mut merged: Vec<Directory> = Vec::new();
    for (path, rules) in written {
        let parent = merged
            .iter()
            .rev()
            .find(|candidate| is_below(&path, &candidate.path))
            .map_or(tree, |candidate| &candidate.raw);
        let raw = merge_rules(parent, rules);
        let compiled = compile_rules(&raw).map_err(|(key, message)| {
            (
                format!("directory '{}': {key}", path.escape_ascii()),
                message,
            )
        })?;
        merged.push(Directory {
            path,
            raw,
            rules: Arc::new(compiled),
        });
    }
    Ok(merged)
}
