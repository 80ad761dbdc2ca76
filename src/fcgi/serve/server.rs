//! The server: binds, runs the workers, reports.

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
use super::peers::{Given, Peer};
use super::worker::{ServerWorker, WorkerEnd};
use super::{guard, handover};
use crate::fcgi::{FcgiError, Handler, Listen, ServerOptions, Shutdown, Stats};

/// A bound FastCGI server. Connections wait in the backlog until it runs.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    stats: Arc<Stats>,
    sockets: Sockets,
    /// Connections inherited from the process before; taken by `run`.
    inherited: Mutex<Vec<OwnedFd>>,
}

/// How a run ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReport {
    /// Requests that were running when the drain time was over; they got no answer.
    pub unanswered: u64,
    /// Idle connections given to the service manager for the next process.
    pub handed_over: usize,
}

impl Server {
    /// Binds or takes over the sockets to listen on.
    ///
    /// # Errors
    /// When the socket cannot be made, is in use, or none was inherited.
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

    /// The counters, which go on while the server runs.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Answers requests on `options.threads` threads until `shutdown` is triggered and running
    /// requests have ended. `make_handler` is called in each worker thread with its number, and
    /// again after a panic.
    ///
    /// # Errors
    /// When the workers cannot be started or cannot wait for their sockets.
    pub fn run<H: Handler>(
        &self,
        make_handler: impl Fn(usize) -> H + Sync,
        shutdown: &Shutdown,
    ) -> Result<ServerReport, FcgiError> {
        let threads = self.options.threads.max(1);
        // Before anything is accepted, so that connections cannot take these descriptors away.
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

    /// Gives the workers what the process before us kept. Not earlier than this, so that a
    /// process that fails to start leaves the connections to the one after it.
    fn share_out_inherited(&self, shared: &WorkerShared<'_>) {
        let inherited = self.inherited.lock();
        let mut inherited = inherited.unwrap_or_else(PoisonError::into_inner);
        if inherited.is_empty() {
            return;
        }
        log::info!("took over kept connections, count={}", inherited.len());
        if let Err(error) = handover::forget() {
            log::warn!("the service manager still holds our connections: {error}");
        }
        for connection in inherited.drain(..) {
            self.stats.connections.fetch_add(1, Relaxed);
            let worker = peers::next(&shared.peers, std::time::Instant::now());
            // No worker has ended yet, so none refuses it.
            let _ = shared.peers[worker].give(Given::Inherited(connection));
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

/// Runs one worker. A panic outside a handler costs its connections, never the thread.
fn run_worker<H: Handler, F: Fn(usize) -> H>(
    shared: &WorkerShared<'_>,
    make: &F,
    index: usize,
    mut epoll: OwnedFd,
) -> io::Result<WorkerEnd> {
    loop {
        // All that the worker owns is dropped by the panic; what it shares are counters and
        // inboxes, which are whole at any time: hence `AssertUnwindSafe`.
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
