//! Decides requests for lists of mirrors, of a file or of a directory.

use super::client::Client;
use super::context::WorkerContext;
use super::decision::{
    Choice, DecidedFile, DirectoryCount, Document, LocalReason, MirrorList, MissingReason,
    OtherMirror, Outcome, Unavailable,
};
use super::passage::RequestPass;
use super::select::{self, Extent, MirrorQuestion};
use crate::domain::document::mirror_list::Offers;
use crate::domain::file::FileId;
use crate::domain::mirror::{MirrorId, MirrorKind};
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::select::set::WORD_BITS;
use crate::domain::select::{Holdings, MirrorSet, Reason};
use crate::snapshot::Snapshot;

/// Number of files below a directory that its list counts. Mirrors have directories as a whole or
/// in large parts, so this many are enough; more would cost a request tens of milliseconds.
pub const DIRECTORY_FILES_MAX: usize = 20_000;

/// Tells which mirrors have any file of a directory.
struct AnyOf<'s, H> {
    has: MirrorSet,
    /// The holdings of any one file; they tell which mirrors were never scanned.
    of_none: &'s H,
}

impl<H: Holdings> Holdings for AnyOf<'_, H> {
    fn word(&self, word: usize) -> u64 {
        self.has.word(word)
    }

    fn why_not(&self, mirror: usize) -> Reason {
        match self.of_none.why_not(mirror) {
            Reason::NeverScanned => Reason::NeverScanned,
            _ => Reason::FileMissing,
        }
    }
}

pub(super) fn with_slash(directory: &[u8]) -> Vec<u8> {
    let mut path = directory.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path
}

/// The mirrors with these reasons, without hidden ones; `has` tells which have any file.
fn others<'s>(
    (snapshot, hidden): (&'s Snapshot, &MirrorSet),
    reasons: impl Iterator<Item = (MirrorId, Reason)>,
    has: impl Fn(usize) -> bool,
) -> Vec<OtherMirror<'s>> {
    let mirrors = snapshot.roster.mirrors();
    let other = |(id, reason)| {
        let place = mirrors.binary_search_by_key(&id, |mirror| mirror.id).ok()?;
        if hidden.contains(place) {
            return None;
        }
        let mirror = &mirrors[place];
        Some(OtherMirror {
            mirror,
            place,
            has_file: mirror.kind == MirrorKind::Cache || has(place),
            reason,
        })
    };
    reasons.filter_map(other).collect()
}

impl<'s> RequestPass<'_, 's> {
    fn wants_json(&self) -> bool {
        let accept = self.request.accept;
        let names_json = || accept.windows(16).any(|part| part == b"application/json");
        self.query.has("json") || (self.query.has("mirrorlist") && names_json())
    }

    /// Mirrors that no list shows to this client, not even among the unusable ones.
    fn hidden(&self, snapshot: &Snapshot, client: &Client) -> MirrorSet {
        let law = &self.state.config.law;
        snapshot.roster.hidden_from(law, client.ip, client.own_asn)
    }

    /// Decides on the list of a file's mirrors. Its page exists even if no mirror has the file.
    ///
    /// # Errors
    /// Returns the reason if the database cannot be read and there is no fallback.
    pub(super) fn mirror_list(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
    ) -> Result<MirrorList<'s>, LocalReason> {
        let file = wanted.1;
        let mut reason = None;
        let (mut choices, reasons) = match self.find(context, wanted, Extent::Explained) {
            Ok(found) => {
                let reasons = found.excluded.into_iter().map(|(id, _, why)| (id, why));
                (found.choices, reasons.collect())
            }
            Err(error @ LocalReason::DatabaseUnavailable) => return Err(error),
            Err(LocalReason::NoMirror { excluded, .. }) => {
                let reasons = excluded.into_iter().map(|(id, _, why)| (id, why));
                (Vec::new(), reasons.collect::<Vec<_>>())
            }
            Err(error) => {
                reason = Some(error);
                (Vec::new(), Vec::new())
            }
        };
        self.limit(&mut choices);
        let snapshot = self.state.snapshot.as_deref();
        let known =
            snapshot.and_then(|snapshot| Some((snapshot, snapshot.find(file.path.as_bytes())?.id)));
        let others = known.map_or(Vec::new(), |(snapshot, id)| {
            let holdings = snapshot.holdings(id);
            let has =
                |place: usize| holdings.word(place / WORD_BITS) >> (place % WORD_BITS) & 1 == 1;
            let hidden = self.hidden(snapshot, wanted.0);
            others((snapshot, &hidden), reasons.into_iter(), has)
        });
        Ok(MirrorList {
            is_json: self.wants_json(),
            directory: None,
            choices,
            others,
            digests: self.digests(context, file)?,
            offers: self.offers(context, file),
            reason,
        })
    }

    /// Decides on the list of mirrors of a directory; `None` stands for the tree itself.
    pub(super) fn directory_list(
        &mut self,
        context: &mut WorkerContext,
        path: Option<&FilePath>,
    ) -> Outcome<'s> {
        let unavailable = Outcome::Unavailable(Unavailable::Database);
        let path = path.map_or(&b""[..], FilePath::as_bytes);
        let directory = match context.sources.directory(path) {
            Ok(Some(directory)) => directory,
            Ok(None) => return Outcome::Missing(MissingReason::NoFile),
            Err(problem) => return Outcome::Unavailable(Unavailable::Tree(problem)),
        };
        if !self.decision.rules.documents || !self.state.config.rules(&directory).documents {
            let list = Representation::Mirrorlist;
            return Outcome::Missing(MissingReason::NoDocument(list));
        }
        let client = self.client();
        self.decision.client = Some(client);
        let Some(snapshot) = self.state.snapshot.as_deref() else {
            return unavailable;
        };
        let limit = DIRECTORY_FILES_MAX + 1;
        let files = match context.sources.files_below(snapshot, &directory, limit) {
            Ok(files) => files,
            Err(error) => {
                log::debug!("listing failed: error=\"{error}\"");
                return unavailable;
            }
        };
        if files.is_empty() && self.state.config.origin.is_some() {
            return Outcome::Missing(MissingReason::NoFile);
        }
        let list = self.of_files(context, snapshot, (&client, directory, files));
        Outcome::Document(Document::MirrorList(Box::new(list)))
    }

    fn of_files(
        &mut self,
        context: &mut WorkerContext,
        snapshot: &'s Snapshot,
        (client, directory, mut files): (&Client, Vec<u8>, Vec<FileId>),
    ) -> MirrorList<'s> {
        let is_cut = files.len() > DIRECTORY_FILES_MAX;
        files.truncate(DIRECTORY_FILES_MAX);
        let total = files.len() as u64;
        let mut counts = snapshot.counts(&files);
        for (count, mirror) in counts.iter_mut().zip(snapshot.roster.mirrors()) {
            if mirror.kind == MirrorKind::Cache {
                *count = total;
            }
        }
        let has = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let holdings = AnyOf {
            has: has.map(|(place, _)| place).collect(),
            of_none: &snapshot.holdings(FileId(u32::MAX)),
        };
        let state = self.state;
        let wanted = MirrorQuestion {
            holdings: &holdings,
            path: &directory,
            size: 0,
            cached: None,
            extent: Extent::Explained,
            rules: &self.decision.rules,
        };
        let mut found = select::mirrors(state, snapshot, context, client, &wanted);
        self.obey(&snapshot.roster, &mut found.choices, &mut found.excluded);
        // Within a class, a mirror with more files comes before a nearer one.
        let lacks = |choice: &Choice<'_>| total - counts[choice.candidate.mirror].min(total);
        found
            .choices
            .sort_by_key(|choice| (choice.candidate.tier, lacks(choice)));
        if found.choices.is_empty() {
            self.decision.no_mirror = true;
            let reason = LocalReason::NotCatalogued;
            let fallbacks = match total {
                0 => self.fall_back_blindly(context, client, reason),
                _ => self.fall_back(context, client, reason),
            };
            found.choices = fallbacks.map(|found| found.choices).unwrap_or_default();
        }
        let reasons = found.excluded.into_iter().map(|(id, _, why)| (id, why));
        let hidden = self.hidden(snapshot, client);
        let has = |place| holdings.has.contains(place);
        let others = others((snapshot, &hidden), reasons, has);
        MirrorList {
            is_json: self.wants_json(),
            choices: found.choices,
            others,
            directory: Some(DirectoryCount {
                path: with_slash(&directory),
                files: total,
                is_cut,
                counts,
            }),
            digests: None,
            offers: Offers::default(),
            reason: None,
        }
    }
}
