//! Writes the overview and the list of mirrors.

use super::folder::PageFolder;
use super::gather::{KnownMirror, KnownSite};
use super::statistics::Downloads;
use super::words::{badge_of_site, class, percent, shown, up};
use crate::admin::error::AdminError;
use crate::domain::follow::rate::MisdirectionRate;
use crate::domain::status_page::page::{
    CountryLink, CountryRow, Incident, MirrorsPage, OverviewFact, OverviewOfSite, PageFrame,
    ShownMirror, text,
};
use crate::domain::status_page::world::{MapPlace, world};
use crate::domain::time::age;

/// Bytes of the rows of one part: with them, a page stays below 200 kB.
const ROW_BYTES_MAX: usize = 140_000;

/// Bytes of a row beside its values.
const ROW_BYTES: usize = 420;

/// Links to countries. Each part of the list has the links of all parts.
const COUNTRIES_MAX: usize = 250;

/// Writes `index.html`.
///
/// # Errors
/// Returns [`AdminError::File`] if it cannot be written.
pub(super) fn write_overview(
    folder: &mut PageFolder,
    site: &KnownSite,
    downloads: Option<&Downloads>,
    (frame, incidents): (&PageFrame, &[Incident]),
) -> Result<(), AdminError> {
    let (badge, _) = badge_of_site(site);
    let frame = PageFrame {
        here: Some(0),
        ..frame.clone()
    };
    // More changes would make the page too large.
    const INCIDENTS_MAX: usize = 100;
    let page = OverviewOfSite {
        frame: &frame,
        facts: facts(site, downloads),
        map: world("Map of the mirrors", &places(site)),
        incidents: &incidents[..incidents.len().min(INCIDENTS_MAX)],
        badge: format!("mirrors {badge}"),
    };
    folder.write("index.html", &text(&page))
}

fn places(site: &KnownSite) -> Vec<MapPlace> {
    let place = |known: &KnownMirror| {
        let class = match class(known.state) {
            "none" => "mid",
            class => class,
        };
        Some(MapPlace {
            at: known.at?,
            class,
            radius: 4.0,
            title: format!("{}: {}", known.record.identifier, known.state),
        })
    };
    site.mirrors.iter().filter_map(place).collect()
}

fn facts(site: &KnownSite, downloads: Option<&Downloads>) -> Vec<OverviewFact> {
    let enabled = site.mirrors.iter().filter(|known| known.record.enabled);
    let fact = |name, value: String, more: String| OverviewFact { name, value, more };
    let late = site.mirrors.iter().filter(|known| {
        let lag = known.freshness.lag_s;
        lag.is_some_and(|lag| lag > super::gather::DAY_S)
    });
    let indexed = site.indexed_at.map_or_else(
        || "never".to_owned(),
        |at| format!("{} ago", age(site.now, at)),
    );
    let mut facts = vec![
        fact(
            "Mirrors that answer",
            format!("{} of {}", up(site), enabled.count()),
            String::new(),
        ),
        fact(
            "More than a day behind",
            late.count().to_string(),
            "by what scans found".to_owned(),
        ),
        fact("Files", site.files.to_string(), String::new()),
        fact(
            "Tree read",
            indexed,
            site.indexed_at.map(|at| at.to_string()).unwrap_or_default(),
        ),
    ];
    facts.extend(wrong_redirects(&site.misdirection));
    let Some(downloads) = downloads else {
        return facts;
    };
    facts.extend([
        fact(
            "Downloads today",
            downloads.today.to_string(),
            String::new(),
        ),
        fact(
            "Downloads in 30 days",
            downloads.month.to_string(),
            String::new(),
        ),
        fact(
            "Served here",
            percent(downloads.local_share),
            "of the downloads of 30 days".to_owned(),
        ),
    ]);
    facts
}

/// How often redirects led to something other than the file, if any were followed.
fn wrong_redirects(found: &MisdirectionRate) -> Option<OverviewFact> {
    if found.followed == 0 {
        return None;
    }
    let of = match found.is_unweighted {
        true => "files drawn from what mirrors should have",
        false => "redirects followed in 30 days",
    };
    let share = |share: f64| format!("{:.2}", share * 100.0);
    let (low, high) = found.interval();
    let (value, more) = match found.rate() {
        Some(rate) => (
            format!("{} %", share(rate)),
            format!(
                "of {} {of}; between {} and {} % in 95 of 100 cases",
                found.followed,
                share(low),
                share(high)
            ),
        ),
        None => (
            "too few for a rate".to_owned(),
            format!("{} of {} {of}", found.wrong, found.followed),
        ),
    };
    Some(OverviewFact {
        name: "Wrong redirects",
        value,
        more,
    })
}

/// Names the file of a part; parts count from 0.
fn part_name(part: usize) -> String {
    match part {
        0 => "mirrors.html".to_owned(),
        part => format!("mirrors-{}.html", part + 1),
    }
}

/// Writes `mirrors.html`, and further parts of it where it would be too large.
///
/// # Errors
/// Returns [`AdminError::File`] if one cannot be written.
pub(super) fn write_mirrors(
    folder: &mut PageFolder,
    site: &KnownSite,
    frame: &PageFrame,
) -> Result<(), AdminError> {
    let frame = PageFrame {
        here: Some(1),
        ..frame.clone()
    };
    let all: Vec<ShownMirror> = site
        .mirrors
        .iter()
        .map(|known| shown(known, site.now))
        .collect();
    let mut parts: Vec<Vec<CountryRow<'_>>> = vec![Vec::new()];
    let mut countries = Vec::new();
    let (mut bytes, mut last) = (0, None);
    for (known, mirror) in site.mirrors.iter().zip(&all) {
        bytes += row_bytes(mirror);
        if bytes > ROW_BYTES_MAX {
            parts.push(Vec::new());
            bytes = row_bytes(mirror);
        }
        let is_new = last.replace(&mirror.country) != Some(&mirror.country);
        let code = &known.record.country;
        let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
        let anchor = (is_new && is_code).then(|| format!("c-{}", code.to_ascii_lowercase()));
        if let Some(anchor) = anchor.as_ref().filter(|_| countries.len() < COUNTRIES_MAX) {
            countries.push(CountryLink {
                href: format!("{}#{anchor}", part_name(parts.len() - 1)),
                name: mirror.country.clone(),
            });
        }
        if let Some(part) = parts.last_mut() {
            part.push(CountryRow { anchor, mirror });
        }
    }
    let names: Vec<String> = (0..parts.len()).map(part_name).collect();
    for (place, rows) in parts.into_iter().enumerate() {
        let page = MirrorsPage {
            frame: &frame,
            countries: &countries,
            parts: &names,
            part: place + 1,
            rows,
        };
        folder.write(&names[place], &text(&page))?;
    }
    Ok(())
}

/// Estimates the bytes of a row; a value may be escaped to six times its length.
fn row_bytes(mirror: &ShownMirror) -> usize {
    let names = mirror.name.len() * 6 + mirror.file.len() + mirror.country.len();
    let strips = mirror.sync_strip.len() + mirror.probe_strip.len();
    ROW_BYTES + names + strips + mirror.marks.len() + mirror.why.map_or(0, str::len)
}
