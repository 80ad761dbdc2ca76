//! Makes snapshots of one open database, and keeps what did not change for the next.
//!
//! If a new file has the lineage of the one before, as each copy has that comes to a further front
//! end, then all that has the same generation stays. Otherwise everything is read anew, so that no
//! answer mixes two databases.

use std::path::Path;
use std::sync::Arc;

use super::catalogue_reader::bring_up_to_date;
use super::file_identity::{FileIdentity, open_same};
use super::known_catalogue::KnownCatalogue;
use super::known_content::KnownContents;
use super::mask::Masks;
use super::roster::roster;
use super::snapshot::Snapshot;
use crate::db::change::CatalogueMark;
use crate::db::copy::lineage::Lineage;
use crate::db::epoch::Epochs;
use crate::db::follow::contradiction;
use crate::db::open::Reader;
use crate::db::{DbError, catalogue, hash, marker_version, product};
use crate::domain::generation::EarlierVersions;
use crate::domain::product::ProductTable;
use crate::domain::repository::{RepositoryRule, RepositoryTable, TableBuilder};

/// A database file that is open, with the values that were read from it.
#[derive(Debug)]
pub(super) struct OpenDatabase {
    reader: Reader,
    /// The file.
    pub identity: FileIdentity,
    /// The lineage of the kept values.
    lineage: Option<Lineage>,
    kept: KeptValues,
}

/// The values that were read from one lineage, kept for the next snapshot.
#[derive(Debug, Default)]
struct KeptValues {
    contents: KnownContents,
    files: Option<KnownCatalogue>,
    repositories: KeptValue<CatalogueMark, RepositoryTable>,
    products: KeptValue<i64, ProductTable>,
    earlier: KeptValue<i64, EarlierVersions>,
}

/// A value, and the mark that the database had when it was read.
#[derive(Debug)]
struct KeptValue<M, T>(Option<(M, Arc<T>)>);

impl<M, T> Default for KeptValue<M, T> {
    fn default() -> KeptValue<M, T> {
        KeptValue(None)
    }
}

impl<M: Copy + PartialEq, T> KeptValue<M, T> {
    /// Gives the value, read again if the mark is another.
    fn get(
        &mut self,
        mark: M,
        read: impl FnOnce() -> Result<T, DbError>,
    ) -> Result<Arc<T>, DbError> {
        if let Some((read_at, value)) = &self.0
            && *read_at == mark
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(read()?);
        self.0 = Some((mark, Arc::clone(&value)));
        Ok(value)
    }
}

impl OpenDatabase {
    /// Opens the file that the path names now.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database is missing or cannot be opened.
    pub fn open(path: &Path) -> Result<OpenDatabase, DbError> {
        let (reader, identity) = open_same(path)?;
        Ok(OpenDatabase {
            reader,
            identity,
            lineage: None,
            kept: KeptValues::default(),
        })
    }

    /// Keeps what was read from another file. It is used if the lineage is the same.
    pub fn take_over(&mut self, before: OpenDatabase) {
        // A file that became shorter is not to be trusted.
        if before.identity != self.identity {
            self.lineage = before.lineage;
            self.kept = before.kept;
        }
    }

    /// SQLite's number, which another program's commit changes.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn data_version(&self) -> Result<i64, DbError> {
        self.reader.data_version()
    }

    /// Makes a snapshot of the present moment.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database cannot be read; then it must be opened again.
    pub fn load(&mut self, serial: u64, rules: &[RepositoryRule]) -> Result<Snapshot, DbError> {
        // One read transaction, so that mirrors and content belong to one moment. After an error
        // the connection is closed, and the transaction with it.
        self.reader.begin_read()?;
        // A newer program may have migrated the database since it was opened.
        self.reader.check_schema()?;
        self.check_lineage()?;
        let reader = &self.reader;
        let kept = &mut self.kept;
        let roster = roster(reader)?;
        let contents = &mut kept.contents;
        let files = bring_up_to_date(reader, kept.files.as_ref(), || {
            contents.load(reader, &roster)
        })?;
        kept.files = Some(files.clone());
        let repositories = kept
            .repositories
            .get(files.mark, || load_repositories(reader, rules))?;
        let products = kept
            .products
            .get(product::generation(reader)?, || product::table(reader))?;
        let earlier = kept.earlier.get(marker_version::generation(reader)?, || {
            marker_version::all(reader)
        })?;
        let epochs = Epochs::load(reader)?;
        let has_hashes = hash::any(reader)?;
        let masks = Masks::of(&contradiction::masked(reader)?, kept.contents.mirrors());
        reader.end_read()?;
        Ok(Snapshot {
            identity: self.identity,
            lineage: self.lineage,
            serial,
            roster,
            has_hashes,
            repositories,
            products,
            earlier,
            files,
            epochs,
            known: kept.contents.of_columns(),
            matrix: kept.contents.matrix(),
            masks,
        })
    }

    /// Forgets what was read from another lineage, whose ids and generations mean something else.
    fn check_lineage(&mut self) -> Result<(), DbError> {
        let lineage = Some(self.reader.lineage()?);
        if self.lineage != lineage {
            self.kept = KeptValues::default();
            self.lineage = lineage;
        }
        Ok(())
    }
}

/// Reads the names of repositories. The file beside the database has no paths, so this reads all
/// rows, but only where rules name repositories.
fn load_repositories(
    reader: &Reader,
    rules: &[RepositoryRule],
) -> Result<RepositoryTable, DbError> {
    let mut names = TableBuilder::new(rules);
    if !rules.is_empty() {
        catalogue::for_each(reader, b"", |path, _| names.see(path))?;
    }
    let table = names.finish();
    for clash in table.clashes() {
        log::warn!("two repositories have the same name: {clash}");
    }
    Ok(table)
}
