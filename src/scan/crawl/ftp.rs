//! Lists one directory of a mirror over FTP.
//!
//! A crawl logs in several times if the server lets it, else once.
//!
//! # Errors
//! Returns [`FetchError`] if a directory cannot be listed. If the server refused the directory, its
//! login is used further. After any other failure the login is given up, and a new one tries a
//! directory whose listing broke once more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::page::Entries;
use super::reading::{Crawl, DirectoryServer};
use super::reading::{First, PageFile, PageOutcome, PageRead};
use crate::domain::listing::rsync_message::remark;
use crate::domain::listing::{FilePresence, FtpEntry, IndexEntry};
use crate::domain::path::PATH_BYTES_MAX;
use crate::fetch::{FetchError, FtpClient, FtpSession, FtpUrl};
use crate::scan::compare::directory::below;
use crate::scan::protocol::Protocol;
use crate::snapshot::Cursor;

/// Largest number of links in one directory whose targets are asked for.
const LINKS_MAX: usize = 1000;

/// Lists directories with up to one login per thread.
pub(in crate::scan) struct FtpReader<'a> {
    crawl: Crawl<'a>,
    client: &'a FtpClient,
    url: &'a FtpUrl,
    logins: Mutex<Logins<'a>>,
    freed: Condvar,
    /// Whether LIST gets the option to show names that begin with a dot.
    is_asked_for_hidden: bool,
    /// Whether the server has shown such a name.
    has_shown_hidden: AtomicBool,
    further_requests: u64,
}

struct Logins<'a> {
    idle: Vec<FtpSession<'a>>,
    open: usize,
    open_max: usize,
}

impl<'a> FtpReader<'a> {
    /// Logs in and lists the directory of the URL.
    pub fn begin(
        crawl: Crawl<'a>,
        client: &'a FtpClient,
        url: &'a FtpUrl,
    ) -> Result<(FtpReader<'a>, First), FetchError> {
        let mut session = client.open(url, crawl.patience)?;
        let mut reader = FtpReader {
            crawl,
            client,
            url,
            logins: Mutex::new(Logins {
                idle: Vec::new(),
                open: 1,
                open_max: crawl.requests,
            }),
            freed: Condvar::new(),
            is_asked_for_hidden: false,
            has_shown_hidden: AtomicBool::new(false),
            further_requests: 0,
        };
        let path = crawl.start();
        if !session.has_mlsd() {
            reader.further_requests = 1;
            session.list_hidden(true);
            // A server that takes the option for a file name does not list the directory itself.
            reader.is_asked_for_hidden = match session.list(&path, |_, _| {}) {
                Ok(listing) => listing.has_here,
                Err(error) if leaves_login(&error) => false,
                Err(error) => return Err(error),
            };
            session.list_hidden(reader.is_asked_for_hidden);
        }
        let outcome = match reader.list(&mut session, &path) {
            Ok(page) => Ok(PageOutcome::Page(page)),
            Err(error) if !leaves_login(&error) => return Err(error),
            Err(FetchError::Refused { said }) if path.is_empty() => {
                Err(FetchError::NoDirectory { said })
            }
            Err(FetchError::Absent { said }) if path.is_empty() => {
                Err(FetchError::NoDirectory { said })
            }
            Err(error) => Err(error),
        };
        reader.logins().idle.push(session);
        let first = First {
            path,
            outcome,
            note: None,
        };
        Ok((reader, first))
    }

    /// Whether the server may hide names that begin with a dot.
    pub fn hides(&self) -> bool {
        !self.is_asked_for_hidden && !self.has_shown_hidden.load(Ordering::Relaxed)
    }

    fn logins(&self) -> MutexGuard<'_, Logins<'a>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an idle login, else a new one, else the next that becomes idle.
    fn take(&self) -> Result<FtpSession<'a>, FetchError> {
        let mut logins = self.logins();
        loop {
            if let Some(session) = logins.idle.pop() {
                return Ok(session);
            }
            if logins.open < logins.open_max || logins.open == 0 {
                logins.open += 1;
                drop(logins);
                let opened = self.open();
                logins = self.logins();
                match opened {
                    Ok(session) => return Ok(session),
                    Err(error) => {
                        logins.open -= 1;
                        // Waiting threads have to see that there may be no login left.
                        self.freed.notify_all();
                        let is_over =
                            matches!(error, FetchError::Stopped | FetchError::TooLong { .. });
                        if logins.open == 0 || is_over {
                            return Err(error);
                        }
                        log::debug!("no further login url={} error={error}", self.url);
                        logins.open_max = logins.open;
                        continue;
                    }
                }
            }
            logins = self
                .freed
                .wait(logins)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn open(&self) -> Result<FtpSession<'a>, FetchError> {
        let mut session = self.client.open(self.url, self.crawl.patience)?;
        session.list_hidden(self.is_asked_for_hidden);
        Ok(session)
    }

    /// Keeps a login for the next directory, or closes it.
    fn put(&self, session: FtpSession<'a>, is_good: bool) {
        let mut logins = self.logins();
        if is_good {
            logins.idle.push(session);
        } else {
            logins.open -= 1;
        }
        drop(logins);
        self.freed.notify_all();
    }

    fn read_once(&self, path: &[u8]) -> Result<PageRead, FetchError> {
        let mut session = self.take()?;
        let read = self.list(&mut session, path);
        let is_good = match &read {
            Ok(_) => true,
            Err(error) => leaves_login(error),
        };
        self.put(session, is_good);
        read
    }

    fn file_once(&self, path: &[u8]) -> Result<FilePresence, FetchError> {
        let mut session = self.take()?;
        let asked = session.file(path);
        let is_good = asked.as_ref().map_or_else(leaves_login, |_| true);
        self.put(session, is_good);
        asked
    }

    fn list(&self, session: &mut FtpSession<'a>, path: &[u8]) -> Result<PageRead, FetchError> {
        let known = self.crawl.known;
        let mut entries = Entries::new(self.crawl, path);
        let mut links = Vec::new();
        let mut cursor = Cursor::default();
        let mut unclear = Vec::new();
        let listing = session.list(path, |entry, name| {
            if name.starts_with(b".") {
                self.has_shown_hidden.store(true, Ordering::Relaxed);
            }
            match entry {
                FtpEntry::Directory => entries.take(IndexEntry::Directory, name),
                FtpEntry::File(listed) => entries.take(IndexEntry::File(listed), name),
                FtpEntry::Private => entries.take_private(),
                FtpEntry::Other => {}
                FtpEntry::Link if path.len() + name.len() >= PATH_BYTES_MAX => {}
                // A web server follows the link, so its target counts.
                FtpEntry::Link => match known.files.find(&below(path, name), &mut cursor) {
                    Some(file) if links.len() < LINKS_MAX => links.push((file, name.to_vec())),
                    // A file that is not asked for keeps its state.
                    Some(file) => unclear.push(file.id.0),
                    None => entries.take(IndexEntry::Directory, name),
                },
            }
        })?;
        let mut hole = None;
        for line in &listing.unreadable {
            if !self.names_ours(path, line, &mut unclear, &mut entries) {
                hole = Some(remark(line));
            }
        }
        let mut page = entries.finish()?;
        for (file, name) in links {
            let path = below(path, &name);
            if !self.crawl.wanted.has_file(&path) {
                continue;
            }
            match session.file(&path)? {
                FilePresence::Here(listed) => page.found.push(PageFile { file, listed }),
                FilePresence::Gone => {}
                FilePresence::Unclear => unclear.push(file.id.0),
            }
        }
        page.unclear = unclear;
        page.hole = hole;
        Ok(page)
    }

    /// Whether an unreadable line ends with a name of the catalogue: then the line concerns that
    /// entry.
    fn names_ours(
        &self,
        path: &[u8],
        line: &[u8],
        unclear: &mut Vec<u32>,
        entries: &mut Entries<'_, '_>,
    ) -> bool {
        let known = self.crawl.known;
        let spaces = line.iter().enumerate().filter(|(_, byte)| **byte == b' ');
        for (space, _) in spaces {
            let name = &line[space + 1..];
            let is_name = !name.is_empty() && !name.contains(&b'/');
            if !is_name || path.len() + name.len() >= PATH_BYTES_MAX {
                continue;
            }
            let child = below(path, name);
            if let Some(file) = known.files.find(&child, &mut Cursor::default()) {
                unclear.push(file.id.0);
                return true;
            }
            if known.directories.has(&child) {
                entries.take(IndexEntry::Directory, name);
                return true;
            }
        }
        false
    }
}

/// Whether a failure concerns one name only, so that the login can be used further.
fn leaves_login(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Refused { .. } | FetchError::Absent { .. } | FetchError::Unspeakable
    )
}

impl DirectoryServer for FtpReader<'_> {
    fn protocol(&self) -> Protocol {
        Protocol::Ftp
    }

    fn read(&self, path: &[u8]) -> Result<PageOutcome, FetchError> {
        let page = match self.read_once(path) {
            Err(FetchError::Broken { said }) => {
                log::debug!("listed again url={} said={said}", self.url);
                self.read_once(path)?
            }
            other => other?,
        };
        Ok(PageOutcome::Page(page))
    }

    fn further_requests(&self) -> u64 {
        self.further_requests
    }

    fn file(&self, path: &[u8]) -> Result<FilePresence, FetchError> {
        match self.file_once(path) {
            Err(FetchError::Broken { .. }) => self.file_once(path),
            other => other,
        }
    }

    fn is_busy(&self) -> bool {
        // A server that takes no more logins refuses them, so that it never has too many.
        false
    }

    fn url(&self) -> String {
        self.url.to_string()
    }
}
