//! Asks one mirror for what is planned, and checks each byte that it sends.

use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use fastrand::Rng;
use sha1::{Digest, Sha1};

use super::plan::{PlannedDownload, some_range};
use super::result::SmokeResult;
use super::truth::ExpectedFile;
use super::verdict::{SmokeOutcome, SmokeVerdict};
use crate::domain::order::ShortList;
use crate::fetch::{
    FetchError, HttpAnswer, HttpClient, HttpOptions, HttpRequest, HttpSession, HttpUrl, OwnPorts,
    Patience,
};

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Names of files that are pages themselves.
const PAGE_ENDS: [&str; 5] = [".html", ".htm", ".xhtml", ".shtml", ".php"];

/// The rules of downloads, the same for all mirrors.
pub(super) struct DownloadRules<'a> {
    pub client: &'a HttpClient,
    pub stop: &'a AtomicBool,
    /// The virtual host, which has named the mirrors.
    pub own: &'a HttpUrl,
    /// Bytes per mirror.
    pub bytes_max: u64,
    /// Time per mirror.
    pub time_max: Duration,
    /// Longest silence of a mirror.
    pub silence: Duration,
}

/// The result of one exchange.
struct DownloadFinding {
    verdict: SmokeVerdict,
    bytes: u64,
    has_digest: bool,
}

impl DownloadFinding {
    fn of(outcome: SmokeOutcome, detail: impl Into<String>) -> DownloadFinding {
        DownloadFinding {
            verdict: SmokeVerdict::new(outcome, detail),
            bytes: 0,
            has_digest: false,
        }
    }

    fn failed(error: &FetchError) -> DownloadFinding {
        DownloadFinding {
            verdict: SmokeVerdict::of_error(error),
            bytes: 0,
            has_digest: false,
        }
    }
}

/// Asks a mirror for all of its downloads, one after the other: ranges first, then small files.
/// `known` is its name in the database.
pub(super) fn download_all(
    rules: &DownloadRules<'_>,
    (host, known): (&str, Option<&str>),
    mut planned: Vec<PlannedDownload>,
    files: &[ExpectedFile],
    mut done: impl FnMut(),
) -> Vec<SmokeResult> {
    planned.order_by_key(|one| (one.range.is_none(), files[one.file].size));
    let patience = Patience::new(rules.silence, rules.time_max, rules.stop);
    let mut left = rules.bytes_max;
    let mut random = Rng::with_seed(left);
    let mut results = Vec::new();
    for one in planned {
        let file = &files[one.file];
        let url = one.url.to_string();
        let session = rules.client.session(HttpOptions {
            patience,
            own_ports: OwnPorts::of([url.as_str()]),
        });
        let begun = Instant::now();
        // A large file is checked by a piece of it.
        let is_large = file.size.is_some_and(|size| size > left);
        let part = match one.range {
            None if is_large => some_range(file, &mut random),
            range => range,
        };
        let may_ask = match known {
            Some(_) => Ok(()),
            None => session.check_scope(rules.own, &one.url),
        };
        let received = match (may_ask, part) {
            (Err(error), _) => DownloadFinding::failed(&error),
            (Ok(()), Some(range)) if range.1 - range.0 < left => {
                part_of(&session, &one, file, range)
            }
            (Ok(()), None) if left > 0 => whole(&session, &one, file, left),
            _ => DownloadFinding::of(SmokeOutcome::Unfinished, "the bytes per mirror are used up"),
        };
        left = left.saturating_sub(received.bytes);
        done();
        if one.is_own && received.verdict.outcome == SmokeOutcome::Redirect {
            // This time the host did not send the file itself, but sent the client to a mirror.
            continue;
        }
        results.push(SmokeResult {
            host: host.to_owned(),
            name: known.map(str::to_owned).or(one.name),
            is_own: one.is_own,
            file: file.target.clone(),
            manner: one.manner,
            place: one.place,
            verdict: received.verdict,
            bytes: received.bytes,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            has_digest: received.has_digest,
        });
    }
    results
}

fn whole(
    session: &HttpSession<'_>,
    one: &PlannedDownload,
    file: &ExpectedFile,
    bytes_max: u64,
) -> DownloadFinding {
    let request = HttpRequest {
        is_whole: true,
        once: true,
        ..HttpRequest::default()
    };
    let mut answer = match session.get(&one.url, request, &|_| !one.is_own) {
        Ok(answer) => answer,
        Err(error) => return DownloadFinding::failed(&error),
    };
    if answer.status == 206 {
        return DownloadFinding::of(SmokeOutcome::Unknown, "it answers with a part, unasked");
    }
    if let Some(verdict) = judge_head(&answer, file, answer.length) {
        return DownloadFinding::of(verdict.outcome, verdict.detail);
    }
    let mut sum = file.digest.as_ref().map(|digest| digest.begin());
    let limit = file.size.unwrap_or(bytes_max);
    let (bytes, error) = read_up_to(&mut answer, limit, |piece| {
        if let Some(sum) = &mut sum {
            sum.add(piece);
        }
    });
    let mut received = DownloadFinding::of(SmokeOutcome::Ok, "");
    received.bytes = bytes;
    if let Some(verdict) = error {
        received.verdict = verdict;
    } else if let Some(size) = file.size.filter(|size| *size != bytes) {
        received.verdict = wrong_size(&answer, file, Some(bytes), size);
    } else if file.size.is_none() && bytes > bytes_max {
        let detail = "the bytes per mirror are used up";
        received.verdict = SmokeVerdict::new(SmokeOutcome::Unfinished, detail);
    } else if let (Some(digest), Some(sum)) = (&file.digest, sum) {
        received.has_digest = true;
        if !digest.is(sum) {
            let detail = format!("the {} of its bytes is another", digest.name());
            received.verdict = SmokeVerdict::new(SmokeOutcome::WrongDigest, detail);
        }
    }
    received
}

fn part_of(
    session: &HttpSession<'_>,
    one: &PlannedDownload,
    file: &ExpectedFile,
    range: (u64, u64),
) -> DownloadFinding {
    let request = HttpRequest {
        range: Some(range),
        once: true,
        ..HttpRequest::default()
    };
    let mut answer = match session.get(&one.url, request, &|_| !one.is_own) {
        Ok(answer) => answer,
        Err(error) => return DownloadFinding::failed(&error),
    };
    let total = answer.content_range.rsplit('/').next();
    let total: Option<u64> = total.and_then(|total| total.trim().parse().ok());
    if let (416, Some(total), Some(size)) = (answer.status, total, file.size) {
        let detail = format!("it has {total} bytes, not {size}");
        return DownloadFinding::of(SmokeOutcome::WrongSize, detail);
    }
    let size_told = if answer.status == 206 {
        total
    } else {
        answer.length
    };
    if let Some(verdict) = judge_head(&answer, file, size_told) {
        return DownloadFinding::of(verdict.outcome, verdict.detail);
    }
    if answer.status == 200 {
        return DownloadFinding::of(
            SmokeOutcome::NoRange,
            "it sends the whole file in place of a range",
        );
    }
    let wanted = range.1 - range.0 + 1;
    let piece_sum = file.piece(range);
    let is_whole = range.0 == 0 && Some(wanted) == file.size;
    let digest = file.digest.as_ref().filter(|_| is_whole);
    let mut sha1 = Sha1::new();
    let mut sum = digest.map(|digest| digest.begin());
    let (bytes, error) = read_up_to(&mut answer, wanted, |piece| {
        sha1.update(piece);
        if let Some(sum) = &mut sum {
            sum.add(piece);
        }
    });
    let mut received = DownloadFinding::of(SmokeOutcome::Ok, "");
    received.bytes = bytes;
    let has_right_sum = match (piece_sum, digest, sum) {
        (Some(expected), ..) => Some(sha1.finalize()[..] == expected[..]),
        (None, Some(digest), Some(sum)) => Some(digest.is(sum)),
        _ => None,
    };
    if let Some(verdict) = error {
        received.verdict = verdict;
    } else if bytes != wanted {
        let detail = format!("it sends {bytes} bytes of a range of {wanted}");
        received.verdict = SmokeVerdict::new(SmokeOutcome::WrongSize, detail);
    } else if let Some(is_right) = has_right_sum {
        received.has_digest = true;
        if !is_right {
            let detail = format!("the bytes {} to {} are others", range.0, range.1);
            received.verdict = SmokeVerdict::new(SmokeOutcome::WrongDigest, detail);
        }
    }
    received
}

/// Judges the head of an answer. Absent if the bytes decide.
fn judge_head(
    answer: &HttpAnswer<'_>,
    file: &ExpectedFile,
    told: Option<u64>,
) -> Option<SmokeVerdict> {
    if let Some(verdict) = SmokeVerdict::of_status(answer.status) {
        return Some(verdict);
    }
    match (told, file.size) {
        (Some(told), Some(size)) if told != size => {
            Some(wrong_size(answer, file, Some(told), size))
        }
        _ => None,
    }
}

/// Gives the verdict on a size that is not the file's: a page of a portal, or another version.
fn wrong_size(
    answer: &HttpAnswer<'_>,
    file: &ExpectedFile,
    found: Option<u64>,
    size: u64,
) -> SmokeVerdict {
    let found = found.map(|found| found.to_string()).unwrap_or_default();
    let name = file.target.to_ascii_lowercase();
    let is_page_name = PAGE_ENDS.iter().any(|end| name.ends_with(end));
    if answer.content_type.trim_start().starts_with("text/html") && !is_page_name {
        let detail = format!("it sends a page ({found} bytes of text/html) in place of the file");
        return SmokeVerdict::new(SmokeOutcome::Page, detail);
    }
    SmokeVerdict::new(
        SmokeOutcome::WrongSize,
        format!("it has {found} bytes, not {size}"),
    )
}

/// Reads a body until one byte more than `limit` has come. Returns the error of the exchange, if
/// there is one.
fn read_up_to(
    answer: &mut HttpAnswer<'_>,
    limit: u64,
    mut give: impl FnMut(&[u8]),
) -> (u64, Option<SmokeVerdict>) {
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    while bytes <= limit {
        let count = match answer.body.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                let fetch = error.get_ref().and_then(|inner| inner.downcast_ref());
                let verdict = match fetch {
                    Some(error) => SmokeVerdict::of_error(error),
                    None => SmokeVerdict::new(SmokeOutcome::Unknown, error.to_string()),
                };
                return (bytes, Some(verdict));
            }
        };
        bytes += count as u64;
        give(&piece[..count]);
    }
    (bytes, None)
}
