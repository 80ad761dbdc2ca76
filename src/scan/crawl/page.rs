//! Lists one directory of a mirror over HTTP: requests its page and reads it.

use super::reading::{First, PageFile, PageOutcome, PageRead};
use std::collections::HashSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::crawler::{is_cut, is_of_the_server};
use super::memory::DirectoryMemory;
use super::reading::{Crawl, DirectoryServer};
use crate::domain::listing::rsync_message::remark;
use crate::domain::listing::{
    BucketPart, FilePresence, IndexEntry, IndexForm, IndexPage, ListedFile, ListedSize, ListedTime,
    NextPart, OtherListing, PageError, read_index,
};
use crate::domain::path::PATH_BYTES_MAX;
use crate::domain::trace::is_ours;
use crate::fetch::{FetchError, HttpAnswer, HttpRequest, HttpSession, HttpUrl};
use crate::scan::compare::directory::{below, key};
use crate::scan::protocol::Protocol;
use crate::snapshot::Cursor;

/// Asks Apache for sizes and times where its pages are plain lists, as MirrorBrain does.
const FANCY: &str = "F=1";

/// Largest number of parts of a bucket's listing of one directory, with a thousand keys each: as
/// much as the largest index page.
const PARTS_MAX: u64 = 500;

/// Number of keys per part.
const PART_KEYS: u64 = 1000;

/// Largest number of directories above the mirror's that are checked for being the bucket.
const BUCKET_ROOTS_MAX: usize = 4;

/// Endings of names of files that are pages themselves.
const HTML_ENDS: [&[u8]; 5] = [b".html", b".htm", b".xhtml", b".shtml", b".php"];

/// Number of entries, beyond those of the catalogue's directory, that may name files a second time.
const FOUND_SLACK: usize = 64;

/// The bucket that contains the mirror.
#[derive(Debug)]
struct BucketRoot {
    url: HttpUrl,
    /// The prefix of the mirror's keys.
    prefix: Vec<u8>,
}

/// Reads directories below a base URL.
pub(in crate::scan) struct PageReader<'a> {
    crawl: Crawl<'a>,
    session: &'a HttpSession<'a>,
    /// The URL at which the tree really lies.
    base: HttpUrl,
    /// Whether requests ask Apache for sizes and times.
    is_fancy: AtomicBool,
    /// Whether that was decided.
    is_tried: AtomicBool,
    /// The bucket that lists the mirror's directories, once it was searched; `None`: there is no
    /// bucket.
    bucket: OnceLock<Option<BucketRoot>>,
    further_requests: AtomicU64,
}

impl<'a> PageReader<'a> {
    /// Reads the first page, wherever the base URL redirects to.
    pub fn begin(
        crawl: Crawl<'a>,
        session: &'a HttpSession<'a>,
        base: &HttpUrl,
    ) -> Result<(PageReader<'a>, First), FetchError> {
        let mut reader = PageReader {
            crawl,
            session,
            base: base.clone(),
            is_fancy: AtomicBool::new(false),
            is_tried: AtomicBool::new(false),
            bucket: OnceLock::new(),
            further_requests: AtomicU64::new(0),
        };
        let path = crawl.start();
        let mut first = First {
            outcome: Err(FetchError::Stopped),
            note: None,
            path,
        };
        let (outcome, url) = match reader.ask(&first.path, None, &|_| true) {
            Ok(found) => found,
            // Only the top is known to lead there.
            Err(FetchError::Led { to, .. }) => {
                first.outcome = Err(FetchError::Redirected { to });
                return Ok((reader, first));
            }
            Err(error) if is_of_the_server(&error) || is_cut(&error) => return Err(error),
            Err(error) => {
                first.outcome = Err(error);
                return Ok((reader, first));
            }
        };
        let Some(tree) = url.above(base, &first.path) else {
            let to = url.to_string();
            first.outcome = Err(FetchError::Redirected { to });
            return Ok((reader, first));
        };
        if !base.has(&tree) || !tree.has(base) {
            first.note = Some(format!("the base URL redirects to {tree}"));
        }
        reader.base = tree;
        first.outcome = Ok(reader.with_fields(&first.path, outcome));
        Ok((reader, first))
    }

    /// Asks for the page once more with sizes and times if it has none.
    fn with_fields(&self, path: &[u8], outcome: PageOutcome) -> PageOutcome {
        let is_plain = match &outcome {
            PageOutcome::Page(page) => page.entries > 0 && !page.has_fields,
            PageOutcome::Unchanged(_) => false,
        };
        let has_page = matches!(&outcome, PageOutcome::Page(page) if page.entries > 0);
        if !has_page || self.is_tried.swap(true, Ordering::Relaxed) || !is_plain {
            return outcome;
        }
        self.count_request();
        let fancy = self.ask(path, Some(FANCY), &|to| self.base.has(to));
        if let Ok((PageOutcome::Page(fancy), _)) = fancy
            && fancy.has_fields
        {
            self.is_fancy.store(true, Ordering::Relaxed);
            return PageOutcome::Page(fancy);
        }
        outcome
    }

    /// Counts a request that comes on top of one per directory.
    fn count_request(&self) {
        self.further_requests.fetch_add(1, Ordering::Relaxed);
    }

    fn ask(
        &self,
        path: &[u8],
        query: Option<&str>,
        may_follow: &dyn Fn(&HttpUrl) -> bool,
    ) -> Result<(PageOutcome, HttpUrl), FetchError> {
        let directory = self.base.directory(path);
        if let Some(Some(bucket)) = self.bucket.get() {
            return Ok((PageOutcome::Page(self.list_keys(bucket, path)?), directory));
        }
        let url = match query {
            Some(query) => directory.clone().with_query(query),
            None => directory.clone(),
        };
        let remembered = self.remembered(path);
        let request = HttpRequest {
            unless: remembered.map(|remembered| &remembered.validator),
            ..HttpRequest::default()
        };
        let answer = self.session.get(&url, request, may_follow)?;
        let at = answer.url.clone();
        // A bucket that has no key of this name says so in XML.
        let essence = answer.content_type.split(';').next().unwrap_or_default();
        let is_of_store = essence.trim().ends_with("/xml");
        match (answer.status, remembered) {
            (200, _) => {
                let page = self.parse(path, answer, (&directory, &at))?;
                if page.is_of_bucket {
                    let page = self.begin_bucket(at.folder(), path)?;
                    return Ok((PageOutcome::Page(page), at));
                }
                Ok((PageOutcome::Page(page), at))
            }
            (304, Some(remembered)) => Ok((PageOutcome::Unchanged(remembered.clone()), at)),
            (404 | 403, _) if is_of_store && let Some(bucket) = self.find_bucket() => {
                self.count_request();
                Ok((PageOutcome::Page(self.list_keys(bucket, path)?), directory))
            }
            (status, _) => Err(FetchError::Status { status }),
        }
    }

    /// Lists the top of a bucket; all directories below are listed as those of the bucket from then
    /// on.
    fn begin_bucket(&self, url: HttpUrl, path: &[u8]) -> Result<PageRead, FetchError> {
        let unread = || FetchError::Index(PageError::OtherListing(OtherListing::Bucket));
        if !path.is_empty() {
            return Err(unread());
        }
        let prefix = Vec::new();
        let root = BucketRoot { url, prefix };
        self.count_request();
        let listed = self.list_keys(&root, path);
        match listed {
            Err(error) if is_of_the_server(&error) || is_cut(&error) => Err(error),
            // The bucket gives every URL the same answer.
            Err(_) => {
                self.bucket.get_or_init(|| None);
                Err(unread())
            }
            Ok(page) => {
                self.bucket.get_or_init(|| Some(root));
                Ok(page)
            }
        }
    }

    /// Finds the bucket that contains the mirror: its base URL, or a directory above.
    fn find_bucket(&self) -> Option<&BucketRoot> {
        let look = || {
            for (url, prefix) in self.base.above_all().into_iter().take(BUCKET_ROOTS_MAX) {
                let root = BucketRoot { url, prefix };
                let probe = root.query(b"", None);
                self.count_request();
                let answer = self.session.get(&probe, HttpRequest::default(), &|_| false);
                let is_listing = answer.is_ok_and(|answer| {
                    let is_good = answer.status == 200;
                    let form = IndexForm::of(&answer.content_type);
                    let address = probe.address(&probe).of_keys(&root.prefix);
                    let read = read_index(answer.body, form, &address, |_, _| {});
                    is_good && read.is_ok_and(|page| page.bucket.is_some())
                });
                if is_listing {
                    return Some(root);
                }
            }
            None
        };
        self.bucket.get_or_init(look).as_ref()
    }

    /// Lists a directory of a bucket, part by part.
    fn list_keys(&self, bucket: &BucketRoot, path: &[u8]) -> Result<PageRead, FetchError> {
        let mut entries = Entries::new(self.crawl, path);
        let address = bucket.url.address(&bucket.url).of_keys(&bucket.key(path));
        let take = |part: Option<&NextPart>, entries: &mut Entries<'_, '_>| {
            let url = bucket.query(path, part);
            let request = HttpRequest::default();
            let answer = self.session.get(&url, request, &|to| bucket.url.has(to))?;
            if answer.status != 200 {
                let status = answer.status;
                return Err(FetchError::Status { status });
            }
            let form = IndexForm::of(&answer.content_type);
            let read = read_index(answer.body, form, &address, |entry, name| {
                entries.take(entry, name);
            });
            read.map_err(explain)
        };
        let mut first = take(None, &mut entries)?;
        let mut unreadable = first.unreadable.take();
        let Some(part) = first.bucket else {
            return Err(FetchError::Index(PageError::NotAnIndex {
                title: String::new(),
            }));
        };
        follow_parts(part.next, |next| {
            self.count_request();
            let page = take(Some(next), &mut entries)?;
            unreadable = unreadable.take().or_else(|| page.unreadable.clone());
            Ok(page)
        })?;
        Ok(PageRead {
            hole: unreadable.map(|key| remark(&key)),
            has_fields: true,
            entries: first.entries,
            ..entries.finish()?
        })
    }

    fn remembered(&self, path: &[u8]) -> Option<&'a DirectoryMemory> {
        let before = self.crawl.before;
        let facts = self.crawl.known.directories.facts(path)?;
        before.memory.find(key(path), facts.fingerprint)
    }

    fn parse(
        &self,
        path: &[u8],
        answer: HttpAnswer<'_>,
        (asked, at): (&HttpUrl, &HttpUrl),
    ) -> Result<PageRead, FetchError> {
        let mut entries = Entries::new(self.crawl, path);
        let form = IndexForm::of(&answer.content_type);
        let address = answer.url.address(asked);
        let read = read_index(answer.body, form, &address, |entry, name| {
            entries.take(entry, name);
        });
        let mut index = read.map_err(explain)?;
        let is_bucket = index.bucket.is_some();
        let part = index.bucket.take().unwrap_or_default();
        let is_of_bucket = is_bucket && part.prefix.is_empty();
        let is_in_parts = part.next.is_some();
        let mut unreadable = index.unreadable.take();
        if !is_of_bucket {
            // A server in front of the bucket lists the directory as a part of it.
            follow_parts(part.next, |next| {
                self.count_request();
                let request = HttpRequest::default();
                let url = at.clone().with_query(&next_query(next));
                let answer = self.session.get(&url, request, &|to| self.base.has(to))?;
                if answer.status != 200 {
                    let status = answer.status;
                    return Err(FetchError::Status { status });
                }
                let form = IndexForm::of(&answer.content_type);
                let read = read_index(answer.body, form, &address, |entry, name| {
                    entries.take(entry, name);
                });
                let page = read.map_err(explain)?;
                unreadable = unreadable.take().or_else(|| page.unreadable.clone());
                Ok(page)
            })?;
        }
        let hole = unreadable.map(|name| remark(&name));
        Ok(PageRead {
            validator: answer.validator.filter(|_| !is_in_parts && hole.is_none()),
            hole,
            has_fields: index.has_fields,
            entries: index.entries,
            is_of_bucket,
            ..entries.finish()?
        })
    }
}

impl BucketRoot {
    fn key(&self, path: &[u8]) -> Vec<u8> {
        let mut key = [self.prefix.as_slice(), path].concat();
        if !key.is_empty() && !key.ends_with(b"/") {
            key.push(b'/');
        }
        key
    }

    /// The URL that asks for the directory at a path below the mirror's.
    fn query(&self, path: &[u8], part: Option<&NextPart>) -> HttpUrl {
        let mut query = b"delimiter=%2F&prefix=".to_vec();
        argument_into(&mut query, &self.key(path));
        let mut query = String::from_utf8_lossy(&query).into_owned();
        if let Some(part) = part {
            query.push('&');
            query.push_str(&next_query(part));
        }
        self.url.clone().with_query(&query)
    }
}

/// The query that asks for the next part of a bucket's listing.
fn next_query(part: &NextPart) -> String {
    let (name, value) = match part {
        NextPart::Token(token) => ("list-type=2&continuation-token=", token),
        NextPart::Marker(marker) => ("marker=", marker),
    };
    let mut query = name.as_bytes().to_vec();
    argument_into(&mut query, value);
    String::from_utf8_lossy(&query).into_owned()
}

/// Appends the value of an argument, in which every byte that is unusual in names is encoded.
fn argument_into(out: &mut Vec<u8>, value: &[u8]) {
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend(format!("%{byte:02X}").bytes());
        }
    }
}

/// Asks for part after part. If an answer is no part, or the same part again, the listing counts as
/// cut.
fn follow_parts(
    mut next: Option<NextPart>,
    mut ask: impl FnMut(&NextPart) -> Result<IndexPage, FetchError>,
) -> Result<(), FetchError> {
    let cut = || FetchError::Index(PageError::Truncated);
    for _ in 1..PARTS_MAX {
        let Some(part) = next else {
            return Ok(());
        };
        let page = match ask(&part) {
            Ok(page) => page,
            Err(error) if is_of_the_server(&error) || is_cut(&error) => return Err(error),
            Err(_) => return Err(cut()),
        };
        let Some(BucketPart { next: then, .. }) = page.bucket else {
            return Err(cut());
        };
        if then.as_ref() == Some(&part) {
            return Err(cut());
        }
        next = then;
    }
    Err(FetchError::TooManyEntries {
        entries_max: PARTS_MAX * PART_KEYS,
    })
}

impl DirectoryServer for PageReader<'_> {
    fn protocol(&self) -> Protocol {
        Protocol::Http
    }

    fn read(&self, path: &[u8]) -> Result<PageOutcome, FetchError> {
        let query = self.is_fancy.load(Ordering::Relaxed).then_some(FANCY);
        let (outcome, _) = self.ask(path, query, &|to| self.base.has(to))?;
        Ok(self.with_fields(path, outcome))
    }

    fn further_requests(&self) -> u64 {
        self.further_requests.load(Ordering::Relaxed)
    }

    fn file(&self, path: &[u8]) -> Result<FilePresence, FetchError> {
        let request = HttpRequest {
            byte: Some(0),
            ..HttpRequest::default()
        };
        // Clients follow redirects to anywhere, so this request does too.
        let answer = self
            .session
            .get(&self.base.file(path), request, &|_| true)?;
        let total = answer.content_range.rsplit('/').next().unwrap_or_default();
        let size = match answer.status {
            200 => answer.length,
            206 | 416 => total.trim().parse().ok(),
            404 | 410 => return Ok(FilePresence::Gone),
            _ => return Ok(FilePresence::Unclear),
        };
        // A page in place of a file is a login or an error, whatever its status.
        let is_page = answer.content_type.trim_start().starts_with("text/html");
        if is_page
            && !HTML_ENDS
                .iter()
                .any(|end| path.to_ascii_lowercase().ends_with(end))
        {
            return Ok(FilePresence::Unclear);
        }
        let time = answer.modified_s.map(|seconds| ListedTime {
            seconds,
            step_s: 1,
            is_utc: true,
        });
        let size = size.map_or(ListedSize::Unknown, ListedSize::Exact);
        Ok(FilePresence::Here(ListedFile { size, time }))
    }

    fn is_busy(&self) -> bool {
        self.session.was_busy()
    }

    fn url(&self) -> String {
        self.base.to_string()
    }
}

/// A page that could not be read has the reason inside.
fn explain(error: PageError) -> FetchError {
    match error {
        PageError::Read(error) => {
            let said = error.to_string();
            let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
            inner.map_or(FetchError::Broken { said }, |inner: Box<FetchError>| *inner)
        }
        other => FetchError::Index(other),
    }
}

/// Compares the entries of one directory with the catalogue.
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
        let ranges = facts.map_or(&[][..], |facts| &facts.ranges);
        let files: usize = ranges.iter().map(|range| range.clone().count()).sum();
        Entries {
            crawl,
            directory,
            cursor: Cursor::default(),
            page: PageRead::default(),
            // A page may name a file twice, by an icon and by its name.
            found_max: 2 * files + FOUND_SLACK,
            directories: HashSet::new(),
        }
    }

    fn is_too_many(&self) -> bool {
        self.page.found.len() > self.found_max
    }

    /// The result of the page.
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

    /// Adds one entry.
    pub fn take(&mut self, entry: IndexEntry, name: &[u8]) {
        if self.directory.len() + name.len() >= PATH_BYTES_MAX || self.is_too_many() {
            return;
        }
        let path = below(self.directory, name);
        let known = self.crawl.known;
        if let IndexEntry::File(listed) = entry {
            if let Some(file) = known.files.find(&path, &mut self.cursor) {
                if self.crawl.wanted.has_file(&path) {
                    self.page.found.push(PageFile { file, listed });
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
