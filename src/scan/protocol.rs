//! Chooses the protocol for listing a mirror: the one that tells most comes first, the one that
//! every mirror has comes last.
//!
//! Each protocol is one variant of [`Protocol`] and one function that gives a [`ListingResult`]:
//! what the mirror has, and which ids are not known to have vanished. When one fails, or finds
//! nothing, the next is tried (behaviour §6).

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

/// How often the bar is told of files: more often costs more than looking a file up.
const FILES_A_TICK: u64 = 4096;

/// Links in place of files that are asked for one by one.
const LINKS_MAX: usize = 1000;

/// How long a connection may take; a host that is there answers in less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How a mirror is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Exact sizes and times; links and permissions, too.
    Rsync,
    /// Exact sizes; times that are exact, or minutes, or days, in some zone.
    Ftp,
    /// Index pages: rounded sizes, minutes in some zone.
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

    /// Those that a mirror has, in the order in which they are tried.
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

/// The base URL over HTTP: the main one, else another.
pub fn http_url(mirror: &MirrorRecord) -> Option<&str> {
    let urls = std::iter::once(&mirror.base_url).chain(&mirror.further_base_urls);
    let is_http = |url: &&str| matches!(Scheme::of(url), Some(Scheme::Http | Scheme::Https));
    urls.map(|url| url.trim()).find(is_http)
}

/// What the protocols are told.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    /// rsync's rules.
    pub rsync: &'a RsyncRules,
    /// The rules of the others.
    pub wanted: &'a CrawlRules,
    /// Requests at a time to one mirror.
    pub requests: usize,
    /// How long the mirror is waited for.
    pub patience: Patience<'a>,
    /// The ports of its URLs.
    pub own_ports: OwnPorts,
    /// What resolves names.
    pub addresses: &'a Addresses,
    /// Made when the first mirror needs it.
    pub http: &'a OnceLock<Result<HttpClient, String>>,
    /// For FTP.
    pub ftp: &'a FtpClient,
    /// Paths of single files.
    pub names: Names<'a>,
}

/// What a listing found.
#[derive(Debug)]
pub struct ListingResult {
    /// By which protocol.
    pub by: Protocol,
    /// What the mirror has.
    pub seen: Observations,
    /// What could not be listed.
    pub unlisted: ListingGaps,
    /// Ids of listed files that keep their state, because it was not found out whether the mirror
    /// can deliver them.
    pub unchecked: RoaringBitmap,
    /// Directories with files that keep their state because nothing tells whether they are there.
    pub unclear_in: Vec<Vec<u8>>,
    /// Links of the mirror that rsync does not follow.
    pub links: Links,
    /// Directories that could not be listed, as far as that is counted.
    pub unreadable: u64,
    /// Whether names that begin with a dot are not shown.
    pub hides: bool,
    /// Requests made; 0 where the protocol has none.
    pub requests: u64,
    /// Why the first directory that the server refuses to list could not be listed.
    pub refusal: Option<String>,
    /// Protocols that failed before, each with its reason.
    pub fallbacks: Vec<(Protocol, String)>,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// What HTTP leaves for the next scan.
    pub crawled: Option<CrawlRest>,
}

/// Links on a mirror where the catalogue has directories and files.
#[derive(Debug, Default)]
pub struct Links {
    /// In place of directories.
    pub directories: Vec<Vec<u8>>,
    /// In place of files.
    pub files: NamedFiles,
}

/// See [`crate::db::scan::directory`].
#[derive(Debug)]
pub struct CrawlRest {
    /// Pages.
    pub memory: super::crawl::memory::Memory,
    /// Directories that were not come to.
    pub unfinished: Vec<Vec<u8>>,
    /// Directories that an interrupted scan had not come to; nothing else was listed. Empty: all
    /// was.
    pub continued: Vec<Vec<u8>>,
}

impl ListingResult {
    /// A listing without holes and remarks.
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

    /// Keeps why other protocols failed before.
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
    /// The HTTP client with this run's time-outs.
    ///
    /// # Errors
    /// Returns [`MirrorError::NoClient`] if no client for the protocol can be made.
    pub fn session(&self) -> Result<HttpSession<'a>, MirrorError> {
        self.session_within(self.patience.timeout)
    }

    /// The same with a time-out of its own.
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

    /// Adds by HTTP what lies behind links that rsync does not follow.
    ///
    /// # Errors
    /// Returns [`MirrorError`] if the mirror cannot be asked at all, or no more.
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
        // Its listings show what may not be read, so nothing that is not on them is doubted.
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

    /// Lists by index pages; `before` is what the last such scan left.
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

/// Whether nothing more is to be tried: the program was told to stop, or the mirror's time is over.
pub fn is_stop(error: &MirrorError) -> bool {
    let ends =
        |error: &FetchError| matches!(error, FetchError::Stopped | FetchError::TooLong { .. });
    matches!(error, MirrorError::Fetch(error) if ends(error))
}
