//! The value that every answer and every explanation renders.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::domain::document::mirror_list::Offers;
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::{Digests, HashSummary};
use crate::domain::mirror::Mirror;
use crate::domain::mirror::MirrorId;
use crate::domain::path::FilePath;
use crate::domain::place::{Coordinates, CountryCode};
use crate::domain::representation::Representation;
use crate::domain::rule::{Exclusion, Rules};
use crate::domain::select::{Candidate, Reason};
use crate::domain::url::{BaseUrl, EncodedPath, StampKey};
use crate::tree::TreeProblem;

use super::client::Client;
use crate::config::SiteConfig;
use crate::http::Request;

/// What is answered and why.
#[derive(Debug, Clone)]
pub struct Decision<'s> {
    /// The answer.
    pub outcome: Outcome<'s>,
    /// The rules that it was made by.
    pub rules: DecidedRules<'s>,
    /// What was asked for, as MirrorBrain logs it: a document asked for by query is `file`.
    pub want: Representation,
    /// A metalink that stands for the file, since `Accept` names it.
    pub is_negotiated: bool,
    /// Value of `Vary` where the URL is the file's own; empty: none.
    pub vary: &'static str,
    /// The requested path below the tree, without a document's suffix; links not resolved.
    pub requested: Option<FilePath>,
    /// Where the file, or the directory, has its own URL.
    pub own: OwnUrl,
    /// The file, when there is one.
    pub file: Option<DecidedFile>,
    /// The client; `None` when the decision needed none.
    pub client: Option<Client>,
    /// No mirror can serve this client with this file (`MB_NOMIRROR`).
    pub no_mirror: bool,
}

impl<'s> Decision<'s> {
    /// Where the client may be sent, best first: the candidates of a redirect, or the mirrors that
    /// a document names.
    pub fn choices(&self) -> &[Choice<'s>] {
        match &self.outcome {
            Outcome::Redirect(redirect) => &redirect.choices,
            Outcome::Document(Document::Metalink(metalink)) => &metalink.choices,
            Outcome::Document(Document::MirrorList(list)) => &list.choices,
            Outcome::Document(Document::YumList(list)) => &list.choices,
            Outcome::Document(Document::Seeds(seeds)) => &seeds.choices,
            _ => &[],
        }
    }

    /// Every mirror that is no choice, with why; complete at full depth alone.
    pub fn excluded(&self) -> Vec<(MirrorId, &str, Reason)> {
        match &self.outcome {
            Outcome::Redirect(redirect) => redirect.excluded.clone(),
            Outcome::Document(Document::Metalink(metalink)) => metalink.excluded.clone(),
            Outcome::Document(Document::MirrorList(list)) => {
                let others = list.others.iter();
                others
                    .map(|other| (other.mirror.id, &other.mirror.identifier[..], other.reason))
                    .collect()
            }
            Outcome::Document(Document::Seeds(seeds)) => seeds.excluded.clone(),
            Outcome::Local(LocalReason::NoMirror { excluded, .. }) => excluded
                .iter()
                .map(|(id, name, reason)| (*id, name.as_str(), *reason))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// URL of the file, or of the directory, at a choice, without a signature; `None`: the decision
    /// is about neither.
    pub fn url(&self, choice: &Choice<'_>) -> Option<String> {
        let directory = match &self.outcome {
            Outcome::Document(Document::MirrorList(list)) => {
                list.directory.as_ref().map(|count| count.path.as_slice())
            }
            Outcome::Document(Document::YumList(list)) => Some(list.directory.as_slice()),
            _ => None,
        };
        let urls = std::iter::once(&*choice.base_url);
        let path = match (directory, &self.file) {
            (Some(directory), _) => EncodedPath::new(directory, urls),
            (None, Some(file)) => EncodedPath::of_version(file.path.as_bytes(), file.version, urls),
            (None, None) => return None,
        };
        let mut url = Vec::new();
        choice.base_url.file_url_into(&mut url, &path);
        Some(String::from_utf8_lossy(&url).into_owned())
    }

    /// The key that the answer's URLs at mirrors are signed with, if it has such URLs: our own URL
    /// needs no signature, and directories have none.
    pub fn stamp_key(&self) -> Option<StampKey<'_>> {
        let signs = match &self.outcome {
            Outcome::Document(Document::Metalink(metalink)) => !metalink.choices.is_empty(),
            Outcome::Document(Document::MirrorList(list)) => list.directory.is_none(),
            Outcome::Document(Document::YumList(_) | Document::Digest(_)) => false,
            _ => true,
        };
        let key = self.rules.redirect_stamp_key.as_deref();
        key.filter(|_| signs).map(StampKey::new)
    }

    /// What the file system would not tell, if the decision is for want of it.
    pub fn tree_problem(&self) -> Option<&TreeProblem> {
        match &self.outcome {
            Outcome::Local(LocalReason::TreeUnknown(problem))
            | Outcome::Unavailable(Unavailable::Tree(problem)) => Some(problem),
            _ => None,
        }
    }

    /// The decoded path of [`OwnUrl`], without a slash before or after it.
    pub fn own_path<'r>(&self, request: &Request<'r>, config: &SiteConfig) -> Cow<'r, [u8]> {
        match &self.own {
            OwnUrl::Asked { suffix } => {
                // Nothing is copied in the usual case.
                match request.url_path() {
                    Cow::Borrowed(path) => without_suffix(path, *suffix),
                    Cow::Owned(path) => Cow::Owned(without_suffix(&path, *suffix).into_owned()),
                }
            }
            OwnUrl::OfTree(path) => {
                let parts = [&config.url_path[..], path.as_bytes()];
                let parts = parts.into_iter().filter(|part| !part.is_empty());
                Cow::Owned(parts.collect::<Vec<_>>().join(&b'/'))
            }
        }
    }
}

/// A URL path without slashes around it and without the last `suffix` bytes.
fn without_suffix(url_path: &[u8], suffix: usize) -> Cow<'_, [u8]> {
    let path = FilePath::clean(url_path).unwrap_or_default();
    let end = path.len().saturating_sub(suffix);
    match path {
        Cow::Borrowed(path) => Cow::Borrowed(&path[..end]),
        Cow::Owned(mut path) => {
            path.truncate(end);
            Cow::Owned(path)
        }
    }
}

/// The rules of a directory: those of the configuration, or those that parameters of the web server
/// have changed.
#[derive(Clone)]
pub enum DecidedRules<'s> {
    /// As configured.
    Configured(&'s Rules),
    /// With the web server's overrides.
    Overridden(Arc<Rules>),
}

impl Deref for DecidedRules<'_> {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        match self {
            DecidedRules::Configured(rules) => rules,
            DecidedRules::Overridden(rules) => rules,
        }
    }
}

/// Rules have keys, which no log shows.
impl fmt::Debug for DecidedRules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecidedRules(…)")
    }
}

/// Path of the URL under which clients of this host find what a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnUrl {
    /// The one that was asked for, less the suffix of a document of so many bytes.
    Asked {
        /// Bytes of the suffix, with its dot.
        suffix: usize,
    },
    /// A path below the place where the tree hangs (`url_path`); a query meant it.
    OfTree(FilePath),
}

/// The file that a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedFile {
    /// Canonical path.
    pub path: FilePath,
    /// What is on the disk.
    pub version: FileVersion,
}

/// The answer.
#[derive(Debug, Clone)]
pub enum Outcome<'s> {
    /// To a mirror.
    Redirect(Redirect<'s>),
    /// A document about the file.
    Document(Document<'s>),
    /// The web server serves the file itself.
    Local(LocalReason),
    /// 404.
    Missing(MissingReason),
    /// The methods that are allowed.
    Options,
    /// 405.
    MethodNotAllowed,
    /// 503: what was asked for may be there, and nothing can be said about it now.
    Unavailable(Unavailable),
}

/// Why nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unavailable {
    /// The file system does not tell what is there.
    Tree(TreeProblem),
    /// The database cannot be read.
    Database,
}

/// A redirect with everything that its header fields name.
#[derive(Debug, Clone)]
pub struct Redirect<'s> {
    /// Best first; the first is the choice.
    pub choices: Vec<Choice<'s>>,
    /// Every other mirror with why; only at full depth.
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// Digests of exactly this version.
    pub digests: Option<Digests>,
    /// Whether there are documents about it.
    pub has_documents: bool,
    /// Whether there is a torrent of this version.
    pub has_torrent: bool,
}

/// A document with everything that its renderer needs.
#[derive(Debug, Clone)]
pub enum Document<'s> {
    /// A hash document.
    Digest(DigestDocument),
    /// A metalink of either version.
    Metalink(Metalink<'s>),
    /// A list of mirrors, of a file or of a directory.
    MirrorList(Box<MirrorList<'s>>),
    /// Base URLs for yum and dnf.
    YumList(YumList<'s>),
    /// What names sources of bytes that the client checks: torrent, magnet, zsync.
    Seeds(Seeds<'s>),
}

/// `.md5` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestDocument {
    /// Which of them.
    pub kind: Representation,
    /// The digest.
    pub digest: Vec<u8>,
    /// Whether the file's name stands beside it.
    pub is_named: bool,
}

/// `.meta4` or `.metalink`.
#[derive(Debug, Clone)]
pub struct Metalink<'s> {
    /// Which of them.
    pub kind: Representation,
    /// Every mirror that is named, best first; none: our own URL stands for them.
    pub choices: Vec<Choice<'s>>,
    /// Every other mirror with why; only at full depth.
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// Number and hashes of exactly this version.
    pub hashes: Option<(FileId, Box<HashSummary>)>,
    /// Whether there is a torrent of this version.
    pub has_torrent: bool,
    /// Whether it is named.
    pub names_torrent: bool,
}

/// `.torrent`, `.magnet` or `.zsync`.
#[derive(Debug, Clone)]
pub struct Seeds<'s> {
    /// Which of them.
    pub kind: Representation,
    /// The mirrors of the first tier that has any; none: our own URL stands for them.
    pub choices: Vec<Choice<'s>>,
    /// Every other mirror with why; only at full depth.
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// Number and hashes of exactly this version.
    pub hashes: (FileId, Box<HashSummary>),
    /// Whether there is a torrent of this version.
    pub has_torrent: bool,
}

impl Document<'_> {
    /// What it is.
    pub fn kind(&self) -> Representation {
        match self {
            Document::Digest(digest) => digest.kind,
            Document::Metalink(metalink) => metalink.kind,
            Document::MirrorList(_) => Representation::Mirrorlist,
            Document::YumList(_) => Representation::Yumlist,
            Document::Seeds(seeds) => seeds.kind,
        }
    }
}

/// One mirror or fallback that may get the client.
#[derive(Debug, Clone)]
pub struct Choice<'s> {
    /// Identifier of the mirror, or host of the fallback.
    pub name: Cow<'s, str>,
    /// Where this client is sent.
    pub base_url: Cow<'s, BaseUrl>,
    /// Score of the mirror; 1 for a fallback.
    pub score: u16,
    /// The country that it counts for.
    pub country: Option<CountryCode>,
    /// Whether it is a fallback.
    pub is_fallback: bool,
    /// Where it stands.
    pub coordinates: Option<Coordinates>,
    /// Tier, realm, rank, distance, probability.
    pub candidate: Candidate,
}

/// Why the web server serves the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalReason {
    /// Switched off for this directory.
    EngineOff,
    /// HEAD is answered locally here.
    HeadLocally,
    /// A rule of the admin.
    Excluded(Exclusion),
    /// A pull-through cache of ours asks.
    CacheFill,
    /// Its real place is outside the tree.
    OutsideTree,
    /// The mirror's URL is longer than the header fields of an answer may be.
    LocationTooLong,
    /// The file system does not tell what it is; the web server, another user, may know.
    TreeUnknown(TreeProblem),
    /// Its URL is that of a directory: a page of the web server, whose links are relative.
    DirectoryIndex,
    /// The web server has a file there, and we see none: another view of the file system, or it
    /// has just been removed.
    Unseen,
    /// The database cannot be read.
    DatabaseUnavailable,
    /// The catalogue does not know it.
    NotCatalogued,
    /// It changed since it was indexed; mirrors were seen to have another version.
    Changed {
        /// What the catalogue knows.
        catalogued: FileVersion,
    },
    /// No mirror has it, or none that may serve this client.
    NoMirror {
        /// Whether any has it.
        some_have_it: bool,
        /// Every mirror with why; only at full depth.
        excluded: Vec<(MirrorId, String, Reason)>,
    },
}

/// Why nothing is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingReason {
    /// Not a path below the tree.
    NotInTree,
    /// No such file.
    NoFile,
    /// A directory; the web server lists it, and should not have asked.
    Directory,
    /// The document cannot be made: the data is not there.
    NoDocument(Representation),
}

impl Unavailable {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Unavailable::Tree(problem) => problem.text(),
            Unavailable::Database => "the database cannot be read".to_owned(),
        }
    }
}

impl LocalReason {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            LocalReason::EngineOff => "redirects are switched off here".to_owned(),
            LocalReason::HeadLocally => "HEAD is answered locally here".to_owned(),
            LocalReason::Excluded(exclusion) => exclusion.as_str().to_owned(),
            LocalReason::CacheFill => "a cache of this site fetches it for itself".to_owned(),
            LocalReason::OutsideTree => "it lies outside the tree".to_owned(),
            LocalReason::LocationTooLong => {
                "its URL at a mirror does not fit into head_bytes_max".to_owned()
            }
            LocalReason::TreeUnknown(problem) => problem.text(),
            LocalReason::DirectoryIndex => "it is the page of a directory".to_owned(),
            LocalReason::Unseen => {
                "the web server has it, but it is not seen below the tree".to_owned()
            }
            LocalReason::DatabaseUnavailable => "the database cannot be read".to_owned(),
            LocalReason::NotCatalogued => {
                "it is not in the catalogue; heliostat-index adds it".to_owned()
            }
            LocalReason::Changed { catalogued } => format!(
                "it changed since it was indexed (catalogue: size {} mtime {}); heliostat-index \
                 and heliostat-scan learn the new version",
                catalogued.size, catalogued.mtime
            ),
            LocalReason::NoMirror {
                some_have_it: false,
                ..
            } => "no mirror has it".to_owned(),
            LocalReason::NoMirror {
                some_have_it: true, ..
            } => "mirrors have it, but none may serve this client".to_owned(),
        }
    }

    /// Stable word for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            LocalReason::EngineOff => "engine-off",
            LocalReason::HeadLocally => "head-locally",
            LocalReason::Excluded(_) => "excluded",
            LocalReason::CacheFill => "cache-fill",
            LocalReason::OutsideTree => "outside-tree",
            LocalReason::LocationTooLong => "location-too-long",
            LocalReason::TreeUnknown(_) => "tree-unknown",
            LocalReason::DirectoryIndex => "directory-index",
            LocalReason::Unseen => "unseen",
            LocalReason::DatabaseUnavailable => "database-unavailable",
            LocalReason::NotCatalogued => "not-catalogued",
            LocalReason::Changed { .. } => "changed",
            LocalReason::NoMirror { .. } => "no-mirror",
        }
    }
}

/// `.mirrorlist` of a file or directory.
#[derive(Debug, Clone)]
pub struct MirrorList<'s> {
    /// As JSON instead of a page.
    pub is_json: bool,
    /// Present when the list is about a directory.
    pub directory: Option<DirectoryCount>,
    /// Where this client may be sent, best first; fallbacks when there are no mirrors.
    pub choices: Vec<Choice<'s>>,
    /// Every other mirror.
    pub others: Vec<OtherMirror<'s>>,
    /// Digests of exactly this version.
    pub digests: Option<Digests>,
    /// Which further documents there are.
    pub offers: Offers,
    /// Why it is not known who has the file.
    pub reason: Option<LocalReason>,
}

/// What mirrors have of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryCount {
    /// Canonical path with a slash at the end; empty: the tree itself.
    pub path: Vec<u8>,
    /// Files that were looked at.
    pub files: u64,
    /// Whether there are more.
    pub is_cut: bool,
    /// How many of them each mirror of the roster has.
    pub counts: Vec<u64>,
}

/// A mirror that this client is not sent to.
#[derive(Debug, Clone, Copy)]
pub struct OtherMirror<'s> {
    /// The mirror.
    pub mirror: &'s Mirror,
    /// Its place in the roster.
    pub place: usize,
    /// Whether it has the current version, or anything of a directory.
    pub has_file: bool,
    /// Why it is out.
    pub reason: Reason,
}

/// Base URLs of a repository for yum and dnf.
#[derive(Debug, Clone)]
pub struct YumList<'s> {
    /// Canonical path of the repository, with a slash at the end unless it is the tree itself.
    pub directory: Vec<u8>,
    /// The same as the rule names it, links not resolved; our own URL.
    pub named: Vec<u8>,
    /// Best first, at most `YUM_MIRRORS_MAX` of them; an empty list means our own URL.
    pub choices: Vec<Choice<'s>>,
}
