//! Holds the catalogue as a large table that stays and the few files that changed since.
//!
//! A new generation of the tree costs what changed, not a reading of all. When much has changed,
//! the table is made anew.

use std::collections::HashMap;
use std::sync::Arc;

use super::known_files::{KnownFiles, PathKey};
use crate::db::change::{CatalogueMark, ChangedFile};
use crate::domain::file::CatalogueFile;

/// So many changed files stand beside the table however small it is.
const CHANGES_ALWAYS: usize = 1024;

/// More than this part of the table does not stand beside it. A changed file takes twice the memory
/// of one in the table, so all of them take a sixteenth of the table's.
const CHANGES_PART: usize = 32;

/// How many changed files may stand beside a table of so many.
pub(super) fn changes_max(files: usize) -> usize {
    (files / CHANGES_PART).max(CHANGES_ALWAYS)
}

/// The catalogue at one moment.
#[derive(Debug, Clone)]
pub(super) struct KnownCatalogue {
    /// Which state of the catalogue this is.
    pub mark: CatalogueMark,
    table: Arc<KnownFiles>,
    /// Files as they are since the table was made; `None`: removed.
    changed: Arc<HashMap<PathKey, Option<CatalogueFile>>>,
}

impl KnownCatalogue {
    /// A catalogue as the table has it.
    pub fn new(mark: CatalogueMark, table: KnownFiles) -> KnownCatalogue {
        KnownCatalogue {
            mark,
            table: Arc::new(table),
            changed: Arc::default(),
        }
    }

    /// Looks up a canonical path.
    pub fn get(&self, path: &[u8]) -> Option<CatalogueFile> {
        let key = self.table.key(path);
        if !self.changed.is_empty()
            && let Some(file) = self.changed.get(&key)
        {
            return *file;
        }
        self.table.by_key(key)
    }

    /// How many more changes may stand beside the table.
    pub fn room(&self) -> usize {
        changes_max(self.table.len()).saturating_sub(self.changed.len())
    }

    /// The catalogue after some files have changed.
    pub fn changed(&self, mark: CatalogueMark, files: &[ChangedFile]) -> KnownCatalogue {
        let mut changed = HashMap::clone(&self.changed);
        let keyed = files.iter();
        changed.extend(keyed.map(|(path, file)| (self.table.key(path), *file)));
        KnownCatalogue {
            mark,
            table: Arc::clone(&self.table),
            changed: Arc::new(changed),
        }
    }

    /// Number of files that stand beside the table.
    pub fn changes(&self) -> usize {
        self.changed.len()
    }

    /// Whether both have one table.
    #[cfg(test)]
    pub fn shares_table(&self, other: &KnownCatalogue) -> bool {
        Arc::ptr_eq(&self.table, &other.table)
    }
}
