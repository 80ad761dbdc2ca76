//! The interface between FastCGI and a use case: a request's parameters, and the answer.

use super::wire::params::Params;

/// One complete request. It borrows the connection's buffer; nothing is copied or allocated.
#[derive(Debug, Clone, Copy)]
pub struct FcgiRequest<'a> {
    params: &'a [u8],
}

impl<'a> FcgiRequest<'a> {
    /// `params` must be packed pairs of which none is cut off.
    pub(super) fn new(params: &'a [u8]) -> FcgiRequest<'a> {
        FcgiRequest { params }
    }

    /// The parameters as the web server sent them: names and values are raw bytes, in order, and a
    /// name may occur twice. Iterate over them once per request; there are some 35.
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }
}

/// Answers requests. Each worker thread has its own handler, so a handler needs no locks.
///
/// A panic in any method costs only the request that caused it: that request is answered 500 and
/// counted, and the handler is dropped and made again.
pub trait Handler {
    /// Writes the answer to `request` into `out`, which is empty and keeps its capacity from one
    /// request to the next.
    ///
    /// The answer is a CGI response: header fields such as `Status: 302 Found\r\n`, an empty line,
    /// then the body. It should have a `Content-Length`; otherwise Apache sends the answer in
    /// chunks.
    fn respond(&mut self, request: &FcgiRequest<'_>, out: &mut Vec<u8>);

    /// Returns the rest of the answer if `respond` wrote only its beginning, for answers that are
    /// too long to be held for a client that reads slowly.
    fn rest(&mut self) -> Option<Box<dyn Rest>> {
        None
    }

    /// Releases everything that the handler holds between requests, such as a read transaction.
    ///
    /// Each worker calls it at least once per [`TICK`](super::TICK), also while idle, unless a
    /// `respond` takes longer.
    fn tick(&mut self) {}
}

/// The rest of a long answer, produced as fast as the web server takes it.
pub trait Rest {
    /// Appends the next bytes to `out`, which is empty. Some 64 KiB are right, because each
    /// connection holds that many. The answer is complete if no bytes are appended.
    ///
    /// # Errors
    /// Returns an error if the answer cannot be completed. Then the connection is closed, so that
    /// the web server and its client notice that a part is missing.
    fn pull(&mut self, out: &mut Vec<u8>) -> std::io::Result<()>;
}
