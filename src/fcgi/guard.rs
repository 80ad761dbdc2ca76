//! A handler behind `catch_unwind`: a bug in it costs one request.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use super::step::INTERNAL_ERROR;
use super::{Handler, Request, Stats};

/// A worker's handler, made anew after a panic.
///
/// The closure under `catch_unwind` borrows nothing that is used after a panic but the output,
/// which is cleared, and the handler, which is dropped: hence `AssertUnwindSafe`.
pub(super) struct Guarded<'a, H, F> {
    make: &'a F,
    worker: usize,
    /// `None` after a panic, until the next request.
    handler: Option<H>,
    stats: &'a Stats,
}

impl<'a, H: Handler, F: Fn(usize) -> H> Guarded<'a, H, F> {
    pub fn new(make: &'a F, worker: usize, stats: &'a Stats) -> Guarded<'a, H, F> {
        let mut guarded = Guarded {
            make,
            worker,
            handler: None,
            stats,
        };
        guarded.attempt("make_handler", |_| ());
        guarded
    }

    /// Writes the answer to `request` into `out`; a 500 if the handler panics.
    pub fn respond(&mut self, request: &Request<'_>, out: &mut Vec<u8>) {
        out.clear();
        self.stats.requests.fetch_add(1, Relaxed);
        if !self.attempt("respond", |handler| handler.respond(request, out)) {
            out.clear();
            out.extend_from_slice(INTERNAL_ERROR);
        }
    }

    /// Lets the handler let go of what it holds.
    pub fn tick(&mut self) {
        if self.handler.is_some() {
            self.attempt("tick", Handler::tick);
        }
    }

    /// Calls `action` with the handler, which is made if there is none. Whether it went well.
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

/// What a panic said, if it said it in words.
pub(super) fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}
