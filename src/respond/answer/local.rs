//! Writes the answer by which the web server serves a file itself.

use std::borrow::Cow;

use super::exchange::Exchange;
use super::page::{HTML, write_log_fields};
use crate::config::LocalKind;
use crate::decide::{Decision, Hold, LocalReason, Outcome};
use crate::domain::escape::url_path_into;
use crate::domain::path::FilePath;
use crate::http::{Request, Response};
use crate::tree::rest_below;

/// Leaves a file to the web server, which handles ranges, conditions and types.
pub(super) fn write(out: &mut Vec<u8>, exchange: Exchange<'_>, reason: &LocalReason) {
    let (request, decision) = (exchange.request, exchange.decision);
    let local = &exchange.config().local;
    let give = match reason {
        LocalReason::DatabaseUnavailable => Cow::Borrowed("file (database_not_reached)"),
        LocalReason::TreeUnknown(_) => Cow::Borrowed("file (tree_not_reached)"),
        LocalReason::Held(hold) => Cow::Owned(held(decision, *hold)),
        _ => Cow::Borrowed("file"),
    };
    let Some(file) = name(exchange, reason) else {
        return leave(out, request);
    };
    if !local.is_encoded && file.iter().any(u8::is_ascii_control) {
        // No header field can carry such a name.
        return leave(out, request);
    }
    if request.leaves_file {
        let mut response = left(out, request);
        write_common(&mut response, decision, reason, &give);
        return response.end();
    }
    // The explicit status keeps Apache from judging the request's conditions before it has the
    // file's ETag.
    let mut response = Response::new(out, "200 OK");
    response.field_with(&local.header, |out| match local.is_encoded {
        true => url_path_into(out, &file),
        false => out.extend_from_slice(&file),
    });
    if !local.is_encoded {
        // nginx and lighttpd add the field themselves.
        response.field("Accept-Ranges", b"bytes");
    }
    write_common(&mut response, decision, reason, &give);
    response.end();
}

/// Writes the fields of every file that the web server serves.
fn write_common(
    response: &mut Response<'_>,
    decision: &Decision<'_>,
    reason: &LocalReason,
    give: &str,
) {
    let can_vary = decision.is_negotiated || can_be_negotiated(reason);
    if can_vary && !decision.vary.is_empty() {
        response.field("Vary", decision.vary.as_bytes());
    }
    if *reason != LocalReason::EngineOff {
        write_log_fields(response, decision, give);
    }
    if let Some(Outcome::Redirect(redirect)) = decision.held.as_deref()
        && let Some(best) = redirect.choices.first()
    {
        let realm = best.candidate.realm.as_str().as_bytes();
        response.field("Realm-MB", realm);
    }
}

/// The answer that is held back, for the log: `file (shadow:MIRROR)`, or `file (shadow:.meta4)`.
fn held(decision: &Decision<'_>, hold: Hold) -> String {
    let hold = hold.code();
    match decision.held.as_deref() {
        Some(Outcome::Document(document)) => format!("file ({hold}:.{})", document.kind().as_str()),
        _ => {
            let best = decision.choices().first();
            format!("file ({hold}:{})", best.map_or("-", |best| &best.name))
        }
    }
}

/// The file's name for the web server: its own name, if it gave one. `None` if it must find the
/// file without a name from us, because X-Sendfile may only send files of the tree.
fn name<'a>(exchange: Exchange<'a>, reason: &LocalReason) -> Option<Cow<'a, [u8]>> {
    let (request, decision) = (exchange.request, exchange.decision);
    let config = exchange.config();
    let local = &config.local;
    let requested = decision
        .requested
        .as_ref()
        .filter(|_| *reason != LocalReason::Unseen);
    let below = |path: &FilePath| [&local.prefix[..], b"/", path.as_bytes()].concat();
    let is_tree_elsewhere =
        matches!(reason, LocalReason::TreeUnknown(problem) if problem.is_absent());
    match (request.file, local.kind) {
        // There is no tree at our path.
        (b"", LocalKind::Apache) if is_tree_elsewhere => None,
        (b"", _) | (_, LocalKind::Nginx) => requested.map(below).map(Cow::Owned),
        // mod_xsendfile compares names and knows only one name of the tree.
        (file, LocalKind::Apache) => requested
            .and_then(|_| rest_below(file, config.tree.as_os_str().as_encoded_bytes()))
            .map(|_| Cow::Borrowed(file)),
        (file, LocalKind::Lighttpd) => Some(Cow::Borrowed(file)),
    }
}

/// Leaves the file to the web server, in the way that it has for times without a responder.
pub(super) fn leave(out: &mut Vec<u8>, request: &Request<'_>) {
    if request.local_url.is_empty() {
        // Apache and lighttpd would add further fields of ours to the file.
        Response::new(out, "503 Service Unavailable").body(HTML, b"");
        return;
    }
    left(out, request).end();
}

/// Writes the first fields of an answer that leaves a file to the web server.
fn left<'o>(out: &'o mut Vec<u8>, request: &Request<'_>) -> Response<'o> {
    if request.local_url.is_empty() {
        return Response::new(out, "503 Service Unavailable");
    }
    let mut response = Response::new(out, "200 OK");
    response.field("Location", request.local_url);
    response
}

/// Whether the same URL can give a metalink for another `Accept`, now or when mirrors have the
/// file. If a rule keeps the file here, it never can.
fn can_be_negotiated(reason: &LocalReason) -> bool {
    match reason {
        LocalReason::EngineOff
        | LocalReason::HeadLocally
        | LocalReason::Excluded(_)
        // A cache gives everybody the answer that it gets.
        | LocalReason::CacheFill
        | LocalReason::Held(Hold::Shadow)
        | LocalReason::OutsideTree
        | LocalReason::DirectoryIndex
        | LocalReason::Unseen => false,
        LocalReason::TreeUnknown(_)
        | LocalReason::Held(Hold::Rollout)
        | LocalReason::DatabaseUnavailable
        | LocalReason::NotCatalogued
        | LocalReason::Changed { .. }
        | LocalReason::LocationTooLong
        | LocalReason::CopyTooOld
        | LocalReason::NoMirror { .. } => true,
    }
}
