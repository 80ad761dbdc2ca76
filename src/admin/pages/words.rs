//! Writes facts about mirrors in words for people.

use super::gather::{DAY_S, KnownMirror, KnownSite, STRIP_DAYS};
use crate::domain::health::Family;
use crate::domain::status_page::badge::BadgeColour;
use crate::domain::status_page::chart::{Square, strip};
use crate::domain::status_page::page::{Incident, PageFrame, ShownMirror};
use crate::domain::time::{Timestamp, age};
use crate::domain::url::{Scheme, without_login};

/// The words for a value that is not known.
pub(super) const UNKNOWN: &str = "not known";

/// The words in an event before the command that shows the same.
const EVIDENCE: &str = "; to see it: ";

/// Writes a share in percent; only the whole is 100 %.
pub(super) fn percent(share: Option<f64>) -> String {
    match share {
        None => UNKNOWN.to_owned(),
        Some(share) if share >= 1.0 => "100 %".to_owned(),
        Some(share) => format!("{:.1} %", (share * 100.0).min(99.9)),
    }
}

/// Says how far a mirror is behind.
pub(super) fn lag(seconds: Option<i64>) -> String {
    match seconds {
        None => UNKNOWN.to_owned(),
        Some(0) => "up to date".to_owned(),
        Some(seconds) => duration(seconds),
    }
}

/// Writes a time in one unit.
pub(super) fn duration(seconds: i64) -> String {
    age(Timestamp(seconds), Timestamp(0))
}

/// A day as a date.
pub(super) fn date(day: i64) -> String {
    Timestamp(day * DAY_S).to_string()[..10].to_owned()
}

/// Gives an operator's link, if a browser can follow it.
fn web_url(url: &str) -> Option<String> {
    let scheme = Scheme::of(url)?;
    let is_web = matches!(scheme, Scheme::Http | Scheme::Https);
    (is_web && !url.contains(char::is_control)).then(|| without_login(url))
}

/// Writes a mirror in words.
pub(super) fn shown(known: &KnownMirror, now: Timestamp) -> ShownMirror {
    let record = &known.record;
    let day = known.sums_of_day(None);
    let answer = match (day.mean_s(), day.deviation_s()) {
        (Some(mean), Some(deviation)) => {
            format!("{:.0} ± {:.0} ms", mean * 1000.0, deviation * 1000.0)
        }
        _ => UNKNOWN.to_owned(),
    };
    let operator = match record.operator_name.is_empty() {
        true => UNKNOWN,
        false => &record.operator_name,
    };
    let (sync, probe) = strips(known, now);
    ShownMirror {
        name: record.identifier.clone(),
        file: known.file.clone(),
        operator: operator.to_owned(),
        operator_url: web_url(&record.operator_url),
        country: known.country.clone(),
        marks: marks(known),
        state: known.state,
        class: class(known.state),
        reason: known.reason.map(|reason| reason.code()),
        why: known.reason.map(|reason| reason.public_text()),
        lag: lag(known.freshness.lag_s),
        coverage: percent(known.coverage),
        completion_day: percent(day.completion()),
        completion_week: percent(known.sums_of_week(now).completion()),
        answer,
        share: percent(known.share),
        sync_strip: sync,
        probe_strip: probe,
    }
}

/// The class of a state in the style sheet.
pub(super) fn class(state: &str) -> &'static str {
    match state {
        "up" => "ok",
        "partly" => "mid",
        "down" => "bad",
        _ => "none",
    }
}

fn strips(known: &KnownMirror, now: Timestamp) -> (String, String) {
    let today = now.0.div_euclid(DAY_S);
    let days =
        (today - STRIP_DAYS + 1..=today).map(|day| known.past.iter().find(|past| past.day == day));
    let (sync, probe): (Vec<Square>, Vec<Square>) = days
        .map(|past| {
            let lag = Square::of_lag(past.and_then(|past| past.lag));
            (lag, Square::of_share(past.and_then(|past| past.up_share)))
        })
        .unzip();
    (strip("Sync", &sync), strip("Probes", &probe))
}

/// Names the protocols of a mirror, with the families of those that were probed: `https (4, 6)
/// rsync`.
fn marks(known: &KnownMirror) -> String {
    let mut marks: Vec<String> = Vec::new();
    for (scheme, _) in &known.urls {
        let own = known.probes.iter().filter(|probe| probe.scheme == *scheme);
        let families: Vec<&str> = own
            .map(|probe| match probe.family {
                Family::V4 => "4",
                Family::V6 => "6",
            })
            .collect();
        marks.push(match families.is_empty() {
            true => scheme.as_str().to_owned(),
            false => format!("{} ({})", scheme.as_str(), families.join(", ")),
        });
    }
    marks.dedup();
    marks.join(" ")
}

/// Gives the words and the colour of a mirror's badge.
pub(super) fn badge_of(known: &KnownMirror) -> (String, BadgeColour) {
    let is_late = known.freshness.lag_s.is_some_and(|lag| lag > DAY_S);
    let late = match known.freshness.lag_s {
        Some(lag) if lag > 0 => format!(", {} behind", duration(lag)),
        _ => String::new(),
    };
    let colour = match known.state {
        "up" if !is_late => BadgeColour::Green,
        "up" | "partly" => BadgeColour::Yellow,
        _ => BadgeColour::Red,
    };
    (format!("{}{late}", known.state), colour)
}

/// Gives the words and the colour of the site's badge.
pub(super) fn badge_of_site(site: &KnownSite) -> (String, BadgeColour) {
    let up = up(site);
    let of = site.mirrors.iter().filter(|known| known.record.enabled);
    let of = of.count();
    let colour = match up {
        _ if up == of && up > 0 => BadgeColour::Green,
        0 => BadgeColour::Red,
        _ => BadgeColour::Yellow,
    };
    (format!("{up}/{of}"), colour)
}

/// Mirrors that answer.
pub(super) fn up(site: &KnownSite) -> usize {
    let is_up = |known: &&KnownMirror| matches!(known.state, "up" | "partly");
    site.mirrors.iter().filter(is_up).count()
}

/// The changes of mirrors of the pages, the latest first. Admins see the commands, too.
pub(super) fn incidents(site: &KnownSite, frame: &PageFrame) -> Vec<Incident> {
    let told = site.events.iter().filter_map(|event| {
        let known = site
            .mirrors
            .iter()
            .find(|known| Some(known.record.id) == event.mirror)?;
        let what = match (frame.is_admin, event.what.split_once(EVIDENCE)) {
            (false, Some((what, _))) => what,
            _ => &event.what,
        };
        Some(Incident {
            at: event.at,
            mirror: known.record.identifier.clone(),
            file: Some(known.file.clone()),
            what: what.to_owned(),
        })
    });
    told.collect()
}
