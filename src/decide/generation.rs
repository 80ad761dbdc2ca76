//! Decides which versions of a file a client may get, and from which mirrors, where files belong
//! together: an earlier `repomd.xml` stands for a whole repository, too, but files of two versions
//! do not make a repository.

use std::rc::Rc;

use super::context::WorkerContext;
use super::decision::DecidedFile;
use super::passage::RequestPass;
use crate::domain::file::CatalogueFile;
use crate::domain::generation::{EarlierVersion, accepted};
use crate::domain::select::set::MirrorSet;
use crate::snapshot::Snapshot;

/// The group of a file and the mirrors that have its whole generation.
pub(super) struct GroupOfFile {
    pub holders: Rc<MirrorSet>,
    /// Whether the file is the group's root.
    pub is_root: bool,
}

impl<'s> RequestPass<'_, 's> {
    /// Lets a list take the earlier versions of a marker that still count. Returns the version that
    /// the catalogue knows: one that was published a moment ago is on no mirror yet.
    ///
    /// In a metalink, a mirror with an earlier version is of use only if that has a hash, too.
    /// Without a hash of the last one there are no alternates: a client that has only these would
    /// take nothing else.
    pub(super) fn take_earlier(
        &mut self,
        context: &mut WorkerContext,
        file: &DecidedFile,
        is_metalink: bool,
    ) -> DecidedFile {
        let Some((snapshot, known)) = self.replaced(file) else {
            return file.clone();
        };
        let path = file.path.as_bytes();
        let is_indexed = known.other_than(file.version).is_none();
        let now = context.now();
        let age_s = |id| {
            snapshot
                .seen_at(id)
                .map_or(i64::MAX, |at| (now.0 - at.0).max(0))
        };
        let earlier = snapshot.earlier.get(path).map_or(&[][..], Vec::as_slice);
        let ages = earlier.iter().map(|version| age_s(version.id));
        let ages = std::iter::once(age_s(known.id)).chain(ages);
        let unseen = (!is_indexed).then_some(0);
        let keep_s = self.state.config.markers.keep_s(path);
        let count = accepted(unseen.into_iter().chain(ages), keep_s);
        let Some(count) = count.checked_sub(1 + usize::from(!is_indexed)) else {
            return file.clone();
        };
        let mut taken = earlier[..count.min(earlier.len())].to_vec();
        let version = known.version.unwrap_or(file.version);
        let has_hash = is_metalink && is_indexed && {
            let digests = context.sources.digests(snapshot, known.id, version);
            matches!(digests, Ok(Some(digests)) if digests.sha256.is_some())
        };
        if has_hash {
            taken.retain(EarlierVersion::has_digest);
        }
        self.takes.earlier = taken.iter().map(|version| version.id).collect();
        self.takes.alternates = if has_hash { taken } else { Vec::new() };
        DecidedFile {
            path: file.path.clone(),
            version,
        }
    }

    /// The catalogue's entry of a marker whose earlier versions count.
    fn replaced(&self, file: &DecidedFile) -> Option<(&'s Snapshot, CatalogueFile)> {
        let snapshot = self.state.snapshot.as_deref()?;
        let path = file.path.as_bytes();
        if self.state.config.markers.keep_s(path) == 0 {
            return None;
        }
        Some((snapshot, snapshot.find(path)?))
    }

    /// Lets a redirect lead to an older version where the admin allows it (`allow_outdated`).
    /// Returns the version that the catalogue knows if it is near enough to the one on the disk.
    pub(super) fn allow_outdated(&mut self, file: &DecidedFile) -> Option<DecidedFile> {
        let path = file.path.as_bytes();
        let markers = &self.state.config.markers;
        if markers.is_empty() {
            return None;
        }
        let allowed_s = markers.allowed_s(path);
        let snapshot = self.state.snapshot.as_deref().filter(|_| allowed_s > 0)?;
        let version = snapshot.find(path)?.version?;
        let is_near = |mtime: i64| file.version.mtime.saturating_sub(mtime) <= allowed_s;
        let earlier = snapshot.earlier.get(path).into_iter().flatten();
        let near = earlier.filter(|earlier| is_near(earlier.version.mtime));
        self.takes.earlier = near.map(|earlier| earlier.id).collect();
        let is_indexed = version == file.version;
        if !is_near(version.mtime) || is_indexed && self.takes.earlier.is_empty() {
            return None;
        }
        Some(DecidedFile {
            path: file.path.clone(),
            version,
        })
    }

    /// The group to which a file belongs, if that is known.
    pub(super) fn group_of(
        &self,
        context: &mut WorkerContext,
        file: &DecidedFile,
    ) -> Option<GroupOfFile> {
        let law = &self.state.config.markers;
        let snapshot = self.state.snapshot.as_deref().filter(|_| !law.is_empty())?;
        let path = file.path.as_bytes();
        if let Some(group) = law.group_of_root(path) {
            let holders = context.group_holders(snapshot, law, group)?;
            return Some(GroupOfFile {
                holders,
                is_root: true,
            });
        }
        let mut groups = law.groups_of_member(path).into_iter();
        groups.find_map(|group| {
            let holders = context.group_holders(snapshot, law, group)?;
            Some(GroupOfFile {
                holders,
                is_root: false,
            })
        })
    }
}
