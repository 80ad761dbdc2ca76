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
use crate::domain::hash::Digests;
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
    fn digests(&self, context: &mut Context, file: &DecidedFile) -> Option<Digests> {
        let snapshot = self.state.snapshot.as_deref()?;
        let known = snapshot.find(file.path.as_bytes())?;
        if known.version.is_some_and(|known| known != file.version) {
            return None;
        }
        let found = context.lookup.digests(snapshot, known.id, file.version);
        found.ok()?
    }

    /// # Errors
    /// Nobody to download from; a metalink without a URL is of no use (RFC 5854, section 4.1.2).
    fn metalink(
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
