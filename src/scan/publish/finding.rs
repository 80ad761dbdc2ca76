//! Holds a finished listing for judging and publishing.

use super::judge::JudgementLimits;
use crate::db::run::RunOutcome;
use crate::db::scan::directory::ScanMemory;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;
use crate::scan::compare::large_files::UndeliverableFiles;
use crate::scan::protocol::ListingResult;
use crate::snapshot::KnownFiles;
use roaring::RoaringBitmap;
use std::time::Duration;

/// What all mirrors of a run have in common when they are published.
#[derive(Debug, Clone, Copy)]
pub struct PublishOptions<'a> {
    /// The catalogue as it was compared with.
    pub known: &'a KnownFiles,
    /// Number of the index run that made the catalogue.
    pub tree_generation: i64,
    /// Ids of the part of the tree that is scanned; `None`: all of it.
    pub scope: Option<&'a RoaringBitmap>,
    /// Number of directories, if that part is single ones.
    pub directories: u64,
    /// When a listing is suspicious.
    pub limits: JudgementLimits,
    /// Whether a mirror is switched on when its content is published.
    pub enable: bool,
    /// Files that the mirror may have; 0: not counted.
    pub allowed: u64,
    /// Share of them that it should have.
    pub coverage_min: f64,
}

/// A listing that came to its end.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// The mirror.
    pub mirror: MirrorId,
    /// When its scan began.
    pub began: Timestamp,
    /// What was seen.
    pub found: &'a ListingResult,
    /// What of it cannot be delivered.
    pub undeliverable: &'a UndeliverableFiles,
    /// What a scan over HTTP leaves for the next.
    pub left: Option<&'a ScanMemory>,
    /// Ids that could not be listed and keep their state.
    pub unlisted: &'a RoaringBitmap,
    /// Whether there is something that the server could not list.
    pub is_partial: bool,
    /// What that is, and what else an admin should know, one line.
    pub note: &'a str,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// How a finding ended whose content is published.
pub(in crate::scan) fn listed(finding: Listing<'_>) -> RunOutcome {
    match finding.is_partial {
        false => RunOutcome::Ok,
        true => RunOutcome::Partial,
    }
}
