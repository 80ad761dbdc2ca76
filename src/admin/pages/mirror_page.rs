//! Writes the page of each mirror.

use super::folder::PageFolder;
use super::gather::{CHART_DAYS, DAY_S, HOUR_S, KnownMirror, KnownSite};
use super::words::{UNKNOWN, badge_of, date, lag, percent, shown};
use crate::admin::error::AdminError;
use crate::db::overview::history::MirrorDay;
use crate::db::probe::ProbeRecord;
use crate::db::{Reader, event};
use crate::domain::status_page::CheckSums;
use crate::domain::status_page::chart::{ChartPoint, bars, line};
use crate::domain::status_page::page::{
    Incident, OneMirrorPage, PageFrame, ShownChart, ShownProbe, ShownUrl, text,
};
use crate::domain::time::Timestamp;

/// Events of a mirror on its page, for admins.
const EVENTS_MAX: u32 = 50;

/// Changes on its page for everybody.
const INCIDENTS_MAX: usize = 30;

/// Writes the pages.
///
/// # Errors
/// Returns [`AdminError::File`] if one cannot be written, and [`AdminError::Db`] if the database
/// cannot be read.
pub(super) fn write(
    folder: &mut PageFolder,
    reader: &Reader,
    site: &KnownSite,
    (frame, incidents): (&PageFrame, &[Incident]),
) -> Result<(), AdminError> {
    let frame = PageFrame {
        root: "../",
        here: None,
        ..frame.clone()
    };
    for known in &site.mirrors {
        let own = incidents
            .iter()
            .filter(|incident| incident.file.as_ref() == Some(&known.file));
        let events = match frame.is_admin {
            false => own.take(INCIDENTS_MAX).cloned().collect(),
            true => events(reader, known)?,
        };
        let (badge, _) = badge_of(known);
        let page = OneMirrorPage {
            frame: &frame,
            mirror: &shown(known, site.now),
            urls: urls(known),
            notes: notes(known, frame.is_admin),
            probes: known.probes.iter().map(probe).collect(),
            charts: charts(known, site.now),
            events,
            badge: format!("{}: {badge}", known.record.identifier),
        };
        folder.write(&format!("mirror/{}.html", known.file), &text(&page))?;
    }
    Ok(())
}

fn urls(known: &KnownMirror) -> Vec<ShownUrl> {
    let url = |(scheme, url): &(crate::domain::url::Scheme, String)| ShownUrl {
        protocol: scheme.as_str(),
        url: url.clone(),
    };
    known.urls.iter().map(url).collect()
}

fn events(reader: &Reader, known: &KnownMirror) -> Result<Vec<Incident>, AdminError> {
    let events = event::latest(reader, Some(known.record.id), EVENTS_MAX)?;
    let told = events.into_iter().map(|event| Incident {
        at: event.at,
        mirror: known.record.identifier.clone(),
        file: None,
        what: format!("{}: {}", event.actor, event.what),
    });
    Ok(told.collect())
}

fn notes(known: &KnownMirror, is_admin: bool) -> Vec<(&'static str, String)> {
    let record = &known.record;
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let mut notes = vec![
        ("Last scan", time(known.scanned_at)),
        ("Has all until", time(known.freshness.synced_at)),
        ("Its own trace says", time(known.traced_at)),
        ("Notes", record.public_notes.clone()),
    ];
    if is_admin {
        notes.extend([
            ("Admin", record.admin.clone()),
            ("Mail", record.admin_email.clone()),
            ("Comment", record.comment.clone()),
            ("Score", record.score.to_string()),
        ]);
    }
    notes.retain(|(_, value)| !value.is_empty());
    notes
}

fn probe(record: &ProbeRecord) -> ShownProbe {
    let result = match record.ok {
        None => format!("not counted: {}", record.reason),
        Some(true) if record.reason.is_empty() => "ok".to_owned(),
        Some(true) => format!("ok; {}", record.reason),
        Some(false) => format!("failed: {}", record.reason),
    };
    let evidence = match record.ok {
        Some(true) => String::new(),
        _ => record.evidence.clone(),
    };
    let latency = record.latency_ms.map(|ms| format!("{ms} ms"));
    ShownProbe {
        target: format!("{} {}", record.scheme.as_str(), record.family.as_str()),
        result,
        at: record.checked_at.to_string(),
        latency: latency.unwrap_or_else(|| UNKNOWN.to_owned()),
        expires: record
            .expires_at
            .map(|at| at.to_string()[..10].to_owned())
            .unwrap_or_default(),
        evidence,
    }
}

fn charts(known: &KnownMirror, now: Timestamp) -> Vec<ShownChart> {
    let today = now.0.div_euclid(DAY_S);
    let past = |day: i64| known.past.iter().find(|past| past.day == day);
    let days = |value: &dyn Fn(&MirrorDay) -> Option<f64>, text: &dyn Fn(&MirrorDay) -> String| {
        let point = |day: i64| ChartPoint {
            name: date(day),
            value: past(day).and_then(value),
            text: past(day).map_or_else(|| UNKNOWN.to_owned(), text),
        };
        (today - CHART_DAYS + 1..=today)
            .map(point)
            .collect::<Vec<_>>()
    };
    let behind = days(&|day| Some(day.lag? as f64), &|day| lag(day.lag));
    let files = days(&|day| day.coverage, &|day| percent(day.coverage));
    let answered = days(&|day| day.up_share, &|day| percent(day.up_share));
    let all = Some((1.0, "100 %"));
    // If the mirror was never behind, the line lies on the ground: the upper edge is one hour.
    let is_flat = behind.iter().all(|point| point.value.unwrap_or(0.0) <= 0.0);
    let most = is_flat.then_some((3600.0, "1 h"));
    let drawn = |name, points: &[ChartPoint], most| line(name, points, most);
    let lag_svg = drawn("How far behind, 90 days", &behind, most);
    let files_svg = drawn("Files of the tree, 90 days", &files, all);
    let up_svg = drawn("Probes answered, 90 days", &answered, all);
    let day = "Day";
    vec![
        hours(known, now),
        ShownChart::of(
            ("lag", "Behind, 90 days"),
            lag_svg,
            [day, "Behind"],
            &behind,
        ),
        ShownChart::of(
            ("files", "Files, 90 days"),
            files_svg,
            [day, "Files of the tree"],
            &files,
        ),
        ShownChart::of(
            ("up", "Probes, 90 days"),
            up_svg,
            [day, "Answered"],
            &answered,
        ),
    ]
}

/// Makes the chart of the checks of 24 hours.
fn hours(known: &KnownMirror, now: Timestamp) -> ShownChart {
    let last = now.0.div_euclid(HOUR_S);
    let mut points = Vec::new();
    let mut rows = Vec::new();
    for hour in last - 23..=last {
        let own = known.hours.iter().filter(|sums| sums.period == hour);
        let sums = CheckSums::of(own.map(|sums| sums.sums));
        let name = Timestamp(hour * HOUR_S).to_string()[..16].replace('T', " ");
        let mean = sums.mean_s().map(|mean| format!("{:.0} ms", mean * 1000.0));
        let text = mean.unwrap_or_else(|| UNKNOWN.to_owned());
        rows.push(vec![
            name.clone(),
            sums.checks.to_string(),
            sums.ok.to_string(),
            text.clone(),
        ]);
        points.push(ChartPoint {
            name,
            value: sums.mean_s(),
            text,
        });
    }
    rows.reverse();
    ShownChart {
        id: "hours",
        name: "Answer time, 24 hours",
        svg: bars("Mean answer time per hour, 24 hours", &points),
        heads: vec!["Hour", "Checks", "Good", "Mean answer time"],
        rows,
        remark: String::new(),
        is_open: false,
    }
}
