//! Holds mirrors and their bitmaps in memory, from which the responder decides.

use std::sync::Arc;

use super::file_identity::FileIdentity;
use super::known_catalogue::KnownCatalogue;
use super::known_content::KnownContent;
use super::known_files::KnownFiles;
use super::mask::Masks;
use super::matrix::Matrix;
use crate::db::change::CatalogueMark;
use crate::db::content;
use crate::db::copy::lineage::Lineage;
use crate::db::epoch::Epochs;
use crate::domain::file::{CatalogueFile, FileId};
use crate::domain::generation::EarlierVersions;
use crate::domain::mirror::{Mirror, MirrorId};
use crate::domain::product::ProductTable;
use crate::domain::repository::{RepositoryRule, RepositoryTable, TableBuilder};
use crate::domain::select::set::{MirrorSet, WORD_BITS, indexes};
use crate::domain::select::{Holdings, Reason, Roster};
use crate::domain::time::Timestamp;

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
    pub(super) files: KnownCatalogue,
    pub(super) epochs: Epochs,
    /// Values beside the columns of the matrix. Absent if the mirror was never scanned.
    pub(super) known: Vec<Option<Arc<KnownContent>>>,
    pub(super) matrix: Matrix,
    pub(super) masks: Masks,
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
            identity: FileIdentity::NONE,
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
