//! Documents: what each needs, and when it is not there.
//!
//! A document that cannot be made is missing (404). The file is never served in its place, but for
//! a metalink that was only negotiated by `Accept`: its URL is the file's (spec §1.1, step 24).

use super::client::Client;
use super::context::Context;
use super::decision::{
    DecidedFile, DigestDocument, Document, LocalReason, Metalink, MissingReason, Outcome,
};
use super::pipeline::{Depth, Found, Passage};
use super::select::{Extent, keep_listed};
use crate::domain::file::FileId;
use crate::domain::hash::{Digests, HashRecord};
use crate::domain::render::metalink::REPOMD;
use crate::domain::representation::Representation;

impl<'s> Passage<'_, 's> {
    /// The document of that kind about a file.
    pub(super) fn document(
        &mut self,
        context: &mut Context,
        wanted: (&Client, &DecidedFile),
        kind: Representation,
    ) -> Outcome<'s> {
        let document = match kind {
            Representation::Meta4 | Representation::Metalink => {
                return match self.metalink(context, wanted, kind) {
                    Ok(metalink) => Outcome::Document(Document::Metalink(metalink)),
                    Err(reason) if self.decision.is_negotiated => Outcome::Local(reason),
                    Err(_) => Outcome::Missing(MissingReason::NoDocument(kind)),
                };
            }
            Representation::Mirrorlist => {
                let list = self.mirror_list(context, wanted).ok();
                list.map(|list| Document::MirrorList(Box::new(list)))
            }
            Representation::Md5
            | Representation::Sha1
            | Representation::Sha256
            | Representation::Sha512
            | Representation::Btih => self.digest(context, wanted.1, kind),
            _ => None,
        };
        document.map_or(
            Outcome::Missing(MissingReason::NoDocument(kind)),
            Outcome::Document,
        )
    }

    fn digest(
        &self,
        context: &mut Context,
        file: &DecidedFile,
        kind: Representation,
    ) -> Option<Document<'s>> {
        let digests = self.digests(context, file)?;
        let is_named = !self.query.has("only_hash") && !self.rules.hashes_suppress_filenames;
        Some(Document::Digest(DigestDocument {
            kind,
            digest: digests.of(kind)?.to_vec(),
            is_named,
        }))
    }

    /// The digests of what is on the disk; none when the catalogue knows another version.
    pub(super) fn digests(&self, context: &mut Context, file: &DecidedFile) -> Option<Digests> {
        let snapshot = self.state.snapshot.as_deref()?;
        let lookup = &mut context.lookup;
        let known = lookup.find(snapshot, file.path.as_bytes()).ok()??;
        if known.version.is_some_and(|known| known != file.version) {
            return None;
        }
        lookup.digests(snapshot, known.id, file.version).ok()?
    }

    /// # Errors
    /// Nobody to download from; a metalink without a URL is of no use (RFC 5854, section 4.1.2).
    fn metalink(
        &mut self,
        context: &mut Context,
        wanted: (&Client, &DecidedFile),
        kind: Representation,
    ) -> Result<Metalink<'s>, LocalReason> {
        match self.metalink_of_mirrors(context, wanted, kind) {
            // A repository that was just published is on no mirror yet; dnf would give it up.
            Err(_) if kind == Representation::Metalink && wanted.1.path.name() == REPOMD => {
                Ok(Metalink {
                    kind,
                    choices: Vec::new(),
                    excluded: Vec::new(),
                    hashes: self.hash_record(context, wanted.1),
                    stamp_key: None,
                })
            }
            result => result,
        }
    }

    fn hash_record(
        &self,
        context: &mut Context,
        file: &DecidedFile,
    ) -> Option<(FileId, Box<HashRecord>)> {
        let snapshot = self.state.snapshot.as_deref()?;
        let known = context.lookup.find(snapshot, file.path.as_bytes());
        let id = known.ok()??.id;
        let record = context.lookup.hash_record(snapshot, id, file.version);
        Some((id, Box::new(record.ok()??)))
    }

    fn metalink_of_mirrors(
        &mut self,
        context: &mut Context,
        wanted: (&Client, &DecidedFile),
        kind: Representation,
    ) -> Result<Metalink<'s>, LocalReason> {
        let extent = match self.depth {
            Depth::Redirect => Extent::All,
            Depth::Full => Extent::Explained,
        };
        let Found {
            mut choices,
            mut excluded,
            known,
        } = self.find(context, wanted, extent)?;
        let hashes = known.and_then(|(snapshot, known)| {
            keep_listed(snapshot, &mut choices, &mut excluded);
            let lookup = &mut context.lookup;
            let record = lookup.hash_record(snapshot, known.id, wanted.1.version);
            Some((known.id, Box::new(record.ok()??)))
        });
        if choices.is_empty() {
            self.decision.no_mirror = true;
            let excluded = excluded
                .into_iter()
                .map(|(id, name, why)| (id, name.to_owned(), why))
                .collect();
            return Err(LocalReason::NoMirror {
                some_have_it: true,
                excluded,
            });
        }
        Ok(Metalink {
            kind,
            choices,
            excluded,
            hashes,
            stamp_key: self.stamp_key(),
        })
    }
}
