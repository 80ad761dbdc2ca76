//! Reads the paths of single files of the catalogue, because the comparison in memory has only keys
//! of them.

use std::sync::{Mutex, PoisonError};

use crate::config::AllowedFiles;
use crate::db::{Writer, catalogue, open_reader};
use crate::domain::file::CatalogueFile;
use crate::program::exit::chain;

/// Paths with what the catalogue says of them.
pub type NamedFiles = Vec<(Vec<u8>, CatalogueFile)>;

/// Reads paths out of the database, a few at a time.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    writer: &'a Mutex<Writer>,
}

impl<'a> Names<'a> {
    /// Out of that database.
    pub fn new(writer: &'a Mutex<Writer>) -> Names<'a> {
        Names { writer }
    }

    /// The first files right in a directory; none where the database cannot be read.
    pub fn right_in(self, directory: &[u8], limit: usize) -> NamedFiles {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        catalogue::files_in(&*writer, directory, limit).unwrap_or_else(|error| {
            log::debug!("names cannot be read: {}", chain(&error));
            Vec::new()
        })
    }

    /// How many files some rules allow; 0 where the database cannot be read.
    pub fn count(self, rules: &AllowedFiles) -> u64 {
        let path = {
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.path().to_owned()
        };
        let mut count = 0;
        let counted = open_reader(&path).and_then(|reader| {
            catalogue::for_each(&reader, b"", |path, _| count += u64::from(rules.has(path)))
        });
        counted.map_or(0, |()| count)
    }

    /// The first files in or below a directory.
    pub fn below(self, directory: &[u8], limit: u32) -> NamedFiles {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = [directory, b"/"].concat();
        let from = if directory.is_empty() {
            b""
        } else {
            prefix.as_slice()
        };
        let mut files = catalogue::some_from(&*writer, from, limit).unwrap_or_else(|error| {
            log::debug!("names cannot be read: {}", chain(&error));
            Vec::new()
        });
        files.retain(|(path, _)| path.starts_with(from));
        files
    }
}
