//! Draws the files that probes request from mirrors.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::db::epoch::Epochs;
use crate::db::mirror::MirrorRecord;
use crate::db::open::Queryable;
use crate::db::{DbError, catalogue, content, hash};
use crate::domain::file::{CatalogueFile, FileVersion};
use crate::domain::mirror::{Mirror, MirrorKind};
use crate::domain::select::{CacheFile, admit};
use crate::domain::time::Timestamp;

/// Largest number of files that are requested from a mirror. One file may have vanished since the
/// last scan; a mirror without any of three does not serve the tree.
pub const FILES_TRIED_MAX: usize = 3;

/// Size in bytes of the largest file that is requested from a cache, which would fetch all of it
/// from this host.
pub const CACHE_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Number of files drawn per mirror: some may have left the catalogue since the scan, or be empty.
const FILES_DRAWN: u32 = 8;

/// Number of files drawn per cache, so that some of them have a hash.
const CACHE_FILES_DRAWN: usize = 64;

/// A file that a mirror should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Path in the tree.
    pub path: Vec<u8>,
    /// Version, if the catalogue has one.
    pub version: Option<FileVersion>,
    /// SHA-256 digest; only for caches.
    pub sha256: Option<Vec<u8>>,
}

/// The rule for files that caches may be asked for.
pub struct CacheLaw<'l> {
    /// Whether the content of a path changes while its name stays.
    pub is_mutable: &'l dyn Fn(&[u8]) -> bool,
    /// The present time.
    pub now: Timestamp,
}

/// Draws random files for each mirror, in the order of `mirrors`: files that it is known to have;
/// for a cache, small files of which it cannot have an older version.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn sample(
    database: &impl Queryable,
    mirrors: &[MirrorRecord],
    law: &CacheLaw<'_>,
    random: &mut fastrand::Rng,
) -> Result<Vec<Vec<Sample>>, DbError> {
    let mut drawn = Vec::with_capacity(mirrors.len());
    for mirror in mirrors {
        drawn.push(match mirror.kind {
            MirrorKind::Cache => Vec::new(),
            MirrorKind::Mirror => draw(&current(database, mirror)?, random),
        });
    }
    let wanted: RoaringBitmap = drawn.iter().flatten().copied().collect();
    let mut files: HashMap<u32, Sample> = HashMap::new();
    let mut take = |path: &[u8], file: CatalogueFile| {
        // A probe requests a byte, which an empty file does not have.
        if file.version.is_none_or(|version| version.size > 0) {
            let sample = Sample {
                path: path.to_vec(),
                version: file.version,
                sha256: None,
            };
            files.insert(file.id.0, sample);
        }
    };
    let mut caches = Caches::new(database, mirrors, law)?;
    if caches.draws.is_empty() {
        catalogue::for_each_of(database, &wanted, take)?;
    } else {
        catalogue::for_each(database, b"", |path, file| {
            if wanted.contains(file.id.0) {
                take(path, file);
            }
            caches.see(path, file, random);
        })?;
    }
    let mut of_caches = caches.samples(database, random)?;
    let named = |(index, ids): (usize, Vec<u32>)| {
        let found = ids.iter().filter_map(|id| files.get(id).cloned());
        let of_cache = of_caches.remove(&index);
        of_cache.unwrap_or_else(|| found.take(FILES_TRIED_MAX).collect())
    };
    Ok(drawn.into_iter().enumerate().map(named).collect())
}

/// Draws files for caches while the catalogue is read.
struct Caches<'l> {
    law: &'l CacheLaw<'l>,
    epochs: Epochs,
    draws: Vec<SampleDraw>,
}

struct SampleDraw {
    index: usize,
    cache: Mirror,
    seen: usize,
    drawn: Vec<(Vec<u8>, CatalogueFile)>,
}

impl<'l> Caches<'l> {
    fn new(
        database: &impl Queryable,
        mirrors: &[MirrorRecord],
        law: &'l CacheLaw<'l>,
    ) -> Result<Caches<'l>, DbError> {
        let mirrors = mirrors.iter().enumerate();
        let caches = mirrors.filter(|(_, mirror)| mirror.kind == MirrorKind::Cache);
        let draws = caches.map(|(index, mirror)| SampleDraw {
            index,
            cache: mirror.check().0,
            seen: 0,
            drawn: Vec::new(),
        });
        Ok(Caches {
            law,
            epochs: Epochs::load(database)?,
            draws: draws.collect(),
        })
    }

    /// Draws each file with the same probability (algorithm R).
    fn see(&mut self, path: &[u8], file: CatalogueFile, random: &mut fastrand::Rng) {
        let Some(version) = file.version else {
            return;
        };
        if !(1..=CACHE_FILE_BYTES_MAX).contains(&version.size) {
            return;
        }
        let asked = CacheFile {
            path,
            is_mutable: (self.law.is_mutable)(path),
            is_version_known: true,
            seen_at: self.epochs.seen_at(file.id),
            is_signed: false,
            now: self.law.now,
        };
        for draw in &mut self.draws {
            if admit(&draw.cache, &asked, version.size).is_err() {
                continue;
            }
            draw.seen += 1;
            if draw.drawn.len() < CACHE_FILES_DRAWN {
                draw.drawn.push((path.to_vec(), file));
                continue;
            }
            let index = random.usize(0..draw.seen);
            if let Some(slot) = draw.drawn.get_mut(index) {
                *slot = (path.to_vec(), file);
            }
        }
    }

    /// The samples of each cache; files with a hash come first.
    fn samples(
        self,
        database: &impl Queryable,
        random: &mut fastrand::Rng,
    ) -> Result<HashMap<usize, Vec<Sample>>, DbError> {
        let mut of_caches = HashMap::new();
        for mut draw in self.draws {
            random.shuffle(&mut draw.drawn);
            let mut samples = Vec::with_capacity(draw.drawn.len());
            for (path, file) in draw.drawn {
                let digests = match file.version {
                    Some(version) => hash::find(database, file.id, version)?,
                    None => None,
                };
                samples.push(Sample {
                    path,
                    version: file.version,
                    sha256: digests.and_then(|digests| digests.sha256),
                });
            }
            samples.sort_by_key(|sample| sample.sha256.is_none());
            samples.truncate(FILES_TRIED_MAX);
            of_caches.insert(draw.index, samples);
        }
        Ok(of_caches)
    }
}

/// Some ids in random order; all of them if there are few.
fn draw(ids: &RoaringBitmap, random: &mut fastrand::Rng) -> Vec<u32> {
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    if count <= FILES_DRAWN {
        let mut all: Vec<u32> = ids.iter().collect();
        random.shuffle(&mut all);
        return all;
    }
    let mut drawn = Vec::new();
    for _ in 0..FILES_DRAWN {
        let id = ids.select(random.u32(0..count));
        drawn.extend(id.filter(|id| !drawn.contains(id)));
    }
    drawn
}

/// The mirror's content according to its last scan; empty if it cannot be read. If a suspicious
/// scan waits for confirmation: the files that it did not find any more, because they show whether
/// it was right.
fn current(database: &impl Queryable, mirror: &MirrorRecord) -> Result<RoaringBitmap, DbError> {
    let published = content::load(database, mirror.id).or_else(none_if_damaged)?;
    let current = published.map_or_else(RoaringBitmap::new, |p| p.content.current);
    let Some(pending) = content::pending(database, mirror.id).or_else(none_if_damaged)? else {
        return Ok(current);
    };
    let lost = (&current - &pending.content.current) - &pending.content.outdated;
    Ok(if lost.is_empty() { current } else { lost })
}

fn none_if_damaged<T>(error: DbError) -> Result<Option<T>, DbError> {
    match error {
        DbError::DamagedContent { .. } => Ok(None),
        error => Err(error),
    }
}
