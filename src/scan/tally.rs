//! What one listing amounts to: ids of current and outdated copies, and counts of the rest.

use roaring::RoaringBitmap;

use crate::db::content::Content;
use crate::db::known::{Cursor, KnownFiles};
use crate::domain::file::Copy;
use crate::domain::listing::rsync::Line;

/// Entries of a listing, compared with the catalogue as they come.
#[derive(Debug)]
pub struct Tally<'a> {
    known: &'a KnownFiles,
    cursor: Cursor,
    current: RoaringBitmap,
    outdated: RoaringBitmap,
    files: u64,
    unknown: u64,
    private: u64,
}

/// The sum of a listing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// What the mirror has of the catalogue.
    pub content: Content,
    /// Files that everybody may read.
    pub files: u64,
    /// Those of them that the catalogue does not have.
    pub unknown: u64,
    /// Files that not everybody may read; a web server refuses them.
    pub private: u64,
}

impl<'a> Tally<'a> {
    /// Nothing seen yet.
    pub fn new(known: &'a KnownFiles) -> Tally<'a> {
        Tally {
            known,
            cursor: Cursor::default(),
            current: RoaringBitmap::new(),
            outdated: RoaringBitmap::new(),
            files: 0,
            unknown: 0,
            private: 0,
        }
    }

    /// Takes one entry.
    pub fn see(&mut self, entry: Line, path: &[u8]) {
        let version = match entry {
            Line::File(version) => version,
            Line::Private => {
                self.private += 1;
                return;
            }
            _ => return,
        };
        self.files += 1;
        let Some(file) = self.known.find(path, &mut self.cursor) else {
            self.unknown += 1;
            return;
        };
        match file.judge(version) {
            Copy::Current => self.current.insert(file.id.0),
            Copy::Outdated => self.outdated.insert(file.id.0),
        };
    }

    /// Files so far.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// The sum.
    pub fn finish(mut self) -> Seen {
        // A listing that names one file twice is believed where it promises less.
        self.current -= &self.outdated;
        Seen {
            content: Content {
                current: self.current,
                outdated: self.outdated,
            },
            files: self.files,
            unknown: self.unknown,
            private: self.private,
        }
    }
}
