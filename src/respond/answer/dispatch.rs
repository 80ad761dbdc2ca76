//! Writes the answer that a decision calls for; handles HEAD for all of them.

use super::exchange::{AnswerResources, Exchange};
use super::page::{HTML, NOT_KEPT, page, write_log_fields, write_missing};
use super::{document, list, local, product, redirect, repository};
use crate::decide::{Decision, Document, Outcome};
use crate::fcgi::Rest;
use crate::http::{Method, Response};

/// Writes the answer to a request; returns the rest of a long one.
pub(in crate::respond) fn write(
    out: &mut Vec<u8>,
    exchange: Exchange<'_>,
    resources: &mut AnswerResources<'_>,
) -> Option<Box<dyn Rest>> {
    let rest = write_whole(out, exchange, resources);
    if exchange.request.method == Method::Head {
        // HEAD gets the same fields, with the length, and no body.
        let end = out.windows(4).position(|window| window == b"\r\n\r\n");
        out.truncate(end.map_or(out.len(), |end| end + 4));
    }
    rest
}

fn write_whole(
    out: &mut Vec<u8>,
    exchange: Exchange<'_>,
    resources: &mut AnswerResources<'_>,
) -> Option<Box<dyn Rest>> {
    let decision = exchange.decision;
    if decision.named.is_some() && product::write(out, exchange) {
        return None;
    }
    match &decision.outcome {
        Outcome::Redirect(redirect) => redirect::write(out, exchange, redirect),
        Outcome::Document(Document::MirrorList(list)) => list::write_mirrors(out, exchange, list),
        Outcome::Document(Document::YumList(list)) => list::write_yum(out, exchange, list),
        Outcome::Document(Document::RepositoryList(list)) => repository::write(out, exchange, list),
        Outcome::Elsewhere(url) => product::write_elsewhere(out, decision, url),
        Outcome::Origin(origin) => product::write_origin(out, decision, &origin.url),
        Outcome::NoList(refusal) => repository::write_refusal(out, exchange, refusal),
        Outcome::Document(document) => {
            return document::write(out, exchange, document, resources);
        }
        Outcome::Local(reason) => local::write(out, exchange, reason),
        Outcome::Missing(reason) => write_missing(out, decision, *reason),
        Outcome::Options => {
            Response::new(out, "200 OK")
                .field("Allow", b"GET, HEAD, OPTIONS")
                .body(HTML, b"");
        }
        Outcome::MethodNotAllowed => {
            let mut response = Response::new(out, "405 Method Not Allowed");
            response.field("Cache-Control", NOT_KEPT);
            response.field("Allow", b"GET, HEAD, OPTIONS");
            page(
                response,
                "405 Method Not Allowed",
                b"<p>Files can be read only.</p>\n",
            );
        }
        Outcome::Unavailable(_) => write_unavailable(out, decision),
    }
    None
}

/// Writes 503: the client should ask again, because the file or document may exist.
fn write_unavailable(out: &mut Vec<u8>, decision: &Decision<'_>) {
    let mut response = Response::new(out, "503 Service Unavailable");
    response.field("Cache-Control", NOT_KEPT);
    response.field("Retry-After", b"5");
    write_log_fields(&mut response, decision, "none");
    let text = b"<p>Please try again in a moment.</p>\n";
    page(response, "503 Service Unavailable", text);
}
