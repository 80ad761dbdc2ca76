//! Keeps what one worker uses from request to request: tree, database connection, caches.

use std::rc::Rc;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::source::{LiveSources, Sources};
use crate::config::SiteConfig;
use crate::domain::generation::MarkerLaw;
use crate::domain::key::ParameterScope;
use crate::domain::place::{Asn, CountryCode, Place, RegionCode};
use crate::domain::rule::Rules;
use crate::domain::select::set::MirrorSet;
use crate::domain::select::{Access, ClassTable, Selector};
use crate::domain::time::Timestamp;
use crate::http::Overrides;
use crate::snapshot::Snapshot;

/// Number of places whose classes are kept: a busy site sees some thousand pairs of country and
/// AS.
const PLACES_MAX: usize = 4096;

/// Number of groups whose holders are kept: some 50 MB for 400 mirrors would be 500,000 of them.
const GROUPS_MAX: usize = 20_000;

/// Files of a group: more take some milliseconds to read, and such a group does not count as one.
const GROUP_FILES_MAX: usize = 20_000;

/// Number of override sets whose rules are kept; a configuration has a handful.
const OVERRIDES_MAX: usize = 256;

/// Returns uniform random numbers from 0 to 32767.
pub type DrawFn = Box<dyn FnMut() -> u16>;

/// Returns the time of a request.
pub type RequestClock = Box<dyn Fn() -> Timestamp>;

/// One worker's resources for one site: tree, database connection, random numbers, and cached
/// results.
pub struct WorkerContext {
    /// The file tree and the database.
    pub sources: Box<dyn Sources>,
    clock: RequestClock,
    pub(super) selector: Selector<DrawFn>,
    classes: Classes,
    groups: Groups,
    rules: HashMap<(Vec<u8>, Option<usize>), Arc<Rules>>,
}

/// The classes of places, for one snapshot.
#[derive(Default)]
struct Classes {
    serial: u64,
    by_place: HashMap<PlaceKey, Rc<ClassTable>>,
}

/// The mirrors that have whole generations, for one snapshot; `None`: there is no such group.
#[derive(Default)]
struct Groups {
    serial: u64,
    holders: HashMap<(usize, Vec<u8>), Option<Rc<MirrorSet>>>,
}

type PlaceKey = (Option<CountryCode>, Option<RegionCode>, Option<Asn>, Access);

impl WorkerContext {
    /// Makes a context; tree and database are opened at the first request.
    pub fn new(config: &SiteConfig, draw: DrawFn, clock: RequestClock) -> WorkerContext {
        WorkerContext::with(Box::new(LiveSources::new(config)), draw, clock)
    }

    /// Makes a context over the given sources.
    pub fn with(sources: Box<dyn Sources>, draw: DrawFn, clock: RequestClock) -> WorkerContext {
        WorkerContext {
            sources,
            clock,
            selector: Selector::new(draw),
            classes: Classes::default(),
            groups: Groups::default(),
            rules: HashMap::new(),
        }
    }

    /// The time of the request.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// One uniform random number from 0 to 32767.
    pub(super) fn draw(&mut self) -> u16 {
        self.selector.draw()
    }

    /// Sorts the mirrors of a snapshot into classes for clients of one place and one kind of
    /// access.
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

    /// The mirrors that have all files of a group: the number of its rule, and its directory.
    /// `None` if there is no such group, or if it cannot be known who has it.
    pub(super) fn group_holders(
        &mut self,
        snapshot: &Snapshot,
        law: &MarkerLaw,
        (number, directory): (usize, &[u8]),
    ) -> Option<Rc<MirrorSet>> {
        let kept = &mut self.groups;
        if kept.serial != snapshot.serial || kept.holders.len() >= GROUPS_MAX {
            *kept = Groups {
                serial: snapshot.serial,
                holders: HashMap::new(),
            };
        }
        let key = (number, directory.to_vec());
        if let Some(known) = kept.holders.get(&key) {
            return known.clone();
        }
        let group = law.group(number)?;
        let (mut files, mut has_root) = (Vec::new(), false);
        for place in group.places(directory) {
            let below = self.sources.paths_below(snapshot, &place, GROUP_FILES_MAX);
            let below = below.ok()?;
            if below.len() >= GROUP_FILES_MAX {
                files.clear();
                has_root = false;
                break;
            }
            for (path, id) in below {
                has_root |= group.directory_of_root(&path) == Some(directory);
                if group.has(&path, directory) {
                    files.push(id);
                }
            }
        }
        let holders = has_root.then(|| Rc::new(snapshot.holders(&files)));
        self.groups.holders.insert(key, holders.clone());
        holders
    }

    /// The rules of a path with the web server's overrides. A bad override is logged and ignored.
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
        let scope = ParameterScope {
            files: &config.mirrorlist_parts,
        };
        let (merged, problems) = raw.overridden(&overrides.0, &scope);
        let rules = merged.compile().map(Arc::new);
        for problem in problems.iter().chain(rules.as_ref().err()) {
            log::warn!("a parameter of the web server is ignored: {problem}");
        }
        let rules = rules.unwrap_or_else(|_| Arc::clone(config.rules(path)));
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
