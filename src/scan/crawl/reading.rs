//! Defines the input and the results of a crawl.

use super::memory::{DirectoryMemory, Memory};
use super::wanted::CrawlRules;
use crate::db::content::Content;
use crate::domain::file::CatalogueFile;
use crate::domain::listing::FilePresence;
use crate::domain::listing::ListedFile;
use crate::fetch::Validator;
use crate::fetch::{FetchError, Patience};
use crate::scan::compare::known::KnownTree;
use crate::scan::compare::names::Names;
use crate::scan::compare::tally::ZoneFrom;

/// What a mirror is crawled with.
#[derive(Clone, Copy)]
pub struct Crawl<'a> {
    /// The catalogue.
    pub known: &'a KnownTree,
    /// What is listed.
    pub wanted: &'a CrawlRules,
    /// At a time.
    pub requests: usize,
    /// What is known from before.
    pub before: &'a PreviousListing,
    /// Told of the files so far.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// How long the mirror is waited for.
    pub patience: Patience<'a>,
    /// What tells paths of the catalogue.
    pub names: Names<'a>,
    /// Directories to begin at, and to keep to with what lies below; empty: where the part of the
    /// tree begins.
    pub starts: &'a [Vec<u8>],
}

impl Crawl<'_> {
    /// The first directory.
    pub fn start(&self) -> Vec<u8> {
        match self.starts.first() {
            Some(start) => start.clone(),
            None => self.wanted.start(self.known),
        }
    }
}

/// A server whose directories are listed, by several threads.
pub(in crate::scan) trait DirectoryServer: Sync {
    /// Lists the directory at a path below the mirror's URL.
    fn read(&self, path: &[u8]) -> Result<PageOutcome, FetchError>;

    /// Requests beside one for each directory and file: further parts of listings, and looks at
    /// what kind of server it is.
    fn further_requests(&self) -> u64 {
        0
    }

    /// Asks for the file at a path.
    fn file(&self, path: &[u8]) -> Result<FilePresence, FetchError>;

    /// Whether the server has said that it is busy.
    fn is_busy(&self) -> bool;

    /// The mirror's URL without user and password.
    fn url(&self) -> String;
}

/// What the mirror had, and what the crawl left that found it.
#[derive(Debug, Default)]
pub struct PreviousListing {
    /// Pages as they were.
    pub memory: Memory,
    /// What the mirror had.
    pub content: Content,
    /// Directories that it did not come to; only they are listed. Empty: all are.
    pub unfinished: Vec<Vec<u8>>,
    /// What tells the zone of page times.
    pub zone: ZoneFrom,
}

/// A file of the catalogue as a page shows it.
#[derive(Debug)]
pub(in crate::scan) struct PageFile {
    pub file: CatalogueFile,
    pub listed: ListedFile,
}

/// What a page says.
#[derive(Debug, Default)]
pub(in crate::scan) struct PageRead {
    pub found: Vec<PageFile>,
    /// Files that the catalogue does not have.
    pub unknown: u64,
    /// Files that not everybody may read.
    pub private: u64,
    /// Names of directories that are worth a request.
    pub directories: Vec<Vec<u8>>,
    pub validator: Option<Validator>,
    /// Ids of files that are there, in which version is not known.
    pub unclear: Vec<u32>,
    /// A line that cannot be read and names nothing of ours: any file may be missing.
    pub hole: Option<String>,
    pub(super) has_fields: bool,
    pub(super) entries: u64,
    /// It is of a whole bucket, not of one directory.
    pub(super) is_of_bucket: bool,
}

/// What came of a request.
#[derive(Debug)]
pub(in crate::scan) enum PageOutcome {
    Page(PageRead),
    Unchanged(DirectoryMemory),
}

/// The first page.
pub(in crate::scan) struct First {
    /// Its directory.
    pub path: Vec<u8>,
    /// A failure is one of this directory, not of the server.
    pub outcome: Result<PageOutcome, FetchError>,
    /// Where the base URL leads, if elsewhere.
    pub note: Option<String>,
}
