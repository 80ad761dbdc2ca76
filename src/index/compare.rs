//! Compares the tree with the catalogue in one pass over both, in the order of paths.

use std::cmp::Ordering;

use super::change::{ChangeList, IndexChange};
use crate::db::{DbError, catalogue, open::Queryable};
use crate::domain::file::CatalogueFile;
use crate::domain::generation::MarkerLaw;
use crate::tree::{InOrder, PathEntry, TreeListing};

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The changes that make the catalogue equal to the tree.
    pub changes: ChangeList,
    /// Number of the catalogue's entries in the subtree.
    pub catalogued: u64,
    /// Number of entries that stay because their place could not be read.
    pub kept: u64,
    /// Files by which mirrors are judged that have not changed.
    pub unchanged_markers: Vec<(Vec<u8>, CatalogueFile)>,
}

/// Compares the result of a walk with the catalogue's entries `below` the same directory; without a
/// database every file is new. `markers` tells which files' earlier versions are remembered.
///
/// # Errors
/// Returns [`DbError::Sql`] if the catalogue cannot be read.
pub fn compare(
    database: Option<&impl Queryable>,
    (below, markers): (&[u8], &MarkerLaw),
    walked: TreeListing,
) -> Result<Comparison, DbError> {
    let mut merge = Merge {
        markers,
        tree: walked.into_order(),
        unreadable_below: None,
        comparison: Comparison::default(),
    };
    if let Some(database) = database {
        catalogue::for_each(database, below, |path, file| merge.entry(path, file))?;
    }
    while merge.tree.current().is_some() {
        merge.pass();
    }
    Ok(merge.comparison)
}

struct Merge<'a> {
    markers: &'a MarkerLaw,
    tree: InOrder,
    /// The unreadable directory that was passed last; all entries below it stay.
    unreadable_below: Option<Vec<u8>>,
    comparison: Comparison,
}

impl Merge<'_> {
    /// Processes the catalogue's next entry.
    fn entry(&mut self, path: &[u8], file: CatalogueFile) {
        self.comparison.catalogued += 1;
        while let Some((seen, found)) = self.tree.current() {
            match seen.cmp(path) {
                Ordering::Less => self.pass(),
                Ordering::Greater => break,
                Ordering::Equal => {
                    self.same_path(path, file, found);
                    self.tree.advance();
                    return;
                }
            }
        }
        let unreadable = self.unreadable_below.as_ref();
        if unreadable.is_some_and(|directory| path.starts_with(directory)) {
            self.comparison.kept += 1;
        } else {
            self.comparison
                .changes
                .push(path, IndexChange::Remove(file.id));
        }
    }

    fn same_path(&mut self, path: &[u8], file: CatalogueFile, found: PathEntry) {
        let changes = &mut self.comparison.changes;
        match (found, file.version) {
            (PathEntry::File(seen), Some(known)) if seen == known => {
                if self.markers.remembers(path) {
                    let unchanged = &mut self.comparison.unchanged_markers;
                    unchanged.push((path.to_owned(), file));
                }
            }
            (PathEntry::File(seen), Some(_)) => {
                changes.push(path, IndexChange::Replace(file.id, seen))
            }
            (PathEntry::File(seen), None) => changes.push(path, IndexChange::Adopt(file.id, seen)),
            (PathEntry::Unreadable | PathEntry::UnreadableBelow, _) => self.comparison.kept += 1,
        }
    }

    /// Passes an entry of the tree that the catalogue does not have.
    fn pass(&mut self) {
        match self.tree.current() {
            Some((path, PathEntry::File(version))) => {
                self.comparison
                    .changes
                    .push(path, IndexChange::Add(version));
            }
            Some((path, PathEntry::UnreadableBelow)) => {
                self.unreadable_below = Some(path.to_owned())
            }
            Some((_, PathEntry::Unreadable)) | None => {}
        }
        self.tree.advance();
    }
}
