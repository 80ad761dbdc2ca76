//! Reads a mirror's trace file, which its sync leaves, before the mirror is listed.
//!
//! The trace is a hint: it lowers the number of requests at a time, and people see it. If it cannot
//! be read, that is one note of the scan and nothing more.
//!
//! # Limits
//! [`TRACE_BYTES_MAX`], and [`TIME_MAX`] for the whole exchange.

use std::io::Read;
use std::time::{Duration, Instant};

use super::network::Network;
use super::protocol::http_url;
use crate::db::mirror::MirrorRecord;
use crate::db::mirror_trace::{self, StoredTrace};
use crate::db::{DbError, Writer};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;
use crate::domain::trace::{TRACE_BYTES_MAX, TRACE_NAME, Trace};
use crate::fetch::{FetchError, HttpRequest, HttpSession, HttpUrl};

/// Longest time for each step of the exchange, and for the whole body: a hint is worth no more.
pub const TIME_MAX: Duration = Duration::from_secs(20);

/// The result of asking for a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceRead {
    /// The mirror has no trace, or does not show it.
    Absent,
    /// The mirror did not answer, so that it is unknown whether it has one.
    Unknown,
    /// The file cannot be used, for this reason.
    Bad(String),
    /// A trace, and its oddities as text, which may be empty.
    Found(Trace, String),
}

/// Asks for the trace below a mirror's base URL.
fn read(session: &HttpSession<'_>, base: &HttpUrl, now: Timestamp) -> TraceRead {
    match fetch(session, base) {
        Ok((200, body)) => match Trace::parse(&body, now) {
            Ok(trace) => {
                let odd = if trace.synced_at.is_none() {
                    format!("{TRACE_NAME}: its time cannot be and is ignored")
                } else {
                    String::new()
                };
                TraceRead::Found(trace, odd)
            }
            Err(error) => TraceRead::Bad(format!("{TRACE_NAME} cannot be used: {error}")),
        },
        // Many servers refuse all names that begin with a dot.
        Ok((401 | 403 | 404 | 410, _)) => TraceRead::Absent,
        Ok((status, _)) => {
            log::debug!("no trace: url={base} status={status}");
            TraceRead::Unknown
        }
        Err(FetchError::Redirected { to } | FetchError::RedirectRefusal { to, .. }) => {
            TraceRead::Bad(format!(
                "{TRACE_NAME} leads elsewhere and is not read: {to}"
            ))
        }
        Err(error) => {
            log::debug!(
                "no trace: url={base} error={}",
                crate::program::exit::chain(&error)
            );
            TraceRead::Unknown
        }
    }
}

impl TraceRead {
    /// The note for the scan.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            TraceRead::Bad(note) => Some(note.clone()),
            TraceRead::Found(_, odd) if !odd.is_empty() => Some(odd.clone()),
            _ => None,
        }
    }
}

/// Asks a mirror for its trace if it has a URL over HTTP.
pub(super) fn ask(network: &Network<'_>, mirror: &MirrorRecord, now: Timestamp) -> TraceRead {
    let base = http_url(mirror).and_then(|url| HttpUrl::parse(url).ok());
    let session = network.session_within(network.patience.timeout.min(TIME_MAX));
    match (base, session) {
        (Some(base), Ok(session)) => read(&session, &base, now),
        // If no client can be made, the listing reports why.
        _ => TraceRead::Unknown,
    }
}

/// Stores changes; returns how many connections the mirror wants at most.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be read or written.
pub(super) fn keep(
    writer: &mut Writer,
    mirror: MirrorId,
    read: TraceRead,
    now: Timestamp,
) -> Result<Option<u32>, DbError> {
    let known = mirror_trace::load(writer, mirror)?.map(|stored| stored.trace);
    let found = match read {
        // The last trace counts until the mirror has another one.
        TraceRead::Unknown | TraceRead::Bad(_) => {
            return Ok(known.and_then(|trace| trace.connections));
        }
        TraceRead::Absent => None,
        TraceRead::Found(trace, _) => Some(trace),
    };
    let connections = found.as_ref().and_then(|trace| trace.connections);
    if known != found {
        let stored = found.map(|trace| StoredTrace {
            read_at: now,
            trace,
        });
        writer
            .transaction(|transaction| mirror_trace::store(transaction, mirror, stored.as_ref()))?;
    }
    Ok(connections)
}

/// Status and beginning of the body, up to one byte more than a trace may have.
fn fetch(session: &HttpSession<'_>, base: &HttpUrl) -> Result<(u16, Vec<u8>), FetchError> {
    let request = HttpRequest {
        once: true,
        ..HttpRequest::default()
    };
    let url = base.file(TRACE_NAME.as_bytes());
    let answer = session.get(&url, request, &|to| base.has(to))?;
    let mut body = Vec::new();
    if answer.status != 200 {
        return Ok((answer.status, body));
    }
    let deadline = Instant::now() + TIME_MAX;
    let mut pieces = answer.body.take(TRACE_BYTES_MAX + 1);
    let mut piece = [0; 4096];
    loop {
        match pieces.read(&mut piece) {
            Ok(0) => return Ok((200, body)),
            Ok(_) if Instant::now() > deadline => {
                let timeout_s = TIME_MAX.as_secs();
                return Err(FetchError::Silent { timeout_s });
            }
            Ok(count) => body.extend_from_slice(&piece[..count]),
            Err(error) => {
                let said = error.to_string();
                return Err(FetchError::Broken { said });
            }
        }
    }
}
