//! Decides requests for documents: collects the data of each, or says that it does not exist.
//!
//! A document that cannot be made is 404. A document whose data cannot be read now is 503, because
//! clients do not come back after a 404. The file is never served in place of a document, except
//! for a metalink that was only negotiated by `Accept`, because its URL is the file's (behaviour
//! §1.1, step 24).

use super::client::Client;
use super::context::WorkerContext;
use super::decision::{
    DecidedFile, DigestDocument, Document, LocalReason, Metalink, MissingReason, Outcome, Seeds,
    Unavailable,
};
use super::passage::{EligibleMirrors, RequestPass, has_info};
use super::select::{Extent, keep_listed};
use crate::db::DbError;
use crate::domain::document::info_dictionary;
use crate::domain::document::metalink::REPOMD;
use crate::domain::document::mirror_list::Offers;
use crate::domain::file::FileId;
use crate::domain::hash::{Digests, HashSummary};
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::snapshot::Snapshot;
use crate::tree::Location;

impl<'s> RequestPass<'_, 's> {
    /// Decides on the document of the given kind about a file.
    pub(super) fn document(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
        kind: Representation,
    ) -> Outcome<'s> {
        if !self.may_tell_of(&wanted.1.path) {
            return Outcome::Missing(MissingReason::NoDocument(kind));
        }
        let document = match kind {
            Representation::Meta4 | Representation::Metalink => {
                return match self.metalink(context, wanted, kind) {
                    Ok(metalink) => Outcome::Document(Document::Metalink(metalink)),
                    Err(reason) if self.decision.is_negotiated => Outcome::Local(reason),
                    Err(LocalReason::DatabaseUnavailable) => {
                        Outcome::Unavailable(Unavailable::Database)
                    }
                    Err(_) => Outcome::Missing(MissingReason::NoDocument(kind)),
                };
            }
            Representation::Mirrorlist => self
                .mirror_list(context, wanted)
                .map(|list| Some(Document::MirrorList(Box::new(list)))),
            Representation::Md5
            | Representation::Sha1
            | Representation::Sha256
            | Representation::Sha512
            | Representation::Btih => self.digest(context, wanted.1, kind),
            Representation::Torrent | Representation::Zsync | Representation::Magnet => self
                .seeds(context, wanted, kind)
                .map(|seeds| seeds.map(Document::Seeds)),
            _ => Ok(None),
        };
        match document {
            Ok(Some(document)) => Outcome::Document(document),
            Ok(None) => Outcome::Missing(MissingReason::NoDocument(kind)),
            Err(LocalReason::DatabaseUnavailable) => Outcome::Unavailable(Unavailable::Database),
            Err(_) => Outcome::Missing(MissingReason::NoDocument(kind)),
        }
    }

    /// Whether documents about a file are allowed, both by the rules of the requested directory and
    /// by those of the directory of the real file.
    pub(super) fn may_tell_of(&self, file: &FilePath) -> bool {
        self.decision.rules.documents && self.state.config.rules(file.as_bytes()).documents
    }

    fn digest(
        &self,
        context: &mut WorkerContext,
        file: &DecidedFile,
        kind: Representation,
    ) -> Result<Option<Document<'s>>, LocalReason> {
        let Some(digests) = self.digests(context, file)? else {
            return Ok(None);
        };
        let digest = match kind {
            Representation::Btih => digests.info_hash(self.state.config.torrent_version),
            _ => digests.of(kind),
        };
        let is_named =
            !self.query.has("only_hash") && !self.decision.rules.hashes_suppress_filenames;
        Ok(digest.map(|digest| {
            Document::Digest(DigestDocument {
                kind,
                digest: digest.to_vec(),
                is_named,
            })
        }))
    }

    /// The digests of the version on the disk; `None` if the catalogue has another version.
    ///
    /// # Errors
    /// Returns [`LocalReason::DatabaseUnavailable`] if the database cannot be read.
    pub(super) fn digests(
        &self,
        context: &mut WorkerContext,
        file: &DecidedFile,
    ) -> Result<Option<Digests>, LocalReason> {
        let Some((snapshot, id)) = self.hashed(file)? else {
            return Ok(None);
        };
        let found = context.sources.digests(snapshot, id, file.version);
        found.map_err(|error| unreadable(&error))
    }

    /// The catalogue's file whose hashes are those of the version on the disk, if there is one.
    fn hashed(&self, file: &DecidedFile) -> Result<Option<(&'s Snapshot, FileId)>, LocalReason> {
        let snapshot = self.state.snapshot.as_deref();
        let snapshot = snapshot.ok_or(LocalReason::DatabaseUnavailable)?;
        let known = snapshot.find(file.path.as_bytes());
        let known = known.filter(|known| known.other_than(file.version).is_none());
        Ok(known.map(|known| (snapshot, known.id)))
    }

    /// # Errors
    /// Returns the reason if no URL is left: a metalink needs one (RFC 5854, section 4.1.2).
    fn metalink(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
        kind: Representation,
    ) -> Result<Metalink<'s>, LocalReason> {
        match self.metalink_of_mirrors(context, wanted, kind) {
            Err(reason) if self.names_own_url(&reason, wanted.1, kind) => {
                // If the database cannot be read, our own URL is still right, without hashes.
                let hashes = self.summary(context, wanted.1).unwrap_or_default();
                let (has_torrent, names_torrent) =
                    self.torrents(context, wanted.1, hashes.as_ref());
                Ok(Metalink {
                    kind,
                    choices: Vec::new(),
                    excluded: Vec::new(),
                    hashes,
                    has_torrent,
                    names_torrent,
                    is_by_mirror: false,
                    alternates: Vec::new(),
                })
            }
            result => result,
        }
    }

    /// Whether our own URL stands for mirrors. It does not if the metalink stands for the file,
    /// because that URL would lead to the same metalink.
    fn names_own_url(
        &self,
        reason: &LocalReason,
        file: &DecidedFile,
        kind: Representation,
    ) -> bool {
        // A repository that was just published is on no mirror yet, and dnf would give up.
        let is_repository = kind == Representation::Metalink && file.path.name() == REPOMD;
        let is_wanted = match reason {
            // Mirrors will have it later, and clients should not have to wait for that.
            LocalReason::Changed { .. } => true,
            LocalReason::NotCatalogued | LocalReason::NoMirror { .. } => {
                // A client that wants none of the mirrors gets the file here.
                self.decision.rules.metalink.own_url || is_repository || self.wishes.is_some()
            }
            _ => is_repository,
        };
        is_wanted && !self.decision.is_negotiated
    }

    /// Whether a torrent of this version can be made, and whether metalinks name a torrent: ours if
    /// the admin wants it, or the admin's own (MirrorBrainMetalinkTorrentAddMask).
    fn torrents(
        &self,
        context: &mut WorkerContext,
        file: &DecidedFile,
        hashes: Option<&(FileId, Box<HashSummary>)>,
    ) -> (bool, bool) {
        let is_made = hashes.is_some_and(|(_, hashes)| self.has_torrent(file, hashes));
        let is_beside = self.has_torrent_beside(context, &file.path);
        // dnf takes every URL in a repository's metalink for a mirror.
        let is_named = is_beside || is_made && self.decision.rules.metalink.torrent;
        let is_repository = file.path.name() == REPOMD;
        (is_made || is_beside, is_named && !is_repository)
    }

    fn metalink_of_mirrors(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
        kind: Representation,
    ) -> Result<Metalink<'s>, LocalReason> {
        let extent = self.depth.extent(Extent::All);
        let taken = match self.takes.is_list && kind == Representation::Metalink {
            true => self.take_earlier(context, wanted.1, true),
            false => wanted.1.clone(),
        };
        let EligibleMirrors {
            mut choices,
            mut excluded,
            known,
        } = self.find(context, (wanted.0, &taken), extent)?;
        let alternates = std::mem::take(&mut self.takes.alternates);
        let mut hashes = None;
        if let Some((snapshot, known)) = known {
            keep_listed(snapshot, &mut choices, &mut excluded);
            let sources = &mut context.sources;
            let summary = sources.hash_summary(snapshot, known.id, wanted.1.version);
            let summary = summary.map_err(|error| unreadable(&error))?;
            hashes = summary.map(|summary| (known.id, Box::new(summary)));
        }
        choices.truncate(self.state.config.metalink_mirrors_max);
        self.limit(&mut choices);
        if choices.is_empty() {
            return Err(self.nobody(true, &excluded));
        }
        let (has_torrent, names_torrent) = self.torrents(context, wanted.1, hashes.as_ref());
        Ok(Metalink {
            kind,
            choices,
            excluded,
            has_torrent,
            names_torrent,
            is_by_mirror: false,
            alternates,
            hashes,
        })
    }

    /// Decides on a torrent, magnet link or zsync file; 404 without the hashes that it needs.
    fn seeds(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
        kind: Representation,
    ) -> Result<Option<Seeds<'s>>, LocalReason> {
        let file = wanted.1;
        let Some(hashes) = self.summary(context, file)? else {
            return Ok(None);
        };
        let has_torrent = self.has_torrent(file, &hashes.1);
        let is_there = match kind {
            Representation::Torrent => has_torrent,
            Representation::Zsync => has_zsync(file, &hashes.1),
            _ => hashes.1.digests.info_hash(self.torrent_version()).is_some(),
        };
        if !is_there {
            return Ok(None);
        }
        let extent = self.depth.extent(Extent::All);
        let found = self.find(context, wanted, extent).ok();
        let (mut choices, excluded) =
            found.map_or_else(Default::default, |found| (found.choices, found.excluded));
        if let Some(first) = choices.first().map(|choice| choice.candidate.tier) {
            choices.retain(|choice| choice.candidate.tier == first);
        }
        if kind == Representation::Torrent {
            // Sorted by number, so that a torrent that is fetched again is the same.
            choices.sort_by_key(|choice| choice.candidate.mirror);
        }
        Ok(Some(Seeds {
            kind,
            choices,
            excluded,
            hashes,
            has_torrent,
        }))
    }

    /// The documents to which a list of mirrors links: those that can be made.
    pub(super) fn offers(&self, context: &mut WorkerContext, file: &DecidedFile) -> Offers {
        // A missing link misleads nobody.
        let Ok(Some((_, hashes))) = self.summary(context, file) else {
            return Offers::default();
        };
        let torrent = self.has_torrent(file, &hashes);
        Offers {
            torrent,
            // As in MirrorBrain, a magnet link is shown only with a torrent.
            magnet: torrent,
            zsync: has_zsync(file, &hashes),
        }
    }

    /// The hashes of the version on the disk; `None` if the catalogue has another version.
    ///
    /// # Errors
    /// Returns [`LocalReason::DatabaseUnavailable`] if the database cannot be read.
    pub(super) fn summary(
        &self,
        context: &mut WorkerContext,
        file: &DecidedFile,
    ) -> Result<Option<(FileId, Box<HashSummary>)>, LocalReason> {
        let Some((snapshot, id)) = self.hashed(file)? else {
            return Ok(None);
        };
        let sources = &mut context.sources;
        let summary = sources.hash_summary(snapshot, id, file.version);
        let summary = summary.map_err(|error| unreadable(&error))?;
        Ok(summary.map(|summary| (id, Box::new(summary))))
    }

    fn torrent_version(&self) -> info_dictionary::TorrentVersion {
        self.state.config.torrent_version
    }

    /// Whether a torrent can be made: all parts of its info hash exist with the right length.
    fn has_torrent(&self, file: &DecidedFile, hashes: &HashSummary) -> bool {
        let is_hybrid = self.torrent_version() == info_dictionary::TorrentVersion::Hybrid;
        let size = file.version.size;
        let piece_size = hashes.piece_size.max(0) as u64;
        if !self.decision.rules.has_torrents()
            || !has_info(&hashes.digests, self.torrent_version())
            || piece_size == 0
        {
            return false;
        }
        let pieces = size.div_ceil(piece_size);
        let layer = if size > piece_size { pieces * 32 } else { 0 };
        let has_v2 = hashes.sha256_root.is_some() && hashes.layer_bytes == layer;
        pieces > 0
            && hashes.pieces_bytes == pieces * info_dictionary::PIECE_DIGEST_BYTES
            && (!is_hybrid || has_v2)
    }

    /// Whether the admin's own torrent lies beside the file (MirrorBrainMetalinkTorrentAddMask).
    fn has_torrent_beside(&self, context: &mut WorkerContext, path: &FilePath) -> bool {
        let Some(mask) = &self.decision.rules.metalink_torrent_add_mask else {
            return false;
        };
        let beside = [path.as_bytes(), b".torrent"].concat();
        mask.is_match(path.as_bytes())
            && FilePath::parse(&beside).is_ok_and(|beside| {
                matches!(context.sources.locate(&beside, None), Location::File { .. })
            })
    }
}

/// Turns a failed look-up into a reason: it is unknown what the database has.
fn unreadable(error: &DbError) -> LocalReason {
    log::debug!("a document is not made: error=\"{error}\"");
    LocalReason::DatabaseUnavailable
}

/// Whether a zsync file can be made; that of an empty file has no sums.
fn has_zsync(file: &DecidedFile, hashes: &HashSummary) -> bool {
    hashes.zsync_block_size > 0
        && hashes.zsync_hash_lengths.is_some()
        && (hashes.sums_bytes > 0 || file.version.size == 0)
}
