//! Writes what programs read: lists of mirrors, the feed, badges.

use super::folder::PageFolder;
use super::gather::{HOUR_S, KnownMirror, KnownSite};
use super::words::{badge_of, badge_of_site};
use crate::admin::error::AdminError;
use crate::domain::health::Family;
use crate::domain::status_page::badge::badge;
use crate::domain::status_page::feed::{FeedEntry, feed};
use crate::domain::status_page::mirrors_json::{
    ListedUrl, MirrorsJson, PublishedMirror, mirrors_json,
};
use crate::domain::status_page::page::{Incident, PageFrame};
use crate::domain::url::Scheme;

/// Changes in the feed.
const ENTRIES_MAX: usize = 100;

/// Writes the files.
///
/// # Errors
/// Returns [`AdminError::File`] if one cannot be written.
pub(super) fn write(
    folder: &mut PageFolder,
    site: &KnownSite,
    (base, frequency_s): (&str, u64),
    (frame, incidents): (&PageFrame, &[Incident]),
) -> Result<(), AdminError> {
    let listed: Vec<_> = site
        .mirrors
        .iter()
        .map(|known| listed(known, base, site))
        .collect();
    let hour = site.now.0.div_euclid(HOUR_S);
    let hours = |known: &KnownMirror| {
        let mut hours: Vec<i64> = known.hours.iter().map(|hour| hour.period).collect();
        hours.dedup();
        hours.iter().filter(|period| **period <= hour).count() as u64
    };
    let probes = site.mirrors.iter().flat_map(|known| &known.probes);
    let list = MirrorsJson {
        mirrors: &listed,
        last_check: probes.map(|probe| probe.checked_at).max(),
        checks: site.mirrors.iter().map(hours).max().unwrap_or(0),
        frequency_s,
    };
    folder.write("mirrors.json", &mirrors_json(&list))?;
    folder.write("mirrors.txt", &text_list(site))?;
    let entries = incidents.iter().enumerate().take(ENTRIES_MAX);
    let entries: Vec<FeedEntry> = entries
        .map(|(place, incident)| FeedEntry {
            at: incident.at,
            number: incidents[place..]
                .iter()
                .filter(|other| other.at == incident.at && other.mirror == incident.mirror)
                .count(),
            mirror: incident.mirror.clone(),
            page: match &incident.file {
                Some(file) => format!("mirror/{file}.html"),
                None => "index.html".to_owned(),
            },
            what: incident.what.clone(),
        })
        .collect();
    folder.write("feed.atom", &feed(&frame.site, base, &entries, site.now))?;
    let (value, colour) = badge_of_site(site);
    folder.write("badge/up.svg", &badge("mirrors", &value, colour))?;
    for known in &site.mirrors {
        let (value, colour) = badge_of(known);
        let name = format!("badge/{}.svg", known.file);
        folder.write(&name, &badge(&known.record.identifier, &value, colour))?;
    }
    Ok(())
}

fn listed(known: &KnownMirror, base: &str, site: &KnownSite) -> PublishedMirror {
    let url = |(scheme, url): &(Scheme, String)| {
        let own = known.probes.iter().filter(|probe| probe.scheme == *scheme);
        let families: Vec<Family> = own.map(|probe| probe.family).collect();
        let has = |family| (!families.is_empty()).then(|| families.contains(&family));
        ListedUrl {
            url: url.clone(),
            protocol: scheme.as_str(),
            families: [has(Family::V4), has(Family::V6)],
            sums: known.sums_of_day(Some(*scheme)),
        }
    };
    let code = known.record.country.to_ascii_uppercase();
    let country = match code.is_empty() {
        true => String::new(),
        false => known.country.clone(),
    };
    PublishedMirror {
        name: known.record.identifier.clone(),
        urls: known.urls.iter().map(url).collect(),
        last_sync: known.traced_at.or(known.freshness.synced_at),
        delay: known.delay(site.now),
        lag: known.freshness.lag_s,
        is_active: known.reason.is_none(),
        country: (country, code),
        has_isos: known.has_isos,
        details: format!("{base}mirror/{}.html", known.file),
        state: known.state,
        reason: known.reason.map(|reason| reason.code()),
        coverage: known.coverage,
        share: known.share,
    }
}

/// A base URL per line, below a line per country.
fn text_list(site: &KnownSite) -> String {
    let mut text = String::new();
    let mut last = None;
    for known in site.mirrors.iter().filter(|known| known.reason.is_none()) {
        if last.replace(&known.country) != Some(&known.country) {
            text += &format!("# {}\n", known.country);
        }
        for (_, url) in &known.urls {
            text += url;
            text.push('\n');
        }
    }
    text
}
