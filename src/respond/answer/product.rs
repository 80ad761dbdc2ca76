//! Writes the answers that only questions for products have.

use super::exchange::Exchange;
use super::page::{page_with, write_log_fields};
use crate::decide::{Decision, NamedQuestion, Outcome, Redirect};
use crate::domain::escape::html_into;
use crate::domain::url::{EncodedPath, FileUrl};
use crate::http::Response;

/// Writes a redirect to another host.
pub(super) fn write_elsewhere(out: &mut Vec<u8>, decision: &Decision<'_>, url: &str) {
    let mut response = Response::new(out, "302 Found");
    response.field("Location", url.as_bytes());
    if !decision.vary.is_empty() {
        response.field("Vary", decision.vary.as_bytes());
    }
    write_log_fields(&mut response, decision, "none");
    moved(response, url.as_bytes());
}

/// Writes a redirect to the origin. No cache may keep it: a mirror may get the next client.
pub(super) fn write_origin(out: &mut Vec<u8>, decision: &Decision<'_>, url: &str) {
    let mut response = Response::new(out, "302 Found");
    response.field("Location", url.as_bytes());
    response.field("Cache-Control", b"no-store");
    write_log_fields(&mut response, decision, "origin");
    moved(response, url.as_bytes());
}

/// Writes the answer if a plain file has none of this kind: a URL as text, or a redirect to our own
/// URL where a file would be served locally, because the requested URL is not a file. Returns
/// whether an answer is written.
pub(super) fn write(out: &mut Vec<u8>, exchange: Exchange<'_>) -> bool {
    let decision = exchange.decision;
    let Some(NamedQuestion::Product { way, .. }) = decision.named.as_deref() else {
        return false;
    };
    let (url, give) = match &decision.outcome {
        Outcome::Redirect(redirect) if way.prints => match at_mirror(exchange, redirect) {
            Some(url) => (url, "redirect"),
            None => return false,
        },
        Outcome::Local(_) => (own_url(exchange, way.is_ssl_only), "file"),
        _ => return false,
    };
    let status = if way.prints { "200 OK" } else { "302 Found" };
    let mut response = Response::new(out, status);
    if !way.prints {
        response.field("Location", &url);
    }
    if !decision.vary.is_empty() {
        response.field("Vary", decision.vary.as_bytes());
    }
    response.field("Cache-Control", b"private, max-age=60");
    write_log_fields(&mut response, decision, give);
    match way.prints {
        true => response.body("text/plain; charset=UTF-8", &url),
        false => moved(response, &url),
    }
    true
}

fn at_mirror(exchange: Exchange<'_>, redirect: &Redirect<'_>) -> Option<Vec<u8>> {
    let (best, file) = (redirect.choices.first()?, exchange.decision.file.as_ref()?);
    let urls = std::iter::once(&*best.base_url);
    let path = EncodedPath::of_version(file.path.as_bytes(), file.version, urls);
    let mut url = Vec::with_capacity(160);
    FileUrl::new(path, exchange.stamp()).url_into(&mut url, &best.base_url);
    Some(url)
}

/// The file's URL at this host.
fn own_url(exchange: Exchange<'_>, is_ssl_only: bool) -> Vec<u8> {
    let mut url = Vec::with_capacity(160);
    exchange.own_url_into(&mut url, "");
    match url.strip_prefix(b"http://") {
        Some(rest) if is_ssl_only => [b"https://", rest].concat(),
        _ => url,
    }
}

fn moved(response: Response<'_>, url: &[u8]) {
    page_with(response, "302 Found", |text| {
        text.extend_from_slice(b"<p>The document has moved <a href=\"");
        html_into(text, url);
        text.extend_from_slice(b"\">here</a>.</p>\n");
    });
}
