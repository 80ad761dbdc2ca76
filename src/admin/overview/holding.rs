//! Tells which mirrors have the files of which marker.

use roaring::RoaringBitmap;

use crate::admin::error::AdminError;
use crate::admin::mirror::found_file::{fits, is_pattern};
use crate::db::catalogue;
use crate::db::open::Queryable;
use crate::db::overview::marker::Marker;

/// The files of one marker, as ids.
pub struct MarkedFiles {
    /// One set per word; a mirror must have one of each, or none where the word is negated.
    words: Vec<(RoaringBitmap, bool)>,
}

impl MarkedFiles {
    /// The files of all markers, in one look at the catalogue.
    ///
    /// # Errors
    /// Returns [`AdminError::Db`] if the catalogue cannot be read.
    pub fn of(
        markers: &[Marker],
        database: &impl Queryable,
    ) -> Result<Vec<MarkedFiles>, AdminError> {
        let mut patterns: Vec<(&[u8], RoaringBitmap)> = Vec::new();
        let mut marked = Vec::new();
        for marker in markers {
            let mut words = Vec::new();
            for word in marker.files.split_whitespace() {
                let bare = word.trim_start_matches('!');
                let path = bare.strip_prefix('/').unwrap_or(bare).as_bytes();
                let mut ids = RoaringBitmap::new();
                if is_pattern(path) {
                    patterns.push((path, RoaringBitmap::new()));
                } else if let Some(file) = catalogue::find(database, path)? {
                    ids.insert(file.id.0);
                }
                words.push((path, ids, word.starts_with('!')));
            }
            marked.push(words);
        }
        if !patterns.is_empty() {
            catalogue::for_each(database, b"", |path, file| {
                for (pattern, ids) in &mut patterns {
                    if fits(pattern, path) {
                        ids.insert(file.id.0);
                    }
                }
            })?;
        }
        let found = |path: &[u8], ids: RoaringBitmap| {
            let known = patterns.iter().find(|(pattern, _)| *pattern == path);
            known.map_or(ids, |(_, ids)| ids.clone())
        };
        let finished = marked.into_iter().map(|words| MarkedFiles {
            words: words
                .into_iter()
                .map(|(path, ids, is_negated)| (found(path, ids), is_negated))
                .collect(),
        });
        Ok(finished.collect())
    }

    /// Whether a mirror with these files has the subtree.
    pub fn are_in(&self, held: &RoaringBitmap) -> bool {
        self.words
            .iter()
            .all(|(ids, is_negated)| held.is_disjoint(ids) == *is_negated)
    }
}
