//! What a use case sees of FastCGI: a request's parameters, and where the answer goes.

use super::wire::params::Params;

/// One complete request. It borrows the connection's buffer; nothing is copied or allocated.
#[derive(Debug, Clone, Copy)]
pub struct FcgiRequest<'a> {
    params: &'a [u8],
}

impl<'a> FcgiRequest<'a> {
    /// `params` are packed pairs of which none is cut off.
    pub(super) fn new(params: &'a [u8]) -> FcgiRequest<'a> {
        FcgiRequest { params }
    }

    /// The parameters as the web server sent them: names and values are raw bytes, in order, and
    /// a name may come twice. Walk them once a request; there are some 35.
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }
}

/// Answers requests. Each worker thread has one of its own, so it needs no locks.
///
/// A panic in any method costs the one request that caused it: it is answered 500, counted, and
/// the handler is dropped and made anew.
pub trait Handler {
    /// Writes the answer to `request` into `out`, which is empty and keeps its capacity from one
    /// request to the next.
    ///
    /// The answer is a CGI response: header fields such as `Status: 302 Found\r\n`, an empty line,
    /// then the body. Give a `Content-Length`, or Apache sends the answer in chunks.
    fn respond(&mut self, request: &FcgiRequest<'_>, out: &mut Vec<u8>);

    /// What follows the answer that `respond` has just written, when that was only its beginning:
    /// for answers too long to be held for a client that reads slowly.
    fn rest(&mut self) -> Option<Box<dyn Rest>> {
        None
    }

    /// Lets go of what the handler holds between requests, such as a read transaction.
    ///
    /// Each worker calls it at least once every [`TICK`](super::TICK), also while it is idle,
    /// unless a `respond` takes longer.
    fn tick(&mut self) {}
}

/// The rest of a long answer, made as fast as the web server takes it.
pub trait Rest {
    /// Appends the next bytes to `out`, which is empty; some 64 KiB are right, since so much is
    /// held for each connection. None appended: that was all.
    ///
    /// # Errors
    /// The answer cannot be ended. The connection is closed, so that the web server and its client
    /// notice that something is missing.
    fn pull(&mut self, out: &mut Vec<u8>) -> std::io::Result<()>;
}
