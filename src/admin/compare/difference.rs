//! Compares two answers to one request.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::sample::ComparedRequest;
use crate::domain::representation::Representation;
use crate::domain::url_parts::UrlParts;
use crate::fetch::AskAnswer;

/// Fields of files and documents that clients act on.
const FIELDS: [&str; 7] = [
    "content-type",
    "content-length",
    "content-range",
    "content-encoding",
    "accept-ranges",
    "etag",
    "last-modified",
];

/// A difference between two answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnswerDifference {
    /// `status`, the name of a field, `body`…
    pub what: &'static str,
    pub a: String,
    pub b: String,
}

/// The host of `Location`; empty: there is none.
pub(super) fn location_host(answer: &AskAnswer) -> String {
    let location = answer.text("location");
    let host = UrlParts::of(&location).map(|parts| parts.host_and_port().to_owned());
    host.unwrap_or_default()
}

/// Lists all differences, except in the host of a redirect, which may have been drawn.
pub(super) fn differences(
    request: &ComparedRequest,
    a: &AskAnswer,
    b: &AskAnswer,
) -> Vec<AnswerDifference> {
    let mut found = Vec::new();
    let mut see = |what, a: String, b: String| {
        if a != b {
            found.push(AnswerDifference { what, a, b });
        }
    };
    see("status", a.status.to_string(), b.status.to_string());
    // Redirects and pages of errors have fields of their own.
    if a.status != b.status || !matches!(a.status, 200 | 206 | 304) {
        return found;
    }
    let document = request.document();
    for name in FIELDS {
        // Pages and metalinks have their own length and version on each host.
        let is_own = matches!(name, "content-length" | "etag" | "last-modified");
        if document.is_none() || !is_own {
            see(name, a.text(name), b.text(name));
        }
    }
    match document {
        None => {}
        Some(
            Representation::Md5
            | Representation::Sha1
            | Representation::Sha256
            | Representation::Sha512
            | Representation::Btih,
        ) => see("SHA-256 of the body", digest(&a.body), digest(&b.body)),
        Some(_) => see("hosts of the body", hosts(a), hosts(b)),
    }
    found
}

fn digest(body: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(body).iter() {
        // A string takes all.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The hosts that a document names, sorted: their order may be drawn.
fn hosts(answer: &AskAnswer) -> String {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let mut hosts = BTreeSet::new();
    for (at, _) in text.match_indices("://") {
        let host = &text[at + 3..];
        let end = host.find(|c: char| !c.is_ascii_alphanumeric() && !"-._:[]".contains(c));
        hosts.insert(host[..end.unwrap_or(host.len())].to_owned());
    }
    hosts.into_iter().collect::<Vec<_>>().join(" ")
}
