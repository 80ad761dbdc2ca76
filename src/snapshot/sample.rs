//! Draws files that mirrors are asked for, to learn whether they answer.

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

/// Files that a mirror is asked for at most. One file may have gone since the last scan; a mirror
/// that has none of three does not serve the tree.
pub const FILES_TRIED_MAX: usize = 3;

/// Largest file that a cache is asked for: it fetches the whole of it from here.
pub const CACHE_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Files drawn a mirror: some may have left the catalogue since the scan, or be empty.
const FILES_DRAWN: u32 = 8;

/// Files drawn a cache, so that some with a hash are among them.
const CACHE_FILES_DRAWN: usize = 64;

/// A file that a mirror should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its path in the tree.
    pub path: Vec<u8>,
    /// Its version, if the catalogue has it.
    pub version: Option<FileVersion>,
    /// Its digest; drawn for caches alone.
    pub sha256: Option<Vec<u8>>,
}

/// What caches may be asked for.
pub struct CacheLaw<'l> {
    /// Whether a path's content changes while its name stays.
    pub is_mutable: &'l dyn Fn(&[u8]) -> bool,
    /// The time.
    pub now: Timestamp,
}

/// Random files for each mirror, in the same order: those that it is known to have, and for a cache
/// small ones of which it can have no older version.
///
/// # Errors
/// [`DbError::Sql`].
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
        // An empty file has no byte to ask for.
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
    let named = |(place, ids): (usize, Vec<u32>)| {
        let found = ids.iter().filter_map(|id| files.get(id).cloned());
        let of_cache = of_caches.remove(&place);
        of_cache.unwrap_or_else(|| found.take(FILES_TRIED_MAX).collect())
    };
    Ok(drawn.into_iter().enumerate().map(named).collect())
}

/// What is drawn for caches, while the catalogue goes by.
struct Caches<'l> {
    law: &'l CacheLaw<'l>,
    epochs: Epochs,
    draws: Vec<SampleDraw>,
}

struct SampleDraw {
    place: usize,
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
        let draws = caches.map(|(place, mirror)| SampleDraw {
            place,
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

    /// Each file is as likely as any other (algorithm R).
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
            let place = random.usize(0..draw.seen);
            if let Some(slot) = draw.drawn.get_mut(place) {
                *slot = (path.to_vec(), file);
            }
        }
    }

    /// Those with a hash first.
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
            of_caches.insert(draw.place, samples);
        }
        Ok(of_caches)
    }
}

/// Some ids in random order; all of them when they are few.
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

/// What a mirror has by its last scan; nothing when that cannot be read. Where a suspicious scan
/// waits for a second one: what that one did not see any more, which tells whether it was right.
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
