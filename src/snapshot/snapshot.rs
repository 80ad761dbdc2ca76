//! Mirrors and their bitmaps in memory, from which the responder decides.
//!
//! A [`Loader`] checks regularly for changes and makes a new [`Snapshot`], which all workers share.
//! A file that was replaced or truncated is opened again. If the new file has the lineage of the
//! one before, as each copy has that comes to a further front end, then all that has the same
//! generation stays. Otherwise everything is read anew, so that no answer mixes two databases.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use roaring::RoaringBitmap;

use super::known_catalogue::KnownCatalogue;
use super::known_files::KnownFiles;
use super::mask::Masks;
use super::matrix::Matrix;
use super::serialized_bitmap::SerializedBitmap;
use super::table_file::{OpenTable, TableFileError, table_path};
use crate::db::DbError;
use crate::db::change::{CatalogueMark, changed_since, mark};
use crate::db::copy::lineage::Lineage;
use crate::db::epoch::Epochs;
use crate::db::follow::contradiction;
use crate::db::open::{Queryable, Reader, open_reader};
use crate::db::{catalogue, content, hash, marker_version, mirror, probe, product};
use crate::domain::file::{CatalogueFile, FileId};
use crate::domain::generation::EarlierVersions;
use crate::domain::mirror::{Mirror, MirrorId};
use crate::domain::product::ProductTable;
use crate::domain::repository::{RepositoryRule, RepositoryTable, TableBuilder};
use crate::domain::select::set::{MirrorSet, WORD_BITS, indexes};
use crate::domain::select::{Holdings, Reason, Roster};
use crate::domain::time::Timestamp;

/// How often a file is opened that is replaced meanwhile.
const OPEN_TRIES: usize = 5;

/// Bytes of stored bitmaps that are held at a time while columns change; a bitmap has at most
/// 1.3 MB for ten million files, which have 700 MB here.
const BITMAP_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Identifies the file at a path: another inode is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The identity of the file that the path names now.
    ///
    /// # Errors
    /// Returns [`DbError::Missing`] if there is no file, and [`DbError::Unseen`] if the file system
    /// gives no answer.
    pub fn of(path: &Path) -> Result<FileIdentity, DbError> {
        Ok(look(path)?.0)
    }
}

/// The identity and size of the file that the path names now.
fn look(path: &Path) -> Result<(FileIdentity, u64), DbError> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::NotFound => DbError::Missing { path },
            _ => DbError::Unseen { path, source },
        }
    })?;
    let identity = FileIdentity {
        device: file.dev(),
        inode: file.ino(),
    };
    Ok((identity, file.len()))
}

/// The values kept about one mirror's bitmaps, besides its column in the matrix.
#[derive(Debug)]
struct KnownContent {
    generation: i64,
    outdated: RoaringBitmap,
}

/// The mirrors of a site and their content at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The file from which it was read.
    pub identity: FileIdentity,
    /// The database that the file is, or is a copy of; `None`: no database.
    pub lineage: Option<Lineage>,
    /// A number that no other snapshot of this process has.
    pub serial: u64,
    /// The mirrors.
    pub roster: Roster,
    /// Whether the database has any hashes; if not, no request looks for them.
    pub has_hashes: bool,
    /// The repositories of the catalogue by name.
    pub repositories: Arc<RepositoryTable>,
    /// The products.
    pub products: Arc<ProductTable>,
    /// Earlier versions of files by which mirrors are judged.
    pub earlier: Arc<EarlierVersions>,
    files: KnownCatalogue,
    epochs: Epochs,
    known: Vec<Option<Arc<KnownContent>>>,
    matrix: Matrix,
    masks: Masks,
}

/// A snapshot as values: what decisions are tried with, without a database.
#[derive(Debug, Clone, Default)]
pub struct SnapshotValues {
    /// The mirrors.
    pub mirrors: Vec<Mirror>,
    /// The catalogue.
    pub files: Vec<(Vec<u8>, CatalogueFile)>,
    /// The contents of mirrors; a mirror that is not among them was never scanned.
    pub contents: Vec<(MirrorId, content::Content)>,
    /// Whether there are hashes.
    pub has_hashes: bool,
    /// Which names its repositories have.
    pub repositories: Vec<RepositoryRule>,
    /// Its products.
    pub products: ProductTable,
    /// Earlier versions of its files.
    pub earlier: EarlierVersions,
}

impl Snapshot {
    /// A snapshot of no database.
    pub fn of_values(mut values: SnapshotValues) -> Snapshot {
        let roster = Roster::new(values.mirrors);
        values.files.sort_by(|a, b| a.0.cmp(&b.0));
        let count = roster.mirrors().len();
        let mut matrix = Matrix::new(count);
        let mut known = vec![None; count];
        for (id, content) in values.contents {
            let column = roster.mirrors().iter().position(|mirror| mirror.id == id);
            let Some(column) = column else { continue };
            matrix.set_column(column, &content.current);
            known[column] = Some(Arc::new(KnownContent {
                generation: 0,
                outdated: content.outdated,
            }));
        }
        let mut repositories = TableBuilder::new(&values.repositories);
        values
            .files
            .iter()
            .for_each(|(path, _)| repositories.see(path));
        Snapshot {
            identity: FileIdentity {
                device: 0,
                inode: 0,
            },
            lineage: None,
            serial: 0,
            roster,
            has_hashes: values.has_hashes,
            repositories: Arc::new(repositories.finish()),
            products: Arc::new(values.products),
            earlier: Arc::new(values.earlier),
            files: KnownCatalogue::new(
                CatalogueMark {
                    generation: 0,
                    stamp: None,
                },
                KnownFiles::of(&values.files, 0),
            ),
            epochs: Epochs::default(),
            known,
            matrix,
            masks: Masks::default(),
        }
    }

    /// Looks up a canonical path in the catalogue.
    pub fn find(&self, path: &[u8]) -> Option<CatalogueFile> {
        self.files.get(path)
    }

    /// Time when a file version was first seen; `None`: long ago.
    pub fn seen_at(&self, file: FileId) -> Option<Timestamp> {
        self.epochs.seen_at(file)
    }

    /// Which mirrors have a file version.
    pub fn holdings(&self, file: FileId) -> FileHoldings<'_> {
        FileHoldings {
            snapshot: self,
            file,
            masked: self.masks.of_file(file),
            earlier: &[],
            within: None,
        }
    }

    /// The mirrors that have all of the file versions.
    pub fn holders(&self, files: &[FileId]) -> MirrorSet {
        let words = self.roster.mirrors().len().div_ceil(WORD_BITS);
        let bits = |word| {
            let mut files = files.iter();
            files.try_fold(u64::MAX, |bits, file| {
                match bits & self.matrix.word(*file, word) {
                    0 => None,
                    some => Some(some),
                }
            })
        };
        (0..words)
            .filter_map(|word| Some(indexes(word, bits(word)?)))
            .flatten()
            .collect()
    }

    /// Counts how many of the files each mirror of the roster has.
    pub fn counts(&self, files: &[FileId]) -> Vec<u64> {
        let mut counts = self.matrix.counts(files);
        counts.resize(self.roster.mirrors().len(), 0);
        counts
    }
}

/// The mirrors that have a file version.
pub struct FileHoldings<'s> {
    snapshot: &'s Snapshot,
    file: FileId,
    /// Mirrors that did not have the file when it was last looked for.
    masked: Option<&'s MirrorSet>,
    earlier: &'s [FileId],
    within: Option<&'s MirrorSet>,
}

impl<'s> FileHoldings<'s> {
    /// These, and those that have one of some earlier versions.
    #[must_use]
    pub fn or_earlier(mut self, earlier: &'s [FileId]) -> FileHoldings<'s> {
        self.earlier = earlier;
        self
    }

    /// Those of them that are in a set.
    #[must_use]
    pub fn within(mut self, set: Option<&'s MirrorSet>) -> FileHoldings<'s> {
        self.within = set;
        self
    }
}

impl Holdings for FileHoldings<'_> {
    fn word(&self, word: usize) -> u64 {
        let masked = self.masked.map_or(0, |masked| masked.word(word));
        let matrix = &self.snapshot.matrix;
        let mut bits = matrix.word(self.file, word) & !masked;
        for earlier in self.earlier {
            bits |= matrix.word(*earlier, word);
        }
        self.within.map_or(bits, |set| bits & set.word(word))
    }

    fn why_not(&self, mirror: usize) -> Reason {
        if let Some(set) = self.within
            && !set.contains(mirror)
            && self.snapshot.holders(&[self.file]).contains(mirror)
        {
            return Reason::OtherGeneration;
        }
        match self.snapshot.known.get(mirror).and_then(Option::as_ref) {
            None => Reason::NeverScanned,
            Some(known) if known.outdated.contains(self.file.0) => Reason::FileOutdated,
            Some(_) if self.masked.is_some_and(|masked| masked.contains(mirror)) => {
                Reason::Contradicted
            }
            Some(_) => Reason::FileMissing,
        }
    }
}

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
    open: Option<OpenDatabase>,
    repositories: Arc<[RepositoryRule]>,
}

#[derive(Debug)]
struct OpenDatabase {
    reader: Reader,
    identity: FileIdentity,
    size: u64,
    data_version: i64,
    /// The lineage of everything below.
    lineage: Option<Lineage>,
    mirrors: Vec<MirrorId>,
    known: HashMap<MirrorId, Arc<KnownContent>>,
    matrix: Matrix,
    /// The catalogue as it was last read.
    files: Option<KnownCatalogue>,
    /// The repositories by name, as of a catalogue.
    repositories: Option<(CatalogueMark, Arc<RepositoryTable>)>,
    /// The products, and the generation at which they were read.
    products: Option<(i64, Arc<ProductTable>)>,
    /// The same for earlier versions.
    earlier: Option<(i64, Arc<EarlierVersions>)>,
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
            .is_some_and(|open| open.identity == identity && open.size <= size);
        let mut is_new = false;
        if !usable {
            let before = self.open.take();
            let mut open = OpenDatabase::open(&self.path)?;
            if let Some(before) = before {
                open.take_over(before);
            }
            self.open = Some(open);
            is_new = true;
        }
        let Some(open) = &mut self.open else {
            return Err(DbError::Missing {
                path: self.path.clone(),
            });
        };
        open.size = size;
        let data_version = open.reader.data_version()?;
        if !is_new && data_version == open.data_version {
            return Ok(SnapshotChange::None);
        }
        self.serial += 1;
        let snapshot = open.load(self.serial, &self.repositories)?;
        // The version was read before the content, so a commit in between is loaded next time.
        open.data_version = data_version;
        Ok(SnapshotChange::New(Arc::new(snapshot)))
    }
}

impl OpenDatabase {
    fn open(path: &Path) -> Result<OpenDatabase, DbError> {
        let (reader, identity) = open_same(path)?;
        Ok(OpenDatabase {
            reader,
            identity,
            size: 0,
            data_version: 0,
            lineage: None,
            mirrors: Vec::new(),
            known: HashMap::new(),
            matrix: Matrix::default(),
            files: None,
            repositories: None,
            products: None,
            earlier: None,
        })
    }

    /// Keeps what was read from another file. It is used if the lineage is the same.
    fn take_over(&mut self, before: OpenDatabase) {
        // A file that became shorter is not to be trusted.
        if before.identity != self.identity {
            self.lineage = before.lineage;
            self.mirrors = before.mirrors;
            self.known = before.known;
            self.matrix = before.matrix;
            self.files = before.files;
            self.repositories = before.repositories;
            self.products = before.products;
            self.earlier = before.earlier;
        }
    }

    /// Forgets what was read from another lineage, whose ids and generations mean something else.
    fn check_lineage(&mut self) -> Result<(), DbError> {
        let lineage = Some(self.reader.lineage()?);
        if self.lineage != lineage {
            self.mirrors.clear();
            self.known.clear();
            self.matrix = Matrix::default();
            self.files = None;
            self.repositories = None;
            self.products = None;
            self.earlier = None;
            self.lineage = lineage;
        }
        Ok(())
    }

    fn load(&mut self, serial: u64, rules: &[RepositoryRule]) -> Result<Snapshot, DbError> {
        // One read transaction, so that mirrors and content belong to one moment. After an error
        // the connection is closed, and the transaction with it.
        self.reader.begin_read()?;
        // A newer program may have migrated the database since it was opened.
        self.reader.check_schema()?;
        self.check_lineage()?;
        let roster = roster(&self.reader)?;
        let files = self.load_files(&roster)?;
        let repositories = self.load_repositories(rules, files.mark)?;
        let products = self.load_products()?;
        let earlier = self.load_earlier()?;
        let epochs = Epochs::load(&self.reader)?;
        let has_hashes = hash::any(&self.reader)?;
        let masks = Masks::of(&contradiction::masked(&self.reader)?, &self.mirrors);
        self.reader.end_read()?;
        let of_roster = self
            .mirrors
            .iter()
            .map(|id| self.known.get(id).cloned())
            .collect();
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
            known: of_roster,
            matrix: self.matrix.clone(),
            masks,
        })
    }

    /// Reads the products if one of them changed.
    fn load_products(&mut self) -> Result<Arc<ProductTable>, DbError> {
        let generation = product::generation(&self.reader)?;
        if let Some((read_at, products)) = &self.products
            && *read_at == generation
        {
            return Ok(Arc::clone(products));
        }
        let products = Arc::new(product::table(&self.reader)?);
        self.products = Some((generation, Arc::clone(&products)));
        Ok(products)
    }

    /// Reads earlier versions if one of them changed.
    fn load_earlier(&mut self) -> Result<Arc<EarlierVersions>, DbError> {
        let generation = marker_version::generation(&self.reader)?;
        if let Some((read_at, earlier)) = &self.earlier
            && *read_at == generation
        {
            return Ok(Arc::clone(earlier));
        }
        let earlier = Arc::new(marker_version::all(&self.reader)?);
        self.earlier = Some((generation, Arc::clone(&earlier)));
        Ok(earlier)
    }

    /// Reads the names of repositories if the catalogue has changed. The file beside the database
    /// has no paths, so this reads all rows, but only where rules name repositories.
    fn load_repositories(
        &mut self,
        rules: &[RepositoryRule],
        mark: CatalogueMark,
    ) -> Result<Arc<RepositoryTable>, DbError> {
        if let Some((read_at, table)) = &self.repositories
            && *read_at == mark
        {
            return Ok(Arc::clone(table));
        }
        let mut names = TableBuilder::new(rules);
        if !rules.is_empty() {
            catalogue::for_each(&self.reader, b"", |path, _| names.see(path))?;
        }
        let table = names.finish();
        for clash in table.clashes() {
            log::warn!("two repositories have the same name: {clash}");
        }
        let table = Arc::new(table);
        self.repositories = Some((mark, Arc::clone(&table)));
        Ok(table)
    }

    /// Brings catalogue and matrix up to date.
    fn load_files(&mut self, roster: &Roster) -> Result<KnownCatalogue, DbError> {
        let now = mark(&self.reader)?;
        let caught_up = match &self.files {
            Some(files) if files.mark == now => Some(files.clone()),
            Some(files) => changed_since(&self.reader, files.mark, files.room())?
                .map(|changed| files.changed(now, &changed)),
            None => None,
        };
        if let Some(files) = caught_up {
            self.load_contents(roster)?;
            self.files = Some(files.clone());
            return Ok(files);
        }
        let began = Instant::now();
        let table = OpenTable::open(&self.reader);
        // The file is read while the bitmaps are turned round.
        let read = std::thread::scope(|scope| {
            let reading = match table {
                Ok(table) => {
                    let thread = std::thread::Builder::new().name("catalogue".to_owned());
                    let read = move || table.read(now);
                    thread.spawn_scoped(scope, read).map_err(|problem| {
                        let path = table_path(self.reader.path());
                        TableFileError::File { path, problem }
                    })
                }
                Err(error) => Err(error),
            };
            self.load_contents(roster)?;
            Ok(reading.and_then(|thread| match thread.join() {
                Ok(read) => read,
                Err(panic) => std::panic::resume_unwind(panic),
            }))
        })?;
        let files = match read {
            Ok(files) => {
                log::info!(
                    "catalogue read from the file beside the database: database={} changes={} \
                     took_ms={}",
                    self.reader.path().display(),
                    files.changes(),
                    began.elapsed().as_millis()
                );
                files
            }
            Err(reason) => read_from_database(&self.reader, now, reason)?,
        };
        self.files = Some(files.clone());
        Ok(files)
    }

    /// Updates the matrix: the columns whose generation changed, or all columns if mirrors were
    /// added or removed, which changes the indexes.
    fn load_contents(&mut self, roster: &Roster) -> Result<(), DbError> {
        let mirrors: Vec<MirrorId> = roster.mirrors().iter().map(|mirror| mirror.id).collect();
        if mirrors != self.mirrors {
            self.known.clear();
            self.matrix = Matrix::new(mirrors.len());
            self.mirrors = mirrors;
        }
        let mut changed = Vec::new();
        for (id, generation) in content::generations(&self.reader)? {
            let is_known = |known: &Arc<KnownContent>| known.generation == generation;
            if let Ok(column) = self.mirrors.binary_search(&id)
                && !self.known.get(&id).is_some_and(is_known)
            {
                changed.push((column, id, generation));
            }
        }
        let mut waiting = Vec::new();
        for (column, id, generation) in changed {
            let is_full = |waiting: &[(usize, SerializedBitmap)]| {
                let bytes: usize = waiting.iter().map(|(_, bitmap)| bitmap.bytes()).sum();
                let is_other_word =
                    |(first, _): &(usize, _)| first / WORD_BITS != column / WORD_BITS;
                bytes > BITMAP_BYTES_MAX || waiting.first().is_some_and(is_other_word)
            };
            if is_full(&waiting) {
                self.matrix.set_columns(&waiting);
                waiting.clear();
            }
            let (known, current) = load_bitmaps(&self.reader, id, generation)?;
            waiting.push((column, current));
            self.known.insert(id, Arc::new(known));
        }
        self.matrix.set_columns(&waiting);
        Ok(())
    }
}

/// Reads the whole catalogue from the database, because the file beside it may not be used.
fn read_from_database(
    reader: &Reader,
    now: CatalogueMark,
    reason: TableFileError,
) -> Result<KnownCatalogue, DbError> {
    match reason {
        TableFileError::Db(error) => return Err(error),
        TableFileError::Absent { .. } | TableFileError::Unfit { .. } => {
            log::info!("the catalogue is read from the database itself: reason=\"{reason}\"");
        }
        _ => log::warn!("the catalogue is read from the database itself: reason=\"{reason}\""),
    }
    let began = Instant::now();
    let files = KnownFiles::load(reader, fastrand::u64(..))?;
    log::info!(
        "catalogue read from the database: database={} files={} took_ms={}",
        reader.path().display(),
        files.len(),
        began.elapsed().as_millis()
    );
    Ok(KnownCatalogue::new(now, files))
}

/// Opens a file that may be replaced meanwhile, and tells which one it is.
fn open_same(path: &Path) -> Result<(Reader, FileIdentity), DbError> {
    for _ in 0..OPEN_TRIES {
        let before = FileIdentity::of(path)?;
        let reader = open_reader(path)?;
        if FileIdentity::of(path)? == before {
            return Ok((reader, before));
        }
    }
    Err(DbError::Missing {
        path: path.to_owned(),
    })
}

/// The mirrors of a site, with the results of probes.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn roster(database: &impl Queryable) -> Result<Roster, DbError> {
    let mut mirrors = Vec::new();
    let mut reaches = probe::reaches(database)?;
    for record in mirror::all(database)? {
        let (mut mirror, problems) = record.check();
        mirror.reach = reaches.remove(&mirror.id).unwrap_or_default();
        for problem in problems {
            log::debug!("mirror={} {problem}", mirror.identifier);
        }
        mirrors.push(mirror);
    }
    Ok(Roster::new(mirrors))
}

/// Loads one mirror's bitmaps. A damaged bitmap costs that mirror its clients, but not the site its
/// mirrors.
fn load_bitmaps(
    reader: &Reader,
    mirror: MirrorId,
    generation: i64,
) -> Result<(KnownContent, SerializedBitmap), DbError> {
    let loaded = content::load_serialized(reader, mirror).and_then(|stored| {
        let stored = stored.unwrap_or_default();
        let current = SerializedBitmap::parse(stored.current)
            .map_err(|source| DbError::DamagedContent { mirror, source })?;
        Ok((current, stored.outdated))
    });
    let (current, outdated) = match loaded {
        Err(error @ DbError::DamagedContent { .. }) => {
            log::error!("{error}");
            Default::default()
        }
        loaded => loaded?,
    };
    Ok((
        KnownContent {
            generation,
            outdated,
        },
        current,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::db::catalogue;
    use crate::db::copy::moment::{Moment, give_name};
    use crate::db::mirror::MirrorRecord;
    use crate::db::{Writer, open_writer};
    use crate::domain::file::FileVersion;

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
