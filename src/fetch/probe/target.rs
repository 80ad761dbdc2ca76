//! Defines the targets of checks, and their results.

use std::sync::Arc;
use std::time::Duration;

use super::failure::Failure;
use crate::domain::cache::Generations;
use crate::domain::escape::url_path_into;
use crate::domain::file::FileVersion;
use crate::domain::health::Family;
use crate::domain::time::Timestamp;
use crate::domain::trace::GENERATION_NAME;
use crate::domain::url::{BaseUrl, EncodedPath, Scheme, without_login};
use crate::fetch::OwnPorts;

/// A base URL to be checked.
#[derive(Debug, Clone)]
pub struct ProbeTarget {
    /// The URL.
    pub url: BaseUrl,
    /// Files that the mirror should have. They are asked for one after the other until the mirror
    /// has one. Without files, only the base URL is asked for.
    pub files: Vec<ProbeFile>,
    /// Ports of all URLs of the mirror, to which its redirects may lead.
    pub own_ports: OwnPorts,
    /// Whether the mirror is a pull-through cache. Then files are fetched as a whole, because HEAD
    /// or a range would make the cache fetch the whole file too, and their content is compared.
    pub is_cache: bool,
    /// The limit on the age of a cache's content.
    pub staleness: Option<StalenessLimit>,
}

/// The limit on the age of a cache's content.
#[derive(Debug, Clone)]
pub struct StalenessLimit {
    /// Gives the age of a generation.
    pub generations: Arc<Generations>,
    /// Seconds for which the cache may keep content without asking.
    pub ttl_s: i64,
    /// Now.
    pub now: Timestamp,
}

/// A file that the mirror should have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbeFile {
    /// Its path in the tree.
    pub path: Vec<u8>,
    /// Its size, if the catalogue has it.
    pub size: Option<u64>,
    /// Its time, for URLs that contain the version.
    pub mtime: Option<i64>,
    /// Its digest; compared only if the whole file is fetched.
    pub sha256: Option<Vec<u8>>,
    /// The part that is fetched by GET, as a client does, in place of all other checks.
    pub piece: Option<FilePiece>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePiece {
    /// Where it begins.
    pub begin: u64,
    /// Its length, at least 1.
    pub bytes: u64,
    /// The SHA-1 digest that it must have; `None`: its bytes are not read.
    pub sha1: Option<Vec<u8>>,
}

impl FilePiece {
    /// One byte, which tells whether the file is there.
    pub const FIRST_BYTE: FilePiece = FilePiece {
        begin: 0,
        bytes: 1,
        sha1: None,
    };

    /// Its last byte.
    pub fn last(&self) -> u64 {
        self.begin.saturating_add(self.bytes).saturating_sub(1)
    }
}

/// The result for a target.
#[derive(Debug, Clone)]
pub enum ProbeFinding {
    /// The host has no address. Failure and evidence count for both families.
    NoAddress(Failure, String),
    /// One check per family in which the host has addresses.
    Checked(Vec<(Family, Check)>),
}

/// The check of one target over one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Whether it answers as it should.
    pub result: Result<(), Failure>,
    /// Time from the connection to the head of the first answer.
    pub latency: Option<Duration>,
    /// When its certificate expires.
    pub expires_at: Option<Timestamp>,
    /// Whether a cache answered from its store; `None`: it does not say.
    pub cache_hit: Option<bool>,
    /// Oddities of a target that answers.
    pub notes: Vec<String>,
    /// A command line that shows the same result.
    pub evidence: String,
}

impl Check {
    pub(super) fn failed(failure: Failure, evidence: String) -> Check {
        Check {
            result: Err(failure),
            latency: None,
            expires_at: None,
            cache_hit: None,
            notes: Vec::new(),
            evidence,
        }
    }
}

impl ProbeFile {
    /// A file of the catalogue.
    pub fn new(path: Vec<u8>, version: Option<FileVersion>, sha256: Option<Vec<u8>>) -> ProbeFile {
        ProbeFile {
            path,
            size: version.map(|version| version.size),
            mtime: version.map(|version| version.mtime),
            sha256,
            piece: None,
        }
    }

    /// The same file, of which a client fetches a part.
    #[must_use]
    pub fn in_part(mut self, piece: FilePiece) -> ProbeFile {
        self.piece = Some(piece);
        self
    }

    /// The path for people: percent-encoded, so that any bytes fit on one line.
    pub fn shown(&self) -> String {
        let mut out = vec![b'/'];
        url_path_into(&mut out, &self.path);
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl ProbeTarget {
    /// A URL of an ordinary mirror with one port.
    pub fn new(url: BaseUrl, files: Vec<ProbeFile>) -> ProbeTarget {
        ProbeTarget {
            url,
            files,
            own_ports: OwnPorts::default(),
            is_cache: false,
            staleness: None,
        }
    }

    /// The URL of a file, or the base URL.
    pub(super) fn url_of(&self, file: Option<&ProbeFile>) -> String {
        let Some(file) = file else {
            let base = self.url.as_str();
            return match self.is_cache {
                true => format!("{base}{GENERATION_NAME}"),
                false => base.to_owned(),
            };
        };
        let urls = std::iter::once(&self.url);
        let encoded = match (file.size, file.mtime) {
            (Some(size), Some(mtime)) => {
                EncodedPath::of_version(&file.path, FileVersion { size, mtime }, urls)
            }
            _ => EncodedPath::new(&file.path, urls),
        };
        let mut out = Vec::new();
        self.url.file_url_into(&mut out, &encoded);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// A `curl` command that asks for the same over the same family.
    pub(super) fn evidence(&self, file: Option<&ProbeFile>, family: Option<Family>) -> String {
        let family = match family {
            Some(Family::V4) => " -4",
            Some(Family::V6) => " -6",
            None => "",
        };
        let piece = file.and_then(|file| file.piece.as_ref());
        let range = match piece {
            Some(piece) => format!(" -L -o /dev/null -D - -r {}-{}", piece.begin, piece.last()),
            None => String::new(),
        };
        let head = match (self.url.scheme(), file) {
            (Scheme::Http | Scheme::Https, _) if piece.is_some() => &range,
            (Scheme::Http | Scheme::Https, _) if self.is_cache => " -L -o /dev/null -D -",
            (Scheme::Http | Scheme::Https, None) => " -L -o /dev/null -D -",
            (Scheme::Http | Scheme::Https, Some(_)) => " -L -I",
            _ => " -I",
        };
        let url = without_login(&self.url_of(file)).replace('\'', "%27");
        format!("curl{family} -sS{head} '{url}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_can_be_pasted_and_has_no_password() {
        let target = |url| ProbeTarget::new(BaseUrl::parse(url).expect("a URL"), Vec::new());
        let file = ProbeFile {
            path: b"a b/it's.iso".to_vec(),
            size: Some(1),
            ..ProbeFile::default()
        };
        for (url, file, family, expected) in [
            (
                "http://u:p@h/m",
                Some(&file),
                Some(Family::V4),
                "curl -4 -sS -L -I 'http://h/m/a%20b/it%27s.iso'",
            ),
            (
                "https://h:8443/m/",
                None,
                Some(Family::V6),
                "curl -6 -sS -L -o /dev/null -D - 'https://h:8443/m/'",
            ),
            (
                "ftp://u:p@h/",
                Some(&file),
                None,
                "curl -sS -I 'ftp://h/a%20b/it%27s.iso'",
            ),
        ] {
            assert_eq!(target(url).evidence(file, family), expected);
        }
    }
}
