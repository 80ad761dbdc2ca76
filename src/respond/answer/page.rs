//! What all answers have in common: status pages and log fields.

use crate::decide::{Decision, MissingReason};
use crate::http::Response;

/// `Cache-Control` of what may be another answer a moment later. mod_expires of a web server would
/// let everybody keep it for a month.
pub(super) const NOT_KEPT: &[u8] = b"no-cache";

/// The vhost and the configuration do not fit together; the web server's fallback serves.
pub(in crate::respond) fn no_site(response: &mut Response<'_>) {
    response.field("Cache-Control", NOT_KEPT);
    response.field("Retry-After", b"5").body(HTML, b"");
}

pub(super) fn page(mut response: Response<'_>, title: &str, text: &[u8]) {
    let mut body = Vec::with_capacity(256 + text.len());
    body.extend_from_slice(b"<!DOCTYPE html>\n<html><head>\n<title>");
    body.extend_from_slice(title.as_bytes());
    body.extend_from_slice(b"</title>\n</head><body>\n<h1>");
    let heading = title.split_once(' ').map_or(title, |(_, words)| words);
    body.extend_from_slice(heading.as_bytes());
    body.extend_from_slice(b"</h1>\n");
    body.extend_from_slice(text);
    body.extend_from_slice(b"</body></html>\n");
    response.body(HTML, &body);
}

/// MirrorBrain's log variables, which the vhost turns into notes and takes away.
pub(super) fn write_log_fields(response: &mut Response<'_>, decision: &Decision<'_>, give: &str) {
    response.field("X-MB-Want", decision.want.as_str().as_bytes());
    response.field("X-MB-Give", give.as_bytes());
    if decision.no_mirror {
        response.field("X-MB-NoMirror", b"1");
    }
    let (Some(client), Some(file)) = (&decision.client, &decision.file) else {
        return;
    };
    response.field("X-MB-FileSize", file.version.size.to_string().as_bytes());
    let country = client
        .place
        .country
        .map(|code| code.as_str().to_ascii_uppercase());
    response.field(
        "X-MB-Country-Code",
        country.as_deref().unwrap_or("--").as_bytes(),
    );
    let region = client
        .place
        .region
        .map(|code| code.as_str().to_ascii_uppercase());
    response.field(
        "X-MB-Continent-Code",
        region.as_deref().unwrap_or("--").as_bytes(),
    );
    if let Some(asn) = client.place.asn {
        response.field("X-MB-ASN", asn.to_string().as_bytes());
    }
    if let Some(network) = client.network {
        response.field("X-MB-PFX", network.to_string().as_bytes());
    }
}

pub(super) fn write_missing(out: &mut Vec<u8>, decision: &Decision<'_>, reason: MissingReason) {
    let text: &[u8] = match reason {
        MissingReason::NotInTree | MissingReason::NoFile => b"<p>There is no such file.</p>\n",
        MissingReason::Directory => b"<p>This is a directory.</p>\n",
        MissingReason::NoDocument(_) => b"<p>There is no such document about the file.</p>\n",
    };
    let mut response = Response::new(out, "404 Not Found");
    response.field("Cache-Control", NOT_KEPT);
    if matches!(reason, MissingReason::NoDocument(_)) {
        write_log_fields(&mut response, decision, "none");
    }
    page(response, "404 Not Found", text);
}

pub(super) const HTML: &str = "text/html; charset=iso-8859-1";
