//! Writes the redirect: status, `Location`, and the fields about the chosen mirror (behaviour
//! §4.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::exchange::Exchange;
use super::page::{page_with, write_log_fields};
use crate::decide::Redirect;
use crate::domain::escape::{decimal_into, html_from};
use crate::domain::hash::Digests;
use crate::domain::url::{EncodedPath, FileUrl};
use crate::http::Response;

/// Bytes of `Content-Type`, of `Content-Length` with four digits, and of the empty line.
const CONTENT_FIELDS_BYTES: usize = 69;

/// Names of `Link` and `Digest` fields for a web server that joins fields of the same name; the
/// vhost makes separate lines of them again (`HELIOSTAT_LINES`).
const LINK_NAMES: [&str; 8] = [
    "Link", "2-Link", "3-Link", "4-Link", "5-Link", "6-Link", "7-Link", "8-Link",
];
const DIGEST_NAMES: [&str; 3] = ["Digest", "2-Digest", "3-Digest"];

pub(super) fn write(out: &mut Vec<u8>, exchange: Exchange<'_>, redirect: &Redirect<'_>) {
    let (request, decision) = (exchange.request, exchange.decision);
    let config = exchange.config();
    let (Some(best), Some(file)) = (redirect.choices.first(), &decision.file) else {
        return;
    };
    let urls = redirect.choices.iter().map(|choice| &*choice.base_url);
    let path = EncodedPath::of_version(file.path.as_bytes(), file.version, urls);
    let target = FileUrl::new(path, exchange.stamp());

    let bytes_max = out.len() + config.head_bytes_max.saturating_sub(CONTENT_FIELDS_BYTES);
    let mut response = Response::new(out, "302 Found");
    response.field("X-MirrorBrain-Mirror", best.name.as_bytes());
    let realm = best.candidate.realm.as_str();
    response.word("X-MirrorBrain-Realm", realm);
    // An encoded URL has no control characters.
    response.field_with("Location", |out| target.url_into(out, &best.base_url));
    // For another `Accept`, the same URL may give a metalink.
    if !decision.vary.is_empty() {
        response.word("Vary", decision.vary);
    }
    write_cache_control(&mut response, exchange, redirect);
    write_log_fields(&mut response, decision, "redirect");
    response.word("Realm-MB", realm);
    response.word("Mirror-MB", "1");
    let lines = |names| FieldLines {
        names,
        written: 0,
        lines_max: request.lines,
        bytes_max,
        is_full: false,
    };
    if let Some(digests) = &redirect.digests {
        write_digests(&mut response, digests, lines(&DIGEST_NAMES));
    }
    let mut links = lines(&LINK_NAMES);
    if redirect.has_documents {
        write_described_by(&mut response, &mut links, exchange, redirect);
    }
    for (place, choice) in redirect
        .choices
        .iter()
        .take(config.link_mirrors)
        .enumerate()
    {
        let is_written = links.add(&mut response, |out| {
            out.push(b'<');
            target.url_into(out, &choice.base_url);
            out.extend_from_slice(b">; rel=duplicate; pri=");
            decimal_into(out, place as u64 + 1);
            if let Some(country) = choice.country {
                out.extend_from_slice(b"; geo=");
                out.extend_from_slice(country.as_str().as_bytes());
            }
        });
        if !is_written {
            break;
        }
    }
    page_with(response, "302 Found", |text| {
        text.extend_from_slice(b"<p>The document has moved <a href=\"");
        let begin = text.len();
        target.url_into(text, &best.base_url);
        html_from(text, begin);
        text.extend_from_slice(b"\">here</a>.</p>\n");
    });
}

/// Writes `Cache-Control`, and `Expires` so that mod_expires of a web server leaves the answer
/// alone; caches that know `Cache-Control` ignore `Expires` (RFC 9111, section 5.3). If the vhost
/// takes helper fields, one of them keeps the value: `Cache-Control` of the operator is for files.
fn write_cache_control(
    response: &mut Response<'_>,
    exchange: Exchange<'_>,
    redirect: &Redirect<'_>,
) {
    let value = exchange.decision.cache_control(redirect);
    if !value.is_empty() {
        response.field("Cache-Control", value.as_bytes());
        if exchange.request.lines > 0 {
            response.field("X-Cache-Control", value.as_bytes());
        }
        response.field("Expires", b"0");
    }
}

/// Header fields of one name, as many as fit.
struct FieldLines {
    /// Names of the first, second… field.
    names: &'static [&'static str],
    written: usize,
    /// Number of fields that get separate names.
    lines_max: usize,
    /// Largest length of all header fields together.
    bytes_max: usize,
    /// Whether a field did not fit; all later ones are less important.
    is_full: bool,
}

impl FieldLines {
    /// Adds a field; returns whether it fitted.
    fn add(&mut self, response: &mut Response<'_>, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let own = self.names.get(self.written);
        let own = own.filter(|_| self.written < self.lines_max);
        let name = own.unwrap_or(&self.names[0]);
        let is_written = !self.is_full && response.field_within(self.bytes_max, name, write);
        self.written += usize::from(is_written);
        self.is_full = !is_written;
        is_written
    }
}

/// Whether the client is wget2. If an answer names a metalink, wget2 follows it, saves the file
/// under the metalink's name whatever `-O` says, and drops the port of the host. A metalink that
/// its user requests is saved correctly.
fn prefers_metalinks(user_agent: &[u8]) -> bool {
    [&b"wget2/"[..], b"wget/2"].iter().any(|prefix| {
        user_agent
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

/// Writes links to documents about the file, at its own URL.
fn write_described_by(
    response: &mut Response<'_>,
    links: &mut FieldLines,
    exchange: Exchange<'_>,
    redirect: &Redirect<'_>,
) {
    let mut document = |suffix: &str, mime_type: &str| {
        links.add(response, |out| {
            out.push(b'<');
            exchange.own_url_into(out, suffix);
            out.extend_from_slice(b">; rel=describedby; type=\"");
            out.extend_from_slice(mime_type.as_bytes());
            out.push(b'"');
        });
    };
    if !prefers_metalinks(exchange.request.user_agent) {
        document(".meta4", "application/metalink4+xml");
    }
    if redirect.digests.as_ref().is_some_and(|d| d.has_pgp) {
        document(".asc", "application/pgp-signature");
    }
    if redirect.has_torrent {
        document(".torrent", "application/x-bittorrent");
    }
}

/// Writes `Digest` (RFC 3230, RFC 5843) as MirrorBrain does, and its successor `Repr-Digest`, which
/// is one field (RFC 9530).
fn write_digests(response: &mut Response<'_>, digests: &Digests, mut lines: FieldLines) {
    let fields = [
        ("MD5=", &digests.md5),
        ("SHA=", &digests.sha1),
        ("SHA-256=", &digests.sha256),
    ];
    for (name, digest) in fields {
        if let Some(digest) = digest {
            lines.add(response, |out| {
                out.extend_from_slice(name.as_bytes());
                base64_into(out, digest);
            });
        }
    }
    let members = [
        ("sha-256=:", &digests.sha256),
        ("sha-512=:", &digests.sha512),
    ];
    if members.iter().all(|(_, digest)| digest.is_none()) {
        return;
    }
    response.field_within(lines.bytes_max, "Repr-Digest", |out| {
        let mut comma: &[u8] = b"";
        for (name, digest) in members {
            if let Some(digest) = digest {
                out.extend_from_slice(comma);
                out.extend_from_slice(name.as_bytes());
                base64_into(out, digest);
                out.push(b':');
                comma = b", ";
            }
        }
    });
}

fn base64_into(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
}
