//! Tells from a mirror's content how far the mirror is behind: which files the tree got when, and
//! which of them a scan found.
//!
//! Ids of files follow the order in which versions were seen, so that the news of one index run are
//! a range of ids. Runs are put together until their news are [`NEWS_FILES_MIN`] files that the
//! tree still has; news at the end that are fewer are not judged yet. A mirror that has only a part
//! of the tree is measured by that part.

use std::ops::Range;

use crate::domain::time::Timestamp;

/// Files that news must have. Fewer say nothing about a mirror with a part of the tree.
pub const NEWS_FILES_MIN: u64 = 20;

/// Age from which news count as a part of the old tree.
pub const RECENT_S: i64 = 14 * 86_400;

/// Share of the news, measured by its usual part of the tree, that a mirror must have.
const COMPLETE_SHARE: f64 = 0.9;

/// Share of the tree that a mirror must have, so that it can be measured.
const PART_MIN: f64 = 0.05;

/// The files that the tree got in one index run, or in a few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNews {
    /// Ids of their files.
    pub ids: Range<u32>,
    /// When the last of them was seen.
    pub at: Timestamp,
    /// Files of them that the tree still has.
    pub files: u64,
}

/// Finds the news of a tree. `epochs` has the first id and the time of each index run, in the order
/// of ids; `count` gives how many files of a range of ids the tree has.
pub fn tree_news(epochs: &[(u32, Timestamp)], count: impl Fn(&Range<u32>) -> u64) -> Vec<TreeNews> {
    let mut news = Vec::new();
    let mut start = None;
    for (place, (first, at)) in epochs.iter().enumerate() {
        let start_id = *start.get_or_insert(*first);
        let end = epochs.get(place + 1).map_or(u32::MAX, |(next, _)| *next);
        let ids = start_id..end;
        let files = count(&ids);
        if files >= NEWS_FILES_MIN {
            news.push(TreeNews {
                ids,
                at: *at,
                files,
            });
            start = None;
        }
    }
    news
}

/// How far a mirror is behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freshness {
    /// Seconds since the tree got the first news that the mirror lacks; 0: it lacks none. Absent if
    /// the mirror has too little of the tree, or was never scanned.
    pub lag_s: Option<i64>,
    /// The time up to which the mirror has all news; the time of the scan if it lacks none.
    pub synced_at: Option<Timestamp>,
    /// Places of the recent news that its last scan could find.
    pub judged: Vec<usize>,
    /// Places of those that it has.
    pub arrived: Vec<usize>,
}

/// Measures how far a mirror is behind that was scanned at a time. `held` and `count` give how many
/// files of a range of ids the mirror and the tree have.
pub fn freshness(
    news: &[TreeNews],
    (count, held): (impl Fn(&Range<u32>) -> u64, impl Fn(&Range<u32>) -> u64),
    (scanned_at, now): (Timestamp, Timestamp),
) -> Freshness {
    let is_recent = |news: &&TreeNews| news.at.0 > now.0 - RECENT_S;
    let mut usual = 0..news
        .iter()
        .find(is_recent)
        .map_or(u32::MAX, |n| n.ids.start);
    if count(&usual) < NEWS_FILES_MIN {
        // A young site: its first files are what there usually is.
        usual = 0..news.first().map_or(u32::MAX, |first| first.ids.end);
    }
    let (has, of) = (held(&usual), count(&usual));
    let part = has as f64 / of.max(1) as f64;
    if part < PART_MIN {
        return Freshness::default();
    }
    let mut found = Freshness::default();
    let mut lacks = None;
    for (place, news) in news.iter().enumerate() {
        // A scan could not find the news that came after it.
        if news.ids.start < usual.end || news.at.0 > scanned_at.0 {
            continue;
        }
        found.judged.push(place);
        let needed = COMPLETE_SHARE * part * news.files as f64;
        match held(&news.ids) as f64 >= needed {
            true => found.arrived.push(place),
            false => lacks = lacks.or(Some(place)),
        }
    }
    (found.lag_s, found.synced_at) = match lacks {
        None => (Some(0), Some(scanned_at)),
        Some(place) => {
            let before = place.checked_sub(1).map(|before| news[before].at);
            (Some((now.0 - news[place].at.0).max(0)), before)
        }
    };
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100 * 86_400);

    fn width(ids: &Range<u32>) -> u64 {
        u64::from(ids.end.min(1200).saturating_sub(ids.start.max(1)))
    }

    /// 1,000 old files, then 100, 75 and 25 news, one, two and three days … hours ago.
    fn news() -> Vec<TreeNews> {
        let hours = |hours: i64| Timestamp(NOW.0 - hours * 3600);
        let epochs = [
            (1, hours(24 * 30)),
            (1000, hours(48)),
            (1100, hours(24)),
            (1175, hours(3)),
        ];
        tree_news(&epochs, width)
    }

    fn found(held: impl Fn(u32) -> bool, scanned_at: i64) -> Freshness {
        let count = |ids: &Range<u32>| {
            let ids = ids.start.max(1)..ids.end.min(1200);
            ids.filter(|id| held(*id)).count() as u64
        };
        freshness(&news(), (width, count), (Timestamp(scanned_at), NOW))
    }

    #[test]
    fn e4_a_whole_mirror_that_lacks_the_last_news_is_as_old_as_they_are() {
        let found = found(|id| id < 1175, NOW.0 - 60);
        assert_eq!(found.lag_s, Some(10_800));
        assert_eq!(found.synced_at, Some(Timestamp(NOW.0 - 24 * 3600)));
        assert_eq!((found.judged, found.arrived), (vec![1, 2, 3], vec![1, 2]));
    }

    #[test]
    fn a_mirror_that_lacks_nothing_is_as_new_as_its_scan() {
        let scanned = NOW.0 - 60;
        let whole = found(|_| true, scanned);
        assert_eq!(
            (whole.lag_s, whole.synced_at),
            (Some(0), Some(Timestamp(scanned)))
        );
        // Every second file, of the old and of the new ones.
        assert_eq!(found(|id| id % 2 == 0, scanned).lag_s, Some(0));
        // Half of the old ones, and no new ones.
        let half = found(|id| id % 2 == 0 && id < 1000, scanned);
        assert_eq!(half.lag_s, Some(48 * 3600));
    }

    #[test]
    fn what_a_scan_could_not_find_is_not_missed() {
        let found = found(|id| id < 1175, NOW.0 - 4 * 3600);
        assert_eq!(found.lag_s, Some(0), "the news came after the scan");
    }

    #[test]
    fn of_a_mirror_with_next_to_nothing_nothing_is_known() {
        assert_eq!(found(|id| id < 40, NOW.0), Freshness::default());
    }

    #[test]
    fn small_runs_are_put_together() {
        let epochs = [(1, 10), (11, 20), (31, 30), (41, 40)].map(|(id, at)| (id, Timestamp(at)));
        let news = tree_news(&epochs, |ids| {
            u64::from(ids.end.min(45).saturating_sub(ids.start))
        });
        let spans: Vec<_> = news
            .iter()
            .map(|news| (news.ids.clone(), news.at.0))
            .collect();
        assert_eq!(spans, [(1..31, 20)], "the last 14 files are not judged yet");
    }
}
