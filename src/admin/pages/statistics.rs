//! Reads the statistics, and writes their page.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::folder::PageFolder;
use super::gather::{DAY_S, KnownSite};
use super::words::date;
use crate::admin::error::AdminError;
use crate::admin::stats::bytes_text;
use crate::db::DbError;
use crate::db::stats::sums::{SumRow, SumSpan, SumSubject, SumUnit, course, largest, total};
use crate::db::stats::{StatsReader, open_stats_reader};
use crate::domain::order::ShortList;
use crate::domain::place::CountryCode;
use crate::domain::status_page::chart::{ChartPoint, bars};
use crate::domain::status_page::page::{PageFrame, ShownChart, StatisticsPage, text};
use crate::domain::status_page::threshold::{
    COUNTRY_MIN, NETWORK_MIN, OTHER, PublishedRow, publishable,
};
use crate::domain::status_page::world::{MapPlace, place_of_country, world};
use crate::domain::time::Timestamp;
use crate::program::exit::chain;

/// Days that are shown.
const DAYS: i64 = 30;

/// Rows of a table that are read at most. There are fewer countries, and fewer networks per month.
const READ_MAX: usize = 5000;

/// Rows of a table that are shown; the others are added up.
const ROWS_MAX: usize = 60;

/// Radius of the largest country on the map, and of the smallest.
const RADIUS: (f64, f64) = (16.0, 2.0);

/// The numbers of downloads.
pub(super) struct Downloads {
    pub today: i64,
    /// In 30 days.
    pub month: i64,
    /// Share that the web server served itself.
    pub local_share: Option<f64>,
    /// Downloads by mirror.
    pub by_mirror: HashMap<String, i64>,
    days: Vec<ChartPoint>,
}

/// The statistics of downloads, if they can be read.
pub(super) enum Statistics {
    /// They can be read.
    Known(StatsReader, Box<Downloads>),
    /// There are none, for this reason.
    Absent(String),
}

impl Statistics {
    /// Reads the statistics. If that fails, the page tells the reason, and the other pages are
    /// made.
    pub(super) fn read(path: &std::path::Path, now: Timestamp) -> Statistics {
        let read = || {
            let reader = open_stats_reader(path)?;
            let downloads = downloads(&reader, now)?;
            Ok((reader, downloads))
        };
        match read() {
            Ok((reader, downloads)) => Statistics::Known(reader, Box::new(downloads)),
            Err(DbError::NoStats { .. }) => {
                Statistics::Absent("This site keeps no statistics.".to_owned())
            }
            Err(error) => {
                log::warn!("the statistics cannot be read: {}", chain(&error));
                Statistics::Absent("The statistics cannot be read at the moment.".to_owned())
            }
        }
    }

    /// The downloads, if they are known.
    pub(super) fn downloads(&self) -> Option<&Downloads> {
        match self {
            Statistics::Known(_, downloads) => Some(downloads),
            Statistics::Absent(_) => None,
        }
    }
}

fn span(now: Timestamp) -> SumSpan {
    let last = now.0.div_euclid(DAY_S);
    SumSpan {
        unit: SumUnit::Day,
        first: last - DAYS + 1,
        last,
    }
}

fn downloads(reader: &StatsReader, now: Timestamp) -> Result<Downloads, DbError> {
    let span = span(now);
    let mut days: BTreeMap<i64, i64> = (span.first..=span.last).map(|day| (day, 0)).collect();
    course(reader, SumSubject::Columns, (span, None), |day, row| {
        if row
            .names
            .first()
            .is_some_and(|column| column == "downloads")
        {
            days.insert(day, row.numbers[0]);
        }
    })?;
    let rows = largest(reader, SumSubject::Mirrors, (span, None), READ_MAX)?;
    let by_mirror: HashMap<String, i64> = rows.into_iter().map(named).collect();
    let all: i64 = by_mirror.values().sum();
    let local = by_mirror.get("").copied().unwrap_or(0);
    let point = |(day, number): (&i64, &i64)| ChartPoint {
        name: date(*day),
        value: Some(*number as f64),
        text: number.to_string(),
    };
    Ok(Downloads {
        today: days.get(&span.last).copied().unwrap_or(0),
        month: days.values().sum(),
        local_share: (all > 0).then(|| local as f64 / all as f64),
        by_mirror,
        days: days.iter().map(point).collect(),
    })
}

fn named(row: SumRow) -> (String, i64) {
    let name = row.names.into_iter().next().unwrap_or_default();
    (name, row.numbers.first().copied().unwrap_or(0))
}

/// Gives each mirror of the pages its share of the downloads that they got together.
pub(super) fn share_out(site: &mut KnownSite, downloads: Option<&Downloads>) {
    let Some(downloads) = downloads else {
        return;
    };
    let of = |name: &str| downloads.by_mirror.get(name).copied().unwrap_or(0);
    let shown = site.mirrors.iter();
    let all: i64 = shown.map(|known| of(&known.record.identifier)).sum();
    for known in &mut site.mirrors {
        known.share = (all > 0).then(|| of(&known.record.identifier) as f64 / all as f64);
    }
}

/// Writes `statistics.html`.
///
/// # Errors
/// Returns [`AdminError::File`] if it cannot be written, and [`AdminError::Db`] if the statistics
/// cannot be read.
pub(super) fn write(
    folder: &mut PageFolder,
    statistics: &Statistics,
    now: Timestamp,
    frame: &PageFrame,
) -> Result<(), AdminError> {
    let frame = PageFrame {
        here: Some(3),
        ..frame.clone()
    };
    let span = span(now);
    let page = match statistics {
        Statistics::Absent(why) => StatisticsPage {
            frame: &frame,
            absent: Some(why.clone()),
            period: String::new(),
            sections: Vec::new(),
        },
        Statistics::Known(reader, downloads) => StatisticsPage {
            frame: &frame,
            absent: None,
            period: format!("From {} to {}.", date(span.first), date(span.last)),
            sections: sections(reader, downloads, span, frame.is_admin)?,
        },
    };
    folder.write("statistics.html", &text(&page))
}

fn sections(
    reader: &StatsReader,
    downloads: &Downloads,
    span: SumSpan,
    is_admin: bool,
) -> Result<Vec<ShownChart>, DbError> {
    let svg = bars("Downloads per day, 30 days", &downloads.days);
    let heads = ["Day", "Downloads"];
    let days = ShownChart::of(("days", "Downloads per day"), svg, heads, &downloads.days);
    let read = |subject| largest(reader, subject, (span, None), READ_MAX);
    let least = |least| if is_admin { 0 } else { least };
    let countries = publishable(rows(read(SumSubject::Countries)?), least(COUNTRY_MIN));
    let networks = publishable(rows(read(SumSubject::Networks)?), least(NETWORK_MIN));
    let mut sections = vec![days];
    let products = read(SumSubject::Products)?;
    if !products.is_empty() {
        sections.push(releases(products));
    }
    let map = world("Map of downloads by country", &places(&countries));
    let small = "Countries with fewer than 5 downloads, and networks with fewer than 20, are added \
                 up as other.";
    let country = table(
        ("countries", "Countries"),
        "Country",
        countries,
        &country_text,
    );
    sections.push(ShownChart {
        svg: map,
        remark: if is_admin { "" } else { small }.to_owned(),
        ..country
    });
    let network = |name: &str| match name {
        "0" => "not known, or small".to_owned(),
        OTHER => OTHER.to_owned(),
        number => format!("AS{number}"),
    };
    sections.push(table(
        ("networks", "Networks (AS)"),
        "AS",
        networks,
        &network,
    ));
    sections.push(requests(
        ("reasons", "Why files were served here"),
        "Reason",
        read(SumSubject::Reasons)?.into_iter().map(named).collect(),
    ));
    let mut answers = read(SumSubject::Efficiency)?
        .into_iter()
        .map(named)
        .collect();
    if !is_admin {
        answers = joined(answers);
    }
    sections.push(requests(
        ("efficiency", "Where requests went"),
        "Answer",
        answers,
    ));
    let sum = total(reader, SumSubject::Columns, (span, None))?;
    if let (Some(last), Some(all)) = (sections.last_mut(), sum.first()) {
        last.remark = format!("{all} requests in all; each counts once.");
    }
    Ok(sections)
}

/// Adds all tiers up to one row, because the only mirror of a tier may be private.
fn joined(answers: Vec<(String, i64)>) -> Vec<(String, i64)> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for (name, number) in answers {
        let name = match name.starts_with("mirror: ") {
            true => "mirror".to_owned(),
            false => name,
        };
        *sums.entry(name).or_default() += number;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.order_by_key(|(_, number)| Reverse(*number));
    sums
}

fn rows(found: Vec<SumRow>) -> Vec<PublishedRow> {
    let row = |row: SumRow| PublishedRow {
        numbers: [
            row.numbers.first().copied().unwrap_or(0),
            row.numbers.get(1).copied().unwrap_or(0),
        ],
        name: row.names.join(" "),
    };
    found.into_iter().map(row).collect()
}

fn country_text(name: &str) -> String {
    let code = CountryCode::parse(name.as_bytes());
    match code.and_then(CountryCode::name) {
        Some(name) => name.to_owned(),
        None if name == OTHER => OTHER.to_owned(),
        None if name.is_empty() || name == "--" => "not known".to_owned(),
        None => name.to_ascii_uppercase(),
    }
}

fn places(countries: &[PublishedRow]) -> Vec<MapPlace> {
    let most = countries.iter().map(|row| row.numbers[0]).max();
    let most = most.unwrap_or(1).max(1) as f64;
    let place = |row: &PublishedRow| {
        let share = row.numbers[0] as f64 / most;
        Some(MapPlace {
            at: place_of_country(&row.name)?,
            class: "point",
            radius: (RADIUS.0 * share.sqrt()).max(RADIUS.1),
            title: format!("{}: {}", country_text(&row.name), row.numbers[0]),
        })
    };
    countries.iter().filter_map(place).collect()
}

fn percent_of(number: i64, all: i64) -> String {
    format!("{:.1} %", number as f64 * 100.0 / all.max(1) as f64)
}

/// Makes a table of downloads and bytes. Rows beyond the limit are added up in the last row.
fn table(
    (id, name): (&'static str, &'static str),
    head: &'static str,
    mut rows: Vec<PublishedRow>,
    words: &dyn Fn(&str) -> String,
) -> ShownChart {
    let all: i64 = rows.iter().map(|row| row.numbers[0]).sum();
    let further = rows.split_off(rows.len().min(ROWS_MAX));
    let row = |name: String, numbers: [i64; 2]| {
        let share = percent_of(numbers[0], all);
        vec![name, numbers[0].to_string(), bytes_text(numbers[1]), share]
    };
    let mut cells: Vec<_> = rows
        .iter()
        .map(|one| row(words(&one.name), one.numbers))
        .collect();
    if !further.is_empty() {
        let sum = |place: usize| further.iter().map(|row| row.numbers[place]).sum();
        let name = format!("{} more rows", further.len());
        cells.push(row(name, [sum(0), sum(1)]));
    }
    ShownChart {
        id,
        name,
        svg: None,
        heads: vec![head, "Downloads", "Bytes", "Share"],
        rows: cells,
        remark: String::new(),
        is_open: true,
    }
}

/// A table of requests.
fn requests(
    (id, name): (&'static str, &'static str),
    head: &'static str,
    found: Vec<(String, i64)>,
) -> ShownChart {
    let all: i64 = found.iter().map(|(_, number)| number).sum();
    let row = |(name, number): (String, i64)| {
        let share = percent_of(number, all);
        vec![name, number.to_string(), share]
    };
    ShownChart {
        id,
        name,
        svg: None,
        heads: vec![head, "Requests", "Share"],
        rows: found.into_iter().take(ROWS_MAX).map(row).collect(),
        remark: String::new(),
        is_open: true,
    }
}

/// Makes the table of downloads by product and version, over all systems and languages.
fn releases(found: Vec<SumRow>) -> ShownChart {
    let mut sums: BTreeMap<String, [i64; 2]> = BTreeMap::new();
    for row in found {
        let name = row.names.iter().take(2).map(String::as_str);
        let name = name.collect::<Vec<_>>().join(" ").trim().to_owned();
        let sum = sums.entry(name).or_default();
        for (place, number) in row.numbers.iter().take(2).enumerate() {
            sum[place] += number;
        }
    }
    let rows = sums.into_iter();
    let mut rows: Vec<_> = rows
        .map(|(name, numbers)| PublishedRow { name, numbers })
        .collect();
    rows.order_by_key(|row| Reverse(row.numbers));
    let head = "Release";
    table(("releases", "Releases"), head, rows, &|name| {
        name.to_owned()
    })
}
