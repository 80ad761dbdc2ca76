//! Holds what one protocol listed of a mirror, from its first line to the verdict.

use roaring::RoaringBitmap;

use super::compare::large_files::UndeliverableFiles;
use super::compare::names::NamedFiles;
use super::compare::tally::Observations;
use super::crawl::memory::CrawlRest;
use super::error::MirrorError;
use super::protocol::Protocol;
use crate::domain::listing::ListingGaps;
use crate::program::exit::chain;

/// Directories that could not be listed and are named in a note.
const UNLISTED_NAMED_MAX: usize = 3;

/// The result of a listing.
#[derive(Debug)]
pub struct Listing {
    /// The protocol of the listing.
    pub by: Protocol,
    /// The files that the mirror has.
    pub seen: Observations,
    /// The parts of the tree that could not be listed.
    pub unlisted: ListingGaps,
    /// Ids of files that keep their state, because the listing does not tell whether the mirror
    /// has them.
    pub kept: RoaringBitmap,
    /// Directories with such files, as far as a note names them.
    pub unclear_in: Vec<Vec<u8>>,
    /// Files that the mirror has and cannot deliver.
    pub undeliverable: UndeliverableFiles,
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
    pub rest: Option<CrawlRest>,
}

/// Links on a mirror where the catalogue has directories and files.
#[derive(Debug, Default)]
pub struct Links {
    /// Links in place of directories.
    pub directories: Vec<Vec<u8>>,
    /// Links in place of files.
    pub files: NamedFiles,
}

impl Listing {
    /// A listing without gaps and remarks.
    pub fn new(by: Protocol, seen: Observations) -> Listing {
        Listing {
            by,
            seen,
            unlisted: ListingGaps::Nothing,
            kept: RoaringBitmap::new(),
            unclear_in: Vec::new(),
            undeliverable: UndeliverableFiles::default(),
            links: Links::default(),
            unreadable: 0,
            hides: false,
            requests: 0,
            refusal: None,
            fallbacks: Vec::new(),
            notes: Vec::new(),
            rest: None,
        }
    }

    /// Adds another listing of the same mirror.
    pub fn add(&mut self, other: Listing) {
        self.seen.add(other.seen);
        self.unlisted.join(other.unlisted);
        self.kept |= other.kept;
        self.unclear_in.extend(other.unclear_in);
        self.unreadable += other.unreadable;
        self.requests += other.requests;
        self.refusal = self.refusal.take().or(other.refusal);
        self.notes.extend(other.notes);
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

    /// Keeps the state of what is behind links that nobody followed.
    pub fn keep_links(&mut self) {
        for path in &self.links.directories {
            self.unlisted.add(path.clone());
        }
        for (path, file) in &self.links.files {
            self.unclear_in.push(path.clone());
            self.kept.insert(file.id.0);
        }
    }

    /// Says what the server could not list; empty: it listed everything.
    pub fn holes(&self) -> String {
        let paths = match &self.unlisted {
            ListingGaps::Anywhere => {
                let said = self.notes.first();
                let said = said.map_or("it does not say which", String::as_str);
                return format!(
                    "the server could not list everything ({said}); what it left out is kept"
                );
            }
            ListingGaps::Nothing => &[][..],
            ListingGaps::Below(paths) => paths,
        };
        let paths: Vec<&Vec<u8>> = paths.iter().chain(&self.unclear_in).collect();
        if paths.is_empty() {
            return String::new();
        }
        let named = paths.iter().take(UNLISTED_NAMED_MAX);
        let mut names: Vec<String> = named
            .map(|path| format!("'{}'", path.escape_ascii()))
            .collect();
        if paths.len() > UNLISTED_NAMED_MAX {
            names.push(format!("{} more", paths.len() - UNLISTED_NAMED_MAX));
        }
        format!(
            "the server could not list {}; what was known there is kept",
            names.join(", ")
        )
    }

    /// Remark on the listing for the admin, one line: directories that could not be listed, and
    /// protocols that failed.
    pub fn note(&self, mirror: &str) -> String {
        let mut parts = Vec::new();
        match (self.holes(), &self.refusal) {
            (holes, None) if holes.is_empty() => {}
            (holes, Some(refusal)) if holes.is_empty() => {
                parts.push(format!("not listed: {refusal}"));
            }
            (holes, None) => parts.push(holes),
            (holes, Some(refusal)) => parts.push(format!("{holes} ({refusal})")),
        }
        for (by, why) in &self.fallbacks {
            let by = by.name();
            parts.push(format!(
                "not listed by {by}: {why}; listed by {}; correct or clear its {by} URL \
                 (heliostat edit {mirror})",
                self.by.name()
            ));
        }
        parts.join("; ")
    }
}

impl Links {
    /// Names some of them; `None` if there are no links.
    pub fn shown(&self) -> Option<String> {
        let count = self.directories.len() + self.files.len();
        let paths = self.directories.iter();
        let paths = paths.chain(self.files.iter().map(|(path, _)| path));
        let shown: Vec<String> = paths
            .take(UNLISTED_NAMED_MAX)
            .map(|path| match path.as_slice() {
                b"" => "its top".to_owned(),
                path => format!("'{}'", path.escape_ascii()),
            })
            .collect();
        let more = match count - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (count > 0).then(|| format!("{}{more}", shown.join(", ")))
    }
}
