//! What one worker keeps from request to request.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::source::{LiveSources, Sources};
use crate::config::{RawAcceptRule, RawFallback, RawRules, SiteConfig, compile_rules, merge_rules};
use crate::domain::place::{Asn, CountryCode, Place, RegionCode};
use crate::domain::rule::Rules;
use crate::domain::select::{Access, ClassTable, Selector};
use crate::domain::time::Timestamp;
use crate::http::Overrides;
use crate::snapshot::Snapshot;

/// Places whose classes are kept: a busy site sees some thousand pairs of country and AS.
const PLACES_MAX: usize = 4096;

/// Override sets whose rules are kept; a configuration has a handful.
const OVERRIDES_MAX: usize = 256;

/// Uniform numbers 0 … 32767.
pub type DrawFn = Box<dyn FnMut() -> u16>;

/// Tells the time of a request.
pub type RequestClock = fn() -> Timestamp;

/// One worker's means for one site: tree, database connection, drawn numbers, and what it has
/// worked out before.
pub struct WorkerContext {
    /// The file tree and the database.
    pub sources: Box<dyn Sources>,
    clock: RequestClock,
    pub(super) selector: Selector<DrawFn>,
    classes: Classes,
    rules: HashMap<(Vec<u8>, Option<usize>), Arc<Rules>>,
}

/// The classes of places, for one snapshot.
#[derive(Default)]
struct Classes {
    serial: u64,
    by_place: HashMap<PlaceKey, Rc<ClassTable>>,
}

type PlaceKey = (Option<CountryCode>, Option<RegionCode>, Option<Asn>, Access);

impl WorkerContext {
    /// Opens nothing yet.
    pub fn new(config: &SiteConfig, draw: DrawFn, clock: RequestClock) -> WorkerContext {
        WorkerContext::with(Box::new(LiveSources::new(config)), draw, clock)
    }

    /// Looks at given sources.
    pub fn with(sources: Box<dyn Sources>, draw: DrawFn, clock: RequestClock) -> WorkerContext {
        WorkerContext {
            sources,
            clock,
            selector: Selector::new(draw),
            classes: Classes::default(),
            rules: HashMap::new(),
        }
    }

    /// The time of the request.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// One uniform number, 0 … 32767.
    pub(super) fn draw(&mut self) -> u16 {
        self.selector.draw()
    }

    /// The mirrors of a snapshot in classes for clients of a place and a way of access.
    pub(super) fn classes(
        &mut self,
        snapshot: &Snapshot,
        place: &Place,
        access: Access,
    ) -> Rc<ClassTable> {
        let kept = &mut self.classes;
        if kept.serial != snapshot.serial || kept.by_place.len() >= PLACES_MAX {
            *kept = Classes {
                serial: snapshot.serial,
                by_place: HashMap::new(),
            };
        }
        let key = (place.country, place.region, place.asn, access);
        let make = || Rc::new(snapshot.roster.classes(place, access));
        Rc::clone(kept.by_place.entry(key).or_insert_with(make))
    }

    /// The rules of a path with the web server's overrides; a bad override is logged and ignored.
    pub(super) fn overridden(
        &mut self,
        config: &SiteConfig,
        path: &[u8],
        overrides: &Overrides<'_>,
    ) -> Arc<Rules> {
        let raw = config.raw_rules(path);
        let key = (override_key(overrides), config.directory_of(path));
        if let Some(rules) = self.rules.get(&key) {
            return Arc::clone(rules);
        }
        let merged = merge_overrides(raw, overrides, &config.mirrorlist_parts);
        let rules = compile_rules(&merged).map(Arc::new);
        let rules = rules.unwrap_or_else(|(name, message)| {
            log::warn!("a parameter of the web server is ignored: {name}: {message}");
            Arc::clone(config.rules(path))
        });
        if self.rules.len() >= OVERRIDES_MAX {
            self.rules.clear();
        }
        self.rules.insert(key, Arc::clone(&rules));
        rules
    }
}

fn override_key(overrides: &Overrides<'_>) -> Vec<u8> {
    let mut key = Vec::new();
    for (name, value) in &overrides.0 {
        key.extend_from_slice(name.as_bytes());
        key.push(b'=');
        key.extend_from_slice(value);
        key.push(0);
    }
    key
}

fn is_on(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" | "yes" => Some(true),
        "off" | "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// Single values replace, lists (separated by commas) replace too: the parameter wins.
///
/// # Security
/// Parameters may come from an `.htaccess`. Files that they name lie in `parts`, the folder that
/// the configuration allows; documents that it switched off they do not switch on.
fn merge_overrides(raw: &RawRules, overrides: &Overrides<'_>, parts: &Path) -> RawRules {
    let mut merged = merge_rules(raw, &RawRules::default());
    for (name, value) in &overrides.0 {
        let text = String::from_utf8_lossy(value);
        let text = text.trim();
        let list = || -> Vec<String> {
            text.split(',')
                .map(|part| part.trim().to_owned())
                .filter(|p| !p.is_empty())
                .collect()
        };
        match *name {
            "engine" => merged.engine = is_on(text).or(merged.engine),
            "min_size" => merged.min_size = text.parse().ok().or(merged.min_size),
            "exclude_mime_types" => merged.exclude_mime_types = list(),
            "exclude_user_agents" => merged.exclude_user_agents = list(),
            "exclude_networks" => merged.exclude_networks = list(),
            "exclude_ips" => merged.exclude_ips = list(),
            "exclude_file_mask" => merged.exclude_file_mask = Some(text.to_owned()),
            "handle_head_locally" => {
                merged.handle_head_locally = is_on(text).or(merged.handle_head_locally);
            }
            "redirect_stamp_key" => merged.redirect_stamp_key = Some(text.to_owned()),
            "fallbacks" => merged.fallbacks = list().iter().filter_map(|t| fallback(t)).collect(),
            "fallback_when_ineligible" => {
                merged.fallback_when_ineligible = is_on(text).or(merged.fallback_when_ineligible);
            }
            "fallback_when_unknown" => {
                merged.fallback_when_unknown = is_on(text).or(merged.fallback_when_unknown);
            }
            "query" => merged.query = is_on(text).or(merged.query),
            "hashes_suppress_filenames" => {
                merged.hashes_suppress_filenames = is_on(text).or(merged.hashes_suppress_filenames);
            }
            "mirrorlist_style_sheet" => merged.mirrorlist_style_sheet = Some(text.to_owned()),
            "documents" if is_on(text) == Some(false) => merged.documents = Some(false),
            "mirrorlist_header" => {
                merged.mirrorlist_header = part(value, parts).or(merged.mirrorlist_header);
            }
            "mirrorlist_footer" => {
                merged.mirrorlist_footer = part(value, parts).or(merged.mirrorlist_footer);
            }
            "trackers" => merged.trackers = list(),
            "dht_nodes" => merged.dht_nodes = list(),
            "trackerless" => merged.trackerless = is_on(text).or(merged.trackerless),
            "metalink_magnet_links" => {
                merged.metalink_magnet_links = is_on(text).or(merged.metalink_magnet_links);
            }
            "https_to_http" => merged.https_to_http = Some(text.to_owned()),
            "prefer_http_for_http" => {
                merged.prefer_http_for_http = is_on(text).or(merged.prefer_http_for_http);
            }
            "metalink_torrent_add_mask" => {
                merged.metalink_torrent_add_mask = Some(text.to_owned());
            }
            "metalink.by_accept" => merged.metalink.by_accept_agents.insert(
                0,
                RawAcceptRule {
                    user_agent: "*".to_owned(),
                    by_accept: text.to_owned(),
                },
            ),
            "metalink.own_url" => merged.metalink.own_url = is_on(text).or(merged.metalink.own_url),
            "metalink.torrent" => merged.metalink.torrent = is_on(text).or(merged.metalink.torrent),
            "redirect_cache_control" => merged.redirect_cache_control = Some(text.to_owned()),
            _ => {}
        }
    }
    merged
}

/// The file of that name in the folder of parts; an empty name takes a part away.
fn part(value: &[u8], parts: &Path) -> Option<PathBuf> {
    let value = value.trim_ascii();
    if value.is_empty() {
        return Some(PathBuf::new());
    }
    let path = parts.join(OsStr::from_bytes(value));
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if parts.as_os_str().is_empty() || climbs || !path.starts_with(parts) {
        log::warn!(
            "a parameter of the web server names a file outside of mirrorlist_parts, which is \
             ignored; set mirrorlist_parts in [site.NAME] to its folder, or name the file in \
             heliostat.toml: file=\"{}\"",
            value.escape_ascii()
        );
        return None;
    }
    Some(path)
}

/// `eu de http://host/path/`, as in MirrorBrainFallback.
fn fallback(text: &str) -> Option<RawFallback> {
    let mut words = text.split_ascii_whitespace().map(str::to_owned);
    Some(RawFallback {
        region: words.next()?,
        country: words.next()?,
        url: words.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_replace_single_values_and_lists() {
        let raw = RawRules {
            min_size: Some(10),
            exclude_ips: vec!["10.0.0.1".into()],
            ..RawRules::default()
        };
        let overrides = Overrides(vec![
            ("min_size", b"0"),
            ("exclude_ips", b"10.0.0.2, 10.0.0.3"),
            ("handle_head_locally", b"On"),
            ("engine", b"perhaps"),
            ("fallbacks", b"eu de http://f/, na us http://g/"),
        ]);
        let merged = merge_overrides(&raw, &overrides, Path::new(""));
        assert_eq!(merged.min_size, Some(0));
        assert_eq!(merged.exclude_ips, ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(merged.handle_head_locally, Some(true));
        assert_eq!(merged.engine, None);
        assert_eq!(merged.fallbacks.len(), 2);
    }

    #[test]
    fn parameters_name_files_of_one_folder_alone() {
        let raw = RawRules {
            mirrorlist_header: Some("/etc/head".into()),
            documents: Some(false),
            ..RawRules::default()
        };
        let header = |value: &'static str, parts: &str| {
            let overrides = Overrides(vec![
                ("mirrorlist_header", value.as_bytes()),
                ("documents", b"on"),
            ]);
            let merged = merge_overrides(&raw, &overrides, Path::new(parts));
            assert_eq!(merged.documents, Some(false));
            merged.mirrorlist_header.expect("a header")
        };
        for (value, parts, expected) in [
            ("/etc/shadow", "", "/etc/head"),
            ("/etc/shadow", "/srv/parts", "/etc/head"),
            ("/srv/partsx/a", "/srv/parts", "/etc/head"),
            ("/srv/parts/../shadow", "/srv/parts", "/etc/head"),
            ("../shadow", "/srv/parts", "/etc/head"),
            ("/srv/parts/a.html", "/srv/parts", "/srv/parts/a.html"),
            ("a.html", "/srv/parts", "/srv/parts/a.html"),
            ("a.html", "", "/etc/head"),
            ("", "", ""),
        ] {
            assert_eq!(
                header(value, parts),
                Path::new(expected),
                "{value} in {parts}"
            );
        }
    }
}
