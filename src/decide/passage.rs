//! The checks in their order.

use crate::domain::document::info_dictionary;
use std::sync::Arc;

use super::client::Client;
use super::context::WorkerContext;
use super::decision::{
    Choice, DecidedFile, Decision, LocalReason, MissingReason, Outcome, OwnUrl, Redirect, StampKey,
    Unavailable,
};
use super::mapping::Mapping;
use super::select;
use super::select::{Choices, Extent, MirrorQuestion};
use super::site::SiteState;
use crate::domain::file::{CatalogueFile, FileId};
use crate::domain::hash::Digests;
use crate::domain::mirror::MirrorId;
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::rule::{ExclusionSubject, Rules};
use crate::domain::select::{CacheFile, FillSigns, Reason, is_fill};
use crate::domain::trace::is_ours;
use crate::domain::url::EncodedPath;
use crate::http::{Method, Query, Request};
use crate::snapshot::Snapshot;
use crate::tree::{Located, TreeProblem};

/// How much is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What a redirect needs: the choice and as many mirrors as are named in Link fields.
    Redirect,
    /// Every mirror, with probability or reason.
    Full,
}

/// Bytes of a redirect's header fields beside `Location`, `Link`, digests and the value of
/// `Cache-Control`: their names, a mirror's of 64 bytes, an IPv6 network, and all log fields.
const HEAD_REST_BYTES: usize = 576;
/// `?time=EPOCH&stamp=MD5HEX`
const STAMP_BYTES_MAX: usize = 56;
/// `%XX`
const ENCODED_BYTES_MAX: usize = 3;

/// A request on its way through the checks.
pub(super) struct RequestPass<'r, 's> {
    pub(super) state: &'s SiteState,
    pub(super) rules: &'s Rules,
    pub(super) request: &'r Request<'r>,
    pub(super) query: Query,
    pub(super) depth: Depth,
    pub(super) decision: Decision<'s>,
}

/// Mirrors or fallbacks for a file and a client; never none.
pub(super) struct EligibleMirrors<'s> {
    pub(super) choices: Vec<Choice<'s>>,
    pub(super) excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// The file, where the catalogue knows it.
    pub(super) known: Option<(&'s Snapshot, CatalogueFile)>,
}

/// Decides one request.
///
/// `rules` is a place that outlives the decision for rules which parameters of the web server
/// override.
pub fn decide<'s>(
    state: &'s SiteState,
    context: &mut WorkerContext,
    request: &Request<'_>,
    depth: Depth,
    rules: &'s mut Option<Arc<Rules>>,
) -> Decision<'s> {
    let mut decision = Decision {
        outcome: Outcome::Missing(MissingReason::NotInTree),
        want: Representation::File,
        is_negotiated: false,
        vary: "",
        requested: None,
        own: OwnUrl::Asked { suffix: 0 },
        file: None,
        client: None,
        no_mirror: false,
    };
    let mapping = Mapping::of(state, context, request);
    let requested = match &mapping {
        Mapping::Tree | Mapping::Outside { .. } | Mapping::Unknown(_) => None,
        Mapping::Below(path) => Some(path.clone()),
        Mapping::Nowhere => return decision,
    };
    decision.requested.clone_from(&requested);
    let path = requested.as_ref().map_or(&b""[..], FilePath::as_bytes);
    let rules: &'s Rules = if request.overrides.0.is_empty() {
        state.config.rules(path)
    } else {
        rules.insert(context.overridden(&state.config, path, &request.overrides))
    };
    let query = if rules.query {
        Query::parse(request.query_string)
    } else {
        Query::default()
    };
    let mut passage = RequestPass {
        state,
        rules,
        request,
        query,
        depth,
        decision,
    };
    passage.decision.outcome = match mapping {
        Mapping::Outside { exists } => passage.outside(exists),
        Mapping::Unknown(problem) => passage.unknown_place(problem),
        _ => passage.run(context, requested.as_ref()),
    };
    passage.decision
}

/// A database that fails now has answered a moment ago; a redirect needs no digests.
fn digests(
    context: &mut WorkerContext,
    snapshot: &Snapshot,
    id: FileId,
    file: &DecidedFile,
) -> Option<Digests> {
    if !snapshot.has_hashes {
        return None;
    }
    let found = context.lookup.digests(snapshot, id, file.version);
    found.unwrap_or_default()
}

/// For a URL that can name a directory alone.
fn no_file<'s>(located: Located) -> Outcome<'s> {
    match located {
        Located::Unknown(problem) => Outcome::Unavailable(Unavailable::Tree(problem)),
        Located::Directory => Outcome::Missing(MissingReason::Directory),
        _ => Outcome::Missing(MissingReason::NoFile),
    }
}

impl<'s> RequestPass<'_, 's> {
    /// What other methods than GET and HEAD are answered.
    fn other_method(&self) -> Option<Outcome<'s>> {
        match self.request.method {
            Method::Get | Method::Head => None,
            Method::Options => Some(Outcome::Options),
            Method::Post | Method::Other => Some(Outcome::MethodNotAllowed),
        }
    }

    /// For what the web server found outside the tree: the file is its own, and has no documents.
    fn outside(&mut self, exists: bool) -> Outcome<'s> {
        if let Some(outcome) = self.other_method() {
            return outcome;
        }
        let by_suffix = Representation::split_suffix(self.request.file).filter(|_| !exists);
        let by_query = Some(self.asked_by_query()).filter(|asked| *asked != Representation::File);
        let by_name = self
            .asked_by_parameter()
            .or(by_suffix.map(|(_, document)| document));
        match by_query.or(by_name) {
            None => Outcome::Local(LocalReason::OutsideTree),
            Some(document) => Outcome::Missing(MissingReason::NoDocument(document)),
        }
    }

    /// For a name that the file system does not let us follow to the tree.
    fn unknown_place(&mut self, problem: TreeProblem) -> Outcome<'s> {
        let is_document = self.is_document_name() || !self.request.document.is_empty();
        match (self.other_method(), self.asked_by_query()) {
            (Some(outcome), _) => outcome,
            (None, Representation::File) if !is_document => {
                Outcome::Local(LocalReason::TreeUnknown(problem))
            }
            _ => Outcome::Unavailable(Unavailable::Tree(problem)),
        }
    }

    fn run(&mut self, context: &mut WorkerContext, path: Option<&FilePath>) -> Outcome<'s> {
        if let Some(outcome) = self.other_method() {
            return outcome;
        }
        if self.rules.engine
            && let Some(outcome) = self.repository(context)
        {
            return outcome;
        }
        let Some(path) = path else {
            return self.directory(context, None);
        };
        if let Some(outcome) = self.directory_index(context, path) {
            return outcome;
        }
        if self.request.names_directory() {
            return self.directory(context, Some(path));
        }
        if !self.rules.engine {
            return self.local_if_file(context, path, LocalReason::EngineOff);
        }
        let mut asked = self.asked();
        let located = match self.locate(context, path) {
            Located::Unknown(problem) => return self.unknown(path, asked, problem),
            Located::Directory => return self.directory(context, Some(path)),
            Located::Missing => match self.document_of(context, path) {
                Some((Located::Directory, _)) => {
                    let directory = self.decision.requested.clone();
                    return self.directory_list(context, directory.as_ref());
                }
                Some((Located::Unknown(problem), _)) => {
                    return Outcome::Unavailable(Unavailable::Tree(problem));
                }
                Some((located, document)) => {
                    asked = document;
                    located
                }
                None => return self.no_file(asked),
            },
            located => located,
        };
        let is_file = asked == Representation::File || self.decision.is_negotiated;
        let Located::File {
            path: real,
            version,
        } = located
        else {
            return if is_file {
                Outcome::Local(LocalReason::OutsideTree)
            } else {
                Outcome::Missing(MissingReason::NoDocument(asked))
            };
        };
        let file = DecidedFile {
            path: real,
            version,
        };
        self.decision.file = Some(file.clone());
        let is_head = self.request.method == Method::Head;
        if is_head && is_file && self.rules.handle_head_locally {
            return Outcome::Local(LocalReason::HeadLocally);
        }
        self.answer(context, &file, asked)
    }

    /// For a path that the file system tells nothing of. The web server, another user, serves what
    /// must be the file; what may be a document about one is asked for again later.
    fn unknown(&self, path: &FilePath, asked: Representation, problem: TreeProblem) -> Outcome<'s> {
        let is_file = asked == Representation::File || self.decision.is_negotiated;
        if is_file && Representation::split_suffix(path.as_bytes()).is_none() {
            Outcome::Local(LocalReason::TreeUnknown(problem))
        } else {
            Outcome::Unavailable(Unavailable::Tree(problem))
        }
    }

    /// The page of a directory, which the web server found for the directory's URL. It is none to
    /// redirect: what it links to is beside it.
    fn directory_index(
        &mut self,
        context: &mut WorkerContext,
        path: &FilePath,
    ) -> Option<Outcome<'s>> {
        if !self.request.is_directory_index() || self.asked_by_query() != Representation::File {
            return None;
        }
        let Located::File { path, version } = self.locate(context, path) else {
            return None;
        };
        self.decision.file = Some(DecidedFile { path, version });
        Some(Outcome::Local(LocalReason::DirectoryIndex))
    }

    /// For a file that is not there. What the web server says is a file is never missing: it asks
    /// about names without a file only where a document or a list can be meant.
    fn no_file(&self, asked: Representation) -> Outcome<'s> {
        let is_file = asked == Representation::File || self.decision.is_negotiated;
        let may_be_list = !self.query.is_empty() || !self.request.document.is_empty();
        if self.request.file.is_empty() || !is_file || may_be_list || self.is_document_name() {
            return Outcome::Missing(MissingReason::NoFile);
        }
        Outcome::Local(LocalReason::Unseen)
    }

    fn is_document_name(&self) -> bool {
        Representation::split_suffix(self.request.file).is_some()
    }

    /// For a URL that names a directory: the list of its mirrors, or nothing of ours.
    fn directory(&mut self, context: &mut WorkerContext, path: Option<&FilePath>) -> Outcome<'s> {
        if self.rules.engine && self.asked_by_query() == Representation::Mirrorlist {
            return self.directory_list(context, path);
        }
        match path {
            Some(path) => no_file(context.tree.locate(path, None)),
            None => Outcome::Missing(MissingReason::NotInTree),
        }
    }

    pub(super) fn answer(
        &mut self,
        context: &mut WorkerContext,
        file: &DecidedFile,
        asked: Representation,
    ) -> Outcome<'s> {
        let mut client = Client::of(self.request, &self.state.geoip);
        let stands_for_file = asked == Representation::File || self.decision.is_negotiated;
        if stands_for_file && let Some(outcome) = self.excluded(&client, file) {
            return outcome;
        }
        if stands_for_file && self.is_fill(&client) {
            self.decision.want = Representation::File;
            self.decision.is_negotiated = false;
            return Outcome::Local(LocalReason::CacheFill);
        }
        client.pretend(&self.query);
        self.decision.client = Some(client);
        if asked == Representation::File {
            self.redirect(context, &client, file)
        } else {
            self.document(context, (&client, file), asked)
        }
    }

    pub(super) fn locate(&self, context: &mut WorkerContext, path: &FilePath) -> Located {
        let snapshot = self.state.snapshot.as_deref();
        let catalogued = snapshot.and_then(|snapshot| snapshot.find(path.as_bytes())?.version);
        context.tree.locate(path, catalogued)
    }

    /// By query, else by `Accept` (behaviour §1.1, steps 6 and 8).
    fn asked(&mut self) -> Representation {
        if let Some(document) = self.asked_by_parameter() {
            self.decision.want = document;
            return document;
        }
        let asked = self.asked_by_query();
        if asked != Representation::File || !self.rules.documents {
            return asked;
        }
        let rules = &self.rules.metalink;
        let agent = self.request.user_agent;
        let (negotiated, vary) = rules.negotiated(self.request.accept, agent);
        self.decision.vary = vary;
        let Some(negotiated) = negotiated else {
            return asked;
        };
        self.decision.want = negotiated;
        self.decision.is_negotiated = true;
        negotiated
    }

    /// The document whose suffix the web server took from the URL.
    fn asked_by_parameter(&self) -> Option<Representation> {
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

    /// A name that does not exist may be an existing one with a document's suffix.
    fn document_of(
        &mut self,
        context: &mut WorkerContext,
        path: &FilePath,
    ) -> Option<(Located, Representation)> {
        let (name, document) = Representation::split_suffix(path.as_bytes())?;
        let suffix = path.as_bytes().len() - name.len();
        let name = FilePath::parse(name).ok()?;
        let located = self.locate(context, &name);
        let is_file = matches!(
            located,
            Located::File { .. } | Located::Outside | Located::Unknown(_)
        );
        let has_list = located == Located::Directory && document == Representation::Mirrorlist;
        if !is_file && !has_list {
            return None;
        }
        self.decision.want = document;
        self.decision.is_negotiated = false;
        self.decision.requested = Some(name);
        self.decision.own = OwnUrl::Asked { suffix };
        Some((located, document))
    }

    /// Serves a file without looking at mirrors; what is none is not served.
    fn local_if_file(
        &mut self,
        context: &mut WorkerContext,
        path: &FilePath,
        reason: LocalReason,
    ) -> Outcome<'s> {
        match self.locate(context, path) {
            Located::File { path, version } => {
                self.decision.file = Some(DecidedFile { path, version });
                Outcome::Local(reason)
            }
            Located::Outside => Outcome::Local(reason),
            Located::Directory => Outcome::Missing(MissingReason::Directory),
            Located::Missing => Outcome::Missing(MissingReason::NoFile),
            Located::Unknown(problem) => Outcome::Local(LocalReason::TreeUnknown(problem)),
        }
    }

    fn redirect(
        &mut self,
        context: &mut WorkerContext,
        client: &Client,
        file: &DecidedFile,
    ) -> Outcome<'s> {
        let extent = match self.depth {
            Depth::Redirect => Extent::Best,
            Depth::Full => Extent::Explained,
        };
        let found = match self.find(context, (client, file), extent) {
            Ok(found) => found,
            Err(reason) => return Outcome::Local(reason),
        };
        if self.is_too_long(&found.choices, file) {
            return Outcome::Local(LocalReason::LocationTooLong);
        }
        let digests = found
            .known
            .and_then(|(snapshot, known)| digests(context, snapshot, known.id, file));
        let version = self.state.config.torrent_version;
        let has_info = |digests: &Digests| has_info(digests, version);
        Outcome::Redirect(Redirect {
            choices: found.choices,
            excluded: found.excluded,
            has_documents: self.rules.documents,
            has_torrent: self.rules.has_torrents() && digests.as_ref().is_some_and(has_info),
            digests,
            stamp_key: self.stamp_key(),
            cache_control: &self.rules.redirect_cache_control,
        })
    }

    /// Whether the best one's URL leaves no room for the other fields of a redirect: a proxy in
    /// front would answer 502.
    fn is_too_long(&self, choices: &[Choice<'_>], file: &DecidedFile) -> bool {
        let Some(best) = choices.first() else {
            return false;
        };
        let others = HEAD_REST_BYTES + self.rules.redirect_cache_control.len();
        let room = self.state.config.head_bytes_max.saturating_sub(others);
        let base_bytes = best.base_url.as_str().len() + STAMP_BYTES_MAX;
        let path = file.path.as_bytes();
        // Most names are short enough whatever is in them.
        base_bytes + ENCODED_BYTES_MAX * path.len() > room && {
            let encoded = EncodedPath::new(path, std::iter::once(best.base_url));
            let mut url = Vec::with_capacity(ENCODED_BYTES_MAX * path.len());
            best.base_url.file_url_into(&mut url, &encoded);
            url.len() + STAMP_BYTES_MAX > room
        }
    }

    /// Mirrors or fallbacks.
    ///
    /// # Errors
    /// There is nobody to send the client to.
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
        match snapshot.find(file.path.as_bytes()) {
            // No mirror has these of us, whatever its own say.
            None if is_ours(file.path.as_bytes()) => Err(LocalReason::NotCatalogued),
            None => {
                self.decision.no_mirror = true;
                self.fall_back_blindly(context, client, LocalReason::NotCatalogued)
            }
            Some(known) => match known.version {
                Some(catalogued) if catalogued != file.version => {
                    Err(LocalReason::Changed { catalogued })
                }
                _ => {
                    let wanted = (known, file, extent);
                    self.choose(context, snapshot, client, wanted)
                }
            },
        }
    }

    fn excluded(&self, client: &Client, file: &DecidedFile) -> Option<Outcome<'s>> {
        let url_path = self.request.url_path();
        let requested = self.decision.requested.as_ref();
        let name = requested.map_or(&url_path[..], FilePath::as_bytes);
        let mime_type = if self.rules.exclude_mime_types.is_empty() {
            b""
        } else if self.request.mime_type.is_empty() {
            self.state.config.mime_types.of(name).as_bytes()
        } else {
            self.request.mime_type
        };
        // `?fakefile`, MirrorBrain's aid for tests, skips the test of the size alone.
        let size = if self.query.has("fakefile") {
            u64::MAX
        } else {
            file.version.size
        };
        let candidate = ExclusionSubject {
            size,
            url_path: &url_path,
            mime_type,
            ip: client.ip,
            user_agent: self.request.user_agent,
        };
        self.rules
            .exclusion(&candidate)
            .map(|e| Outcome::Local(LocalReason::Excluded(e)))
    }

    fn choose(
        &mut self,
        context: &mut WorkerContext,
        snapshot: &'s Snapshot,
        client: &Client,
        wanted: (CatalogueFile, &DecidedFile, Extent),
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        let (known, file, extent) = wanted;
        let wanted = MirrorQuestion {
            holdings: &snapshot.holdings(known.id),
            size: file.version.size,
            cached: self.cached(context, snapshot, (known, file)),
            extent,
            rules: self.rules,
        };
        let Choices {
            choices,
            rows_found,
            excluded,
        } = select::mirrors(&self.state.config, snapshot, context, client, &wanted);
        if choices.is_empty() {
            self.decision.no_mirror = true;
            let owned = excluded
                .iter()
                .map(|(id, name, why)| (*id, (*name).to_owned(), *why))
                .collect();
            let reason = LocalReason::NoMirror {
                some_have_it: rows_found,
                excluded: owned,
            };
            if rows_found && !self.rules.fallback_when_ineligible {
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

    /// What caches are asked about, where there are any.
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
        // A name that is a link may lead elsewhere tomorrow.
        let requested = self.decision.requested.as_ref();
        let is_link = requested.is_some_and(|requested| requested != &file.path);
        Some(CacheFile {
            path,
            is_mutable: is_link || self.state.config.is_mutable(path),
            is_version_known: known.version.is_some(),
            seen_at: snapshot.seen_at(known.id),
            is_signed: self.rules.redirect_stamp_key.is_some(),
            now: context.now(),
        })
    }

    /// Whether a cache of ours asks, which must get the file itself.
    fn is_fill(&self, client: &Client) -> bool {
        let signs = FillSigns {
            ip: client.ip,
            cdn_loop: self.request.cdn_loop,
            via: self.request.via,
        };
        let snapshot = self.state.snapshot.as_deref();
        snapshot.is_some_and(|snapshot| is_fill(snapshot.roster.all_caches(), &signs))
    }

    pub(super) fn stamp_key(&self) -> Option<StampKey<'s>> {
        self.rules.redirect_stamp_key.as_deref().map(StampKey)
    }

    /// Fallbacks for what nothing is known of, where the admin wants them: they may not have it,
    /// and the web server has.
    ///
    /// # Errors
    /// The given reason.
    pub(super) fn fall_back_blindly(
        &self,
        context: &mut WorkerContext,
        client: &Client,
        reason: LocalReason,
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        match self.rules.fallback_when_unknown {
            true => self.fall_back(context, client, reason),
            false => Err(reason),
        }
    }

    /// Fallbacks if there are any for this client.
    ///
    /// # Errors
    /// There are none: the given reason.
    pub(super) fn fall_back(
        &self,
        context: &mut WorkerContext,
        client: &Client,
        reason: LocalReason,
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        let draw = || context.draw();
        let choices = select::fallbacks(self.rules, client, draw);
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

/// Whether there are the digests that an info dictionary has, and its hash.
pub(super) fn has_info(digests: &Digests, version: info_dictionary::TorrentVersion) -> bool {
    let has = |digest: &Option<Vec<u8>>, bytes| {
        digest.as_ref().is_some_and(|digest| digest.len() == bytes)
    };
    digests.info_hash(version).is_some()
        && has(&digests.md5, 16)
        && has(&digests.sha1, 20)
        && has(&digests.sha256, 32)
}
