//! Watches a database file, and makes a new [`Snapshot`] when it has changed.
//!
//! All workers share a snapshot. A file that was replaced or truncated is opened again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file_identity::look;
use super::open_database::OpenDatabase;
use super::snapshot::Snapshot;
use crate::db::DbError;
use crate::domain::repository::RepositoryRule;

/// The result of a check for changes.
#[derive(Debug)]
pub enum SnapshotChange {
    /// Nothing has changed.
    None,
    /// The snapshot after a change.
    New(Arc<Snapshot>),
}

/// Watches one database file.
#[derive(Debug)]
pub struct Loader {
    path: PathBuf,
    serial: u64,
    open: Option<WatchedDatabase>,
    repositories: Arc<[RepositoryRule]>,
}

/// The open database, as it was at the last poll.
#[derive(Debug)]
struct WatchedDatabase {
    database: OpenDatabase,
    size: u64,
    data_version: i64,
}

impl Loader {
    /// Makes a loader that opens the database at the first poll.
    pub fn new(path: &Path) -> Loader {
        Loader {
            path: path.to_owned(),
            serial: 0,
            open: None,
            repositories: Arc::new([]),
        }
    }

    /// The same loader, which names repositories by these rules.
    #[must_use]
    pub fn naming(mut self, rules: &Arc<[RepositoryRule]>) -> Loader {
        self.repositories = Arc::clone(rules);
        self
    }

    /// Checks for changes and loads them.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database is missing or cannot be read; then the earlier snapshot
    /// must not be used any more. The next call starts from the beginning.
    pub fn poll(&mut self) -> Result<SnapshotChange, DbError> {
        let result = self.try_poll();
        if result.is_err() {
            self.open = None;
        }
        result
    }

    fn try_poll(&mut self) -> Result<SnapshotChange, DbError> {
        let (identity, size) = look(&self.path)?;
        let usable = self
            .open
            .as_ref()
            // SQLite does not shrink the file without a VACUUM; a truncated file must be read
            // again.
            .is_some_and(|open| open.database.identity == identity && open.size <= size);
        let mut is_new = false;
        if !usable {
            let before = self.open.take();
            let mut database = OpenDatabase::open(&self.path)?;
            if let Some(before) = before {
                database.take_over(before.database);
            }
            self.open = Some(WatchedDatabase {
                database,
                size,
                data_version: 0,
            });
            is_new = true;
        }
        let Some(open) = &mut self.open else {
            return Err(DbError::Missing {
                path: self.path.clone(),
            });
        };
        open.size = size;
        let data_version = open.database.data_version()?;
        if !is_new && data_version == open.data_version {
            return Ok(SnapshotChange::None);
        }
        self.serial += 1;
        let snapshot = open.database.load(self.serial, &self.repositories)?;
        // The version was read before the content, so a commit in between is loaded next time.
        open.data_version = data_version;
        Ok(SnapshotChange::New(Arc::new(snapshot)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use roaring::RoaringBitmap;

    use crate::db::copy::moment::{Moment, give_name};
    use crate::db::mirror::MirrorRecord;
    use crate::db::{Writer, catalogue, content, mirror, open_writer};
    use crate::domain::file::{FileId, FileVersion};
    use crate::domain::mirror::MirrorId;
    use crate::domain::select::Holdings;
    use crate::domain::time::Timestamp;

    /// A database with a file and two mirrors, of which the first has it.
    fn fill(path: &Path) -> (Writer, Vec<MirrorId>) {
        let mut writer = open_writer(path).expect("a database");
        let filled = writer.transaction(|transaction| {
            let version = FileVersion { size: 1, mtime: 1 };
            let mut files = catalogue::CatalogueWriter::new(transaction)?;
            files.insert(b"a.iso", version)?;
            files.finish()?;
            ["one", "two"]
                .map(|name| mirror::insert(transaction, &MirrorRecord::new(name)))
                .into_iter()
                .collect()
        });
        let mirrors: Vec<MirrorId> = filled.expect("stored");
        publish(&mut writer, mirrors[0], &[1]);
        (writer, mirrors)
    }

    fn publish(writer: &mut Writer, mirror: MirrorId, ids: &[u32]) {
        let content = content::Content {
            current: ids.iter().copied().collect(),
            outdated: RoaringBitmap::new(),
        };
        let origin = content::ContentOrigin {
            at: Timestamp(1),
            by: "rsync".to_owned(),
            unknown_files: 0,
        };
        writer
            .transaction(|transaction| content::publish(transaction, mirror, &content, &origin))
            .expect("published");
    }

    /// Brings a copy as a backup does.
    fn bring(from: &Path, to: &Path) {
        let temporary = to.with_extension("tmp");
        let moment = Moment::open(from).expect("it opens");
        moment
            .write_copy(&temporary, &mut |_| {})
            .expect("a copy is written");
        give_name(&temporary, to).expect("it gets its name");
    }

    fn poll(loader: &mut Loader) -> Arc<Snapshot> {
        match loader.poll().expect("it can be read") {
            SnapshotChange::New(snapshot) => snapshot,
            SnapshotChange::None => panic!("nothing changed"),
        }
    }

    #[test]
    fn of_a_new_copy_only_what_changed_is_read() {
        let folder = tempfile::tempdir().expect("folder");
        let [source, copy] = ["a.db", "b.db"].map(|name| folder.path().join(name));
        let (mut writer, mirrors) = fill(&source);
        bring(&source, &copy);
        let mut loader = Loader::new(&copy);
        let first = poll(&mut loader);
        assert!(matches!(loader.poll(), Ok(SnapshotChange::None)));
        publish(&mut writer, mirrors[1], &[1]);
        bring(&source, &copy);
        let second = poll(&mut loader);
        assert!(first.files.shares_table(&second.files));
        let known = |snapshot: &Snapshot, index: usize| snapshot.known[index].clone();
        let [before, after] = [&first, &second].map(|snapshot| known(snapshot, 0));
        assert!(Arc::ptr_eq(&before.expect("known"), &after.expect("known")));
        assert!(known(&first, 1).is_none() && known(&second, 1).is_some());
        assert_eq!(second.holdings(FileId(1)).word(0), 0b11);
    }

    #[test]
    fn nothing_of_another_database_survives() {
        let folder = tempfile::tempdir().expect("folder");
        let [ours, other, copy] = ["a.db", "b.db", "c.db"].map(|name| folder.path().join(name));
        fill(&ours);
        let (mut writer, mirrors) = fill(&other);
        // The same generations with other content.
        publish(&mut writer, mirrors[0], &[]);
        let (mut writer, mirrors) = {
            let path = folder.path().join("d.db");
            bring(&other, &path);
            (open_writer(&path).expect("it opens"), mirrors)
        };
        bring(&ours, &copy);
        let mut loader = Loader::new(&copy);
        let first = poll(&mut loader);
        assert_eq!(first.holdings(FileId(1)).word(0), 0b01);
        bring(&other, &copy);
        let second = poll(&mut loader);
        assert!(!first.files.shares_table(&second.files));
        assert_eq!(second.holdings(FileId(1)).word(0), 0);
        assert_eq!(
            first.holdings(FileId(1)).word(0),
            0b01,
            "rows are not shared"
        );
        // A copy that was written is another branch: its generations mean something else.
        publish(&mut writer, mirrors[0], &[1]);
        bring(writer.path(), &copy);
        let third = poll(&mut loader);
        assert_ne!(second.lineage, third.lineage);
        assert_eq!(third.holdings(FileId(1)).word(0), 0b01);
    }

    #[test]
    fn a_database_that_cannot_be_looked_at_is_not_missing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.db");
        let poll = || Loader::new(&path).poll();
        assert!(matches!(poll(), Err(DbError::Missing { .. })));
        std::os::unix::fs::symlink("a.db", &path).expect("a link to itself");
        assert!(matches!(poll(), Err(DbError::Unseen { .. })));
    }
}
