//! Reads the paths of single files of the catalogue; the catalogue in memory has only their keys.

use std::sync::{Mutex, PoisonError};

use crate::config::AllowedFiles;
use crate::db::{Writer, catalogue, open_reader};
use crate::domain::file::CatalogueFile;
use crate::program::exit::chain;

/// Paths with their entries in the catalogue.
pub type NamedFiles = Vec<(Vec<u8>, CatalogueFile)>;

/// Reads a few paths at a time from the database.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    writer: &'a Mutex<Writer>,
}

impl<'a> Names<'a> {
    /// Reads from the database of `writer`.
    pub fn new(writer: &'a Mutex<Writer>) -> Names<'a> {
        Names { writer }
    }

    /// The first files directly in a directory; empty if the database cannot be read.
    pub fn right_in(self, directory: &[u8], limit: usize) -> NamedFiles {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        catalogue::files_in(&*writer, directory, limit).unwrap_or_else(|error| {
            log::debug!("names cannot be read: {}", chain(&error));
            Vec::new()
        })
    }

    /// Number of files that some rules allow; 0 if the database cannot be read.
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
