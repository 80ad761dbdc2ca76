//! Chooses the protocol for listing a mirror. The protocol that tells most comes first, the one
//! that every mirror has comes last.
//!
//! Each protocol is one variant of [`Protocol`] and one function that returns a [`ListingResult`]:
//! the files that the mirror has, and the ids that the listing says nothing about. If a protocol
//! fails or finds nothing, the next one is tried (behaviour §6).

use std::sync::OnceLock;
use std::time::Duration;

use roaring::RoaringBitmap;

use super::compare::tally::{Observations, Tally, ZoneFrom};
use super::crawl::wanted::CrawlRules;
use super::error::MirrorError;
use super::filter::RsyncRules;
use crate::db::mirror::MirrorRecord;
use crate::domain::listing::rsync::RsyncLine;
use crate::domain::listing::{FilePresence, ListingGaps};
use crate::domain::url::Scheme;
use crate::fetch::{
    Addresses, FetchError, FtpClient, FtpUrl, HttpClient, HttpOptions, HttpSession, HttpUrl,
    ListOptions, OwnPorts, Patience, RsyncUrl, list_rsync,
};
use crate::program::exit::chain;
use crate::program::progress::Bar;
use crate::snapshot::Cursor;

use super::compare::known::KnownTree;
use super::compare::names::{NamedFiles, Names};
use super::crawl::crawler::{CrawlResult, crawl};
use super::crawl::ftp::FtpReader;
use super::crawl::page::PageReader;
use super::crawl::reading::{Crawl, DirectoryServer as _, PreviousListing};

/// Number of files between two updates of the bar; more updates would cost more than looking files
/// up.
const FILES_A_TICK: u64 = 4096;

/// Largest number of links in place of files that are asked for one by one.
const LINKS_MAX: usize = 1000;

/// Longest time for a connection; a host that is up answers sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A protocol for listing mirrors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Gives exact sizes and times, links and permissions.
    Rsync,
    /// Gives exact sizes, and times in some zone that are exact to the second, the minute or the
    /// day.
    Ftp,
    /// Gives index pages, with rounded sizes and times to the minute in some zone.
    Http,
}

impl Protocol {
    /// The name in reports and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Rsync => "rsync",
            Protocol::Ftp => "ftp",
            Protocol::Http => "http",
        }
    }

    /// The protocols of a mirror, in the order in which they are tried.
    pub fn of(mirror: &MirrorRecord) -> Vec<Protocol> {
        let mut protocols = Vec::new();
        if !mirror.rsync_url.trim().is_empty() {
            protocols.push(Protocol::Rsync);
        }
        if !mirror.ftp_url.trim().is_empty() {
            protocols.push(Protocol::Ftp);
        }
        if http_url(mirror).is_some() {
            protocols.push(Protocol::Http);
        }
        protocols
    }
}

/// The mirror's base URL over HTTP: the main one, else another.
pub fn http_url(mirror: &MirrorRecord) -> Option<&str> {
    let urls = std::iter::once(&mirror.base_url).chain(&mirror.further_base_urls);
    let is_http = |url: &&str| matches!(Scheme::of(url), Some(Scheme::Http | Scheme::Https));
    urls.map(|url| url.trim()).find(is_http)
}

/// The options of all protocols.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    /// rsync's rules.
    pub rsync: &'a RsyncRules,
    /// The rules of FTP and HTTP.
    pub wanted: &'a CrawlRules,
    /// Requests at a time to one mirror.
    pub requests: usize,
    /// Limits of time for the mirror.
    pub patience: Patience<'a>,
    /// The ports of the mirror's URLs.
    pub own_ports: OwnPorts,
    /// Resolves host names.
    pub addresses: &'a Addresses,
    /// The HTTP client, made for the first mirror that needs it.
    pub http: &'a OnceLock<Result<HttpClient, String>>,
    /// The FTP client.
    pub ftp: &'a FtpClient,
    /// Gives paths of single files.
    pub names: Names<'a>,
}

/// The result of a listing.
#[derive(Debug)]
pub struct ListingResult {
    /// The protocol of the listing.
    pub by: Protocol,
    /// The files that the mirror has.
    pub seen: Observations,
    /// The parts of the tree that could not be listed.
    pub unlisted: ListingGaps,
    /// Ids of listed files that keep their state, because the scan could not check whether the
    /// mirror can deliver them.
    pub unchecked: RoaringBitmap,
    /// Directories with files that keep their state, because nothing tells whether the mirror has
    /// them.
    pub unclear_in: Vec<Vec<u8>>,
    /// Links of the mirror that rsync does not follow.
    pub links: Links,
    /// Number of directories that could not be listed, as far as they are counted.
    pub unreadable: u64,
    /// Whether the server hides names that begin with a dot.
    pub hides: bool,
    /// Number of requests; 0 if the protocol has none.
    pub requests: u64,
    /// The server's reason for the first directory that it refused to list.
    pub refusal: Option<String>,
    /// Protocols that failed before this one, each with its reason.
    pub fallbacks: Vec<(Protocol, String)>,
    /// Further remarks.
    pub notes: Vec<String>,
    /// The memory of an HTTP scan for the next one.
    pub crawled: Option<CrawlRest>,
}

/// Links on a mirror where the catalogue has directories and files.
#[derive(Debug, Default)]
pub struct Links {
    /// Links in place of directories.
    pub directories: Vec<Vec<u8>>,
    /// Links in place of files.
    pub files: NamedFiles,
}

/// See [`crate::db::scan::directory`].
#[derive(Debug)]
pub struct CrawlRest {
    /// Versions of pages.
    pub memory: super::crawl::memory::Memory,
    /// Directories that the scan did not reach.
    pub unfinished: Vec<Vec<u8>>,
    /// The directories that an interrupted scan did not reach, if only these were listed. Empty:
    /// all were listed.
    pub continued: Vec<Vec<u8>>,
}

impl ListingResult {
    /// A listing without gaps and remarks.
    pub fn new(by: Protocol, seen: Observations) -> ListingResult {
        ListingResult {
            by,
            seen,
            unlisted: ListingGaps::Nothing,
            unchecked: RoaringBitmap::new(),
            unclear_in: Vec::new(),
            links: Links::default(),
            unreadable: 0,
            hides: false,
            requests: 0,
            refusal: None,
            fallbacks: Vec::new(),
            notes: Vec::new(),
            crawled: None,
        }
    }

    /// Records the protocols that failed before, and why.
    pub fn fall_back(&mut self, failures: Vec<(Protocol, MirrorError)>) {
        for (by, error) in failures {
            let why = chain(&error);
            self.notes
                .push(format!("not listed by {}: {why}", by.name()));
            self.fallbacks.push((by, why));
        }
    }
}

impl<'a> Network<'a> {
    /// A session of the HTTP client with this run's time limits.
    ///
    /// # Errors
    /// Returns [`MirrorError::NoClient`] if no client for the protocol can be made.
    pub fn session(&self) -> Result<HttpSession<'a>, MirrorError> {
        self.session_within(self.patience.timeout)
    }

    /// The same with another time limit.
    ///
    /// # Errors
    /// Returns [`MirrorError::NoClient`] if no client for the protocol can be made.
    pub fn session_within(&self, timeout: Duration) -> Result<HttpSession<'a>, MirrorError> {
        let client = self.http.get_or_init(|| {
            let timeout = self.patience.timeout.min(CONNECT_TIMEOUT);
            HttpClient::new(timeout, self.addresses).map_err(|error| chain(&error))
        });
        let client = client.as_ref();
        let client = client.map_err(|error| MirrorError::NoClient(error.clone()))?;
        Ok(client.session(HttpOptions {
            patience: self.patience.within(timeout),
            own_ports: self.own_ports,
        }))
    }

    /// Lists by rsync.
    ///
    /// # Errors
    /// Returns [`MirrorError`] if the mirror cannot be scanned.
    pub fn list_rsync(
        &self,
        url: &str,
        known: &KnownTree,
        bar: &Bar,
    ) -> Result<ListingResult, MirrorError> {
        let url = RsyncUrl::parse(url)?;
        let options = ListOptions {
            patience: self.patience,
            addresses: self.addresses,
            filters: &self.rsync.filters,
            start: &self.rsync.start,
            copies_links: self.rsync.copies_links,
        };
        let mut tally = Tally::new(&known.files);
        let (mut links, mut unasked) = (Links::default(), RoaringBitmap::new());
        let rules = self.rsync;
        let listed = list_rsync(&url, options, |entry, path| {
            if rules
                .allowed
                .as_ref()
                .is_some_and(|allowed| !allowed.has(path))
            {
                return;
            }
            if entry == RsyncLine::Link {
                self.take_link(known, path, &mut links, &mut unasked);
            }
            tally.see(entry, path);
            if tally.files().is_multiple_of(FILES_A_TICK) {
                bar.set(tally.files());
            }
        })?;
        Ok(ListingResult {
            unreadable: match &listed.unlisted {
                ListingGaps::Below(paths) => paths.len() as u64,
                ListingGaps::Nothing | ListingGaps::Anywhere => 0,
            },
            unlisted: listed.unlisted,
            notes: listed.notes,
            unclear_in: match unasked.is_empty() {
                true => Vec::new(),
                false => vec![Vec::new()],
            },
            unchecked: unasked,
            links,
            ..ListingResult::new(Protocol::Rsync, tally.finish())
        })
    }

    fn take_link(
        &self,
        known: &KnownTree,
        path: &[u8],
        links: &mut Links,
        unasked: &mut RoaringBitmap,
    ) {
        if known.directories.has(path) {
            if self.wanted.has_directory(path) {
                links.directories.push(path.to_vec());
            }
        } else if let Some(file) = known.files.find(path, &mut Cursor::default())
            && self.wanted.has_file(path)
        {
            if links.files.len() < LINKS_MAX {
                links.files.push((path.to_vec(), file));
            } else {
                unasked.insert(file.id.0);
            }
        }
    }

    /// Adds, over HTTP, the files behind links that rsync does not follow.
    ///
    /// # Errors
    /// Returns [`MirrorError`] if the mirror cannot be asked, or the scan has to end.
    pub fn follow_links(
        &self,
        url: &str,
        known: &KnownTree,
        before: &PreviousListing,
        found: &mut ListingResult,
    ) -> Result<(), MirrorError> {
        let base = HttpUrl::parse(url)?;
        let session = self.session()?;
        let progress = |_| {};
        let plan = Crawl {
            starts: &found.links.directories,
            ..self.plan(known, before, &progress)
        };
        let (reader, first) = PageReader::begin(plan, &session, &base)?;
        let mut files = Tally::new(&known.files);
        for (path, file) in &found.links.files {
            match reader.file(path)? {
                FilePresence::Here(listed) => files.see_listed(*file, listed),
                FilePresence::Gone => {}
                FilePresence::Unclear => {
                    found.unclear_in.push(path.clone());
                    found.unchecked.insert(file.id.0);
                }
            }
        }
        found.seen.add(files.finish());
        if found.links.directories.is_empty() {
            return Ok(());
        }
        let crawled = crawl(plan, &reader, first)?;
        found.requests += crawled.requests;
        found.unreadable += crawled.unreadable;
        found.unclear_in.extend(crawled.unclear_in);
        found.unchecked |= crawled.unclear;
        found.notes.extend(crawled.notes);
        found.refusal = found.refusal.take().or(crawled.refusal);
        found.unlisted.join(crawled.unlisted);
        found.seen.add(crawled.seen);
        Ok(())
    }

    /// Lists by FTP.
    ///
    /// # Errors
    /// Returns [`MirrorError`] if the mirror cannot be scanned.
    pub fn list_ftp(
        &self,
        url: &str,
        known: &KnownTree,
        zone: ZoneFrom,
        bar: &Bar,
    ) -> Result<ListingResult, MirrorError> {
        let url = FtpUrl::parse(url)?;
        let progress = |files| bar.set(files);
        // An FTP listing also shows entries that may not be read, so that a missing entry is really
        // missing.
        let before = PreviousListing {
            zone,
            ..PreviousListing::default()
        };
        let plan = self.plan(known, &before, &progress);
        let (reader, first) = FtpReader::begin(plan, self.ftp, &url)?;
        let crawled = crawl(plan, &reader, first)?;
        Ok(ListingResult {
            unlisted: crawled.unlisted,
            unclear_in: crawled.unclear_in,
            unchecked: crawled.unclear,
            unreadable: crawled.unreadable,
            requests: crawled.requests,
            refusal: crawled.refusal,
            notes: crawled.notes,
            hides: reader.hides(),
            ..ListingResult::new(Protocol::Ftp, crawled.seen)
        })
    }

    fn plan<'p>(
        &self,
        known: &'p KnownTree,
        before: &'p PreviousListing,
        progress: &'p (dyn Fn(u64) + Sync),
    ) -> Crawl<'p>
    where
        'a: 'p,
    {
        Crawl {
            known,
            wanted: self.wanted,
            requests: self.requests,
            before,
            progress,
            patience: self.patience,
            names: self.names,
            starts: &[],
        }
    }

    /// Lists by index pages; `before` is the memory of the last such scan.
    ///
    /// # Errors
    /// Returns [`MirrorError`] if the mirror cannot be scanned.
    pub fn list_http(
        &self,
        url: &str,
        known: &KnownTree,
        before: &PreviousListing,
        bar: &Bar,
    ) -> Result<ListingResult, MirrorError> {
        let base = HttpUrl::parse(url)?;
        let session = self.session()?;
        let progress = |files| bar.set(files);
        let plan = self.plan(known, before, &progress);
        let (reader, first) = PageReader::begin(plan, &session, &base)?;
        let CrawlResult {
            seen,
            unlisted,
            unclear,
            unclear_in,
            unreadable,
            refusal,
            notes,
            requests,
            memory,
            unfinished,
        } = crawl(plan, &reader, first)?;
        Ok(ListingResult {
            unlisted,
            unclear_in,
            unchecked: unclear,
            unreadable,
            requests,
            refusal,
            notes,
            crawled: Some(CrawlRest {
                memory,
                unfinished,
                continued: before.unfinished.clone(),
            }),
            ..ListingResult::new(Protocol::Http, seen)
        })
    }
}

/// Whether the scan of the mirror has to end: the program is to stop, or the mirror's time is over.
pub fn is_stop(error: &MirrorError) -> bool {
    let ends =
        |error: &FetchError| matches!(error, FetchError::Stopped | FetchError::TooLong { .. });
    matches!(error, MirrorError::Fetch(error) if ends(error))
}
