//! Lists a mirror's tree directory by directory, with several requests at a time; a
//! [`DirectoryServer`] lists each directory.
//!
//! The crawl asks only for directories in or below which the catalogue has files, and for each only
//! once. So it ends whatever links a mirror has, never leaves the base URL, and costs no more on a
//! mirror with much more than our tree. The first directory is listed before the others, because
//! its page shows where the base URL really leads.
//!
//! If a directory cannot be listed, the crawl still finds what lies below: it knows the directories
//! from the catalogue and lists them, and asks for the few files directly in the directory one by
//! one. If a page links a directory and the server says that it does not exist, the crawl believes
//! that only if a file in it is gone, too.
//!
//! # Errors
//! Returns the failure of the first directory if no directory could be listed and no file found. A
//! part of the tree that could not be listed becomes a gap of the listing: its files are not taken
//! for vanished.
//!
//! # Limits
//! [`FAILURES_MAX`], [`UNLISTABLE_FIRST_MAX`], [`UNLISTABLE_MAX`], [`FILES_IN_DIRECTORY_MAX`],
//! [`FILES_MAX`], `Patience`, and those of the pages and of the client.
//!
//! A server that says that it is busy gets one request at a time from then on.
//!
//! # Locking
//! One lock protects queue and sum. It is held while the entries of one directory are added, never
//! during a request.

use super::reading::{Crawl, DirectoryServer};
use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::memory::{CrawlRest, DirectoryMemory};
use super::reading::{First, PageFile, PageOutcome, PageRead};
use crate::domain::file::CatalogueFile;
use crate::domain::listing::{FilePresence, PageError, UNLISTED_MAX};
use crate::fetch::FetchError;
use crate::program::exit::chain;
use crate::scan::compare::directory::{below, key};
use crate::scan::compare::names::NamedFiles;
use crate::scan::compare::tally::{Observations, Tally};
use crate::scan::listing::Listing;

/// Number of directories in a row without an answer after which a mirror is given up.
const FAILURES_MAX: u32 = 3;

/// Number of directories that cannot be listed, before any could, after which a mirror is given up
/// because it has no indexes.
const UNLISTABLE_FIRST_MAX: u32 = 20;

/// Largest number of directories that cannot be listed and whose subdirectories are still listed; a
/// mirror with more has another fault.
const UNLISTABLE_MAX: u32 = 1000;

/// Largest number of files in a directory that cannot be listed that are asked for one by one; the
/// files of a fuller directory keep their state.
const FILES_IN_DIRECTORY_MAX: usize = 50;

/// The same for all directories of a mirror together.
const FILES_MAX: u64 = 1000;

/// Number of files that are asked for to find out whether their directory is gone.
const WITNESSES_MAX: usize = 2;

/// Number of names that are read to find such files among those that the mirror had.
const WITNESSES_READ_MAX: u32 = 200;

/// Number of failures that are described; the others are counted.
const NOTES_MAX: usize = 5;

/// The next piece of work of a thread.
enum CrawlWork {
    /// Lists a directory.
    Directory(Vec<u8>),
    /// Asks for the files directly in a directory that cannot be listed.
    Files(Vec<u8>),
    /// Asks for files in a directory that, the server says, does not exist.
    Witnesses(Vec<u8>, FetchError),
}

/// The answers about files that were asked for one by one.
#[derive(Default)]
struct FileAnswers {
    found: Vec<PageFile>,
    gone: u64,
    unclear: Vec<u32>,
    /// A failure that ends the crawl.
    end: Option<FetchError>,
}

struct CrawlState<'a> {
    queue: Vec<CrawlWork>,
    queued: HashSet<u64>,
    /// Those of them that are no longer on any page.
    doubted: HashSet<u64>,
    in_work: usize,
    tally: Tally<'a>,
    found: Listing,
    rest: CrawlRest,
    failures_in_row: u32,
    /// Number of directories that were listed; the next field counts those that could not be.
    listed: u64,
    unlistable: u32,
    /// Number of files that were asked for one by one; the next field counts those that exist.
    files_asked: u64,
    files_found: u64,
    /// Whether the first directory and a file in it are gone.
    is_start_gone: bool,
    /// The failure of the first directory.
    first_error: Option<FetchError>,
    /// Whether the crawl makes no more requests.
    is_over: bool,
}

struct Crawler<'a> {
    crawl: Crawl<'a>,
    /// The first directory.
    start: Vec<u8>,
    server: &'a dyn DirectoryServer,
    state: Mutex<CrawlState<'a>>,
    changed: Condvar,
}

/// Lists a mirror whose first directory was asked for already; returns the listing, and the memory
/// for the next crawl.
///
/// # Errors
/// Returns the failure of the first directory if no directory could be listed and no file found.
pub(in crate::scan) fn crawl<'a>(
    crawl: Crawl<'a>,
    server: &'a dyn DirectoryServer,
    first: First,
) -> Result<(Listing, CrawlRest), FetchError> {
    let crawler = Crawler::new(crawl, server, first.path.clone());
    {
        let mut state = crawler.state();
        state.found.requests = 1;
        state.found.notes.extend(first.note);
        if crawl.before.unfinished.is_empty() {
            state.queued.insert(key(&first.path));
            crawler.take(&mut state, first.path, first.outcome);
            for path in crawl.starts.iter().skip(1) {
                crawler.enqueue(&mut state, path.clone());
            }
        } else {
            first.outcome?;
            state.rest.memory = crawl.before.memory.clone();
            for path in &crawl.before.unfinished {
                crawler.enqueue(&mut state, path.clone());
            }
        }
    }
    std::thread::scope(|scope| {
        for _ in 1..crawl.requests {
            let spawned = std::thread::Builder::new().spawn_scoped(scope, || crawler.work());
            if let Err(error) = spawned {
                log::warn!("fewer requests at a time: the system gives no thread: {error}");
                break;
            }
        }
        crawler.work();
    });
    crawler.finish()
}

impl<'a> Crawler<'a> {
    fn new(crawl: Crawl<'a>, server: &'a dyn DirectoryServer, start: Vec<u8>) -> Crawler<'a> {
        let state = CrawlState {
            queue: Vec::new(),
            queued: HashSet::new(),
            doubted: HashSet::new(),
            in_work: 0,
            tally: Tally::new(&crawl.known.files)
                .with_zone(crawl.before.zone)
                .with_earlier(&crawl.known.earlier),
            found: Listing::new(server.protocol(), Observations::default()),
            rest: CrawlRest {
                continued: crawl.before.unfinished.clone(),
                ..CrawlRest::default()
            },
            failures_in_row: 0,
            listed: 0,
            unlistable: 0,
            files_asked: 0,
            files_found: 0,
            is_start_gone: false,
            first_error: None,
            is_over: false,
        };
        Crawler {
            crawl,
            start,
            server,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, CrawlState<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let _guard = PanicGuard(self);
        while let Some(work) = self.next() {
            match work {
                CrawlWork::Directory(path) => {
                    let read = self.server.read(&path);
                    let mut state = self.done();
                    state.found.requests += 1;
                    self.take(&mut state, path, read);
                }
                CrawlWork::Files(path) => {
                    let asked = self.ask_files(&path);
                    self.take_files(&mut self.done(), path, asked);
                }
                CrawlWork::Witnesses(path, error) => {
                    let asked = self.ask_witnesses(&path);
                    self.take_witnesses(&mut self.done(), path, error, asked);
                }
            }
            (self.crawl.progress)(self.state().tally.files());
            self.changed.notify_all();
        }
    }

    /// The state, at the end of a piece of work.
    fn done(&self) -> MutexGuard<'_, CrawlState<'a>> {
        let mut state = self.state();
        state.in_work -= 1;
        state
    }

    fn next(&self) -> Option<CrawlWork> {
        let mut state = self.state();
        loop {
            if state.is_over {
                return None;
            }
            let must_wait = state.in_work > 0 && self.server.is_busy();
            if let Some(work) = state.queue.pop_if(|_| !must_wait) {
                state.in_work += 1;
                return Some(work);
            }
            if state.in_work == 0 {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Adds the result of one directory.
    fn take(
        &self,
        state: &mut CrawlState<'a>,
        path: Vec<u8>,
        read: Result<PageOutcome, FetchError>,
    ) {
        match read {
            Ok(PageOutcome::Page(page)) => {
                state.failures_in_row = 0;
                state.listed += 1;
                self.take_page(state, &path, page);
            }
            Ok(PageOutcome::Unchanged(remembered)) => {
                state.failures_in_row = 0;
                state.listed += 1;
                self.take_unchanged(state, &path, remembered);
            }
            Err(error @ (FetchError::Stopped | FetchError::TooLong { .. })) => {
                end(state, path, &error);
            }
            Err(error) if is_absence(&error) && state.doubted.contains(&key(&path)) => {
                // The directory is gone, as its parent's page showed.
                state.failures_in_row = 0;
            }
            Err(error) if is_absence(&error) && !path.is_empty() => {
                state.failures_in_row = 0;
                state.queue.push(CrawlWork::Witnesses(path, error));
            }
            Err(error) => self.take_failure(state, path, error),
        }
    }

    /// Asks for files of a directory that cannot be listed, up to the limits.
    fn ask_files(&self, directory: &[u8]) -> FileAnswers {
        let names = self.crawl.names;
        let files = names.right_in(directory, FILES_IN_DIRECTORY_MAX + 1);
        let mut asked = FileAnswers::default();
        let known = self.crawl.known.directories.facts(directory);
        for range in known.map_or(&[][..], |facts| &facts.ranges) {
            asked.unclear.extend(range.clone());
        }
        let is_too_many = files.len() > FILES_IN_DIRECTORY_MAX || !self.may_ask(files.len());
        if !is_too_many {
            self.ask_each(&files, &mut asked);
        }
        asked
    }

    /// Asks for files in or below a directory, preferably those that the mirror had.
    fn ask_witnesses(&self, directory: &[u8]) -> FileAnswers {
        let mut files = self.crawl.names.below(directory, WITNESSES_READ_MAX);
        let before = &self.crawl.before.content;
        let had = |(_, file): &(Vec<u8>, CatalogueFile)| {
            before.current.contains(file.id.0) || before.outdated.contains(file.id.0)
        };
        files.sort_by_key(|file| !had(file));
        files.truncate(WITNESSES_MAX);
        let mut asked = FileAnswers::default();
        self.ask_each(&files, &mut asked);
        asked
    }

    fn may_ask(&self, files: usize) -> bool {
        let mut state = self.state();
        let more = state.files_asked + files as u64;
        if more > FILES_MAX {
            return false;
        }
        state.files_asked = more;
        true
    }

    fn ask_each(&self, files: &NamedFiles, asked: &mut FileAnswers) {
        for (path, file) in files {
            let id = file.id.0;
            if !self.crawl.wanted.has_file(path) {
                continue;
            }
            match self.server.file(path) {
                Ok(FilePresence::Here(listed)) => {
                    asked.unclear.retain(|unclear| *unclear != id);
                    asked.found.push(PageFile {
                        file: *file,
                        listed,
                    });
                }
                Ok(FilePresence::Gone) => {
                    asked.unclear.retain(|unclear| *unclear != id);
                    asked.gone += 1;
                }
                Ok(FilePresence::Unclear) => {}
                Err(error @ (FetchError::Stopped | FetchError::TooLong { .. })) => {
                    asked.end = Some(error);
                    return;
                }
                Err(error) => {
                    log::debug!("file not asked for: {}", chain(&error));
                    if is_of_the_server(&error) {
                        return;
                    }
                }
            }
        }
    }

    fn take_files(&self, state: &mut CrawlState<'a>, path: Vec<u8>, asked: FileAnswers) {
        state.found.requests += asked.found.len() as u64 + asked.gone;
        state.files_found += asked.found.len() as u64;
        for found in asked.found {
            state.tally.see_listed(found.file, found.listed);
        }
        self.take_unclear(state, &path, asked.unclear);
        if let Some(error) = asked.end {
            end(state, path, &error);
        }
    }

    fn take_unclear(&self, state: &mut CrawlState<'a>, path: &[u8], ids: Vec<u32>) {
        if ids.is_empty() {
            return;
        }
        if state.found.unclear_in.len() < UNLISTED_MAX {
            state.found.unclear_in.push(path.to_vec());
        }
        state.found.kept.extend(ids);
    }

    fn take_witnesses(
        &self,
        state: &mut CrawlState<'a>,
        path: Vec<u8>,
        error: FetchError,
        asked: FileAnswers,
    ) {
        state.found.requests += asked.found.len() as u64 + asked.gone;
        if let Some(error) = asked.end {
            end(state, path, &error);
        } else if !asked.found.is_empty() {
            self.take_failure(state, path, error);
        } else if asked.gone > 0 {
            state.unlistable += 1;
            state.is_start_gone |= path == self.start;
            log::debug!(
                "gone url={} path={} and a file in it",
                self.server.url(),
                path.escape_ascii()
            );
            self.give_up_without_index(state);
        } else {
            self.note(state, &path, &error);
            state.found.unlisted.add(path);
        }
    }

    fn take_page(&self, state: &mut CrawlState<'a>, path: &[u8], page: PageRead) {
        for found in page.found {
            state.tally.see_listed(found.file, found.listed);
        }
        state.tally.see_unknown(page.unknown);
        state.tally.see_private(page.private);
        for name in &page.directories {
            self.enqueue(state, below(path, name));
        }
        self.take_unclear(state, path, page.unclear);
        if let Some(line) = page.hole {
            self.take_hole(state, path, &line);
        }
        self.doubt(state, path);
        if let (Some(validator), Some(facts)) =
            (page.validator, self.crawl.known.directories.facts(path))
        {
            let remembered = DirectoryMemory {
                fingerprint: facts.fingerprint,
                validator,
                unknown: page.unknown,
                directories: page.directories,
            };
            state.rest.memory.keep(key(path), remembered);
        }
    }

    /// Doubts that a directory is gone because no page links it: Apache leaves directories that it
    /// may not show out of their parent's page. So its old files are asked for first.
    fn doubt(&self, state: &mut CrawlState<'a>, path: &[u8]) {
        let directories = &self.crawl.known.directories;
        let before = &self.crawl.before.content;
        let known = directories
            .facts(path)
            .map_or(&[][..], |facts| &facts.directories);
        for name in known {
            let child = below(path, name);
            let is_doubtful = !state.queued.contains(&key(&child))
                && self.crawl.wanted.has_directory(&child)
                && (directories.is_any_below(&child, &before.current)
                    || directories.is_any_below(&child, &before.outdated));
            if is_doubtful {
                state.doubted.insert(key(&child));
                self.enqueue(state, child);
            }
        }
    }

    fn take_unchanged(&self, state: &mut CrawlState<'a>, path: &[u8], remembered: DirectoryMemory) {
        let facts = self.crawl.known.directories.facts(path);
        if let Some(facts) = facts {
            state.tally.see_again(facts, &self.crawl.before.content);
        }
        state.tally.see_unknown(remembered.unknown);
        for name in &remembered.directories {
            // The page may stem from a scan of the whole tree.
            let child = below(path, name);
            if self.crawl.wanted.has_directory(&child) {
                self.enqueue(state, child);
            }
        }
        state.rest.memory.keep(key(path), remembered);
    }

    /// An unreadable line may concern any entry of its directory.
    fn take_hole(&self, state: &mut CrawlState<'a>, path: &[u8], line: &str) {
        let facts = self.crawl.known.directories.facts(path);
        let Some(facts) = facts else {
            return;
        };
        let ids = facts.ranges.iter().cloned().flatten();
        self.take_unclear(state, path, ids.collect());
        for name in &facts.directories {
            let child = below(path, name);
            if self.crawl.wanted.has_directory(&child) {
                self.enqueue(state, child);
            }
        }
        let said = line.to_owned();
        self.note(state, path, &FetchError::UnknownForm { said });
    }

    fn note(&self, state: &mut CrawlState<'a>, path: &[u8], error: &FetchError) {
        state.found.unreadable += 1;
        log::debug!(
            "not listed url={} path={} error={}",
            self.server.url(),
            path.escape_ascii(),
            chain(error)
        );
        if state.found.notes.len() < NOTES_MAX {
            state.found.notes.push(describe_failure(path, error));
        }
    }

    fn take_failure(&self, state: &mut CrawlState<'a>, path: Vec<u8>, error: FetchError) {
        self.note(state, &path, &error);
        if is_cut(&error) {
            state.failures_in_row = 0;
            state.found.unlisted.add(path);
            return;
        }
        if is_of_the_server(&error) {
            state.found.unlisted.add(path);
            state.failures_in_row += 1;
            if state.failures_in_row >= FAILURES_MAX && !state.is_over {
                state.is_over = true;
                let note = format!("given up after {FAILURES_MAX} failures in a row");
                state.found.notes.push(note);
            }
            return;
        }
        state.failures_in_row = 0;
        let refusal = || describe_failure(&path, &error);
        state.found.refusal.get_or_insert_with(refusal);
        state.unlistable += 1;
        if state.unlistable > UNLISTABLE_MAX {
            state.found.unlisted.add(path);
            return;
        }
        if let Some(facts) = self.crawl.known.directories.facts(&path) {
            for name in &facts.directories {
                let child = below(&path, name);
                if self.crawl.wanted.has_directory(&child) {
                    self.enqueue(state, child);
                }
            }
            if !facts.ranges.is_empty() {
                state.queue.push(CrawlWork::Files(path.clone()));
            }
        }
        if path == self.start {
            state.first_error = Some(error);
        }
        self.give_up_without_index(state);
    }

    fn give_up_without_index(&self, state: &mut CrawlState<'a>) {
        let is_hopeless = state.listed == 0 && state.files_found == 0;
        if is_hopeless && state.unlistable >= UNLISTABLE_FIRST_MAX {
            state.is_over = true;
        }
    }

    fn enqueue(&self, state: &mut CrawlState<'a>, path: Vec<u8>) {
        if state.queued.insert(key(&path)) {
            state.queue.push(CrawlWork::Directory(path));
        }
    }

    fn finish(self) -> Result<(Listing, CrawlRest), FetchError> {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let is_stopped = !state.rest.unfinished.is_empty();
        let is_nothing = state.listed == 0 && state.files_found == 0 && !is_stopped;
        if is_nothing
            && (self.start.is_empty() || !state.is_start_gone)
            && let Some(error) = state.first_error
        {
            return Err(error);
        }
        let left = state.queue.len() + state.rest.unfinished.len();
        for work in state.queue {
            let path = match work {
                CrawlWork::Directory(path) | CrawlWork::Witnesses(path, _) => path,
                // Only the files: the directories in it are listed by themselves.
                CrawlWork::Files(path) => {
                    let facts = self.crawl.known.directories.facts(&path);
                    for range in facts.map_or(&[][..], |facts| &facts.ranges) {
                        state.found.kept.insert_range(range.clone());
                    }
                    state.found.unclear_in.push(path);
                    continue;
                }
            };
            if is_stopped {
                state.rest.unfinished.push(path);
            } else {
                state.found.unreadable += 1;
                state.found.unlisted.add(path);
            }
        }
        if is_stopped {
            let note = format!("stopped; {left} directories and what is in them are left");
            state.found.notes.push(note);
            for path in &state.rest.unfinished {
                state.found.unlisted.add(path.clone());
            }
        }
        state.found.seen = state.tally.finish();
        state.found.requests += self.server.further_requests();
        Ok((state.found, state.rest))
    }
}

fn describe_failure(path: &[u8], error: &FetchError) -> String {
    let shown = match path {
        b"" => "/".to_owned(),
        path => path.escape_ascii().to_string(),
    };
    format!("'{shown}': {}", chain(error))
}

/// Ends the crawl: the program is to stop, or the mirror's time is over.
fn end(state: &mut CrawlState<'_>, path: Vec<u8>, error: &FetchError) {
    if !matches!(error, FetchError::Stopped) && !state.is_over {
        state.found.notes.push(error.to_string());
    }
    state.is_over = true;
    state.rest.unfinished.push(path);
}

/// Whether a server says that a directory does not exist.
fn is_absence(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Status { status: 404 | 410 } | FetchError::Absent { .. }
    )
}

/// Ends the work on a directory if its thread panics, so that other threads do not wait for it.
struct PanicGuard<'c, 'a>(&'c Crawler<'a>);

impl Drop for PanicGuard<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().is_over = true;
            self.0.changed.notify_all();
        }
    }
}

/// Whether the listing of a directory began and broke off: the directory exists, and the next scan
/// may list it.
pub(in crate::scan) fn is_cut(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Index(PageError::Truncated | PageError::Read(_))
            | FetchError::TooLarge { .. }
            | FetchError::TooManyEntries { .. }
    )
}

/// Whether the failure concerns the server as a whole, not one directory.
pub(in crate::scan) fn is_of_the_server(error: &FetchError) -> bool {
    match error {
        FetchError::Status { status } => *status >= 500 || *status == 429,
        FetchError::Redirected { .. }
        | FetchError::RedirectRefusal { .. }
        | FetchError::TooManyRedirects { .. }
        | FetchError::TooLarge { .. }
        | FetchError::TooManyEntries { .. }
        | FetchError::Refused { .. }
        | FetchError::Absent { .. }
        | FetchError::NoDirectory { .. }
        | FetchError::UnknownForm { .. }
        | FetchError::Unspeakable
        | FetchError::Index(_) => false,
        _ => true,
    }
}
