//! One directory of a mirror over HTTP: a request, and what its page says.

use std::collections::HashSet;

use super::crawler::{Crawl, Directories};
use super::memory::Remembered;
use crate::domain::file::CatalogueFile;
use crate::domain::listing::{IndexEntry, IndexError, IndexForm, ListedFile, read_index};
use crate::domain::path::PATH_BYTES_MAX;
use crate::domain::trace::is_ours;
use crate::fetch::{FetchError, HttpAnswer, HttpRequest, HttpSession, HttpUrl, Validator};
use crate::scan::compare::directory::{below, key};
use crate::snapshot::Cursor;

/// Asks Apache for sizes and times where its pages are plain lists, as MirrorBrain does.
const FANCY: &str = "F=1";

/// Entries beside those of the catalogue's directory that may name its files once more.
const FOUND_SLACK: usize = 64;

/// A file of the catalogue as a page shows it.
#[derive(Debug)]
pub(in crate::scan) struct Found {
    pub file: CatalogueFile,
    pub listed: ListedFile,
}

/// What a page says.
#[derive(Debug, Default)]
pub(in crate::scan) struct PageRead {
    pub found: Vec<Found>,
    /// Files that the catalogue does not have.
    pub unknown: u64,
    /// Files that not everybody may read.
    pub private: u64,
    /// Names of directories that are worth a request.
    pub directories: Vec<Vec<u8>>,
    pub validator: Option<Validator>,
    has_fields: bool,
    entries: u64,
}

/// What came of a request.
#[derive(Debug)]
pub(in crate::scan) enum Outcome {
    Page(PageRead),
    Unchanged(Remembered),
}

/// The first page.
pub(in crate::scan) struct First {
    pub outcome: Outcome,
    pub requests: u64,
    /// Where the base URL leads, if elsewhere.
    pub note: Option<String>,
}

/// Reads directories below a base URL that is known to have an index.
pub(in crate::scan) struct Reader<'a> {
    crawl: Crawl<'a>,
    session: &'a HttpSession<'a>,
    /// Where the tree really lies.
    base: HttpUrl,
    query: Option<&'static str>,
}

impl<'a> Reader<'a> {
    /// Reads the page at the base URL, wherever that redirects to.
    pub fn begin(
        crawl: Crawl<'a>,
        session: &'a HttpSession<'a>,
        base: &HttpUrl,
    ) -> Result<(Reader<'a>, First), FetchError> {
        let mut reader = Reader {
            crawl,
            session,
            base: base.clone(),
            query: None,
        };
        let mut requests = 1;
        let (mut outcome, url) = reader.ask(b"", None, &|_| true)?;
        let note =
            (!base.has(&url) || !url.has(base)).then(|| format!("the base URL redirects to {url}"));
        reader.base = url.folder();
        if let Outcome::Page(page) = &outcome
            && page.entries > 0
            && !page.has_fields
        {
            requests += 1;
            let base = reader.base.clone();
            let fancy = reader.ask(b"", Some(FANCY), &|to| base.has(to));
            if let Ok((Outcome::Page(fancy), _)) = fancy
                && fancy.has_fields
            {
                reader.query = Some(FANCY);
                outcome = Outcome::Page(fancy);
            }
        }
        let first = First {
            outcome,
            requests,
            note,
        };
        Ok((reader, first))
    }

    fn ask(
        &self,
        path: &[u8],
        query: Option<&str>,
        may_follow: &dyn Fn(&HttpUrl) -> bool,
    ) -> Result<(Outcome, HttpUrl), FetchError> {
        let mut url = self.base.directory(path);
        if let Some(query) = query {
            url = url.with_query(query);
        }
        let remembered = self.remembered(path);
        let request = HttpRequest {
            unless: remembered.map(|remembered| &remembered.validator),
            byte: None,
            once: false,
        };
        let answer = self.session.get(&url, request, may_follow)?;
        let at = answer.url.clone();
        match (answer.status, remembered) {
            (200, _) => Ok((Outcome::Page(self.parse(path, answer)?), at)),
            (304, Some(remembered)) => Ok((Outcome::Unchanged(remembered.clone()), at)),
            (status, _) => Err(FetchError::Status { status }),
        }
    }

    fn remembered(&self, path: &[u8]) -> Option<&'a Remembered> {
        let before = self.crawl.before;
        let facts = self.crawl.known.directories.facts(path)?;
        before.memory.find(key(path), facts.fingerprint)
    }

    fn parse(&self, path: &[u8], answer: HttpAnswer<'_>) -> Result<PageRead, FetchError> {
        let mut entries = Entries::new(self.crawl, path);
        let form = IndexForm::of(&answer.content_type);
        let address = answer.url.address();
        let read = read_index(answer.body, form, &address, |entry, name| {
            entries.take(entry, name);
        });
        let index = read.map_err(explain)?;
        Ok(PageRead {
            validator: answer.validator,
            has_fields: index.has_fields,
            entries: index.entries,
            ..entries.finish()?
        })
    }
}

impl Directories for Reader<'_> {
    fn read(&self, path: &[u8]) -> Result<Outcome, FetchError> {
        let (outcome, _) = self.ask(path, self.query, &|to| self.base.has(to))?;
        Ok(outcome)
    }

    fn is_busy(&self) -> bool {
        self.session.was_busy()
    }

    fn url(&self) -> String {
        self.base.to_string()
    }
}

/// What could not be read has its reason inside.
fn explain(error: IndexError) -> FetchError {
    match error {
        IndexError::Read(error) => {
            let said = error.to_string();
            let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
            inner.map_or(FetchError::Broken { said }, |inner: Box<FetchError>| *inner)
        }
        other => FetchError::Index(other),
    }
}

/// The entries of one directory, compared with the catalogue.
pub(in crate::scan) struct Entries<'a, 'p> {
    crawl: Crawl<'a>,
    directory: &'p [u8],
    cursor: Cursor,
    page: PageRead,
    found_max: usize,
    directories: HashSet<u64>,
}

impl<'a, 'p> Entries<'a, 'p> {
    pub fn new(crawl: Crawl<'a>, directory: &'p [u8]) -> Entries<'a, 'p> {
        let facts = crawl.known.directories.facts(directory);
        let runs = facts.map_or(&[][..], |facts| &facts.runs);
        let files: usize = runs.iter().map(|(_, count)| *count as usize).sum();
        Entries {
            crawl,
            directory,
            cursor: Cursor::default(),
            page: PageRead::default(),
            // A page may name a file by an icon and by its name.
            found_max: 2 * files + FOUND_SLACK,
            directories: HashSet::new(),
        }
    }

    fn is_too_many(&self) -> bool {
        self.page.found.len() > self.found_max
    }

    /// What they amount to.
    pub fn finish(self) -> Result<PageRead, FetchError> {
        if self.is_too_many() {
            return Err(FetchError::TooManyEntries {
                entries_max: self.found_max as u64,
            });
        }
        Ok(self.page)
    }

    /// Counts a file that not everybody may read.
    pub fn take_private(&mut self) {
        self.page.private += 1;
    }

    /// Takes one entry.
    pub fn take(&mut self, entry: IndexEntry, name: &[u8]) {
        if self.directory.len() + name.len() >= PATH_BYTES_MAX || self.is_too_many() {
            return;
        }
        let path = below(self.directory, name);
        let known = self.crawl.known;
        if let IndexEntry::File(listed) = entry {
            if let Some(file) = known.files.find(&path, &mut self.cursor) {
                if self.crawl.wanted.has_file(&path) {
                    self.page.found.push(Found { file, listed });
                }
                return;
            }
            // A page may list a link to a directory as if it were a file.
            if !known.directories.has(&path) {
                let counts = self.crawl.wanted.has_file(&path) && !is_ours(&path);
                self.page.unknown += u64::from(counts);
                return;
            }
        }
        let is_worth_it = known.directories.has(&path) && self.crawl.wanted.has_directory(&path);
        if is_worth_it && self.directories.insert(key(&path)) {
            self.page.directories.push(name.to_vec());
        }
    }
}
