//! The server: opens its sockets, runs the workers, reports the result.

use std::any::Any;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::event::epoll;

use super::accept::WorkerShared;
use super::listen::Sockets;
use super::peers;
use super::peers::{Handover, Peer};
use super::worker::{ServerWorker, WorkerEnd};
use super::{guard, handover};
use crate::fcgi::{FcgiError, Handler, Listen, ServerOptions, Shutdown, Stats};

/// A FastCGI server with open sockets. Connections wait in the backlog until it runs.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    stats: Arc<Stats>,
    sockets: Sockets,
    /// Connections from the previous process; `run` takes them.
    inherited: Mutex<Vec<OwnedFd>>,
}

/// The result of a run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReport {
    /// Number of requests that were running at the end of the drain time and got no answer.
    pub unanswered: u64,
    /// Number of idle connections given to the service manager for the next process.
    pub handed_over: usize,
}

impl Server {
    /// Opens the sockets to listen on, or takes over inherited ones.
    ///
    /// # Errors
    /// Returns [`FcgiError`] if a socket cannot be created, is in use, or was not inherited.
    pub fn bind(listen: &Listen, options: ServerOptions) -> Result<Server, FcgiError> {
        let mut sockets = Sockets::bind(listen)?;
        let inherited = std::mem::take(&mut sockets.kept);
        let inherited = Mutex::new(inherited);
        Ok(Server {
            options,
            stats: Arc::default(),
            sockets,
            inherited,
        })
    }

    /// The counters, which continue to change while the server runs.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Answers requests on `options.threads` threads until `shutdown` is triggered and running
    /// requests have ended. `make_handler` is called in each worker thread with its number, and
    /// again after a panic.
    ///
    /// # Errors
    /// Returns [`FcgiError`] if the workers cannot be started or cannot wait for their sockets.
    pub fn run<H: Handler>(
        &self,
        make_handler: impl Fn(usize) -> H + Sync,
        shutdown: &Shutdown,
    ) -> Result<ServerReport, FcgiError> {
        let threads = self.options.threads.max(1);
        // Created before any connection is accepted, so that connections cannot use up these
        // descriptors.
        let peers: io::Result<Vec<Peer>> = (0..threads).map(|_| Peer::new()).collect();
        let epolls: io::Result<Vec<OwnedFd>> = (0..threads).map(|_| new_epoll()).collect();
        let epolls = epolls.map_err(|source| FcgiError::Start {
            what: "epoll",
            source,
        })?;
        let shared = WorkerShared {
            options: &self.options,
            stats: &self.stats,
            listeners: &self.sockets.listeners,
            shutdown,
            peers: peers.map_err(|source| FcgiError::Start {
                what: "event",
                source,
            })?,
            hand_over: self.sockets.managed && handover::is_possible(),
            exhausted_logged: Mutex::default(),
            crowded_logged: Mutex::default(),
        };
        self.share_out_inherited(&shared);
        let ended = run_workers(&shared, &make_handler, epolls)?;
        let kept: Vec<OwnedFd> = ended.kept;
        let mut handed_over = kept.len();
        if !kept.is_empty()
            && let Err(error) = handover::store(&kept)
        {
            log::warn!("cannot give kept connections to the service manager: {error}");
            handed_over = 0;
        }
        Ok(ServerReport {
            unanswered: ended.unanswered,
            handed_over,
        })
    }

    /// Gives the workers the connections from the previous process. This happens as late as
    /// possible, so that a process that fails to start leaves them to the next one.
    fn share_out_inherited(&self, shared: &WorkerShared<'_>) {
        let inherited = self.inherited.lock();
        let mut inherited = inherited.unwrap_or_else(PoisonError::into_inner);
        if inherited.is_empty() {
            return;
        }
        log::info!("took over kept connections, count={}", inherited.len());
        if let Err(error) = handover::forget() {
            log::warn!("the service manager may still hold our connections: {error}");
        }
        for connection in inherited.drain(..) {
            self.stats.connections.fetch_add(1, Relaxed);
            let worker = peers::next(&shared.peers, std::time::Instant::now());
            // No worker has ended yet, so none refuses the connection.
            let _ = shared.peers[worker].give(Handover::Inherited(connection));
        }
    }
}

/// Runs all workers to their end.
fn run_workers<H: Handler, F: Fn(usize) -> H + Sync>(
    shared: &WorkerShared<'_>,
    make: &F,
    epolls: Vec<OwnedFd>,
) -> Result<WorkerEnd, FcgiError> {
    thread::scope(|scope| {
        let mut threads = Vec::new();
        let mut failure = None;
        for (index, epoll) in epolls.into_iter().enumerate() {
            let thread = thread::Builder::new().name(format!("fcgi-{index}"));
            match thread.spawn_scoped(scope, move || run_worker(shared, make, index, epoll)) {
                Ok(thread) => threads.push(thread),
                Err(source) => {
                    failure = Some(FcgiError::Start {
                        what: "thread",
                        source,
                    });
                    shared.shutdown.trigger();
                    break;
                }
            }
        }
        let mut all = WorkerEnd::default();
        for thread in threads {
            match thread.join() {
                Ok(Ok(ended)) => {
                    all.unanswered += ended.unanswered;
                    all.kept.extend(ended.kept);
                }
                Ok(Err(source)) => failure = Some(FcgiError::Wait { source }),
                Err(panic) => log_panic(&*panic),
            }
        }
        failure.map_or(Ok(all), Err)
    })
}

/// Runs one worker. A panic outside of a handler costs its connections, never the thread.
fn run_worker<H: Handler, F: Fn(usize) -> H>(
    shared: &WorkerShared<'_>,
    make: &F,
    index: usize,
    mut epoll: OwnedFd,
) -> io::Result<WorkerEnd> {
    loop {
        // A panic drops everything that the worker owns. It shares only counters and inboxes, which
        // are consistent at any time; hence `AssertUnwindSafe`.
        let run = || ServerWorker::new(shared, make, index, epoll)?.run();
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(ended)) => return Ok(ended),
            Ok(Err(error)) => {
                shared.shutdown.trigger();
                return Err(error);
            }
            Err(panic) => {
                shared.stats.panics.fetch_add(1, Relaxed);
                log_panic(&*panic);
                epoll = new_epoll()?;
            }
        }
    }
}

fn new_epoll() -> io::Result<OwnedFd> {
    Ok(epoll::create(epoll::CreateFlags::CLOEXEC)?)
}

fn log_panic(panic: &(dyn Any + Send)) {
    log::error!(
        "worker panicked, its connections are closed, panic={}",
        guard::text(panic)
    );
}
