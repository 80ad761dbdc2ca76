//! Runs a handler under `catch_unwind`, so that a bug in it costs one request.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use crate::fcgi::wire::step::INTERNAL_ERROR;
use crate::fcgi::{FcgiRequest, Handler, Rest, Stats};

/// A worker's handler, which is made again after a panic.
///
/// The closure under `catch_unwind` borrows only two values that are used after a panic: the
/// output, which is cleared, and the handler, which is dropped. Hence `AssertUnwindSafe`.
pub(in crate::fcgi) struct HandlerGuard<'a, H, F> {
    make: &'a F,
    worker: usize,
    /// `None` after a panic, until the next request.
    handler: Option<H>,
    stats: &'a Stats,
}

impl<'a, H: Handler, F: Fn(usize) -> H> HandlerGuard<'a, H, F> {
    pub fn new(make: &'a F, worker: usize, stats: &'a Stats) -> HandlerGuard<'a, H, F> {
        let mut guarded = HandlerGuard {
            make,
            worker,
            handler: None,
            stats,
        };
        guarded.attempt("make_handler", |_| ());
        guarded
    }

    /// Writes the answer to `request` into `out` and returns its rest; a 500 if the handler panics.
    pub fn respond(
        &mut self,
        request: &FcgiRequest<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Box<dyn Rest>> {
        out.clear();
        self.stats.requests.fetch_add(1, Relaxed);
        let mut rest = None;
        let respond = |handler: &mut H| {
            handler.respond(request, out);
            rest = handler.rest();
        };
        if !self.attempt("respond", respond) {
            out.clear();
            out.extend_from_slice(INTERNAL_ERROR);
            return None;
        }
        rest
    }

    /// Appends the next bytes of a long answer; returns whether there were any.
    pub fn pull(&mut self, rest: &mut dyn Rest, out: &mut Vec<u8>) -> io::Result<bool> {
        out.clear();
        // After a panic the connection is closed, and drops the rest.
        match catch_unwind(AssertUnwindSafe(|| rest.pull(out))) {
            Ok(result) => result.map(|()| !out.is_empty()),
            Err(panic) => {
                self.stats.panics.fetch_add(1, Relaxed);
                Err(io::Error::other(text(&*panic).to_owned()))
            }
        }
    }

    /// Lets the handler release what it holds.
    pub fn tick(&mut self) {
        if self.handler.is_some() {
            self.attempt("tick", Handler::tick);
        }
    }

    /// Calls `action` with the handler, which is made if there is none; returns whether there was
    /// no panic.
    fn attempt(&mut self, what: &str, action: impl FnOnce(&mut H)) -> bool {
        let attempt = || {
            let handler = self.handler.get_or_insert_with(|| (self.make)(self.worker));
            action(handler);
        };
        let Err(panic) = catch_unwind(AssertUnwindSafe(attempt)) else {
            return true;
        };
        self.stats.panics.fetch_add(1, Relaxed);
        log::error!(
            "handler panicked, worker={} in={what} panic={}",
            self.worker,
            text(&*panic)
        );
        let broken = self.handler.take();
        if catch_unwind(AssertUnwindSafe(|| drop(broken))).is_err() {
            log::error!(
                "handler panicked again while it was dropped, worker={}",
                self.worker
            );
        }
        false
    }
}

/// The message of a panic, if it is a text.
pub(in crate::fcgi) fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}
