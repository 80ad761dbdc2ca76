//! Collects the versions of markers, whether they count, and the mirrors that have them.

use roaring::RoaringBitmap;

use super::known::NamedMarker;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::epoch::Epochs;
use crate::db::{Reader, catalogue, content, hash, mirror};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::generation::{EarlierVersions, accepted};
use crate::domain::time::Timestamp;

/// One version of a marker.
pub(super) struct ShownVersion {
    pub id: FileId,
    pub version: Option<FileVersion>,
    pub sha256: Option<Vec<u8>>,
    /// Absent for the last one.
    pub replaced_at: Option<Timestamp>,
    /// Whether lists take it.
    pub counts: bool,
}

/// The files that each mirror has, by the mirror's name.
pub(super) struct MirrorContents(Vec<(String, RoaringBitmap)>);

impl MirrorContents {
    /// Reads the files of all mirrors.
    ///
    /// # Errors
    /// Returns [`AdminError::Db`] if the database cannot be read.
    pub fn load(reader: &Reader) -> Result<MirrorContents, AdminError> {
        let mut contents = Vec::new();
        for record in mirror::all(reader)? {
            if let Some(published) = content::load(reader, record.id)? {
                contents.push((record.identifier, published.content.current));
            }
        }
        Ok(MirrorContents(contents))
    }

    /// The names of the mirrors that have a version.
    pub fn with(&self, id: FileId) -> Vec<&str> {
        let has = |(_, current): &&(String, RoaringBitmap)| current.contains(id.0);
        let with = self.0.iter().filter(has);
        with.map(|(name, _)| name.as_str()).collect()
    }

    /// How many mirrors have any of the versions and none of the others.
    pub fn count_with(&self, any: &[FileId], none: &[FileId]) -> usize {
        let has =
            |current: &RoaringBitmap, ids: &[FileId]| ids.iter().any(|id| current.contains(id.0));
        let fits =
            |(_, current): &&(String, RoaringBitmap)| has(current, any) && !has(current, none);
        self.0.iter().filter(fits).count()
    }
}

/// The versions of a marker, the last one first.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read.
pub(super) fn versions(
    session: &Session,
    reader: &Reader,
    (marker, earlier, epochs): (&NamedMarker, &EarlierVersions, &Epochs),
) -> Result<Vec<ShownVersion>, AdminError> {
    let mut found = Vec::new();
    if let Some(file) = catalogue::find(reader, &marker.path)? {
        let digests = match file.version {
            Some(version) => hash::find(reader, file.id, version)?,
            None => None,
        };
        found.push(ShownVersion {
            id: file.id,
            version: file.version,
            sha256: digests.and_then(|digests| digests.sha256),
            replaced_at: None,
            counts: true,
        });
    }
    let earlier = earlier.get(&marker.path).into_iter().flatten();
    found.extend(earlier.map(|earlier| ShownVersion {
        id: earlier.id,
        version: Some(earlier.version),
        sha256: earlier.digests.sha256.clone(),
        replaced_at: Some(earlier.replaced_at),
        counts: false,
    }));
    let age_s = |shown: &ShownVersion| {
        let seen_at = epochs.seen_at(shown.id);
        seen_at.map_or(i64::MAX, |at| (session.now.0 - at.0).max(0))
    };
    let keep_s = session.site.markers.keep_s(&marker.path);
    let count = accepted(found.iter().map(age_s), keep_s);
    for shown in found.iter_mut().take(count) {
        shown.counts = true;
    }
    Ok(found)
}
