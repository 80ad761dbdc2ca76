//! One mirror's tree, directory by directory, several requests at a time; how a directory is
//! listed is up to [`Directories`].
//!
//! Only directories of which the catalogue has files are asked for, each once: so a crawl ends
//! whatever links a mirror has, it never leaves the base URL, and a mirror of much more than our
//! tree costs no more than one of our tree. The page at the base URL comes first: it says whether
//! there is an index at all, and where the base URL really leads.
//!
//! # Errors
//! Without the first directory there is no crawl. Any other directory that cannot be
//! listed is a hole: what lies below it is not known to have vanished.
//!
//! # Limits
//! [`FAILURES_MAX`], [`Patience`], those of the pages and of the client.
//!
//! A server that says that it is busy is asked for one directory at a time from then on.
//!
//! # Locking
//! One lock over queue and sum; it is held for the entries of one directory, never over a request.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::memory::{Memory, Remembered};
use super::page::{First, Outcome, PageRead};
use super::wanted::Wanted;
use crate::db::content::Content;
use crate::domain::listing::Unlisted;
use crate::fetch::{FetchError, Patience};
use crate::program::exit::chain;
use crate::scan::compare::directory::{below, key};
use crate::scan::compare::known::KnownTree;
use crate::scan::compare::tally::{Seen, Tally, ZoneFrom};

/// Directories in a row that no answer came for until a mirror is given up.
const FAILURES_MAX: u32 = 3;

/// Failures that are described; the rest is counted.
const NOTES_MAX: usize = 5;

/// What a mirror is crawled with.
#[derive(Clone, Copy)]
pub struct Crawl<'a> {
    /// The catalogue.
    pub known: &'a KnownTree,
    /// What is listed.
    pub wanted: &'a Wanted,
    /// At a time.
    pub requests: usize,
    /// What is known from before.
    pub before: &'a Before,
    /// Told of the files so far.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// How long the mirror is waited for.
    pub patience: Patience<'a>,
}

/// A server whose directories are listed, by several threads.
pub(in crate::scan) trait Directories: Sync {
    /// Lists the directory at a path below the mirror's URL.
    fn read(&self, path: &[u8]) -> Result<Outcome, FetchError>;

    /// Whether the server has said that it is busy.
    fn is_busy(&self) -> bool;

    /// The mirror's URL without user and password.
    fn url(&self) -> String;
}

/// What the mirror had, and what the crawl left that found it.
#[derive(Debug, Default)]
pub struct Before {
    /// Pages as they were.
    pub memory: Memory,
    /// What the mirror had.
    pub content: Content,
    /// Directories that it did not come to; only they are listed. Empty: all are.
    pub unfinished: Vec<Vec<u8>>,
    /// What tells the zone of page times.
    pub zone: ZoneFrom,
}

/// What a crawl found.
#[derive(Debug)]
pub struct Crawled {
    /// What the mirror has.
    pub seen: Seen,
    /// What could not be listed.
    pub unlisted: Unlisted,
    /// Directories that could not be listed.
    pub unreadable: u64,
    /// Why not, and what else there is to say.
    pub notes: Vec<String>,
    /// Directories asked for.
    pub requests: u64,
    /// For the next crawl.
    pub memory: Memory,
    /// Directories that were not come to: the program was told to stop, or the mirror's time is
    /// over.
    pub unfinished: Vec<Vec<u8>>,
}

struct State<'a> {
    queue: Vec<Vec<u8>>,
    queued: HashSet<u64>,
    /// Those of them that are on no page any more.
    doubted: HashSet<u64>,
    in_work: usize,
    tally: Tally<'a>,
    found: Crawled,
    failures_in_row: u32,
    /// No more requests.
    is_over: bool,
}

struct Crawler<'a> {
    crawl: Crawl<'a>,
    server: &'a dyn Directories,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

/// Lists a mirror of which the first directory was listed.
pub(in crate::scan) fn crawl<'a>(
    crawl: Crawl<'a>,
    server: &'a dyn Directories,
    first: First,
) -> Crawled {
    let crawler = Crawler::new(crawl, server);
    {
        let mut state = crawler.state();
        state.found.requests = first.requests;
        state.found.notes.extend(first.note);
        if crawl.before.unfinished.is_empty() {
            crawler.take(&mut state, Vec::new(), Ok(first.outcome));
        } else {
            state.found.memory = crawl.before.memory.clone();
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
    fn new(crawl: Crawl<'a>, server: &'a dyn Directories) -> Crawler<'a> {
        let state = State {
            queue: Vec::new(),
            queued: HashSet::new(),
            doubted: HashSet::new(),
            in_work: 0,
            tally: Tally::new(&crawl.known.files).with_zone(crawl.before.zone),
            found: Crawled {
                seen: Seen::default(),
                unlisted: Unlisted::Nothing,
                unreadable: 0,
                notes: Vec::new(),
                requests: 0,
                memory: Memory::default(),
                unfinished: Vec::new(),
            },
            failures_in_row: 0,
            is_over: false,
        };
        Crawler {
            crawl,
            server,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let _guard = PanicGuard(self);
        while let Some(path) = self.next() {
            let read = self.server.read(&path);
            let mut state = self.state();
            state.in_work -= 1;
            state.found.requests += 1;
            self.take(&mut state, path, read);
            (self.crawl.progress)(state.tally.files());
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        loop {
            if state.is_over {
                return None;
            }
            let must_wait = state.in_work > 0 && self.server.is_busy();
            if let Some(path) = state.queue.pop_if(|_| !must_wait) {
                state.in_work += 1;
                return Some(path);
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

    /// Adds what came of one directory.
    fn take(&self, state: &mut State<'a>, path: Vec<u8>, read: Result<Outcome, FetchError>) {
        match read {
            Ok(Outcome::Page(page)) => {
                state.failures_in_row = 0;
                self.take_page(state, &path, page);
            }
            Ok(Outcome::Unchanged(remembered)) => {
                state.failures_in_row = 0;
                self.take_unchanged(state, &path, remembered);
            }
            Err(error @ (FetchError::Stopped | FetchError::TooLong { .. })) => {
                if !matches!(error, FetchError::Stopped) && !state.is_over {
                    state.found.notes.push(error.to_string());
                }
                state.is_over = true;
                state.found.unfinished.push(path);
            }
            Err(FetchError::Status { status: 404 | 410 })
                if state.doubted.contains(&key(&path)) =>
            {
                // It is gone, as the page above it said.
                state.failures_in_row = 0;
            }
            Err(error) => self.take_failure(state, path, &error),
        }
    }

    fn take_page(&self, state: &mut State<'a>, path: &[u8], page: PageRead) {
        for found in page.found {
            state.tally.see_listed(found.file, found.listed);
        }
        state.tally.see_unknown(page.unknown);
        state.tally.see_private(page.private);
        for name in &page.directories {
            self.enqueue(state, below(path, name));
        }
        self.doubt(state, path);
        if let (Some(validator), Some(facts)) =
            (page.validator, self.crawl.known.directories.facts(path))
        {
            let remembered = Remembered {
                fingerprint: facts.fingerprint,
                validator,
                unknown: page.unknown,
                directories: page.directories,
            };
            state.found.memory.keep(key(path), remembered);
        }
    }

    /// Apache leaves directories that it may not show out of the page above them, so what the
    /// mirror had in a directory that is on no page is asked for before it is believed to be gone.
    fn doubt(&self, state: &mut State<'a>, path: &[u8]) {
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

    fn take_unchanged(&self, state: &mut State<'a>, path: &[u8], remembered: Remembered) {
        let facts = self.crawl.known.directories.facts(path);
        if let Some(facts) = facts {
            state.tally.see_again(facts, &self.crawl.before.content);
        }
        state.tally.see_unknown(remembered.unknown);
        for name in &remembered.directories {
            // The scan that saw the page may have been one of the whole tree.
            let child = below(path, name);
            if self.crawl.wanted.has_directory(&child) {
                self.enqueue(state, child);
            }
        }
        state.found.memory.keep(key(path), remembered);
    }

    fn take_failure(&self, state: &mut State<'a>, path: Vec<u8>, error: &FetchError) {
        state.found.unreadable += 1;
        log::debug!(
            "not listed url={} path={} error={}",
            self.server.url(),
            path.escape_ascii(),
            chain(error)
        );
        if state.found.notes.len() < NOTES_MAX {
            let note = format!("'{}': {}", path.escape_ascii(), chain(error));
            state.found.notes.push(note);
        }
        state.found.unlisted.add(path);
        if !is_of_the_server(error) {
            state.failures_in_row = 0;
            return;
        }
        state.failures_in_row += 1;
        if state.failures_in_row >= FAILURES_MAX && !state.is_over {
            state.is_over = true;
            let note = format!("given up after {FAILURES_MAX} failures in a row");
            state.found.notes.push(note);
        }
    }

    fn enqueue(&self, state: &mut State<'a>, path: Vec<u8>) {
        if state.queued.insert(key(&path)) {
            state.queue.push(path);
        }
    }

    fn finish(self) -> Crawled {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let is_stopped = !state.found.unfinished.is_empty();
        let left = state.queue.len() + state.found.unfinished.len();
        for path in state.queue {
            if is_stopped {
                state.found.unfinished.push(path);
            } else {
                state.found.unreadable += 1;
                state.found.unlisted.add(path);
            }
        }
        if is_stopped {
            let note = format!("stopped; {left} directories and what is in them are left");
            state.found.notes.push(note);
            for path in &state.found.unfinished {
                state.found.unlisted.add(path.clone());
            }
        }
        state.found.seen = state.tally.finish();
        state.found
    }
}

/// A worker that panics leaves its directory in work; the others must not wait for it.
struct PanicGuard<'c, 'a>(&'c Crawler<'a>);

impl Drop for PanicGuard<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().is_over = true;
            self.0.changed.notify_all();
        }
    }
}

/// Whether the server as a whole fails, not one directory of it.
fn is_of_the_server(error: &FetchError) -> bool {
    match error {
        FetchError::Status { status } => *status >= 500 || *status == 429,
        FetchError::Redirected { .. }
        | FetchError::NotFollowed { .. }
        | FetchError::TooManyRedirects { .. }
        | FetchError::TooLarge { .. }
        | FetchError::TooManyEntries { .. }
        | FetchError::Refused { .. }
        | FetchError::UnknownForm { .. }
        | FetchError::Unspeakable
        | FetchError::Index(_) => false,
        _ => true,
    }
}
