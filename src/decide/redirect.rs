//! Decides on the redirect to a mirror, and on the exclusions from it.

use super::client::Client;
use super::context::WorkerContext;
use super::decision::{Choice, DecidedFile, FOR_ONE_CLIENT, Hold, LocalReason, Outcome, Redirect};
use super::passage::{EligibleMirrors, RequestPass, has_info};
use super::select::Extent;
use crate::domain::file::FileId;
use crate::domain::hash::Digests;
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::rule::{Exclusion, ExclusionSubject};
use crate::domain::select::{FillSigns, is_fill};
use crate::domain::url::{EncodedPath, Scheme};
use crate::snapshot::Snapshot;

/// Bytes of a redirect's header fields other than `Location`, `Link`, digests and the value of
/// `Cache-Control`: the names, a mirror's identifier of 64 bytes, an IPv6 network, all log fields.
const HEAD_REST_BYTES: usize = 576;
/// Length in bytes of `?time=EPOCH&stamp=MD5HEX`.
const STAMP_BYTES_MAX: usize = 56;
/// Length in bytes of `%XX`.
const ENCODED_BYTES_MAX: usize = 3;

/// Reads the digests for a redirect. Errors are ignored, because a redirect is right without them.
fn digests(
    context: &mut WorkerContext,
    snapshot: &Snapshot,
    id: FileId,
    file: &DecidedFile,
) -> Option<Digests> {
    if !snapshot.has_hashes {
        return None;
    }
    let found = context.sources.digests(snapshot, id, file.version);
    found.unwrap_or_default()
}

impl<'s> RequestPass<'_, 's> {
    /// The answer for an existing file: a redirect, or the requested document.
    pub(super) fn answer(
        &mut self,
        context: &mut WorkerContext,
        file: &DecidedFile,
        asked: Representation,
    ) -> Outcome<'s> {
        if self.is_doubtful(context, file) {
            return Outcome::Local(LocalReason::CopyTooOld);
        }
        let asked = self.unless_forbidden(asked, file);
        let client = self.client();
        let stands_for_file = asked == Representation::File || self.decision.is_negotiated;
        if stands_for_file && let Some(exclusion) = self.exclusion(&client, file) {
            return Outcome::Local(LocalReason::Excluded(exclusion));
        }
        if stands_for_file && self.is_fill(&client) {
            self.decision.want = Representation::File;
            self.decision.is_negotiated = false;
            return Outcome::Local(LocalReason::CacheFill);
        }
        let hold = self.hold(&client).filter(|_| stands_for_file);
        self.decision.client = Some(client);
        let outcome = if asked == Representation::File {
            self.redirect(context, &client, file)
        } else {
            self.document(context, (&client, file), asked)
        };
        match hold {
            Some(hold) => self.held_back(outcome, hold),
            None => outcome,
        }
    }

    /// The client of this request, with the place that its query states.
    pub(super) fn client(&self) -> Client {
        let mut client = Client::of_site(self.request, self.state);
        client.pretend(&self.query);
        client.asks_over = self.wishes.as_deref().and_then(|wishes| wishes.family);
        if self.is_https_wanted {
            client.scheme = Scheme::Https;
            client.is_https_only = true;
        }
        client
    }

    /// The file in place of a metalink for which `Accept` alone asked, if there are no documents
    /// where the file really lies.
    fn unless_forbidden(&mut self, asked: Representation, file: &DecidedFile) -> Representation {
        if !self.decision.is_negotiated || self.may_tell_of(&file.path) {
            return asked;
        }
        self.decision.want = Representation::File;
        self.decision.is_negotiated = false;
        self.decision.vary = "";
        Representation::File
    }

    /// The rule that holds the client's redirects back, if any.
    fn hold(&self, client: &Client) -> Option<Hold> {
        let rules = &self.decision.rules;
        if rules.is_shadow {
            return Some(Hold::Shadow);
        }
        (!rules.rollout.has(client.ip)).then_some(Hold::Rollout)
    }

    /// Keeps an answer that names mirrors to itself, for the log and for `explain`; the web server
    /// serves the file.
    fn held_back(&mut self, outcome: Outcome<'s>, hold: Hold) -> Outcome<'s> {
        if !matches!(outcome, Outcome::Redirect(_) | Outcome::Document(_)) {
            return outcome;
        }
        self.decision.is_negotiated = false;
        self.decision.held = Some(Box::new(outcome));
        Outcome::Local(LocalReason::Held(hold))
    }

    fn redirect(
        &mut self,
        context: &mut WorkerContext,
        client: &Client,
        file: &DecidedFile,
    ) -> Outcome<'s> {
        let extent = self.depth.extent(Extent::Best);
        let taken = self.allow_outdated(file);
        let found = match &taken {
            Some(taken) => self.find(context, (client, taken), extent),
            None => self.find_in_generation(context, (client, file), extent),
        };
        let mut found = match found {
            Ok(found) => found,
            Err(reason) => return Outcome::Local(reason),
        };
        if self.wishes.is_some() {
            self.skip_tried(&mut found.choices, file.path.as_bytes());
            if found.choices.is_empty() {
                return Outcome::Local(self.nobody(true, &found.excluded));
            }
        }
        if self.is_too_long(&found.choices, file) {
            return Outcome::Local(LocalReason::LocationTooLong);
        }
        // Nobody knows which version the client gets where it may be an older one.
        let known = found.known.filter(|_| taken.is_none());
        let digests =
            known.and_then(|(snapshot, known)| digests(context, snapshot, known.id, file));
        let version = self.state.config.torrent_version;
        let has_info = |digests: &Digests| has_info(digests, version);
        Outcome::Redirect(Redirect {
            choices: found.choices,
            excluded: found.excluded,
            has_documents: self.decision.rules.documents,
            has_torrent: self.decision.rules.has_torrents()
                && digests.as_ref().is_some_and(has_info),
            digests,
        })
    }

    /// Finds mirrors that have the whole generation to which the file belongs. For its root there
    /// are no others; for another file they come first, and if none of them may serve the client,
    /// then those that have the file.
    fn find_in_generation(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
        extent: Extent,
    ) -> Result<EligibleMirrors<'s>, LocalReason> {
        let Some(group) = self.group_of(context, wanted.1) else {
            return self.find(context, wanted, extent);
        };
        let had_none = self.decision.no_mirror;
        self.takes.within = Some(group.holders);
        let found = self.find(context, wanted, extent);
        self.takes.within = None;
        let is_mirror = |choice: &Choice<'_>| !choice.is_fallback;
        if group.is_root || matches!(&found, Ok(found) if found.choices.iter().any(is_mirror)) {
            return found;
        }
        self.decision.no_mirror = had_none;
        self.find(context, wanted, extent)
    }

    /// Whether the best mirror's URL leaves no room for the other fields of a redirect; a proxy in
    /// front would then answer 502.
    fn is_too_long(&self, choices: &[Choice<'_>], file: &DecidedFile) -> bool {
        let Some(best) = choices.first() else {
            return false;
        };
        let others = HEAD_REST_BYTES + self.decision.rules.redirect_cache_control.len();
        let others = others.max(HEAD_REST_BYTES + FOR_ONE_CLIENT.len());
        let room = self.state.config.head_bytes_max.saturating_sub(others);
        let base_bytes = best.base_url.as_str().len() + STAMP_BYTES_MAX;
        let path = file.path.as_bytes();
        // Most names are short enough whatever characters they contain.
        base_bytes + ENCODED_BYTES_MAX * path.len() > room && {
            let encoded = EncodedPath::new(path, std::iter::once(&*best.base_url));
            let mut url = Vec::with_capacity(ENCODED_BYTES_MAX * path.len());
            best.base_url.file_url_into(&mut url, &encoded);
            url.len() + STAMP_BYTES_MAX > room
        }
    }

    /// The exclusion rule of the admin that applies, if any.
    fn exclusion(&self, client: &Client, file: &DecidedFile) -> Option<Exclusion> {
        let url_path = self.request.url_path();
        let requested = self.decision.requested.as_ref();
        let name = requested.map_or(&url_path[..], FilePath::as_bytes);
        let mime_type = if self.decision.rules.exclude_mime_types.is_empty() {
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
        self.decision.rules.exclusion(&candidate)
    }

    /// Whether the client is one of our caches, which must get the file itself.
    fn is_fill(&self, client: &Client) -> bool {
        let signs = FillSigns {
            ip: client.ip,
            cdn_loop: self.request.cdn_loop,
            via: self.request.via,
        };
        let snapshot = self.state.snapshot.as_deref();
        snapshot.is_some_and(|snapshot| is_fill(snapshot.roster.all_caches(), &signs))
    }
}
