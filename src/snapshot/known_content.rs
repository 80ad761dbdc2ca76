//! Holds the bitmaps of all mirrors as a matrix, and reads those that changed.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::matrix::Matrix;
use super::serialized_bitmap::SerializedBitmap;
use crate::db::open::Reader;
use crate::db::{DbError, content};
use crate::domain::mirror::MirrorId;
use crate::domain::select::Roster;
use crate::domain::select::set::WORD_BITS;

/// Bytes of stored bitmaps that are held at a time while columns change; a bitmap has at most
/// 1.3 MB for ten million files, which have 700 MB here.
const BITMAP_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The values kept about one mirror's bitmaps, besides its column in the matrix.
#[derive(Debug)]
pub(super) struct KnownContent {
    pub generation: i64,
    pub outdated: RoaringBitmap,
}

/// The bitmaps of all mirrors of a roster.
#[derive(Debug, Default)]
pub(super) struct KnownContents {
    mirrors: Vec<MirrorId>,
    known: HashMap<MirrorId, Arc<KnownContent>>,
    matrix: Matrix,
}

impl KnownContents {
    /// The mirrors in the order of the matrix's columns.
    pub fn mirrors(&self) -> &[MirrorId] {
        &self.mirrors
    }

    /// The values beside the columns, in their order. Absent if the mirror was never scanned.
    pub fn of_columns(&self) -> Vec<Option<Arc<KnownContent>>> {
        let of_column = |id: &MirrorId| self.known.get(id).cloned();
        self.mirrors.iter().map(of_column).collect()
    }

    /// The matrix as it is now.
    pub fn matrix(&self) -> Matrix {
        self.matrix.clone()
    }

    /// Updates the matrix: the columns whose generation changed, or all columns if mirrors were
    /// added or removed, which changes the indexes.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn load(&mut self, reader: &Reader, roster: &Roster) -> Result<(), DbError> {
        let mirrors: Vec<MirrorId> = roster.mirrors().iter().map(|mirror| mirror.id).collect();
        if mirrors != self.mirrors {
            self.known.clear();
            self.matrix = Matrix::new(mirrors.len());
            self.mirrors = mirrors;
        }
        let mut changed = Vec::new();
        for (id, generation) in content::generations(reader)? {
            let is_known = |known: &Arc<KnownContent>| known.generation == generation;
            if let Ok(column) = self.mirrors.binary_search(&id)
                && !self.known.get(&id).is_some_and(is_known)
            {
                changed.push((column, id, generation));
            }
        }
        let mut waiting = Vec::new();
        for (column, id, generation) in changed {
            let is_full = |waiting: &[(usize, SerializedBitmap)]| {
                let bytes: usize = waiting.iter().map(|(_, bitmap)| bitmap.bytes()).sum();
                let is_other_word =
                    |(first, _): &(usize, _)| first / WORD_BITS != column / WORD_BITS;
                bytes > BITMAP_BYTES_MAX || waiting.first().is_some_and(is_other_word)
            };
            if is_full(&waiting) {
                self.matrix.set_columns(&waiting);
                waiting.clear();
            }
            let (known, current) = load_bitmaps(reader, id, generation)?;
            waiting.push((column, current));
            self.known.insert(id, Arc::new(known));
        }
        self.matrix.set_columns(&waiting);
        Ok(())
    }
}

/// Loads one mirror's bitmaps. A damaged bitmap costs that mirror its clients, but not the site its
/// mirrors.
fn load_bitmaps(
    reader: &Reader,
    mirror: MirrorId,
    generation: i64,
) -> Result<(KnownContent, SerializedBitmap), DbError> {
    let loaded = content::load_serialized(reader, mirror).and_then(|stored| {
        let stored = stored.unwrap_or_default();
        let current = SerializedBitmap::parse(stored.current)
            .map_err(|source| DbError::DamagedContent { mirror, source })?;
        Ok((current, stored.outdated))
    });
    let (current, outdated) = match loaded {
        Err(error @ DbError::DamagedContent { .. }) => {
            log::error!("{error}");
            Default::default()
        }
        loaded => loaded?,
    };
    Ok((
        KnownContent {
            generation,
            outdated,
        },
        current,
    ))
}
