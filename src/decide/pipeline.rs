//! The checks in their order.

use std::sync::Arc;

use super::client::Client;
use super::context::Context;
use super::decision::{
    DecidedFile, Decision, LocalReason, MissingReason, Outcome, Redirect, StampKey,
};
use super::select::{self, Choices};
use super::site::SiteState;
use crate::db::hash::Digests;
use crate::db::snapshot::Snapshot;
use crate::domain::file::{CatalogueFile, FileId};
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::rule::{Candidate, Rules};
use crate::http::{Method, Query, Request};
use crate::tree::Located;

/// How much is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What a redirect needs: the choice and as many mirrors as are named in Link fields.
    Redirect,
    /// Every mirror, with probability or reason.
    Full,
}

/// A request on its way through the checks.
struct Passage<'r, 's> {
    state: &'s SiteState,
    rules: &'s Rules,
    request: &'r Request<'r>,
    query: Query,
    depth: Depth,
    decision: Decision<'s>,
}

/// Decides one request.
///
/// `rules` is a place that outlives the decision for rules which parameters of the web server
/// override.
pub fn decide<'s>(
    state: &'s SiteState,
    context: &mut Context,
    request: &Request<'_>,
    depth: Depth,
    rules: &'s mut Option<Arc<Rules>>,
) -> Decision<'s> {
    let mut decision = Decision {
        outcome: Outcome::Missing(MissingReason::NotInTree),
        want: Representation::File,
        requested: None,
        file: None,
        client: None,
        no_mirror: false,
    };
    let Some(path) = path_below_tree(state, request) else {
        return decision;
    };
    decision.requested = Some(path.clone());
    let rules: &'s Rules = if request.overrides.0.is_empty() {
        state.config.rules(path.as_bytes())
    } else {
        rules.insert(context.overridden(&state.config, path.as_bytes(), &request.overrides))
    };
    let query = if rules.query {
        Query::parse(request.query_string)
    } else {
        Query::default()
    };
    let mut passage = Passage {
        state,
        rules,
        request,
        query,
        depth,
        decision,
    };
    passage.decision.outcome = passage.run(context, &path);
    passage.decision
}

/// A database that fails now has answered a moment ago; a redirect needs no digests.
fn digests(
    context: &mut Context,
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
fn no_file<'s>(located: &Located) -> Outcome<'s> {
    match located {
        Located::NoTree => Outcome::NoTree,
        Located::Directory => Outcome::Missing(MissingReason::Directory),
        _ => Outcome::Missing(MissingReason::NoFile),
    }
}

/// The URL path without the place where the tree hangs.
fn path_below_tree(state: &SiteState, request: &Request<'_>) -> Option<FilePath> {
    let url_path = FilePath::parse(&request.url_path()).ok()?;
    let prefix = &state.config.url_path;
    if prefix.is_empty() {
        return Some(url_path);
    }
    let rest = url_path
        .is_below(prefix)
        .then(|| &url_path.as_bytes()[prefix.len()..])?;
    FilePath::parse(rest).ok()
}

impl<'s> Passage<'_, 's> {
    fn run(&mut self, context: &mut Context, path: &FilePath) -> Outcome<'s> {
        let is_head = match self.request.method {
            Method::Get => false,
            Method::Head => true,
            Method::Options => return Outcome::Options,
            Method::Other => return Outcome::MethodNotAllowed,
        };
        if self.request.names_directory() {
            return no_file(&context.tree.locate(path));
        }
        if is_head && self.rules.handle_head_locally {
            return self.local_if_file(context, path, LocalReason::HeadLocally);
        }
        if !self.rules.engine {
            return self.local_if_file(context, path, LocalReason::EngineOff);
        }
        let mut representation = self.asked_by_query();
        let located = match context.tree.locate(path) {
            Located::NoTree => return Outcome::NoTree,
            Located::Directory => return Outcome::Missing(MissingReason::Directory),
            Located::Missing => match self.document_of(context, path) {
                Some((located, document)) => {
                    representation = document;
                    located
                }
                None => return Outcome::Missing(MissingReason::NoFile),
            },
            located => located,
        };
        let Located::File {
            path: real,
            version,
        } = located
        else {
            return match representation {
                Representation::File => Outcome::Local(LocalReason::OutsideTree),
                document => Outcome::Missing(MissingReason::NoDocument(document)),
            };
        };
        let file = DecidedFile {
            path: real,
            version,
        };
        self.decision.file = Some(file.clone());
        if representation != Representation::File {
            return Outcome::Missing(MissingReason::NoDocument(representation));
        }
        self.redirect(context, &file)
    }

    /// The last known word in MirrorBrain's order of tests (spec §1.1, step 6).
    fn asked_by_query(&self) -> Representation {
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
        context: &mut Context,
        path: &FilePath,
    ) -> Option<(Located, Representation)> {
        let (name, document) = Representation::split_suffix(path.as_bytes())?;
        let name = FilePath::parse(name).ok()?;
        let located = context.tree.locate(&name);
        if !matches!(located, Located::File { .. } | Located::Outside) {
            return None;
        }
        self.decision.want = document;
        self.decision.requested = Some(name);
        Some((located, document))
    }

    /// Serves a file without looking at mirrors; what is none is not served.
    fn local_if_file(
        &mut self,
        context: &mut Context,
        path: &FilePath,
        reason: LocalReason,
    ) -> Outcome<'s> {
        match context.tree.locate(path) {
            Located::File { path, version } => {
                self.decision.file = Some(DecidedFile { path, version });
                Outcome::Local(reason)
            }
            Located::Outside => Outcome::Local(reason),
            Located::Directory => Outcome::Missing(MissingReason::Directory),
            Located::Missing => Outcome::Missing(MissingReason::NoFile),
            Located::NoTree => Outcome::NoTree,
        }
    }

    fn redirect(&mut self, context: &mut Context, file: &DecidedFile) -> Outcome<'s> {
        let mut client = Client::of(self.request, &self.state.geoip);
        if let Some(outcome) = self.excluded(&client, file) {
            return outcome;
        }
        client.pretend(&self.query);
        self.decision.client = Some(client);
        let Some(snapshot) = self.state.snapshot.as_deref() else {
            return self.fall_back(context, &client, LocalReason::DatabaseUnavailable);
        };
        match context.lookup.find(snapshot, file.path.as_bytes()) {
            Err(error) => {
                log::debug!("lookup failed: path={} error=\"{error}\"", file.path);
                self.fall_back(context, &client, LocalReason::DatabaseUnavailable)
            }
            Ok(None) => {
                self.decision.no_mirror = true;
                self.fall_back(context, &client, LocalReason::NotCatalogued)
            }
            Ok(Some(known)) => match known.version {
                Some(catalogued) if catalogued != file.version => {
                    Outcome::Local(LocalReason::Changed { catalogued })
                }
                _ => self.choose(context, snapshot, &client, (file, known)),
            },
        }
    }

    fn excluded(&self, client: &Client, file: &DecidedFile) -> Option<Outcome<'s>> {
        let url_path = self.request.url_path();
        let mime_type = if self.rules.exclude_mime_types.is_empty() {
            b""
        } else if self.request.mime_type.is_empty() {
            self.state.config.mime_types.of(&url_path).as_bytes()
        } else {
            self.request.mime_type
        };
        // `?fakefile`, MirrorBrain's aid for tests, skips the test of the size alone.
        let size = if self.query.has("fakefile") {
            u64::MAX
        } else {
            file.version.size
        };
        let candidate = Candidate {
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
        context: &mut Context,
        snapshot: &'s Snapshot,
        client: &Client,
        found: (&DecidedFile, CatalogueFile),
    ) -> Outcome<'s> {
        let (file, known) = found;
        let wanted = (known.id, file.version.size, self.depth);
        let Choices {
            choices,
            rows_found,
            excluded,
        } = select::mirrors(&self.state.config, snapshot, context, client, wanted);
        if choices.is_empty() {
            self.decision.no_mirror = true;
            let excluded = excluded
                .into_iter()
                .map(|(id, name, why)| (id, name.to_owned(), why))
                .collect();
            let reason = LocalReason::NoMirror {
                some_have_it: rows_found,
                excluded,
            };
            if rows_found && !self.rules.fallback_when_ineligible {
                return Outcome::Local(reason);
            }
            let mut outcome = self.fall_back(context, client, reason);
            if let Outcome::Redirect(redirect) = &mut outcome {
                redirect.digests = digests(context, snapshot, known.id, file);
            }
            return outcome;
        }
        Outcome::Redirect(Redirect {
            choices,
            excluded,
            digests: digests(context, snapshot, known.id, file),
            stamp_key: self.stamp_key(),
        })
    }

    fn stamp_key(&self) -> Option<StampKey<'s>> {
        self.rules.redirect_stamp_key.as_deref().map(StampKey)
    }

    /// To a fallback if there is one for this client, else locally for the given reason.
    fn fall_back(
        &self,
        context: &mut Context,
        client: &Client,
        reason: LocalReason,
    ) -> Outcome<'s> {
        let draw = || context.draw();
        let choices = select::fallbacks(&self.rules.fallbacks, client, draw);
        if choices.is_empty() {
            return Outcome::Local(reason);
        }
        Outcome::Redirect(Redirect {
            choices,
            excluded: Vec::new(),
            digests: None,
            stamp_key: self.stamp_key(),
        })
    }
}
