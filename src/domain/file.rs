//! A file version and its number in the catalogue.

/// Number of one file *version* in the catalogue; given once, never used again.
///
/// When a file's size or time changes it gets a new id, so an id in a bitmap, however old, means
/// exactly one (path, size, mtime). Roaring bitmaps hold 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// What tells one version of a file from another: name + size + time, as rsync does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileVersion {
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970-01-01 UTC; whole seconds are what mirrors keep.
    pub mtime: i64,
}

/// A file as the catalogue knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueFile {
    /// Its id.
    pub id: FileId,
    /// Size and time, absent for an entry imported from MirrorBrain until it is indexed.
    pub version: Option<FileVersion>,
}

/// What a mirror's copy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyState {
    /// The version that the catalogue has.
    Current,
    /// Another size, or an older time.
    Outdated,
}

impl CatalogueFile {
    /// Judges a copy seen on a mirror.
    ///
    /// A later time with the same size is current: a mirror that does not keep times has them.
    /// An entry without a version trusts any copy, as MirrorBrain does.
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
