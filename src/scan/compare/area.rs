//! Defines the part of the tree that a scan covers: all of it, `--dir`, or changed directories.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::known::KnownTree;
use crate::domain::path::{FilePath, is_below};

/// A part of the tree.
#[derive(Debug, Clone, Default)]
pub enum Area {
    /// The whole tree.
    #[default]
    Whole,
    /// A subtree or a file.
    Below(FilePath),
    /// Some directories, each without the directories in it.
    Single(DirectoryArea),
}

/// Directories without the directories in them, and all directories above them.
#[derive(Debug, Clone, Default)]
pub struct DirectoryArea {
    wanted: BTreeSet<Vec<u8>>,
    on_the_way: BTreeSet<Vec<u8>>,
}

impl DirectoryArea {
    /// Makes the area of some directories; the empty path is the tree itself.
    pub fn new(paths: impl IntoIterator<Item = Vec<u8>>) -> DirectoryArea {
        let mut directories = DirectoryArea::default();
        for path in paths {
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            let above = slashes.map(|(end, _)| path[..end].to_vec());
            directories.on_the_way.extend(above);
            directories.on_the_way.insert(Vec::new());
            directories.wanted.insert(path);
        }
        directories
    }

    /// The directories.
    pub fn wanted(&self) -> &BTreeSet<Vec<u8>> {
        &self.wanted
    }

    /// All directories above any of them, the tree itself included.
    pub fn on_the_way(&self) -> &BTreeSet<Vec<u8>> {
        &self.on_the_way
    }

    /// Ids of the files that lie directly in them.
    pub fn ids(&self, known: &KnownTree) -> RoaringBitmap {
        let mut ids = RoaringBitmap::new();
        for facts in self
            .wanted
            .iter()
            .flat_map(|path| known.directories.facts(path))
        {
            for range in &facts.ranges {
                ids.insert_range(range.clone());
            }
        }
        ids
    }
}

impl Area {
    /// The directory in which a listing begins.
    pub fn start(&self, known: &KnownTree) -> Vec<u8> {
        match self {
            Area::Whole | Area::Single(_) => Vec::new(),
            Area::Below(dir) if known.directories.has(dir.as_bytes()) => dir.as_bytes().to_vec(),
            Area::Below(file) => parent(file.as_bytes()).to_vec(),
        }
    }

    /// Whether a directory belongs to the area, or lies above it.
    pub fn has_directory(&self, path: &[u8]) -> bool {
        match self {
            Area::Whole => true,
            Area::Below(dir) => is_below(path, dir.as_bytes()) || is_below(dir.as_bytes(), path),
            Area::Single(directories) => {
                directories.wanted.contains(path) || directories.on_the_way.contains(path)
            }
        }
    }

    /// Whether a file belongs to the area.
    pub fn has_file(&self, path: &[u8]) -> bool {
        match self {
            Area::Whole => true,
            Area::Below(dir) => is_below(path, dir.as_bytes()),
            Area::Single(directories) => directories.wanted.contains(parent(path)),
        }
    }

    /// Number of single directories; 0 for a tree or subtree.
    pub fn directories(&self) -> u64 {
        match self {
            Area::Whole | Area::Below(_) => 0,
            Area::Single(directories) => directories.wanted.len() as u64,
        }
    }
}

/// The directory that contains a path; empty for the tree itself.
pub(in crate::scan) fn parent(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    &path[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_wanted_without_what_lies_below() {
        let paths = ["a/b", "", "a/b/c/d"].map(|path| path.as_bytes().to_vec());
        let area = Area::Single(DirectoryArea::new(paths));
        assert_eq!(area.directories(), 3);
        for (directory, expected) in [
            ("", true),
            ("a", true),
            ("a/b", true),
            ("a/b/c", true),
            ("a/b/c/d", true),
            ("a/b/c/d/e", false),
            ("a/bc", false),
            ("x", false),
        ] {
            assert_eq!(
                area.has_directory(directory.as_bytes()),
                expected,
                "{directory}"
            );
        }
        for (file, expected) in [
            ("f", true),
            ("a/f", false),
            ("a/b/f", true),
            ("a/b/c/f", false),
            ("a/b/c/d/f", true),
            ("a/b/c/d/e/f", false),
        ] {
            assert_eq!(area.has_file(file.as_bytes()), expected, "{file}");
        }
    }
}
