//! Answers requests in one worker: from parameters through a decision to an answer.

use crate::program::clock::now;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::complaint::Complaints;
use super::count::Recorder;
use super::directory_stats::DirectorySums;
use super::file_stats::FileStats;
use super::monitor::Monitor;
use super::permit::Streams;
use super::ping::Pings;
use super::state::ResponderState;
use super::watchdog::Watchdog;
use super::{answer, ping, status};
use crate::config::SiteConfig;
use crate::decide::{Depth, WorkerContext, decide};
use crate::fcgi;
use crate::http::{Request, Response};

/// The values that all workers share.
#[derive(Clone)]
pub(super) struct Common {
    pub state: Arc<ArcSwap<ResponderState>>,
    pub streams: Streams,
    pub pings: Pings,
    pub complaints: Arc<Complaints>,
    pub watchdog: Arc<Watchdog>,
    pub monitor: Monitor,
    pub sums: Arc<DirectorySums>,
}

/// The request handler of one worker thread.
pub(super) struct AnswerWorker {
    common: Common,
    contexts: Vec<Option<(Arc<SiteConfig>, WorkerContext)>>,
    recorder: Recorder,
    file_stats: FileStats,
    /// The rest of the answer just written, if it is long.
    rest: Option<Box<dyn fcgi::Rest>>,
}

impl AnswerWorker {
    pub(super) fn new(common: Common, recorder: Recorder) -> AnswerWorker {
        AnswerWorker {
            file_stats: FileStats::new(&common.sums),
            common,
            contexts: Vec::new(),
            recorder,
            rest: None,
        }
    }
}

/// Whether a request may be for one of our own URLs, by a look that costs nothing. Apache splits
/// the path of a URL below a folder that is not there.
fn is_own_url(request: &Request<'_>) -> bool {
    let last = match request.path_info {
        b"" => request.script_name,
        rest => rest,
    };
    last.ends_with(b"/metrics") || last.ends_with(b"/health") || last.ends_with(b"__")
}

/// The context of a site; a new one if its configuration has changed.
fn context<'c>(
    contexts: &'c mut Vec<Option<(Arc<SiteConfig>, WorkerContext)>>,
    index: usize,
    config: &Arc<SiteConfig>,
) -> &'c mut WorkerContext {
    if contexts.len() <= index {
        contexts.resize_with(index + 1, || None);
    }
    let slot = &mut contexts[index];
    if slot
        .as_ref()
        .is_some_and(|(known, _)| !Arc::ptr_eq(known, config))
    {
        *slot = None;
    }
    let make = || {
        let mut generator = fastrand::Rng::new();
        let draw = Box::new(move || generator.u16(..) & 0x7fff);
        (
            Arc::clone(config),
            WorkerContext::new(config, draw, Box::new(now)),
        )
    };
    &mut slot.get_or_insert_with(make).1
}

impl fcgi::Handler for AnswerWorker {
    fn respond(&mut self, request: &fcgi::FcgiRequest<'_>, out: &mut Vec<u8>) {
        let begun = self.recorder.begin();
        let state = self.common.state.load();
        let request = Request::from_parameters(request.params());
        // A request through a web server names a file, so no client can ask for the status.
        if request.asks_status && request.script_name.is_empty() && request.file.is_empty() {
            return status::answer(out, &state, &self.common.complaints, now());
        }
        let Some(index) = state.site_of(&request) else {
            log::warn!(
                "no site for a request, give the vhost `SetEnv HELIOSTAT_SITE NAME`: site=\"{}\" \
                 server_name=\"{}\"",
                request.site.escape_ascii(),
                request.server_name.escape_ascii()
            );
            return answer::no_site(&mut Response::new(out, "503 Service Unavailable"));
        };
        let site = &state.sites[index];
        if let Some(config) = &site.config.ping
            && request.script_name.starts_with(&config.prefix)
            && ping::answer(out, (site, config), &request, &self.common.pings)
        {
            return;
        }
        let monitor = &self.common.monitor;
        if is_own_url(&request) && monitor.answer(out, (&state, site), &request, now()) {
            return;
        }
        let context = context(&mut self.contexts, index, &site.config);
        let decision = decide(site, context, &request, Depth::Redirect);
        let now = now();
        if let Some(problem) = decision.tree_problem() {
            self.common.complaints.hear(&site.config.name, problem, now);
        }
        let exchange = answer::Exchange {
            site,
            request: &request,
            decision: &decision,
            now,
        };
        if self.file_stats.answer(out, exchange) {
            return;
        }
        let mut resources = answer::AnswerResources {
            sources: &mut *context.sources,
            streams: &self.common.streams,
        };
        self.rest = answer::write(out, exchange, &mut resources);
        self.recorder.record(exchange, begun);
    }

    fn rest(&mut self) -> Option<Box<dyn fcgi::Rest>> {
        self.rest.take()
    }

    fn tick(&mut self) {
        self.common.watchdog.beat();
        self.recorder.send();
        for (_, context) in self.contexts.iter_mut().flatten() {
            context.sources.end_read();
        }
    }
}
