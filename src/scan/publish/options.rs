//! Says how listings are published.

use super::judge::JudgementLimits;
use crate::db::mirror::MirrorRecord;
use crate::domain::time::Timestamp;
use crate::snapshot::KnownFiles;
use roaring::RoaringBitmap;
use std::time::Duration;

/// Options that all mirrors of a run share when their listings are published.
#[derive(Debug, Clone, Copy)]
pub struct PublishOptions<'a> {
    /// The catalogue as it was compared with.
    pub known: &'a KnownFiles,
    /// Number of the index run that made the catalogue.
    pub tree_generation: i64,
    /// Ids of the part of the tree that is scanned; `None`: all of it.
    pub scope: Option<&'a RoaringBitmap>,
    /// Number of directories, if single directories are scanned; 0 otherwise.
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

/// A scan of a mirror that has ended, with its times.
#[derive(Debug, Clone, Copy)]
pub struct ScanSpan<'a> {
    /// The mirror as it was when the scan began.
    pub mirror: &'a MirrorRecord,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub took: Duration,
}
