//! Earlier versions of a marker, and how long they count.

use std::collections::HashMap;

use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::Digests;
use crate::domain::time::Timestamp;

/// Seconds of a day: so much longer than an earlier version the last one counts as new.
const DAY_S: i64 = 86_400;

/// A version that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierVersion {
    /// Its id: the bits of mirrors that have it.
    pub id: FileId,
    /// Size and time.
    pub version: FileVersion,
    /// Its digests, as far as they were known.
    pub digests: Digests,
    /// When the next version came.
    pub replaced_at: Timestamp,
}

impl EarlierVersion {
    /// Whether clients can check a copy of it.
    pub fn has_digest(&self) -> bool {
        let digests = &self.digests;
        digests.sha256.is_some() || digests.sha512.is_some() || digests.sha1.is_some()
    }
}

/// The earlier versions of all files that have any, by path; the newest comes first.
pub type EarlierVersions = HashMap<Vec<u8>, Vec<EarlierVersion>>;

/// How many of a file's versions count, by their ages in seconds, the newest first (MirrorManager's
/// law, with `keep_s` for its MAX_STALE_DAYS). The first always counts. The second counts, however
/// old it is, while the first is new: mirrors need time to follow. All others count for `keep_s`.
pub fn accepted(ages_s: impl IntoIterator<Item = i64>, keep_s: i64) -> usize {
    let mut first = None;
    let counts = |(place, age_s): (usize, i64)| {
        let first = *first.get_or_insert(age_s);
        match place {
            0 => true,
            _ if keep_s <= 0 => false,
            1 => age_s <= keep_s || first <= keep_s - DAY_S,
            _ => age_s <= keep_s,
        }
    };
    ages_s
        .into_iter()
        .enumerate()
        .map(counts)
        .take_while(|counts| *counts)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_age_as_in_mirrormanager() {
        let days = |days: &[f64]| -> Vec<i64> {
            days.iter().map(|days| (days * 86_400.0) as i64).collect()
        };
        for (ages, keep_d, expected) in [
            (&[0.5, 2.0, 5.0, 9.0][..], 4, 2),
            (&[3.5, 4.5, 6.0], 4, 1),
            (&[2.0, 4.5], 4, 2),
            (&[2.0, 4.5, 5.0], 4, 2),
            (&[0.0, 900.0], 4, 2),
            (&[0.0, 0.1], 0, 1),
            (&[900.0], 4, 1),
            (&[], 4, 0),
        ] {
            let found = accepted(days(ages), keep_d * DAY_S);
            assert_eq!(found, expected, "{ages:?}");
        }
    }
}
