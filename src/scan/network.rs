//! Lists a mirror by one protocol.
//!
//! Each protocol is one variant of [`Protocol`] and one function that returns a [`Listing`]: the
//! files that the mirror has, and the ids that the listing says nothing about. If a protocol fails
//! or finds nothing, the next one is tried (behaviour §6).

use std::sync::OnceLock;
use std::time::Duration;

use roaring::RoaringBitmap;

use super::compare::tally::{Tally, ZoneFrom};
use super::crawl::wanted::CrawlRules;
use super::error::MirrorError;
use super::filter::RsyncRules;
use super::listing::{Links, Listing};
use super::protocol::Protocol;
use crate::domain::listing::rsync::RsyncLine;
use crate::domain::listing::{FilePresence, ListingGaps};
use crate::fetch::{
    Addresses, FetchError, FtpClient, FtpUrl, HttpClient, HttpOptions, HttpSession, HttpUrl,
    ListOptions, OwnPorts, Patience, RsyncUrl, list_rsync,
};
use crate::program::exit::chain;
use crate::program::progress::Bar;
use crate::snapshot::Cursor;

use super::compare::known::KnownTree;
use super::compare::names::Names;
use super::crawl::crawler::crawl;
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
    ) -> Result<Listing, MirrorError> {
        let url = RsyncUrl::parse(url)?;
        let options = ListOptions {
            patience: self.patience,
            addresses: self.addresses,
            filters: &self.rsync.filters,
            start: &self.rsync.start,
            copies_links: self.rsync.copies_links,
        };
        let mut tally = Tally::new(&known.files).with_earlier(&known.earlier);
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
        Ok(Listing {
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
            kept: unasked,
            links,
            ..Listing::new(Protocol::Rsync, tally.finish())
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
        listing: &mut Listing,
    ) -> Result<(), MirrorError> {
        let base = HttpUrl::parse(url)?;
        let session = self.session()?;
        let progress = |_| {};
        let plan = Crawl {
            starts: &listing.links.directories,
            ..self.plan(known, before, &progress)
        };
        let (reader, first) = PageReader::begin(plan, &session, &base)?;
        let mut files = Tally::new(&known.files).with_earlier(&known.earlier);
        for (path, file) in &listing.links.files {
            match reader.file(path)? {
                FilePresence::Here(listed) => files.see_listed(*file, listed),
                FilePresence::Gone => {}
                FilePresence::Unclear => {
                    listing.unclear_in.push(path.clone());
                    listing.kept.insert(file.id.0);
                }
            }
        }
        listing.seen.add(files.finish());
        if !listing.links.directories.is_empty() {
            let (behind, _) = crawl(plan, &reader, first)?;
            listing.add(behind);
        }
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
    ) -> Result<Listing, MirrorError> {
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
        let (mut listing, _) = crawl(plan, &reader, first)?;
        listing.hides = reader.hides();
        Ok(listing)
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
    ) -> Result<Listing, MirrorError> {
        let base = HttpUrl::parse(url)?;
        let session = self.session()?;
        let progress = |files| bar.set(files);
        let plan = self.plan(known, before, &progress);
        let (reader, first) = PageReader::begin(plan, &session, &base)?;
        let (mut listing, rest) = crawl(plan, &reader, first)?;
        listing.rest = Some(rest);
        Ok(listing)
    }
}

/// Whether the scan of the mirror has to end: the program is to stop, or the mirror's time is over.
pub fn is_stop(error: &MirrorError) -> bool {
    let ends =
        |error: &FetchError| matches!(error, FetchError::Stopped | FetchError::TooLong { .. });
    matches!(error, MirrorError::Fetch(error) if ends(error))
}
