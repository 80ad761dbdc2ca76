//! A site as the responder would see it, for decisions about requests of the past.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::line::LoggedRequest;
use crate::admin::error::AdminError;
use crate::config::SiteConfig;
use crate::db::DbError;
use crate::db::hash::{Digests, HashPart, HashSummary};
use crate::decide::{Decision, Depth, LiveSources, SiteState, Sources, WorkerContext, decide};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::mirror::name;
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::select::{Holdings, Reason, Roster};
use crate::domain::time::Timestamp;
use crate::geoip::GeoIp;
use crate::http::Request;
use crate::snapshot::{Loader, Snapshot, SnapshotChange};
use crate::tree::{Location, NamedLocation, TreeProblem};

/// A site at one moment, which all threads share.
pub(super) struct ReplayWorld {
    pub state: SiteState,
    /// The reasons why nobody can be sent to a mirror. Absent if somebody can.
    unusable: Vec<Option<Reason>>,
    by_name: HashMap<String, usize>,
    /// Whether the catalogue stands for the tree; if not, files are looked at in the tree.
    trusts_catalogue: bool,
}

impl ReplayWorld {
    /// Loads a site, without the named mirrors.
    ///
    /// # Errors
    /// Returns [`AdminError::Db`] if the database cannot be read, and [`AdminError::Lookup`] if
    /// there is no such mirror.
    pub(super) fn load(
        config: &Arc<SiteConfig>,
        without: &[String],
        trusts_catalogue: bool,
    ) -> Result<ReplayWorld, AdminError> {
        let path = config.database.clone();
        let loaded = Loader::new(&config.database)
            .naming(&config.repositories)
            .poll()?;
        let SnapshotChange::New(snapshot) = loaded else {
            return Err(DbError::Missing { path }.into());
        };
        let mut snapshot = Arc::into_inner(snapshot).ok_or(DbError::Missing { path })?;
        leave_out(&mut snapshot, without)?;
        let roster = &snapshot.roster;
        let mut unusable = vec![None; roster.mirrors().len()];
        for (mirror, reason) in roster.unusable() {
            unusable[*mirror] = Some(*reason);
        }
        let names = roster.mirrors().iter().enumerate();
        let by_name = names.map(|(place, mirror)| (mirror.identifier.clone(), place));
        Ok(ReplayWorld {
            by_name: by_name.collect(),
            unusable,
            trusts_catalogue: trusts_catalogue || config.origin.is_some(),
            state: SiteState {
                config: Arc::clone(config),
                snapshot: Some(Arc::new(snapshot)),
                geoip: Arc::new(GeoIp::open(&config.geoip)),
                // The time of a document plays no role: no document is sent.
                changed_at: Timestamp(0),
            },
        })
    }

    /// The mirrors of the site.
    pub(super) fn roster(&self) -> Option<&Roster> {
        let snapshot = self.state.snapshot.as_deref();
        snapshot.map(|snapshot| &snapshot.roster)
    }

    /// Says why a mirror that the log names is not the first one of the decision.
    pub(super) fn why_not(&self, logged: &[u8], decision: &Decision<'_>) -> &'static str {
        let name = std::str::from_utf8(logged).unwrap_or_default();
        if decision.choices().iter().any(|choice| choice.name == name) {
            return "another-candidate";
        }
        let (Some(place), Some(snapshot)) = (self.by_name.get(name), &self.state.snapshot) else {
            return "no-such-mirror";
        };
        if let Some(reason) = self.unusable.get(*place).copied().flatten() {
            return reason.code();
        }
        let file = decision.file.as_ref();
        let known = file.and_then(|file| snapshot.find(file.path.as_bytes()));
        let Some(known) = known else {
            return "not-catalogued";
        };
        let holdings = snapshot.holdings(known.id);
        match holdings.word(place / 64) >> (place % 64) & 1 {
            0 => holdings.why_not(*place).code(),
            _ => "less-suitable",
        }
    }
}

/// Switches mirrors off in memory.
fn leave_out(snapshot: &mut Snapshot, without: &[String]) -> Result<(), AdminError> {
    if without.is_empty() {
        return Ok(());
    }
    let mut mirrors = snapshot.roster.mirrors().to_vec();
    let names: Vec<String> = mirrors.iter().map(|m| m.identifier.clone()).collect();
    for wanted in without {
        let found = name::find(&names, wanted)?;
        for mirror in mirrors.iter_mut().filter(|m| m.identifier == *found) {
            mirror.enabled = false;
        }
    }
    snapshot.roster = Roster::new(mirrors);
    Ok(())
}

/// One thread's decisions about one world.
pub(super) struct Decider<'w> {
    pub world: &'w ReplayWorld,
    context: WorkerContext,
    clock: Rc<Cell<Timestamp>>,
    generator: Rc<RefCell<fastrand::Rng>>,
    names_digests: Rc<Cell<bool>>,
}

impl<'w> Decider<'w> {
    pub(super) fn new(world: &'w ReplayWorld) -> Decider<'w> {
        let config = &world.state.config;
        let names_digests = Rc::new(Cell::new(false));
        let catalogue = world.state.snapshot.clone();
        let sources = ReplaySources {
            live: LiveSources::new(config),
            names_digests: Rc::clone(&names_digests),
            catalogue: catalogue.filter(|_| world.trusts_catalogue),
        };
        let generator = Rc::new(RefCell::new(fastrand::Rng::with_seed(0)));
        let clock = Rc::new(Cell::new(Timestamp(0)));
        let (drawn, told) = (Rc::clone(&generator), Rc::clone(&clock));
        let draw = Box::new(move || drawn.borrow_mut().u16(..=0x7fff));
        let now = Box::new(move || told.get());
        Decider {
            world,
            context: WorkerContext::with(Box::new(sources), draw, now),
            clock,
            generator,
            names_digests,
        }
    }

    /// Decides a request as the responder would have at the time of its line. The same `seed` draws
    /// the same numbers, so that two worlds differ by what is different in them, not by chance.
    pub(super) fn decide(
        &mut self,
        logged: &LoggedRequest,
        parameters: &[(Vec<u8>, Vec<u8>)],
        seed: u64,
    ) -> Decision<'w> {
        if let Some(at) = logged.at {
            self.clock.set(at);
        }
        self.generator.borrow_mut().seed(seed);
        let is_document = Representation::split_suffix(&logged.path).is_some();
        self.names_digests
            .set(is_document || !logged.query.is_empty());
        let own = [
            ("REQUEST_METHOD", &logged.method),
            ("SCRIPT_NAME", &logged.path),
            ("REQUEST_URI", &logged.uri),
            ("QUERY_STRING", &logged.query),
            ("REMOTE_ADDR", &logged.address),
            ("HTTP_USER_AGENT", &logged.user_agent),
            ("HTTP_ACCEPT", &logged.accept),
        ];
        let own = own.map(|(name, value)| (name.as_bytes(), &value[..]));
        let told = parameters.iter();
        let told = told.map(|(name, value)| (name.as_slice(), value.as_slice()));
        let request = Request::from_parameters(own.into_iter().chain(told));
        decide(
            &self.world.state,
            &mut self.context,
            &request,
            Depth::Redirect,
        )
    }
}

/// The tree and the database of the site, without parts that change no decision.
struct ReplaySources {
    live: LiveSources,
    /// Whether the request may be one for a document; digests in the fields of a redirect change
    /// nothing.
    names_digests: Rc<Cell<bool>>,
    /// The catalogue, if it stands for the tree.
    catalogue: Option<Arc<Snapshot>>,
}

impl Sources for ReplaySources {
    fn named(&mut self, file: &[u8]) -> NamedLocation {
        self.live.named(file)
    }

    fn locate(&mut self, path: &FilePath, catalogued: Option<FileVersion>) -> Location {
        let Some(catalogue) = &self.catalogue else {
            return self.live.locate(path, catalogued);
        };
        match catalogue.find(path.as_bytes()) {
            Some(file) => Location::File {
                path: path.clone(),
                // An imported file has no version yet; no rule should take it for small.
                version: file.version.unwrap_or(FileVersion {
                    size: i64::MAX as u64,
                    mtime: 0,
                }),
            },
            None => Location::Missing,
        }
    }

    fn directory(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>, TreeProblem> {
        match self.catalogue {
            Some(_) => Ok(Some(path.to_vec())),
            None => self.live.directory(path),
        }
    }

    fn digests(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<Digests>, DbError> {
        match self.names_digests.get() {
            true => self.live.digests(snapshot, id, version),
            false => Ok(None),
        }
    }

    fn hash_summary(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<HashSummary>, DbError> {
        self.live.hash_summary(snapshot, id, version)
    }

    fn short(
        &mut self,
        snapshot: &Snapshot,
        wanted: (FileId, HashPart),
        out: &mut Vec<u8>,
    ) -> Result<(), DbError> {
        self.live.short(snapshot, wanted, out)
    }

    fn files_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<FileId>, DbError> {
        self.live.files_below(snapshot, directory, limit)
    }

    fn written_at(&mut self) -> Option<Timestamp> {
        self.live.written_at()
    }

    fn paths_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, FileId)>, DbError> {
        self.live.paths_below(snapshot, directory, limit)
    }

    fn end_read(&mut self) {
        self.live.end_read();
    }
}
