//! Remembers the versions of markers that a run replaces, and hashes the new ones at once.
//!
//! Clients of a repository check `repomd.xml` by the hash in its metalink. A new version without a
//! hash, or an earlier one whose hash is forgotten, would lead them all to us.

use std::collections::HashMap;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::change::IndexChange;
use super::compare::Comparison;
use super::hash::{Trouble, lanes};
use crate::config::SiteConfig;
use crate::db::open::{Queryable, Transaction};
use crate::db::{DbError, catalogue, hash, marker_version};
use crate::domain::file::{CatalogueFile, FileId, FileVersion};
use crate::domain::generation::MarkerLaw;
use crate::domain::hash::{HashKinds, HashRecord};
use crate::domain::time::Timestamp;
use crate::program::clock::now;
use crate::program::exit::chain;
use crate::tree::Root;

/// Larger files wait for the run that hashes: `repomd.xml` has some KB, a large `Packages` 60 MB,
/// which takes half a second.
const MARKER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Markers that one run hashes at once; a first index of very many repositories leaves the rest to
/// the run that hashes.
const MARKERS_MAX: usize = 20_000;

/// A file may be written once more within the second of its time, so that it is read after that
/// second and one more.
const SETTLED_AFTER_S: i64 = 2;

/// Time between two looks whether a file is settled, or the run is to stop.
const SETTLING_TICK: Duration = Duration::from_millis(50);

/// The kinds of hashes that lists name for a marker.
const KINDS: HashKinds = HashKinds {
    md5: true,
    sha1: true,
    sha256: true,
    sha512: true,
    pieces: false,
    hybrid: false,
    zsync: false,
};

/// The markers of a run.
pub(super) struct ChangedMarkers<'a> {
    law: &'a MarkerLaw,
    hashes: HashMap<Vec<u8>, (FileVersion, HashRecord)>,
    /// Those that did not change.
    unchanged: &'a [(Vec<u8>, CatalogueFile)],
}

impl<'a> ChangedMarkers<'a> {
    /// Reads and hashes new markers, and those that have no hashes yet. A file that cannot be read
    /// has no hashes until the run that hashes finds out why.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database cannot be read.
    pub fn read(
        site: &'a SiteConfig,
        comparison: &'a Comparison,
        database: &impl Queryable,
        stop: &AtomicBool,
    ) -> Result<ChangedMarkers<'a>, DbError> {
        let mut markers = ChangedMarkers {
            law: &site.markers,
            hashes: HashMap::new(),
            unchanged: &comparison.unchanged_markers,
        };
        if markers.law.is_empty() {
            return Ok(markers);
        }
        let Ok(root) = Root::open(&site.tree) else {
            return Ok(markers);
        };
        let mut wanted = Vec::new();
        let never: Result<(), std::convert::Infallible> =
            comparison.changes.for_each(|path, change| {
                let version = match change {
                    IndexChange::Add(version)
                    | IndexChange::Replace(_, version)
                    | IndexChange::Adopt(_, version) => version,
                    IndexChange::Remove(_) => return Ok(()),
                };
                if markers.law.remembers(path) {
                    wanted.push((path.to_owned(), version));
                }
                Ok(())
            });
        never.unwrap_or_else(|never| match never {});
        for (path, file) in markers.unchanged {
            if let Some(version) = file.version
                && hash::find(database, file.id, version)?.is_none()
            {
                wanted.push((path.clone(), version));
            }
        }
        wanted.retain(|(_, version)| version.size <= MARKER_BYTES_MAX);
        wanted.truncate(MARKERS_MAX);
        // Files that were just written come last, so that nobody waits for each of them.
        wanted.sort_by_key(|(_, version)| version.mtime);
        for (path, version) in wanted {
            match hashed(&root, &path, version, stop) {
                Ok(record) => drop(markers.hashes.insert(path, (version, record))),
                Err(trouble) => log::debug!(
                    "not hashed with the index: path='{}' reason=\"{}\"",
                    path.escape_ascii(),
                    chain(&trouble)
                ),
            }
        }
        Ok(markers)
    }

    /// Remembers a version before it is replaced.
    pub fn before(
        &self,
        transaction: &Transaction<'_>,
        (path, change): (&[u8], IndexChange),
        at: Timestamp,
    ) -> Result<(), DbError> {
        if self.law.is_empty() {
            return Ok(());
        }
        match change {
            IndexChange::Replace(..) if self.law.remembers(path) => {
                match catalogue::find(transaction, path)? {
                    Some(replaced) => marker_version::remember(transaction, path, replaced, at),
                    None => Ok(()),
                }
            }
            IndexChange::Remove(_) if self.law.remembers(path) => {
                marker_version::forget(transaction, path).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Stores the hashes of a version that has its id now, unless an import brought some along.
    pub fn after(
        &self,
        transaction: &Transaction<'_>,
        path: &[u8],
        id: FileId,
    ) -> Result<(), DbError> {
        match self.hashes.get(path) {
            Some((version, record)) if hash::find(transaction, id, *version)?.is_none() => {
                hash::store(transaction, id, *version, record)
            }
            _ => Ok(()),
        }
    }

    /// Stores the hashes of markers that did not change and had none.
    pub fn fill(&self, transaction: &Transaction<'_>) -> Result<(), DbError> {
        for (path, file) in self.unchanged {
            if let Some((version, record)) = self.hashes.get(path)
                && hash::find(transaction, file.id, *version)?.is_none()
            {
                hash::store(transaction, file.id, *version, record)?;
            }
        }
        Ok(())
    }
}

/// Reads exactly one version of a file.
fn hashed(
    root: &Root,
    path: &[u8],
    version: FileVersion,
    stop: &AtomicBool,
) -> Result<HashRecord, Trouble> {
    settle(version, stop);
    let open = root.open_file(path)?;
    if open.version() != version {
        return Err(Trouble::OtherVersion);
    }
    let mut content = Vec::with_capacity(version.size as usize);
    let most = version.size + 1;
    (&open.file).take(most).read_to_end(&mut content)?;
    if content.len() as u64 != version.size || !open.is_same()? {
        return Err(Trouble::Changed);
    }
    let mut record = HashRecord::default();
    for mut lane in lanes(KINDS, version.size, 0) {
        lane.update(&content);
        lane.finish(&mut record);
    }
    Ok(record)
}

/// Waits until a file that was just written cannot be written again under the same time.
fn settle(version: FileVersion, stop: &AtomicBool) {
    let began = Instant::now();
    let limit = Duration::from_secs(SETTLED_AFTER_S as u64);
    let is_fresh = || {
        let age_s = now().0 - version.mtime;
        (0..SETTLED_AFTER_S).contains(&age_s)
    };
    while is_fresh() && began.elapsed() < limit && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(SETTLING_TICK);
    }
}
