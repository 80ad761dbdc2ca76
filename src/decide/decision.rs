//! Defines [`Decision`], the value from which every answer and every explanation is rendered.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::domain::document::mirror_list::Offers;
use crate::domain::file::{FileId, FileVersion};
use crate::domain::generation::EarlierVersion;
use crate::domain::hash::{Digests, HashSummary};
use crate::domain::mirror::Mirror;
use crate::domain::mirror::MirrorId;
use crate::domain::path::FilePath;
use crate::domain::place::{Coordinates, CountryCode};
use crate::domain::repository::ListHeading;
use crate::domain::representation::Representation;
use crate::domain::rule::{Exclusion, Rules};
use crate::domain::select::{Candidate, Reason};
use crate::domain::time::Timestamp;
use crate::domain::url::{BaseUrl, EncodedPath, StampKey};
use crate::tree::TreeProblem;

use super::client::Client;
use super::question::{ListRefusal, NamedQuestion};
use crate::config::SiteConfig;
use crate::http::Request;

/// The answer to a request and the reasons for it.
#[derive(Debug, Clone)]
pub struct Decision<'s> {
    /// The answer.
    pub outcome: Outcome<'s>,
    /// The rules that applied.
    pub rules: DecidedRules<'s>,
    /// The requested form as MirrorBrain logs it: a document requested by query counts as `file`.
    pub want: Representation,
    /// Whether the answer is a metalink in place of the file, because `Accept` names metalinks.
    pub is_negotiated: bool,
    /// Value of `Vary` for the file's own URL; empty: no such field.
    pub vary: &'static str,
    /// The requested path below the tree, without a document's suffix; links are not resolved.
    pub requested: Option<FilePath>,
    /// The path of the file's or directory's own URL.
    pub own: OwnUrl,
    /// The file, if it exists.
    pub file: Option<DecidedFile>,
    /// The client; `None` if the decision did not depend on it.
    pub client: Option<Client>,
    /// Whether no mirror can serve this file to this client (`MB_NOMIRROR`).
    pub no_mirror: bool,
    /// The answer that the rules hold back ([`LocalReason::Held`]): a redirect, or a metalink in
    /// place of the file.
    pub held: Option<Box<Outcome<'s>>>,
    /// The thing that the question named in place of a path, if it did.
    pub named: Option<Box<NamedQuestion>>,
    /// Whether the client chose among mirrors, so that the answer is for this request alone.
    pub is_for_once: bool,
}

impl<'s> Decision<'s> {
    /// The answer, or the one that is held back.
    pub fn judged(&self) -> &Outcome<'s> {
        self.held.as_deref().unwrap_or(&self.outcome)
    }

    /// The mirrors to which the client may be sent, or would be, the best first: the candidates of
    /// a redirect, or the mirrors that a document names.
    pub fn choices(&self) -> &[Choice<'s>] {
        match self.judged() {
            Outcome::Redirect(redirect) => &redirect.choices,
            Outcome::Document(Document::Metalink(metalink)) => &metalink.choices,
            Outcome::Document(Document::MirrorList(list)) => &list.choices,
            Outcome::Document(Document::YumList(list)) => &list.choices,
            Outcome::Document(Document::RepositoryList(list)) => &list.choices,
            Outcome::Document(Document::Seeds(seeds)) => &seeds.choices,
            _ => &[],
        }
    }

    /// All other mirrors with the reason; complete only at full depth.
    pub fn excluded(&self) -> Vec<(MirrorId, &str, Reason)> {
        match self.judged() {
            Outcome::Redirect(redirect) => redirect.excluded.clone(),
            Outcome::Document(Document::Metalink(metalink)) => metalink.excluded.clone(),
            Outcome::Document(Document::MirrorList(list)) => {
                let others = list.others.iter();
                others
                    .map(|other| (other.mirror.id, &other.mirror.identifier[..], other.reason))
                    .collect()
            }
            Outcome::Document(Document::Seeds(seeds)) => seeds.excluded.clone(),
            Outcome::Document(Document::RepositoryList(list)) => list.excluded.clone(),
            Outcome::Local(reason) => reason.excluded(),
            Outcome::Origin(origin) => {
                let reason = origin.reason.as_ref();
                reason.map(LocalReason::excluded).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// URL of the file or directory at a mirror, without a signature; `None` if the decision is
    /// about neither.
    pub fn url(&self, choice: &Choice<'_>) -> Option<String> {
        let directory = match &self.outcome {
            Outcome::Document(Document::MirrorList(list)) => {
                list.directory.as_ref().map(|count| count.path.as_slice())
            }
            Outcome::Document(Document::YumList(list)) => Some(list.directory.as_slice()),
            Outcome::Document(Document::RepositoryList(list)) => list.directory.as_deref(),
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

    /// The key for signing the answer's URLs at mirrors, if it has any. Our own URL needs no
    /// signature, and directories have none.
    pub fn stamp_key(&self) -> Option<StampKey<'_>> {
        let signs = match &self.outcome {
            Outcome::Document(Document::Metalink(metalink)) => !metalink.choices.is_empty(),
            Outcome::Document(Document::MirrorList(list)) => list.directory.is_none(),
            Outcome::Document(Document::YumList(_) | Document::Digest(_)) => false,
            Outcome::Document(Document::RepositoryList(list)) => list.directory.is_none(),
            _ => true,
        };
        let key = self.rules.redirect_stamp_key.as_deref();
        key.filter(|_| signs).map(StampKey::new)
    }

    /// The problem with the tree that caused this decision, if one did.
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
                // In the usual case nothing is copied.
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

/// The rules of a directory, as configured or as changed by parameters of the web server.
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

/// Prints no rule, because rules contain keys that no log may show.
impl fmt::Debug for DecidedRules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecidedRules(…)")
    }
}

/// Path of the URL at which clients of this host find the file or directory of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnUrl {
    /// The requested path without the suffix of a document.
    Asked {
        /// Length of the suffix in bytes, with its dot.
        suffix: usize,
    },
    /// A path below the tree's own URL path (`url_path`), named by a query.
    OfTree(FilePath),
}

/// The file that a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedFile {
    /// Canonical path.
    pub path: FilePath,
    /// The version on the disk.
    pub version: FileVersion,
}

/// The answer.
#[derive(Debug, Clone)]
pub enum Outcome<'s> {
    /// A redirect to a mirror.
    Redirect(Redirect<'s>),
    /// A document about the file.
    Document(Document<'s>),
    /// The web server serves the file itself.
    Local(LocalReason),
    /// 404.
    Missing(MissingReason),
    /// A redirect to another host, without any mirror.
    Elsewhere(String),
    /// A redirect to the host that has the files, because this one has no tree.
    Origin(Box<OriginRedirect>),
    /// 404 or 400 in the form that clients of a repository read.
    NoList(Box<ListRefusal>),
    /// The answer to OPTIONS: the allowed methods.
    Options,
    /// 405.
    MethodNotAllowed,
    /// 503: the file or document may exist, but this cannot be known now.
    Unavailable(Unavailable),
}

/// A redirect to the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRedirect {
    /// The URL there.
    pub url: String,
    /// Why no mirror gets the client; `None`: the catalogue does not know such a file.
    pub reason: Option<LocalReason>,
}

/// Reason for an answer 503.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unavailable {
    /// The file system gives no answer.
    Tree(TreeProblem),
    /// The database cannot be read.
    Database,
}

/// A redirect with all that its header fields need.
#[derive(Debug, Clone)]
pub struct Redirect<'s> {
    /// Candidates, the best first; the client is sent to the first.
    pub choices: Vec<Choice<'s>>,
    /// All other mirrors with the reason; only at full depth.
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// Digests of exactly this version of the file.
    pub digests: Option<Digests>,
    /// Whether documents about the file are offered.
    pub has_documents: bool,
    /// Whether a torrent of this version can be made.
    pub has_torrent: bool,
}

/// `Cache-Control` of a redirect that no shared cache may keep, whatever the rules say.
pub(super) const FOR_ONE_CLIENT: &str = "private, no-cache";

/// `Cache-Control` of a redirect among whose mirrors the client chose.
const FOR_ONE_REQUEST: &str = "no-store";

/// `Cache-Control` of a product's redirect: it depends on the client, and asking again within a
/// minute brings nothing new.
const OF_PRODUCT: &str = "private, max-age=60";

impl<'s> Decision<'s> {
    /// `Cache-Control` of a redirect.
    pub fn cache_control(&self, redirect: &Redirect<'s>) -> &str {
        match (self.is_for_once, &self.named) {
            (true, _) => FOR_ONE_REQUEST,
            (false, Some(_)) => OF_PRODUCT,
            (false, None) => redirect.cache_control(&self.rules),
        }
    }
}

impl Redirect<'_> {
    /// `Cache-Control` under these rules. A cache in front would give the URL of a private mirror
    /// to everybody.
    pub fn cache_control<'r>(&self, rules: &'r Rules) -> &'r str {
        let names_private = self.choices.iter().any(|choice| choice.is_private);
        match names_private {
            true => FOR_ONE_CLIENT,
            false => &rules.redirect_cache_control,
        }
    }
}

/// A document with all that its renderer needs.
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
    /// The mirrors of a repository, directory or file, by its name.
    RepositoryList(Box<RepositoryList<'s>>),
    /// A document that names sources of bytes which the client verifies: torrent, magnet, zsync.
    Seeds(Seeds<'s>),
}

/// `.md5` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestDocument {
    /// The kind of document.
    pub kind: Representation,
    /// The digest.
    pub digest: Vec<u8>,
    /// Whether the file's name is written beside the digest.
    pub is_named: bool,
}

/// `.meta4` or `.metalink`.
#[derive(Debug, Clone)]
pub struct Metalink<'s> {
    /// The kind of document.
    pub kind: Representation,
    /// The named mirrors, the best first; if empty, our own URL stands for them.
    pub choices: Vec<Choice<'s>>,
    /// All other mirrors with the reason; only at full depth.
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// File number and hashes of exactly this version.
    pub hashes: Option<(FileId, Box<HashSummary>)>,
    /// Whether a torrent of this version can be made.
    pub has_torrent: bool,
    /// Whether the metalink names that torrent.
    pub names_torrent: bool,
    /// Whether it is a list by the name of a repository: the URLs of a mirror stand side by side
    /// and have one preference.
    pub is_by_mirror: bool,
    /// Earlier versions that clients may take, the newest first; only of a repository's marker.
    pub alternates: Vec<EarlierVersion>,
}

/// `.torrent`, `.magnet` or `.zsync`.
#[derive(Debug, Clone)]
pub struct Seeds<'s> {
    /// The kind of document.
    pub kind: Representation,
    /// The mirrors of the first tier that has any; if empty, our own URL stands for them.
    pub choices: Vec<Choice<'s>>,
    /// All other mirrors with the reason; only at full depth.
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// File number and hashes of exactly this version.
    pub hashes: (FileId, Box<HashSummary>),
    /// Whether a torrent of this version can be made.
    pub has_torrent: bool,
}

impl Document<'_> {
    /// The kind of document.
    pub fn kind(&self) -> Representation {
        match self {
            Document::Digest(digest) => digest.kind,
            Document::Metalink(metalink) => metalink.kind,
            Document::MirrorList(_) => Representation::Mirrorlist,
            Document::YumList(_) | Document::RepositoryList(_) => Representation::Yumlist,
            Document::Seeds(seeds) => seeds.kind,
        }
    }
}

/// A mirror or fallback to which the client may be sent.
#[derive(Debug, Clone)]
pub struct Choice<'s> {
    /// Identifier of the mirror, or host of the fallback.
    pub name: Cow<'s, str>,
    /// The base URL for this client.
    pub base_url: Cow<'s, BaseUrl>,
    /// Score of the mirror; 1 for a fallback.
    pub score: u16,
    /// The country to which it is counted.
    pub country: Option<CountryCode>,
    /// Whether it is a fallback, not a mirror.
    pub is_fallback: bool,
    /// Whether only its own clients may hear of it.
    pub is_private: bool,
    /// Coordinates of the mirror.
    pub coordinates: Option<Coordinates>,
    /// Its tier, realm, rank, distance and probability.
    pub candidate: Candidate,
}

/// Reason for which the web server serves the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalReason {
    /// Redirects are switched off for this directory.
    EngineOff,
    /// HEAD requests are answered locally in this directory.
    HeadLocally,
    /// An exclusion rule of the admin applies.
    Excluded(Exclusion),
    /// The client is one of our pull-through caches.
    CacheFill,
    /// The client would be redirected, but the rules hold all redirects or this client's back.
    Held(Hold),
    /// The real file lies outside the tree.
    OutsideTree,
    /// The mirror's URL does not fit into the header fields of an answer.
    LocationTooLong,
    /// The file system gives this process no answer; the web server, another user, may get one.
    TreeUnknown(TreeProblem),
    /// The URL is that of a directory: the file is its index page, whose links are relative.
    DirectoryIndex,
    /// The web server found a file that this process does not see: it has another view of the file
    /// system, or the file has just been removed.
    Unseen,
    /// The database cannot be read.
    DatabaseUnavailable,
    /// The file is not in the catalogue.
    NotCatalogued,
    /// The file changed after it was indexed; mirrors were seen with another version.
    Changed {
        /// The version in the catalogue.
        catalogued: FileVersion,
    },
    /// The database is too old to tell whether the file is still the same, and there is no tree.
    CopyTooOld,
    /// No mirror has the file, or none that has it may serve this client.
    NoMirror {
        /// Whether any mirror has it.
        some_have_it: bool,
        /// All mirrors with the reason; only at full depth.
        excluded: Vec<(MirrorId, String, Reason)>,
    },
}

/// The rule by which a redirect is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// `mode = "shadow"`.
    Shadow,
    /// The client is not among the share of `rollout`.
    Rollout,
}

impl Hold {
    /// Stable word for scripts and logs.
    pub fn code(self) -> &'static str {
        match self {
            Hold::Shadow => "shadow",
            Hold::Rollout => "rollout",
        }
    }

    /// The rule in words for people.
    fn text(self) -> &'static str {
        match self {
            Hold::Shadow => "mode = \"shadow\" holds redirects back",
            Hold::Rollout => "the client is not among the share of rollout",
        }
    }
}

/// Reason for an answer 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingReason {
    /// The path is not below the tree.
    NotInTree,
    /// The file does not exist.
    NoFile,
    /// The path is a directory; the web server should list it without asking us.
    Directory,
    /// The document cannot be made, because its data does not exist.
    NoDocument(Representation),
}

impl Unavailable {
    /// The reason in words for people.
    pub fn text(&self) -> String {
        match self {
            Unavailable::Tree(problem) => problem.text(),
            Unavailable::Database => "the database cannot be read".to_owned(),
        }
    }
}

impl LocalReason {
    /// The mirrors that may not serve the client.
    fn excluded(&self) -> Vec<(MirrorId, &str, Reason)> {
        let LocalReason::NoMirror { excluded, .. } = self else {
            return Vec::new();
        };
        let excluded = excluded.iter();
        excluded
            .map(|(id, name, reason)| (*id, name.as_str(), *reason))
            .collect()
    }

    /// The reason in words for people.
    pub fn text(&self) -> String {
        match self {
            LocalReason::EngineOff => "redirects are switched off here".to_owned(),
            LocalReason::HeadLocally => "HEAD is answered locally here".to_owned(),
            LocalReason::Excluded(exclusion) => exclusion.as_str().to_owned(),
            LocalReason::CacheFill => "a cache of this site fetches it for itself".to_owned(),
            LocalReason::Held(hold) => hold.text().to_owned(),
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
            LocalReason::CopyTooOld => {
                "the database is too old to tell whether the file is the same; bring a new copy"
                    .to_owned()
            }
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
            LocalReason::Held(hold) => hold.code(),
            LocalReason::OutsideTree => "outside-tree",
            LocalReason::LocationTooLong => "location-too-long",
            LocalReason::TreeUnknown(_) => "tree-unknown",
            LocalReason::DirectoryIndex => "directory-index",
            LocalReason::Unseen => "unseen",
            LocalReason::DatabaseUnavailable => "database-unavailable",
            LocalReason::NotCatalogued => "not-catalogued",
            LocalReason::Changed { .. } => "changed",
            LocalReason::CopyTooOld => "copy-too-old",
            LocalReason::NoMirror { .. } => "no-mirror",
        }
    }
}

/// `.mirrorlist` of a file or directory.
#[derive(Debug, Clone)]
pub struct MirrorList<'s> {
    /// Whether JSON is wanted, not a page.
    pub is_json: bool,
    /// The directory, if the list is about one.
    pub directory: Option<DirectoryCount>,
    /// The mirrors to which this client may be sent, the best first; if there are none, fallbacks.
    pub choices: Vec<Choice<'s>>,
    /// All other mirrors.
    pub others: Vec<OtherMirror<'s>>,
    /// Digests of exactly this version of the file.
    pub digests: Option<Digests>,
    /// The documents that are offered about the file.
    pub offers: Offers,
    /// Reason for which it is unknown who has the file.
    pub reason: Option<LocalReason>,
}

/// How much of a directory each mirror has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryCount {
    /// Canonical path with a slash at the end; empty for the tree itself.
    pub path: Vec<u8>,
    /// Number of files that were counted.
    pub files: u64,
    /// Whether the directory has more files.
    pub is_cut: bool,
    /// Number of these files that each mirror of the roster has.
    pub counts: Vec<u64>,
}

/// A mirror to which this client is not sent.
#[derive(Debug, Clone, Copy)]
pub struct OtherMirror<'s> {
    /// The mirror.
    pub mirror: &'s Mirror,
    /// Its index in the roster.
    pub place: usize,
    /// Whether it has the current version of the file, or any file of the directory.
    pub has_file: bool,
    /// Reason for which it is left out.
    pub reason: Reason,
}

/// Base URLs of a repository for yum and dnf.
#[derive(Debug, Clone)]
pub struct YumList<'s> {
    /// Canonical path of the repository, with a slash at the end unless it is the tree itself.
    pub directory: Vec<u8>,
    /// The path as the rule names it, links not resolved; used for our own URL.
    pub named: Vec<u8>,
    /// At most `YUM_MIRRORS_MAX` mirrors, the best first; if empty, our own URL stands for them.
    pub choices: Vec<Choice<'s>>,
}

/// The mirrors of a repository, directory or file, for clients that ask at `/mirrorlist`.
#[derive(Debug, Clone)]
pub struct RepositoryList<'s> {
    /// The first line.
    pub heading: ListHeading,
    /// Time of the data, if the query asks for it.
    pub made_at: Option<Timestamp>,
    /// Canonical path of the directory, with a slash at the end unless it is the tree itself;
    /// `None`: the list is about the decision's file.
    pub directory: Option<Vec<u8>>,
    /// The path as it was named, links not resolved; used for our own URL.
    pub named: Vec<u8>,
    /// One per URL, those of a mirror side by side, the best first; if empty, our own URL stands
    /// for them.
    pub choices: Vec<Choice<'s>>,
    /// All other mirrors with the reason; only at full depth.
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
    /// Whether the answer is a redirect to the first.
    pub redirects: bool,
}
