//! Names the protocols for listing a mirror. The protocol that tells most comes first, the one that
//! every mirror has comes last.

use crate::db::mirror::MirrorRecord;
use crate::domain::url::Scheme;

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
