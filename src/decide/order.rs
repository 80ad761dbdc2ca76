//! Chooses the answer to a request by making the checks in their order.

use super::context::WorkerContext;
use super::decision::{
    DecidedFile, DecidedRules, Decision, LocalReason, MissingReason, Outcome, OwnUrl, Unavailable,
};
use super::mapping::Mapping;
use super::passage::{Depth, RequestPass};
use super::question::ClientWishes;
use super::site::SiteState;
use super::taken::TakenVersions;
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::http::{Method, Query, Request};
use crate::tree::{Location, TreeProblem};

/// Decides one request.
pub fn decide<'s>(
    state: &'s SiteState,
    context: &mut WorkerContext,
    request: &Request<'_>,
    depth: Depth,
) -> Decision<'s> {
    let mapping = Mapping::of(state, context, request);
    let requested = match &mapping {
        Mapping::Below(path) => Some(path.clone()),
        _ => None,
    };
    let path = requested.as_ref().map_or(&b""[..], FilePath::as_bytes);
    let rules = if request.overrides.0.is_empty() {
        DecidedRules::Configured(state.config.rules(path))
    } else {
        DecidedRules::Overridden(context.overridden(&state.config, path, &request.overrides))
    };
    let query = if rules.query {
        Query::parse(request.query_string)
    } else {
        Query::default()
    };
    let wishes = ClientWishes::of(&query);
    let mut pass = RequestPass {
        state,
        request,
        query,
        depth,
        takes: TakenVersions::default(),
        decision: Decision {
            outcome: Outcome::Missing(MissingReason::NotInTree),
            rules,
            want: Representation::File,
            is_negotiated: false,
            vary: "",
            requested,
            own: OwnUrl::Asked { suffix: 0 },
            file: None,
            client: None,
            no_mirror: false,
            held: None,
            named: None,
            is_for_once: wishes.as_deref().is_some_and(ClientWishes::is_for_once),
        },
        is_https_wanted: false,
        wishes,
    };
    pass.decision.outcome = match mapping {
        Mapping::Nowhere => Outcome::Missing(MissingReason::NotInTree),
        Mapping::Outside { exists } => pass.outside(exists),
        Mapping::Unknown(problem) => pass.unknown_place(problem),
        Mapping::Tree => pass.run(context, None),
        Mapping::Below(path) => pass.run(context, Some(&path)),
    };
    if let Some(origin) = &state.config.origin {
        let outcome = std::mem::replace(&mut pass.decision.outcome, Outcome::Options);
        pass.decision.outcome = pass.to_origin(outcome, origin);
    }
    pass.decision
}

/// The answer to a URL that can only name a directory.
fn no_file<'s>(located: Location) -> Outcome<'s> {
    match located {
        Location::Unknown(problem) => Outcome::Unavailable(Unavailable::Tree(problem)),
        Location::Directory => Outcome::Missing(MissingReason::Directory),
        _ => Outcome::Missing(MissingReason::NoFile),
    }
}

impl<'s> RequestPass<'_, 's> {
    /// The answer to methods other than GET and HEAD.
    fn other_method(&self) -> Option<Outcome<'s>> {
        match self.request.method {
            Method::Get | Method::Head => None,
            Method::Options => Some(Outcome::Options),
            Method::Post | Method::Other => Some(Outcome::MethodNotAllowed),
        }
    }

    /// The answer if the web server found a file outside the tree: it serves the file, and there
    /// are no documents about it.
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

    /// The answer if the file system does not tell whether a name leads into the tree.
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
        if let Some(outcome) = self.by_query(context, path) {
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
        if !self.decision.rules.engine {
            return self.local_if_file(context, path, LocalReason::EngineOff);
        }
        if let Some(outcome) = self.list_by_name(context, path) {
            return outcome;
        }
        let mut asked = self.asked();
        let located = match self.locate(context, path) {
            Location::Unknown(problem) => return self.unknown(path, asked, problem),
            Location::Directory => return self.directory(context, Some(path)),
            Location::Missing => match self.document_of(context, path) {
                Some((Location::Directory, _)) => {
                    let directory = self.decision.requested.clone();
                    return self.directory_list(context, directory.as_ref());
                }
                Some((Location::Unknown(problem), _)) => {
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
        let Location::File {
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
        if is_head && is_file && self.decision.rules.handle_head_locally {
            return Outcome::Local(LocalReason::HeadLocally);
        }
        self.answer(context, &file, asked)
    }

    /// The answer to a query that names something in place of the path.
    fn by_query(
        &mut self,
        context: &mut WorkerContext,
        path: Option<&FilePath>,
    ) -> Option<Outcome<'s>> {
        if !self.decision.rules.engine {
            return None;
        }
        let outcome = self.repository(context);
        outcome.or_else(|| self.product(context, path))
    }

    /// The answer for a path about which the file system gives no answer. If the path must be a
    /// file, the web server, another user, serves it. If it may be a document, the client is told
    /// to ask again later.
    fn unknown(&self, path: &FilePath, asked: Representation, problem: TreeProblem) -> Outcome<'s> {
        let is_file = asked == Representation::File || self.decision.is_negotiated;
        if is_file && Representation::split_suffix(path.as_bytes()).is_none() {
            Outcome::Local(LocalReason::TreeUnknown(problem))
        } else {
            Outcome::Unavailable(Unavailable::Tree(problem))
        }
    }

    /// The answer if the web server found an index page for a directory's URL. The page is never
    /// redirected, because its links are relative.
    fn directory_index(
        &mut self,
        context: &mut WorkerContext,
        path: &FilePath,
    ) -> Option<Outcome<'s>> {
        if !self.request.is_directory_index() || self.asked_by_query() != Representation::File {
            return None;
        }
        let Location::File { path, version } = self.locate(context, path) else {
            return None;
        };
        self.decision.file = Some(DecidedFile { path, version });
        Some(Outcome::Local(LocalReason::DirectoryIndex))
    }

    /// The answer for a file that does not exist here. If the web server says that it is a file, it
    /// is never missing: the web server asks about names without a file only if they can mean a
    /// document or a list.
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

    /// The answer for a directory's URL: the list of its mirrors if it is requested, otherwise 404.
    fn directory(&mut self, context: &mut WorkerContext, path: Option<&FilePath>) -> Outcome<'s> {
        if self.decision.rules.engine && self.asked_by_query() == Representation::Mirrorlist {
            return self.directory_list(context, path);
        }
        match path {
            Some(path) => no_file(context.sources.locate(path, None)),
            None => Outcome::Missing(MissingReason::NotInTree),
        }
    }

    /// The requested form, by parameter, query or `Accept` (behaviour §1.1, steps 6 and 8).
    fn asked(&mut self) -> Representation {
        if let Some(document) = self.asked_by_parameter() {
            self.decision.want = document;
            return document;
        }
        let asked = self.asked_by_query();
        if asked != Representation::File || !self.decision.rules.documents {
            return asked;
        }
        let rules = &self.decision.rules.metalink;
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

    /// Splits a name that does not exist into an existing one and a document's suffix.
    fn document_of(
        &mut self,
        context: &mut WorkerContext,
        path: &FilePath,
    ) -> Option<(Location, Representation)> {
        let (name, document) = Representation::split_suffix(path.as_bytes())?;
        let suffix = path.as_bytes().len() - name.len();
        let name = FilePath::parse(name).ok()?;
        let located = self.locate(context, &name);
        let is_file = matches!(
            located,
            Location::File { .. } | Location::Outside | Location::Unknown(_)
        );
        let has_list = located == Location::Directory && document == Representation::Mirrorlist;
        if !is_file && !has_list {
            return None;
        }
        self.decision.want = document;
        self.decision.is_negotiated = false;
        self.decision.requested = Some(name);
        self.decision.own = OwnUrl::Asked { suffix };
        Some((located, document))
    }

    /// Serves the path locally if it is a regular file; otherwise answers "not found".
    fn local_if_file(
        &mut self,
        context: &mut WorkerContext,
        path: &FilePath,
        reason: LocalReason,
    ) -> Outcome<'s> {
        match self.locate(context, path) {
            Location::File { path, version } => {
                self.decision.file = Some(DecidedFile { path, version });
                Outcome::Local(reason)
            }
            Location::Outside => Outcome::Local(reason),
            Location::Directory => Outcome::Missing(MissingReason::Directory),
            Location::Missing => Outcome::Missing(MissingReason::NoFile),
            Location::Unknown(problem) => Outcome::Local(LocalReason::TreeUnknown(problem)),
        }
    }
}
