//! The result of a walk: compact in memory, and read once in the order of path bytes.
//!
//! Each directory is one block of bytes: its entries, sorted, with a name and two numbers each, so
//! that a million files take some 45 MB. Names of directories end in a slash there: sorting each
//! directory's names and descending into each directory then yields exactly the order of whole
//! paths (`a-b` < `a/b` < `a0`). A block's memory is freed as soon as it is read.

use std::collections::VecDeque;

use crate::domain::file::FileVersion;
use crate::domain::varint;

const FILE: u8 = 0;
const DIRECTORY: u8 = 1;
const UNREADABLE: u8 = 2;
const UNREADABLE_BELOW: u8 = 3;

/// Writes one directory. Entries must come in order, and a directory's name with its slash.
#[derive(Debug, Default)]
pub(super) struct ListingWriter {
    bytes: Vec<u8>,
    /// Number of files so far.
    pub files: u64,
    /// Total size of these files in bytes.
    pub size: u64,
}

/// One directory.
#[derive(Debug, Default)]
pub(super) struct DirectoryListing {
    bytes: Box<[u8]>,
    files: u64,
    size: u64,
    /// Number of its first subdirectory; the others follow in order.
    first: usize,
}

impl ListingWriter {
    fn entry(&mut self, tag: u8, name: &[u8]) {
        self.bytes.push(tag);
        varint::put(&mut self.bytes, name.len() as u64);
        self.bytes.extend_from_slice(name);
    }

    pub fn file(&mut self, name: &[u8], version: FileVersion) {
        self.entry(FILE, name);
        varint::put(&mut self.bytes, version.size);
        varint::put_signed(&mut self.bytes, version.mtime);
        self.files += 1;
        self.size = self.size.saturating_add(version.size);
    }

    pub fn directory(&mut self, name: &[u8]) {
        self.entry(DIRECTORY, name);
    }

    /// Adds an entry that could not be examined.
    pub fn unreadable(&mut self, name: &[u8]) {
        self.entry(UNREADABLE, name);
    }

    /// Adds a directory that could not be read, by its name with the slash; "" is this directory.
    pub fn unreadable_below(&mut self, name: &[u8]) {
        self.entry(UNREADABLE_BELOW, name);
    }

    /// Ends the directory, whose subdirectories have the numbers from `first` on.
    pub fn end(self, first: usize) -> DirectoryListing {
        DirectoryListing {
            bytes: self.bytes.into_boxed_slice(),
            files: self.files,
            size: self.size,
            first,
        }
    }
}

/// A place that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadablePlace {
    /// Path relative to the tree.
    pub path: Vec<u8>,
    /// The error of the system.
    pub reason: String,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub struct TreeListing {
    /// Path of the subtree; "" is the whole tree.
    below: Vec<u8>,
    directories: Vec<DirectoryListing>,
    /// Number of regular files.
    pub files: u64,
    /// Total size of these files in bytes.
    pub bytes: u64,
    /// The first [`super::UNREADABLE_LISTED_MAX`] unreadable places, sorted by path.
    pub unreadable: Vec<UnreadablePlace>,
    /// Number of all unreadable places.
    pub unreadable_total: u64,
}

impl TreeListing {
    pub(super) fn new(below: &[u8], directories: usize) -> TreeListing {
        let mut walked = TreeListing {
            below: below.to_owned(),
            ..TreeListing::default()
        };
        walked
            .directories
            .resize_with(directories, DirectoryListing::default);
        walked
    }

    /// The listing of files that are known without a walk; they come in the order of path bytes,
    /// and no path is a file and a directory.
    pub fn of_files(files: &[(Vec<u8>, FileVersion)]) -> TreeListing {
        let mut whole = TreeListing::new(b"", 0);
        // Each with the length of its path; they are numbered as they come.
        let mut waiting = VecDeque::from([(files, 0)]);
        let mut next = 1;
        while let Some((mut rest, length)) = waiting.pop_front() {
            let mut writer = ListingWriter::default();
            let first = next;
            while let Some((path, version)) = rest.first() {
                let name = &path[length..];
                let Some(slash) = name.iter().position(|byte| *byte == b'/') else {
                    writer.file(name, *version);
                    rest = &rest[1..];
                    continue;
                };
                let directory = &path[..length + slash + 1];
                let end = rest.partition_point(|(path, _)| path.starts_with(directory));
                writer.directory(&name[..=slash]);
                waiting.push_back((&rest[..end], directory.len()));
                next += 1;
                rest = &rest[end..];
            }
            whole.directories.push(DirectoryListing::default());
            let number = whole.directories.len() - 1;
            whole.put(number, writer.end(first));
        }
        whole
    }

    pub(super) fn put(&mut self, number: usize, listing: DirectoryListing) {
        self.files += listing.files;
        self.bytes = self.bytes.saturating_add(listing.size);
        self.directories[number] = listing;
    }

    /// Number of directories that were read.
    pub fn directories(&self) -> usize {
        self.directories.len()
    }

    /// Returns the files in the order of path bytes.
    pub fn into_order(mut self) -> InOrder {
        let mut path = std::mem::take(&mut self.below);
        if !path.is_empty() {
            path.push(b'/');
        }
        let mut order = InOrder {
            directories: std::mem::take(&mut self.directories),
            levels: Vec::new(),
            path,
            found: None,
        };
        order.enter(0);
        order.advance();
        order
    }
}

/// The entry at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEntry {
    /// A regular file.
    File(FileVersion),
    /// An entry that could not be examined.
    Unreadable,
    /// Everything that begins with this path could not be examined; the path ends in a slash, or is
    /// empty.
    UnreadableBelow,
}

/// A cursor over the result of a walk.
#[derive(Debug)]
pub struct InOrder {
    directories: Vec<DirectoryListing>,
    levels: Vec<WalkLevel>,
    path: Vec<u8>,
    found: Option<PathEntry>,
}

#[derive(Debug)]
struct WalkLevel {
    listing: DirectoryListing,
    /// Index of the next byte of the listing.
    at: usize,
    /// Length of the directory's path with its slash.
    path_length: usize,
}

impl InOrder {
    /// The entry at the cursor; `None` at the end.
    pub fn current(&self) -> Option<(&[u8], PathEntry)> {
        self.found.map(|found| (&self.path[..], found))
    }

    /// Moves the cursor to the next entry.
    pub fn advance(&mut self) {
        self.found = None;
        while let Some(level) = self.levels.last_mut() {
            self.path.truncate(level.path_length);
            let Some((&tag, mut rest)) = level.listing.bytes[level.at..].split_first() else {
                self.levels.pop();
                continue;
            };
            let name_length = number(&mut rest) as usize;
            let (name, mut rest) = rest.split_at(name_length);
            self.path.extend_from_slice(name);
            let found = match tag {
                FILE => Some(PathEntry::File(FileVersion {
                    size: number(&mut rest),
                    mtime: varint::take_signed(&mut rest).expect(OURS),
                })),
                UNREADABLE => Some(PathEntry::Unreadable),
                UNREADABLE_BELOW => Some(PathEntry::UnreadableBelow),
                _ => None,
            };
            level.at = level.listing.bytes.len() - rest.len();
            if found.is_some() {
                self.found = found;
                return;
            }
            let subdirectory = level.listing.first;
            level.listing.first += 1;
            self.enter(subdirectory);
        }
    }

    fn enter(&mut self, directory: usize) {
        self.levels.push(WalkLevel {
            listing: std::mem::take(&mut self.directories[directory]),
            at: 0,
            path_length: self.path.len(),
        });
    }
}

const OURS: &str = "a listing is read as it was written";

fn number(bytes: &mut &[u8]) -> u64 {
    varint::take(bytes).expect(OURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_files_come_in_their_order() {
        let version = FileVersion { size: 7, mtime: 9 };
        let paths = ["a", "a-b", "b/c", "b/d/e", "b/d/f", "b/g", "b0", "z/y/x/w"];
        let files: Vec<_> = paths
            .map(|path| (path.as_bytes().to_vec(), version))
            .to_vec();
        let listing = TreeListing::of_files(&files);
        assert_eq!(
            (listing.files, listing.bytes, listing.directories()),
            (8, 56, 6)
        );
        let mut order = listing.into_order();
        let mut seen = Vec::new();
        while let Some((path, found)) = order.current() {
            assert_eq!(found, PathEntry::File(version));
            seen.push((path.to_vec(), version));
            order.advance();
        }
        assert_eq!(seen, files);
        let mut none = TreeListing::of_files(&[]).into_order();
        assert_eq!(none.current(), None);
        none.advance();
    }

    #[test]
    fn the_order_is_that_of_whole_paths() {
        let version = |mtime| FileVersion { size: 300, mtime };
        let mut root = ListingWriter::default();
        root.file(b"a", version(-1));
        root.file(b"a-b", version(1));
        root.directory(b"a/");
        root.unreadable(b"a0");
        root.unreadable_below(b"a0/");
        root.directory(b"b/");
        let mut a = ListingWriter::default();
        a.file(b"\xff\n", version(1 << 40));
        let mut b = ListingWriter::default();
        b.unreadable_below(b"");
        let mut walked = TreeListing::new(b"top", 3);
        walked.put(2, b.end(3));
        walked.put(0, root.end(1));
        walked.put(1, a.end(3));
        assert_eq!((walked.files, walked.bytes), (3, 900));

        let mut order = walked.into_order();
        let mut seen = Vec::new();
        while let Some((path, found)) = order.current() {
            seen.push((path.to_vec(), found));
            order.advance();
        }
        let expected = [
            (&b"top/a"[..], PathEntry::File(version(-1))),
            (b"top/a-b", PathEntry::File(version(1))),
            (b"top/a/\xff\n", PathEntry::File(version(1 << 40))),
            (b"top/a0", PathEntry::Unreadable),
            (b"top/a0/", PathEntry::UnreadableBelow),
            (b"top/b/", PathEntry::UnreadableBelow),
        ];
        assert_eq!(seen, expected.map(|(path, found)| (path.to_vec(), found)));
        assert!(seen.is_sorted_by(|a, b| a.0 < b.0));
    }
}
