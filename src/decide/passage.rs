//! Holds a request during the checks, with the steps that several checks share.
//!
//! The checks are in [`super::order`] (which answer), and in [`super::redirect`],
//! [`super::document`], [`super::list`] and [`super::yum`] (one kind of answer each).

use super::client::Client;
use super::context::WorkerContext;
use super::decision::{Choice, DecidedFile, Decision, LocalReason};
use super::question::ClientWishes;
use super::select::{self, Choices, Extent, MirrorQuestion};
use super::site::SiteState;
use super::taken::TakenVersions;
use crate::domain::cache::TTL_DEFAULT_S;
use crate::domain::document::info_dictionary;
use crate::domain::file::CatalogueFile;
use crate::domain::hash::Digests;
use crate::domain::mirror::MirrorId;
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::select::{CacheFile, Reason};
use crate::domain::time::Timestamp;
use crate::domain::trace::is_ours;
use crate::http::{Query, Request};
use crate::snapshot::Snapshot;
use crate::tree::Location;

/// How many mirrors are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As many as a redirect needs: the choice and those named in Link fields.
    Redirect,
    /// All mirrors, with their probability or reason.
    Full,
}

impl Depth {
    /// The number of evaluated mirrors for an answer that names `named` of them.
    pub(super) fn extent(self, named: Extent) -> Extent {
        match self {
            Depth::Redirect => named,
            Depth::Full => Extent::Explained,
        }
    }
}

/// A request during the checks.
pub(super) struct RequestPass<'r, 's> {
    pub(super) state: &'s SiteState,
    pub(super) request: &'r Request<'r>,
    pub(super) query: Query,
    pub(super) depth: Depth,
    /// Which versions of a file are as good as the last one, and on which mirrors.
    pub(super) takes: TakenVersions,
    pub(super) decision: Decision<'s>,
    /// Whether https URLs alone are wanted.
    pub(super) is_https_wanted: bool,
    /// The wishes of the client about mirrors.
    pub(super) wishes: Option<Box<ClientWishes>>,
}

/// Mirrors or fallbacks for a file and a client; at least one.
pub(super) struct EligibleMirrors<'s> {
    pub(super) choices: Vec<Choice<'s>>,
    pub(super) excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// The file's entry in the catalogue, if it has one.
    pub(super) known: Option<(&'s Snapshot, CatalogueFile)>,
}

impl<'s> RequestPass<'_, 's> {
    pub(super) fn locate(&self, context: &mut WorkerContext, path: &FilePath) -> Location {
        let snapshot = self.state.snapshot.as_deref();
        let catalogued = snapshot.and_then(|snapshot| snapshot.find(path.as_bytes())?.version);
        context.sources.locate(path, catalogued)
    }

    /// The document whose suffix the web server took from the URL.
    pub(super) fn asked_by_parameter(&self) -> Option<Representation> {
        let document = self.request.document;
        Representation::DOCUMENTS
            .into_iter()
            .find(|known| known.as_str().as_bytes() == document)
    }

    /// The last known word in MirrorBrain's order of tests (behaviour §1.1, step 6).
    pub(super) fn asked_by_query(&self) -> Representation {
        if self.query.is_empty() {
            return Representation::File;
        }
        let asked = Representation::DOCUMENTS
            .into_iter()
            .rev()
            .find(|r| self.query.has(r.as_str()));
        asked.unwrap_or(Representation::File)
    }

    /// Finds mirrors, or else fallbacks, for the client.
    ///
    /// # Errors
    /// Returns the reason if there are none.
    pub(super) fn find(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
        extent: Extent,
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        let (client, file) = wanted;
        let Some(snapshot) = self.state.snapshot.as_deref() else {
            return self.fall_back_blindly(context, client, LocalReason::DatabaseUnavailable);
        };
        let path = file.path.as_bytes();
        let Some(known) = snapshot.find(path) else {
            // These files of ours are not mirrored; a mirror's file of that name is its own.
            if is_ours(path) {
                return Err(LocalReason::NotCatalogued);
            }
            self.decision.no_mirror = true;
            return self.fall_back_blindly(context, client, LocalReason::NotCatalogued);
        };
        if let Some(catalogued) = known.other_than(file.version) {
            return Err(LocalReason::Changed { catalogued });
        }
        self.choose(context, snapshot, client, (known, file, extent))
    }

    fn choose(
        &mut self,
        context: &mut WorkerContext,
        snapshot: &'s Snapshot,
        client: &Client,
        wanted: (CatalogueFile, &DecidedFile, Extent),
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        let (known, file, mut extent) = wanted;
        if self.wishes.is_some() && extent == Extent::Best {
            extent = Extent::AllDrawn;
        }
        let wanted = MirrorQuestion {
            holdings: &snapshot
                .holdings(known.id)
                .or_earlier(&self.takes.earlier)
                .within(self.takes.within.as_deref()),
            path: file.path.as_bytes(),
            size: file.version.size,
            cached: self.cached(context, snapshot, (known, file)),
            extent,
            rules: &self.decision.rules,
        };
        let Choices {
            mut choices,
            rows_found,
            mut excluded,
        } = select::mirrors(self.state, snapshot, context, client, &wanted);
        if self.obey(&snapshot.roster, &mut choices, &mut excluded) {
            return Err(self.nobody(true, &excluded));
        }
        if choices.is_empty() {
            let reason = self.nobody(rows_found, &excluded);
            if rows_found && !self.decision.rules.fallback_when_ineligible {
                return Err(reason);
            }
            if self.is_unsettled(context.now(), snapshot, (known, file)) {
                return Err(reason);
            }
            let found = self.fall_back(context, client, reason)?;
            return Ok(EligibleMirrors {
                choices: found.choices,
                excluded,
                known: Some((snapshot, known)),
            });
        }
        Ok(EligibleMirrors {
            choices,
            excluded,
            known: Some((snapshot, known)),
        })
    }

    /// Records that no mirror may serve the client, and returns the reason.
    pub(super) fn nobody(
        &mut self,
        some_have_it: bool,
        excluded: &[(MirrorId, &str, Reason)],
    ) -> LocalReason {
        self.decision.no_mirror = true;
        let owned = excluded.iter();
        let owned = owned.map(|(id, name, why)| (*id, (*name).to_owned(), *why));
        LocalReason::NoMirror {
            some_have_it,
            excluded: owned.collect(),
        }
    }

    /// The properties of the file on which caches depend; `None` if the site has no caches.
    fn cached<'f>(
        &self,
        context: &WorkerContext,
        snapshot: &Snapshot,
        (known, file): (CatalogueFile, &'f DecidedFile),
    ) -> Option<CacheFile<'f>> {
        if snapshot.roster.caches().is_empty() {
            return None;
        }
        let path = file.path.as_bytes();
        // A link may lead to another file tomorrow.
        let requested = self.decision.requested.as_ref();
        let is_link = requested.is_some_and(|requested| requested != &file.path);
        Some(CacheFile {
            path,
            is_mutable: is_link || self.state.config.is_mutable(path),
            is_version_known: known.version.is_some(),
            seen_at: snapshot.seen_at(known.id),
            is_signed: self.decision.rules.redirect_stamp_key.is_some(),
            now: context.now(),
        })
    }

    /// Whether fallbacks may not have this version of a file yet: its content changes under its
    /// name, or it is as new as pull-through caches would not get it. They get it nevertheless if
    /// the admin wants this (`fallback_when_unknown`).
    fn is_unsettled(
        &self,
        now: Timestamp,
        snapshot: &Snapshot,
        (known, file): (CatalogueFile, &DecidedFile),
    ) -> bool {
        let is_new = |at: i64| now.0 < at.saturating_add(TTL_DEFAULT_S);
        // The first run of the index sees old files, too.
        let is_new =
            is_new(file.version.mtime) && snapshot.seen_at(known.id).is_some_and(|at| is_new(at.0));
        let is_mutable = self.state.config.is_mutable(file.path.as_bytes());
        !self.decision.rules.fallback_when_unknown && (is_new || is_mutable)
    }

    /// Fallbacks for a file of which nothing is known, if the admin wants this
    /// (`fallback_when_unknown`): they may not have the file, and the web server has it.
    ///
    /// # Errors
    /// Returns the given reason if there are none.
    pub(super) fn fall_back_blindly(
        &self,
        context: &mut WorkerContext,
        client: &Client,
        reason: LocalReason,
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        match self.decision.rules.fallback_when_unknown {
            true => self.fall_back(context, client, reason),
            false => Err(reason),
        }
    }

    /// Fallbacks if there are any for this client.
    ///
    /// # Errors
    /// Returns the given reason if there are none.
    pub(super) fn fall_back(
        &self,
        context: &mut WorkerContext,
        client: &Client,
        reason: LocalReason,
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        let draw = || context.draw();
        let choices = select::fallbacks(&self.decision.rules, client, draw);
        if choices.is_empty() {
            return Err(reason);
        }
        Ok(EligibleMirrors {
            choices,
            excluded: Vec::new(),
            known: None,
        })
    }
}

/// Whether all digests of an info dictionary and its hash are known.
pub(super) fn has_info(digests: &Digests, version: info_dictionary::TorrentVersion) -> bool {
    let has = |digest: &Option<Vec<u8>>, bytes| {
        digest.as_ref().is_some_and(|digest| digest.len() == bytes)
    };
    digests.info_hash(version).is_some()
        && has(&digests.md5, 16)
        && has(&digests.sha1, 20)
        && has(&digests.sha256, 32)
}
