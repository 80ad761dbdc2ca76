//! Judges the conditions of a request (`If-Match`, `If-None-Match` …) on the document to be sent:
//! 412, 304, or the whole document.

use super::page::{NOT_KEPT, page};
use crate::http::{ConditionVerdict, Request, Response, Validators};

/// The parts of the answer that the conditions leave.
pub(super) struct Sending {
    /// 200 or 304.
    pub status: &'static str,
    /// The entity tag of the answer; in a 304, the one that the client has.
    pub validators: Option<Validators>,
    /// Whether a body belongs to the status.
    pub has_body: bool,
}

/// Judges the conditions; `None` if they failed and 412 is written. A document without validators
/// is sent whatever the conditions are.
pub(super) fn judge(
    out: &mut Vec<u8>,
    request: &Request<'_>,
    validators: Option<Validators>,
) -> Option<Sending> {
    let verdict = validators
        .as_ref()
        .map_or(ConditionVerdict::Send, |now| request.conditions.judge(now));
    match verdict {
        ConditionVerdict::Failed => {
            let status = "412 Precondition Failed";
            let mut response = Response::new(out, status);
            response.field("Cache-Control", NOT_KEPT);
            let text = b"<p>It is not what you asked for any more.</p>\n";
            page(response, status, text);
            None
        }
        ConditionVerdict::NotModified => Some(Sending {
            status: "304 Not Modified",
            validators: validators.map(|now| now.as_known(&request.conditions)),
            has_body: false,
        }),
        ConditionVerdict::Send => Some(Sending {
            status: "200 OK",
            validators,
            has_body: true,
        }),
    }
}
