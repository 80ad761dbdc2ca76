//! Keeps what one worker uses from request to request: tree, database connection, caches.

use std::rc::Rc;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::source::{LiveSources, Sources};
use crate::config::SiteConfig;
use crate::domain::key::ParameterScope;
use crate::domain::place::{Asn, CountryCode, Place, RegionCode};
use crate::domain::rule::Rules;
use crate::domain::select::{Access, ClassTable, Selector};
use crate::domain::time::Timestamp;
use crate::http::Overrides;
use crate::snapshot::Snapshot;

/// Number of places whose classes are kept: a busy site sees some thousand pairs of country and
/// AS.
const PLACES_MAX: usize = 4096;

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
