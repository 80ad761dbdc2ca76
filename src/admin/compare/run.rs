//! Asks both hosts and compares.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::difference::{AnswerDifference, differences, location_host};
use super::report::{CompareReport, DifferentAnswer};
use super::sample::{ComparedRequest, RequestSample, of_catalogue};
use crate::admin::args::CompareArgs;
use crate::admin::error::{AdminError, ArgumentError};
use crate::admin::replay::{LogInput, LogLines};
use crate::admin::session::Session;
use crate::domain::url_parts::UrlParts;
use crate::fetch::{AskAnswer, AskClient, AskRequest};
use crate::program::exit::Exit;

/// Seconds for one request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How often both hosts are asked again if they name different mirrors.
const DRAWS: usize = 12;

/// Compares two hosts.
///
/// # Errors
/// Returns [`AdminError`] if a URL, the log or the catalogue cannot be read, or no client can be
/// made.
pub fn compare(session: &mut Session, args: &CompareArgs) -> Result<Exit, AdminError> {
    let hosts = [base("URL_A", &args.url_a)?, base("URL_B", &args.url_b)?];
    let requests = match &args.from {
        Some(log) => of_log(log, args)?,
        None => {
            let reader = session.reader()?;
            of_catalogue(&reader, &session.site.url_path, args.requests as usize)?
        }
    };
    let client = AskClient::new(args.jobs as usize, TIMEOUT)?;
    let total = (requests.len() * hosts.len()) as u64;
    let bar = session.progress.bar("compare", "requests", Some(total));
    let [a, b] = hosts.each_ref().map(|host| {
        let asked: Vec<AskRequest> = requests.iter().map(|request| ask(host, request)).collect();
        client.ask(&asked, || bar.add(1))
    });
    let mut report = CompareReport {
        asked: requests.len(),
        ..CompareReport::default()
    };
    let mut to_draw = Vec::new();
    for ((request, a), b) in requests.iter().zip(a).zip(b) {
        match (a, b) {
            (Ok(a), Ok(b)) => judge(&mut report, &mut to_draw, request, [a, b]),
            (a, b) => {
                let why = [a.err(), b.err()].into_iter().flatten();
                let why = why.collect::<Vec<_>>().join("; ");
                report.unanswered.push((request.name(), why));
            }
        }
    }
    draw(&mut report, &client, &hosts, &to_draw);
    drop(bar);
    if args.json {
        session.console.json(&report.to_json())?;
    } else {
        report.write(session.console.out())?;
    }
    Ok(
        match (report.different.is_empty(), report.unanswered.is_empty()) {
            (false, _) => Exit::Failed,
            (true, false) => Exit::Partial,
            (true, true) => Exit::Ok,
        },
    )
}

/// A URL without a slash at its end.
fn base(name: &str, url: &str) -> Result<String, AdminError> {
    let parts = UrlParts::of(url).filter(|parts| matches!(parts.scheme, "http" | "https"));
    match parts {
        Some(parts) if !parts.authority.is_empty() => Ok(url.trim_end_matches('/').to_owned()),
        _ => Err(AdminError::Value {
            key: name.to_owned(),
            problem: ArgumentError::NoHttpUrl(url.to_owned()),
        }),
    }
}

/// Requests of a log.
fn of_log(log: &Path, args: &CompareArgs) -> Result<Vec<ComparedRequest>, AdminError> {
    let failed = |source| AdminError::File {
        doing: "read",
        path: log.to_owned(),
        source,
    };
    let mut lines = LogLines::new(args.format.as_deref())?;
    let mut sample = RequestSample::new(args.requests as usize);
    let mut input = LogInput::open(0, log, &Arc::new(AtomicU64::new(0))).map_err(failed)?;
    while let Some(block) = input.next_block().map_err(failed)? {
        for line in block.bytes.split(|byte| *byte == b'\n') {
            let Some(logged) = lines.read(line) else {
                continue;
            };
            let is_head = logged.method == b"HEAD";
            if let Ok(target) = String::from_utf8(logged.uri.clone())
                && (is_head || logged.method == b"GET")
            {
                let range = None;
                sample.add(ComparedRequest {
                    target,
                    is_head,
                    range,
                });
            }
        }
    }
    let requests = sample.into_requests();
    if requests.is_empty() {
        let why = format!("{}: no request in it was understood", log.display());
        return Err(AdminError::Nothing(why));
    }
    Ok(requests)
}

fn ask(host: &str, request: &ComparedRequest) -> AskRequest {
    let range = request.range.iter();
    AskRequest {
        url: format!("{host}{}", request.target),
        is_head: request.is_head,
        fields: range.map(|range| ("Range", range.clone())).collect(),
        body_bytes_max: request.body_bytes_max(),
    }
}

/// Compares two answers; redirects to two mirrors are asked for again.
fn judge<'r>(
    report: &mut CompareReport,
    to_draw: &mut Vec<(&'r ComparedRequest, [String; 2])>,
    request: &'r ComparedRequest,
    [a, b]: [AskAnswer; 2],
) {
    let found = differences(request, &a, &b);
    let hosts = [location_host(&a), location_host(&b)];
    if !found.is_empty() {
        report.different.push(DifferentAnswer {
            request: request.name(),
            differences: found,
        });
    } else if hosts[0] != hosts[1] {
        to_draw.push((request, hosts));
    } else {
        report.same += 1;
    }
}

/// Asks again if the hosts name different mirrors: two hosts that draw among the same mirrors name
/// the same one sooner or later.
fn draw(
    report: &mut CompareReport,
    client: &AskClient,
    hosts: &[String; 2],
    to_draw: &[(&ComparedRequest, [String; 2])],
) {
    for (request, first) in to_draw {
        let drawn = [0, 1].map(|side| {
            let again = vec![ask(&hosts[side], request); DRAWS];
            let answers = client.ask(&again, || {}).into_iter().flatten();
            let mut found: BTreeSet<String> =
                answers.map(|answer| location_host(&answer)).collect();
            found.insert(first[side].clone());
            found
        });
        if drawn[0].is_disjoint(&drawn[1]) {
            let [a, b] = drawn.map(|hosts| hosts.into_iter().collect::<Vec<_>>().join(" "));
            let what = "host of Location";
            report.different.push(DifferentAnswer {
                request: request.name(),
                differences: vec![AnswerDifference { what, a, b }],
            });
        } else {
            report.same += 1;
            report.drawn += 1;
        }
    }
}
