//! Writes the page about the time that news of the tree take to reach the mirrors.

use std::collections::HashMap;

use super::folder::PageFolder;
use super::gather::{KnownMirror, KnownSite};
use super::words::duration;
use crate::admin::error::AdminError;
use crate::domain::mirror::MirrorId;
use crate::domain::status_page::chart::{ChartPoint, bars};
use crate::domain::status_page::news::RECENT_S;
use crate::domain::status_page::page::{ArrivalRow, PageFrame, RolloutPage, ShownNews, text};
use crate::domain::time::Timestamp;

/// News that are shown, the latest ones.
const NEWS_MAX: usize = 100;

/// Columns of the table of mirrors.
const COLUMNS: usize = 6;

/// Bytes of that table: with the rest, the page stays below 200 kB.
const ROW_BYTES_MAX: usize = 130_000;

/// Bytes of a row beside its names, and of a cell.
const ROW_BYTES: usize = 70;
const CELL_BYTES: usize = 20;

/// Gives the times at which scans first found news at mirrors: those that are stored, and the new
/// ones.
pub(super) fn arrivals(site: &KnownSite) -> HashMap<(u32, MirrorId), Timestamp> {
    let mut arrivals = site.arrivals.clone();
    for (first_id, mirror, at) in new_arrivals(site) {
        arrivals.insert((first_id, mirror), at);
    }
    arrivals
}

/// Gives the recent arrivals of news at mirrors that are not stored yet.
pub(super) fn new_arrivals(
    site: &KnownSite,
) -> impl Iterator<Item = (u32, MirrorId, Timestamp)> + '_ {
    site.mirrors.iter().flat_map(move |known| {
        let arrived = known.freshness.arrived.iter();
        arrived.filter_map(move |place| {
            let news = site.news.get(*place)?;
            let key = (news.ids.start, known.record.id);
            let is_recent = news.at.0 > site.now.0 - RECENT_S;
            let is_new = is_recent && known.is_watched(news) && !site.arrivals.contains_key(&key);
            Some((key.0, key.1, known.scanned_at?)).filter(|_| is_new)
        })
    })
}

/// Gives the time after which a share of the mirrors had the news.
fn time_to(share: f64, times: &[i64], of: usize) -> Option<i64> {
    let needed = (share * of as f64).ceil().max(1.0) as usize;
    times.get(needed - 1).copied().filter(|_| of > 0)
}

/// Writes `rollout.html`.
///
/// # Errors
/// Returns [`AdminError::File`] if it cannot be written.
pub(super) fn write(
    folder: &mut PageFolder,
    site: &KnownSite,
    frame: &PageFrame,
) -> Result<(), AdminError> {
    let frame = PageFrame {
        here: Some(2),
        ..frame.clone()
    };
    let arrivals = arrivals(site);
    let recent = site.news.iter().enumerate().rev();
    let recent = recent.filter(|(_, news)| news.at.0 > site.now.0 - RECENT_S);
    let shown: Vec<(ShownNews, Option<i64>, usize)> = recent
        .take(NEWS_MAX)
        .map(|(place, _)| one(site, place, &arrivals))
        .filter(|(news, _, _)| news.of > 0)
        .collect();
    let points: Vec<ChartPoint> = shown
        .iter()
        .rev()
        .map(|(news, half, _)| ChartPoint {
            name: news.at.to_string(),
            value: half.map(|seconds| seconds as f64),
            text: news.half.clone(),
        })
        .collect();
    let columns: Vec<usize> = shown
        .iter()
        .take(COLUMNS)
        .map(|(_, _, place)| *place)
        .collect();
    let (rows, left_out) = rows(site, &columns, &arrivals);
    let page = RolloutPage {
        frame: &frame,
        chart: bars("Time until half of the mirrors had the news", &points),
        latest: columns.iter().map(|place| site.news[*place].at).collect(),
        generations: shown.into_iter().map(|(news, _, _)| news).collect(),
        rows,
        left_out,
        least: RolloutPage::LEAST,
    };
    folder.write("rollout.html", &text(&page))
}

fn one(
    site: &KnownSite,
    place: usize,
    arrivals: &HashMap<(u32, MirrorId), Timestamp>,
) -> (ShownNews, Option<i64>, usize) {
    let news = &site.news[place];
    let could =
        |known: &&KnownMirror| known.freshness.judged.contains(&place) && known.is_watched(news);
    let of = site.mirrors.iter().filter(could);
    let times = of.clone().filter_map(|known| {
        let at = arrivals.get(&(news.ids.start, known.record.id))?;
        Some((at.0 - news.at.0).max(0))
    });
    let mut times: Vec<i64> = times.collect();
    times.sort_unstable();
    let of = of.count();
    let half = time_to(0.5, &times, of);
    let words = |seconds: Option<i64>| seconds.map_or_else(|| "not yet".to_owned(), duration);
    let shown = ShownNews {
        at: news.at,
        files: news.files,
        arrived: times.len(),
        of,
        half: words(half),
        most: words(time_to(0.9, &times, of)),
        all: words(time_to(0.99, &times, of)),
    };
    (shown, half, place)
}

/// Makes a row per mirror, as many as fit. Returns also the number of mirrors without a row.
fn rows(
    site: &KnownSite,
    columns: &[usize],
    arrivals: &HashMap<(u32, MirrorId), Timestamp>,
) -> (Vec<ArrivalRow>, usize) {
    let mut rows = Vec::new();
    let mut bytes = 0;
    let measured = site.mirrors.iter();
    let measured = measured.filter(|known| known.freshness.lag_s.is_some());
    let mut left_out = 0;
    for known in measured {
        let name = &known.record.identifier;
        bytes += ROW_BYTES + columns.len() * CELL_BYTES + name.len() * 6 + known.file.len();
        if bytes > ROW_BYTES_MAX {
            left_out += 1;
            continue;
        }
        let cell = |place: &usize| {
            let news = &site.news[*place];
            match arrivals.get(&(news.ids.start, known.record.id)) {
                Some(at) => duration((at.0 - news.at.0).max(0)),
                None if known.freshness.arrived.contains(place) => "there".to_owned(),
                None if known.freshness.judged.contains(place) => "not yet".to_owned(),
                None => "not scanned".to_owned(),
            }
        };
        rows.push(ArrivalRow {
            file: known.file.clone(),
            name: name.clone(),
            cells: columns.iter().map(cell).collect(),
        });
    }
    (rows, left_out)
}

#[cfg(test)]
mod tests {
    use super::time_to;

    #[test]
    fn a_share_of_the_mirrors_is_rounded_up() {
        let times = [10, 20, 30, 40];
        assert_eq!(time_to(0.5, &times, 4), Some(20));
        assert_eq!(time_to(0.9, &times, 4), Some(40));
        assert_eq!(time_to(0.5, &times, 10), None, "five of ten are needed");
        assert_eq!(time_to(0.5, &[], 0), None);
    }
}
