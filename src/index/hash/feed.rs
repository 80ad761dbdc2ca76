//! Passes files to the pool in the order of paths, one page of the catalogue at a time.
//!
//! Only one page of the catalogue is in memory, and no read transaction stays open while files are
//! hashed, so that the WAL can be emptied meanwhile.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use roaring::RoaringBitmap;

use super::job::Job;
use super::plan::HashPlan;
use super::pool::Pool;
use crate::db::hash_state;
use crate::db::{DbError, open::Queryable};
use crate::domain::time::Timestamp;

/// Number of files per page.
const PAGE_FILES: usize = 1000;

/// Number of files that wait in the pool, so that no thread waits for a page.
const WAITING_MAX: usize = 256;

/// A file may be written once more within the second of its modification time, and then has another
/// content with the same size and time. So it is hashed after that second and one more.
const SETTLED_AFTER_S: i64 = 2;

/// The files of one pass.
pub struct Feed<'a> {
    plan: &'a HashPlan<'a>,
    below: Vec<u8>,
    tried: RoaringBitmap,
    page: VecDeque<Job>,
    /// The last path that was read.
    after: Vec<u8>,
    is_at_end: bool,
    /// Files that were written a moment ago, or are being written.
    unsettled: Vec<Job>,
    total_files: u64,
    total_bytes: u64,
}

impl<'a> Feed<'a> {
    /// Counts the work below a directory, without the files of `tried`.
    ///
    /// # Errors
    /// Returns [`DbError`] if the catalogue cannot be read.
    pub fn new(
        plan: &'a HashPlan<'a>,
        below: &[u8],
        database: &impl Queryable,
        tried: &RoaringBitmap,
    ) -> Result<Feed<'a>, DbError> {
        let mut feed = Feed {
            plan,
            below: below.to_owned(),
            tried: tried.clone(),
            page: VecDeque::new(),
            after: Vec::new(),
            is_at_end: false,
            unsettled: Vec::new(),
            total_files: 0,
            total_bytes: 0,
        };
        let (mut files, mut bytes) = (0, 0);
        hash_state::for_each(database, (b"", below), |path, state| {
            if let Some(job) = feed.job(path, &state) {
                files += 1;
                bytes += job.bytes();
            }
            ControlFlow::Continue(())
        })?;
        feed.total_files = files;
        feed.total_bytes = bytes;
        Ok(feed)
    }

    fn job(&self, path: &[u8], state: &hash_state::HashState) -> Option<Job> {
        let job = self.plan.job(path, state)?;
        (!self.tried.contains(job.id.0)).then_some(job)
    }

    /// Whether there is nothing to hash.
    pub fn is_empty(&self) -> bool {
        self.total_files == 0
    }

    /// Number of bytes to be read.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Whether the pool has got all files.
    pub fn is_done(&self) -> bool {
        self.is_at_end && self.page.is_empty() && self.unsettled.is_empty()
    }

    /// Files that must not be passed on again.
    pub fn tried(&self) -> &RoaringBitmap {
        &self.tried
    }

    /// Passes as many files to the pool as it has room for.
    ///
    /// # Errors
    /// Returns [`DbError`] if the catalogue cannot be read.
    pub fn fill(
        &mut self,
        pool: &Pool<'_>,
        database: &impl Queryable,
        now: Timestamp,
    ) -> Result<(), DbError> {
        if self.is_done() {
            return Ok(());
        }
        let mut room = WAITING_MAX.saturating_sub(pool.waiting());
        // Adding files by the dozen saves a lock of the pool per result.
        if room < WAITING_MAX / 2 {
            return Ok(());
        }
        let is_settled = |job: &Job| {
            let mtime = job.version.mtime;
            mtime > now.0 || mtime + SETTLED_AFTER_S <= now.0
        };
        let settled = self.unsettled.extract_if(.., |job| is_settled(job));
        for job in settled {
            self.tried.insert(job.id.0);
            pool.add(job);
        }
        while room > 0 {
            if self.page.is_empty() && !self.is_at_end {
                self.read_page(database)?;
            }
            let Some(job) = self.page.pop_front() else {
                break;
            };
            if is_settled(&job) {
                self.tried.insert(job.id.0);
                pool.add(job);
                room -= 1;
            } else {
                self.unsettled.push(job);
            }
        }
        Ok(())
    }

    fn read_page(&mut self, database: &impl Queryable) -> Result<(), DbError> {
        let mut page = VecDeque::new();
        let mut after = Vec::new();
        self.is_at_end = true;
        let mut is_full = false;
        hash_state::for_each(database, (&self.after, &self.below), |path, state| {
            let Some(job) = self.job(path, &state) else {
                return ControlFlow::Continue(());
            };
            page.push_back(job);
            is_full = page.len() == PAGE_FILES;
            if is_full {
                after = path.to_owned();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        self.is_at_end = !is_full;
        self.after = after;
        self.page = page;
        Ok(())
    }
}
