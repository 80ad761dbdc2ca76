//! Which answer, and what all of them share.

use super::page::HTML;
use super::page::{AnswerResources, NOT_KEPT, page, write_log_fields, write_missing};
use super::{document, list, local, redirect};
use crate::decide::{Decision, Document, Outcome};
use crate::fcgi::Rest;
use crate::http::{Method, Request, Response};

/// Writes the answer to a request; returns what follows of a long one.
pub(in crate::respond) fn write(
    out: &mut Vec<u8>,
    means: &mut AnswerResources<'_>,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> Option<Box<dyn Rest>> {
    let rest = write_whole(out, means, request, decision);
    if request.method == Method::Head {
        // The same fields, its length among them, without the body.
        let end = out.windows(4).position(|window| window == b"\r\n\r\n");
        out.truncate(end.map_or(out.len(), |end| end + 4));
    }
    rest
}

fn write_whole(
    out: &mut Vec<u8>,
    means: &mut AnswerResources<'_>,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> Option<Box<dyn Rest>> {
    let config = &*means.site.config;
    match &decision.outcome {
        Outcome::Redirect(redirect) => {
            redirect::write(out, (config, request, decision), redirect, means.now);
        }
        Outcome::Document(Document::MirrorList(list)) => {
            list::write_mirrors(out, (config, request, decision), list, means);
        }
        Outcome::Document(Document::YumList(list)) => {
            list::write_yum(out, (config, request, decision), list);
        }
        Outcome::Document(document) => {
            return document::write(out, (config, request, decision), document, means);
        }
        Outcome::Local(reason) => local::write(out, (config, request, decision), reason),
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

/// Worth asking again: nothing is known to be missing.
fn write_unavailable(out: &mut Vec<u8>, decision: &Decision<'_>) {
    let mut response = Response::new(out, "503 Service Unavailable");
    response.field("Retry-After", b"5");
    write_log_fields(&mut response, decision, "none");
    let text = b"<p>Please try again in a moment.</p>\n";
    page(response, "503 Service Unavailable", text);
}
