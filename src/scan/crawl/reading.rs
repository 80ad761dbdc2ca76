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
use crate::scan::protocol::Protocol;

/// The input of a crawl.
#[derive(Clone, Copy)]
pub struct Crawl<'a> {
    /// The catalogue.
    pub known: &'a KnownTree,
    /// The rules for the part that is listed.
    pub wanted: &'a CrawlRules,
    /// Number of requests at a time.
    pub requests: usize,
    /// The mirror's previous state.
    pub before: &'a PreviousListing,
    /// Gets the number of files so far.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Limits of time for the mirror.
    pub patience: Patience<'a>,
    /// Gives paths of the catalogue.
    pub names: Names<'a>,
    /// Directories in which the crawl begins and which it does not leave; empty: it begins where
    /// the part of the tree does.
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

/// A server whose directories are listed by several threads.
pub(in crate::scan) trait DirectoryServer: Sync {
    /// Lists the directory at a path below the mirror's URL.
    fn read(&self, path: &[u8]) -> Result<PageOutcome, FetchError>;

    /// Number of requests on top of one per directory and file: further parts of listings, and
    /// those that find out the kind of server.
    fn further_requests(&self) -> u64 {
        0
    }

    /// The protocol that it speaks.
    fn protocol(&self) -> Protocol;

    /// Asks for the file at a path.
    fn file(&self, path: &[u8]) -> Result<FilePresence, FetchError>;

    /// Whether the server has said that it is busy.
    fn is_busy(&self) -> bool;

    /// The mirror's URL without user and password.
    fn url(&self) -> String;
}

/// The mirror's previous state: its content, and the memory of the crawl that found it.
#[derive(Debug, Default)]
pub struct PreviousListing {
    /// The pages at that time.
    pub memory: Memory,
    /// The mirror's content at that time.
    pub content: Content,
    /// Directories that the previous crawl did not reach, if only these are to be listed. Empty:
    /// all are.
    pub unfinished: Vec<Vec<u8>>,
    /// The source of the zone of page times.
    pub zone: ZoneFrom,
}

/// A file of the catalogue as a page shows it.
#[derive(Debug)]
pub(in crate::scan) struct PageFile {
    pub file: CatalogueFile,
    pub listed: ListedFile,
}

/// The content of a page.
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
    /// Ids of files that exist in an unknown version.
    pub unclear: Vec<u32>,
    /// A line that cannot be read and names no entry of the catalogue, so that any file may be
    /// missing.
    pub hole: Option<String>,
    pub(super) has_fields: bool,
    pub(super) entries: u64,
    /// Whether the page lists a whole bucket, not one directory.
    pub(super) is_of_bucket: bool,
}

/// The result of a request.
#[derive(Debug)]
pub(in crate::scan) enum PageOutcome {
    Page(PageRead),
    Unchanged(DirectoryMemory),
}

/// The first page.
pub(in crate::scan) struct First {
    /// Its directory.
    pub path: Vec<u8>,
    /// A failure here concerns this directory, not the server.
    pub outcome: Result<PageOutcome, FetchError>,
    /// The URL to which the base URL leads, if that is another.
    pub note: Option<String>,
}
