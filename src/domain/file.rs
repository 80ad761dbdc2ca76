//! Files of the catalogue: ids, versions, and whether a mirror's copy is current.

/// Number of one file *version* in the catalogue. It is given once and never used again.
///
/// A file whose size or time changes gets a new id. So an id in a bitmap, however old, means
/// exactly one (path, size, mtime). Roaring bitmaps hold 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// Tells versions of one path apart by size and time, as rsync does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileVersion {
    /// Size in bytes.
    pub size: u64,
    /// Modification time in whole seconds since 1970-01-01 UTC, because mirrors keep no fractions.
    pub mtime: i64,
}

/// A file as the catalogue knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueFile {
    /// Id of the version.
    pub id: FileId,
    /// Size and time; `None` for an entry imported from MirrorBrain that is not indexed yet.
    pub version: Option<FileVersion>,
}

/// State of a mirror's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyState {
    /// The copy is of the catalogue's version.
    Current,
    /// The copy has another size or an older time.
    Outdated,
}

impl CatalogueFile {
    /// The catalogue's version if it is not the one on the disk: the file changed. An entry without
    /// a version matches any.
    pub fn other_than(&self, on_disk: FileVersion) -> Option<FileVersion> {
        self.version.filter(|version| *version != on_disk)
    }

    /// Judges a copy that a mirror lists.
    ///
    /// A copy with the same size and a later time is current: some mirrors do not preserve times.
    /// An entry without a version accepts any copy, as MirrorBrain does.
    pub fn judge(&self, seen: FileVersion) -> CopyState {
        match self.version {
            Some(version) if seen.size != version.size || seen.mtime < version.mtime => {
                CopyState::Outdated
            }
            _ => CopyState::Current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_current_by_size_and_by_a_time_not_older() {
        let file = |version| CatalogueFile {
            id: FileId(1),
            version,
        };
        let version = |size, mtime| FileVersion { size, mtime };
        let known = Some(version(10, 1000));
        for (catalogue, seen, expected) in [
            (known, version(10, 1000), CopyState::Current),
            (known, version(10, 1001), CopyState::Current),
            (known, version(10, 999), CopyState::Outdated),
            (known, version(11, 1000), CopyState::Outdated),
            (known, version(0, 5000), CopyState::Outdated),
            (None, version(0, 0), CopyState::Current),
        ] {
            assert_eq!(
                file(catalogue).judge(seen),
                expected,
                "{catalogue:?} {seen:?}"
            );
        }
    }
}
