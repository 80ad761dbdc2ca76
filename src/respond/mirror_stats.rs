//! Answers `?mirrorstats`: the downloads and bytes of each mirror, today and in 30 days.
//!
//! # Security
//! An answer shows neither private mirrors nor mirrors that the database does not have, because
//! these may have been private.

use serde_json::{Value, json};

use super::answer::Exchange;
use crate::db::DbError;
use crate::db::stats::StatsReader;
use crate::db::stats::sums::{SumRow, SumSpan, SumSubject, SumUnit, largest};
use crate::domain::count::period::Period;
use crate::domain::escape::html_into;
use crate::domain::order::ShortList;

/// Days of the second period.
const DAYS: i64 = 30;

/// Mirrors that are read; more would be a fault of the database.
const MIRRORS_MAX: usize = 10_000;

/// A mirror and its downloads and bytes today, and in 30 days.
pub(super) struct MirrorLoad {
    name: String,
    today: (i64, i64),
    days: (i64, i64),
}

/// The mirrors, those with the most downloads today first.
///
/// # Errors
/// Returns [`DbError`] if the statistics cannot be read.
pub(super) fn loads(
    reader: &StatsReader,
    exchange: Exchange<'_>,
) -> Result<Vec<MirrorLoad>, DbError> {
    let today = Period::of(exchange.now).day;
    let read = |days: i64| {
        let span = SumSpan {
            unit: SumUnit::Day,
            first: today - days + 1,
            last: today,
        };
        largest(reader, SumSubject::Mirrors, (span, None), MIRRORS_MAX)
    };
    let (one, many) = (read(1)?, read(DAYS)?);
    let of = |rows: &[SumRow], name: &str| {
        let row = rows
            .iter()
            .find(|row| row.names.first().is_some_and(|n| n == name));
        row.map_or((0, 0), |row| (row.numbers[0], row.numbers[1]))
    };
    let site = exchange.site;
    let mirrors = site.snapshot.iter().flat_map(|s| s.roster.mirrors());
    let shown = mirrors.filter(|mirror| !site.config.law.is_private(mirror));
    let mut loads: Vec<MirrorLoad> = shown
        .map(|mirror| MirrorLoad {
            name: mirror.identifier.clone(),
            today: of(&one, &mirror.identifier),
            days: of(&many, &mirror.identifier),
        })
        .collect();
    loads.order_by(|a, b| (b.today, b.days, &a.name).cmp(&(a.today, a.days, &b.name)));
    Ok(loads)
}

fn percent(part: i64, whole: i64) -> f64 {
    let hundredths = part as f64 * 10_000.0 / whole.max(1) as f64;
    hundredths.round() / 100.0
}

/// As JSON: mirrorbits' columns first.
pub(super) fn as_json(loads: &[MirrorLoad]) -> Value {
    let downloads: i64 = loads.iter().map(|load| load.today.0).sum();
    let bytes: i64 = loads.iter().map(|load| load.today.1).sum();
    let of_days: i64 = loads.iter().map(|load| load.days.1).sum();
    let list = loads.iter().map(|load| {
        json!({
            "Name": load.name,
            "Downloads": load.today.0,
            "Bytes": load.today.1,
            "PercentD": percent(load.today.0, downloads),
            "PercentB": percent(load.today.1, bytes),
            "Downloads30Days": load.days.0,
            "Bytes30Days": load.days.1,
            "Percent30Days": percent(load.days.1, of_days),
        })
    });
    json!({ "List": list.collect::<Vec<_>>() })
}

/// As a page.
pub(super) fn as_html(loads: &[MirrorLoad]) -> Vec<u8> {
    let mut out = b"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width\">\n\
        <title>Downloads by mirror</title>\n</head>\n<body>\n<h1>Downloads by mirror</h1>\n\
        <p>Since 00:00 UTC, and in 30 days. A redirect is a promise: whether the client got the \
        file, nobody sees here.</p>\n<table>\n<tr><th>mirror</th><th>downloads</th>\
        <th>bytes</th><th>30 days: downloads</th><th>bytes</th></tr>\n"
        .to_vec();
    for load in loads {
        out.extend_from_slice(b"<tr><td>");
        html_into(&mut out, load.name.as_bytes());
        let (today, days) = (load.today, load.days);
        for number in [today.0, today.1, days.0, days.1] {
            out.extend_from_slice(format!("</td><td>{number}").as_bytes());
        }
        out.extend_from_slice(b"</td></tr>\n");
    }
    out.extend_from_slice(b"</table>\n</body>\n</html>\n");
    out
}
