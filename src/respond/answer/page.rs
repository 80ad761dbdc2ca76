//! Writes the parts that several answers have: status pages and log fields.

use std::io::Write as _;

use ipnet::IpNet;

use crate::decide::{Decision, MissingReason};
use crate::domain::escape::decimal_into;
use crate::http::Response;

/// `Cache-Control` of answers that may change at any moment; without it, mod_expires of a web
/// server could let caches keep them for a month.
pub(super) const NOT_KEPT: &[u8] = b"no-cache";

/// Writes the answer if vhost and configuration do not fit together; the web server then serves.
pub(in crate::respond) fn no_site(response: &mut Response<'_>) {
    response.field("Cache-Control", NOT_KEPT);
    response.field("Retry-After", b"5").body(HTML, b"");
}

pub(super) fn page(response: Response<'_>, title: &str, text: &[u8]) {
    page_with(response, title, |body| body.extend_from_slice(text));
}

/// Writes a status page; `write` appends the text.
pub(super) fn page_with(mut response: Response<'_>, title: &str, write: impl FnOnce(&mut Vec<u8>)) {
    response.body_with(HTML, |body| {
        body.extend_from_slice(b"<!DOCTYPE html>\n<html><head>\n<title>");
        body.extend_from_slice(title.as_bytes());
        body.extend_from_slice(b"</title>\n</head><body>\n<h1>");
        let heading = title.split_once(' ').map_or(title, |(_, words)| words);
        body.extend_from_slice(heading.as_bytes());
        body.extend_from_slice(b"</h1>\n");
        write(body);
        body.extend_from_slice(b"</body></html>\n");
    });
}

/// Writes MirrorBrain's log variables, which the vhost turns into notes and removes.
pub(super) fn write_log_fields(response: &mut Response<'_>, decision: &Decision<'_>, give: &str) {
    response.word("Want-MB", decision.want.as_str());
    response.field("Give-MB", give.as_bytes());
    if decision.no_mirror {
        response.word("NoMirror-MB", "1");
    }
    let (Some(client), Some(file)) = (&decision.client, &decision.file) else {
        return;
    };
    let size = file.version.size;
    response.field_with("FileSize-MB", |out| decimal_into(out, size));
    let place = &client.place;
    let country = place.country.as_ref().map_or("--", |code| code.as_str());
    response.field_with("Country-MB", |out| upper_into(out, country));
    let region = place.region.as_ref().map_or("--", |code| code.as_str());
    response.field_with("Region-MB", |out| upper_into(out, region));
    if let Some(asn) = place.asn {
        response.field_with("ASN-MB", |out| decimal_into(out, asn.number().into()));
    }
    if let Some(network) = client.network {
        response.field_with("PFX-MB", |out| network_into(out, network));
    }
}

/// Appends a network in its usual form, for IPv4 without the cost of `write!`.
fn network_into(out: &mut Vec<u8>, network: IpNet) {
    let IpNet::V4(v4) = network else {
        // Writing into a vector does not fail.
        let _ = write!(out, "{network}");
        return;
    };
    for (octet, mark) in v4.addr().octets().into_iter().zip(*b".../") {
        decimal_into(out, octet.into());
        out.push(mark);
    }
    decimal_into(out, v4.prefix_len().into());
}

fn upper_into(out: &mut Vec<u8>, code: &str) {
    out.extend(code.bytes().map(|byte| byte.to_ascii_uppercase()));
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
