//! A file that the web server serves itself.

use super::dispatch::{no_site, write_log_fields};
use crate::config::SiteConfig;
use crate::decide::{Decision, LocalReason};
use crate::domain::escape::url_path_into;
use crate::http::Response;

/// The web server serves the file: ranges, conditions and types stay its own.
pub(super) fn write(
    out: &mut Vec<u8>,
    config: &SiteConfig,
    decision: &Decision<'_>,
    reason: &LocalReason,
) {
    let Some(requested) = &decision.requested else {
        return;
    };
    let give = match reason {
        LocalReason::DatabaseUnavailable => "file (database_not_reached)",
        LocalReason::TreeUnknown(_) => "file (tree_not_reached)",
        _ => "file",
    };
    let local = &config.local;
    let file = [local.prefix.as_slice(), b"/", requested.as_bytes()].concat();
    let is_tree_elsewhere =
        matches!(reason, LocalReason::TreeUnknown(problem) if problem.is_absent());
    if !local.is_encoded && (is_tree_elsewhere || file.iter().any(u8::is_ascii_control)) {
        // No header can carry such a name, or the tree is not where we look for it; the web
        // server's fallback serves it.
        return no_site(&mut Response::new(out, "503 Service Unavailable"));
    }
    // The explicit status keeps Apache from judging the request's conditions before it has the
    // file's ETag.
    let mut response = Response::new(out, "200 OK");
    response.field_with(&local.header, |out| match local.is_encoded {
        true => url_path_into(out, &file),
        false => out.extend_from_slice(&file),
    });
    if !local.is_encoded {
        // nginx and lighttpd say so themselves.
        response.field("Accept-Ranges", b"bytes");
    }
    let can_vary = decision.is_negotiated || can_be_negotiated(reason);
    if can_vary && !decision.vary.is_empty() {
        response.field("Vary", decision.vary.as_bytes());
    }
    if *reason != LocalReason::EngineOff {
        write_log_fields(&mut response, decision, give);
    }
    response.end();
}

/// Whether another `Accept` could get a metalink from the same URL, now or once mirrors have the
/// file; where a rule keeps the file here, none ever does.
fn can_be_negotiated(reason: &LocalReason) -> bool {
    match reason {
        LocalReason::EngineOff
        | LocalReason::HeadLocally
        | LocalReason::Excluded(_)
        // What it is given it gives to everybody.
        | LocalReason::CacheFill
        | LocalReason::OutsideTree => false,
        LocalReason::TreeUnknown(_)
        | LocalReason::DatabaseUnavailable
        | LocalReason::NotCatalogued
        | LocalReason::Changed { .. }
        | LocalReason::LocationTooLong
        | LocalReason::NoMirror { .. } => true,
    }
}
