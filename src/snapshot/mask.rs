//! Takes back single bits of the matrix: a mirror that did not have a file although its scan had
//! seen it there gets no clients for it until the next scan.
//!
//! Without such pairs a request pays for one comparison; with some, for one look-up.

use foldhash::HashMap;

use crate::domain::file::FileId;
use crate::domain::mirror::MirrorId;
use crate::domain::select::set::MirrorSet;

/// The mirrors that are masked, by file.
#[derive(Debug, Default)]
pub(super) struct Masks(HashMap<u32, MirrorSet>);

impl Masks {
    /// The masks of pairs, for mirrors in the order of a roster.
    pub fn of(pairs: &[(MirrorId, FileId)], roster: &[MirrorId]) -> Masks {
        let mut masks = Masks::default();
        for (mirror, file) in pairs {
            if let Some(index) = roster.iter().position(|known| known == mirror) {
                masks.0.entry(file.0).or_default().insert(index);
            }
        }
        masks
    }

    /// The mirrors that are masked for a file.
    pub fn of_file(&self, file: FileId) -> Option<&MirrorSet> {
        match self.0.is_empty() {
            true => None,
            false => self.0.get(&file.0),
        }
    }
}
