//! Runs the responder: binds the socket, starts keeper and workers, shuts down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Once};
use std::time::Duration;

use arc_swap::ArcSwap;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::ResponderArgs;
use super::count::Counting;
use super::keeper::{Keeper, Order, Reins};
use super::monitor::Monitor;
use super::permit::Streams;
use super::ping::Pings;
use super::start::{Start, check_trees};
use super::state::ResponderState;
use super::watchdog::Watchdog;
use super::worker::{AnswerWorker, Common};
use crate::config::{self, ConfigError, FcgiConfig};
use crate::fcgi::{FcgiError, Listen, Server, ServerOptions, Shutdown};
use crate::program::exit::Exit;
use crate::system::{ManagerState, tell_manager};

/// Longest time that the start waits until everything is read: ten million files take some 14 s, a
/// disk that hangs takes for ever. Meanwhile requests wait, and the web server serves them.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// Longest time that the shutdown waits for the keeper, which stops at once unless it waits for a
/// disk.
const KEEPER_PATIENCE: Duration = Duration::from_millis(200);

/// Reason for which the responder cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The socket cannot be used.
    #[error(transparent)]
    Fcgi(#[from] FcgiError),
    /// The process cannot be set up.
    #[error("cannot set up {what}")]
    Setup {
        /// The step that failed.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
}

impl RespondError {
    /// The exit code of the program.
    pub fn exit(&self) -> Exit {
        match self {
            RespondError::Config(_) => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// Answers requests until SIGTERM or SIGINT.
///
/// # Errors
/// Returns [`RespondError`] if configuration, socket or signals cannot be set up. A database or
/// GeoIP file that cannot be read is no error: downloads go on without it.
pub fn run(args: &ResponderArgs) -> Result<Exit, RespondError> {
    let path = config::config_path(args.config.as_deref());
    if args.check {
        config::check(&path)?;
        return Ok(Exit::Ok);
    }
    let start = Start::read(&path)?;
    let fcgi = narrowed(&start.config.fcgi, args);
    let server = bind(&fcgi)?;
    start.keep();
    let setup = |what| move |source| RespondError::Setup { what, source };
    let shutdown = Shutdown::new().map_err(setup("the shutdown switch"))?;
    let signals = Signals::new([SIGHUP, SIGTERM, SIGINT]).map_err(setup("signals"))?;

    let (sender, orders) = channel();
    let (begin, begun) = channel();
    let handle = signals.handle();
    let reins = Reins {
        complaints: Arc::default(),
        shutdown: shutdown.clone(),
        stop: Arc::default(),
    };
    {
        // The socket comes first: if it cannot be used, nobody waits in vain for large files.
        let (sender, reins, begin) = (sender.clone(), reins.clone(), begin.clone());
        spawn("signals", move || watch(signals, &sender, &reins, &begin))
            .map_err(setup("a thread for signals"))?;
    }
    let state = Arc::new(ArcSwap::from_pointee(ResponderState::at_start(&start)));
    let ended = {
        let (state, reins) = (Arc::clone(&state), reins.clone());
        spawn("keeper", move || {
            keep(start, reins, &state, &orders, &begin)
        })
        .map_err(setup("a thread for changes"))?
    };
    wait_for_state(&begun);
    let counting = Counting::begin(&state).map_err(setup("a thread for statistics"))?;
    let common = Common {
        state,
        streams: Streams::default(),
        pings: Pings::default(),
        complaints: reins.complaints,
        watchdog: Arc::new(Watchdog::new()),
        monitor: Monitor::new(counting.shared(), server.stats()),
        sums: Arc::default(),
    };
    let ready = Once::new();
    let make_worker = |index| {
        // Workers begin in their order, so all have begun when the last one does.
        if index + 1 == fcgi.threads {
            ready.call_once(|| tell_ready(&fcgi));
        }
        AnswerWorker::new(common.clone(), counting.recorder())
    };
    let result = server.run(make_worker, &shutdown);
    tell_manager(ManagerState::Stopping);
    handle.close();
    reins.stop.store(true, Ordering::Relaxed);
    let _ = sender.send(Order::Stop);
    counting.end();
    let report = result?;
    log::info!("ended: unanswered={}", report.unanswered);
    // A keeper that still waits for a disk is stopped with the process.
    match ended.recv_timeout(KEEPER_PATIENCE) {
        Ok(KeeperEnd::Failed) => Ok(Exit::Failed),
        Ok(KeeperEnd::ToTheEnd) | Err(_) => Ok(Exit::Ok),
    }
}

/// The configuration with the values of the command line in place of its own.
fn narrowed(fcgi: &FcgiConfig, args: &ResponderArgs) -> FcgiConfig {
    let listen = args.listen.as_ref().unwrap_or(&fcgi.listen);
    FcgiConfig {
        listen: listen.clone(),
        threads: args.threads.unwrap_or(fcgi.threads).max(1),
        ..fcgi.clone()
    }
}

/// The way in which the keeper ended.
enum KeeperEnd {
    ToTheEnd,
    /// By a panic.
    Failed,
}

/// Starts a thread whose result comes over a channel, so that the wait for it can have a limit.
fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<Receiver<T>> {
    let (sender, receiver) = channel();
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || {
        // The receiver may have gone.
        let _ = sender.send(work());
    })?;
    Ok(receiver)
}

/// Keeps the state current. Without a keeper the process would decide from ever older data; so a
/// panic of the keeper stops the process, and the service manager restarts it.
fn keep(
    start: Start,
    reins: Reins,
    state: &ArcSwap<ResponderState>,
    orders: &Receiver<Order>,
    begin: &Sender<()>,
) -> KeeperEnd {
    let shutdown = reins.shutdown.clone();
    let kept = catch_unwind(AssertUnwindSafe(|| {
        check_trees(&start.config, &reins.complaints);
        let keeper = Keeper::new(start, reins);
        state.store(Arc::new(keeper.state()));
        let _ = begin.send(());
        keeper.keep(state, orders);
    }));
    if kept.is_ok() {
        return KeeperEnd::ToTheEnd;
    }
    log::error!("ending after a bug in the watch for changes; please report it");
    shutdown.trigger();
    let _ = begin.send(());
    KeeperEnd::Failed
}

/// Waits until everything is read, a signal comes, or the time is over.
fn wait_for_state(begun: &Receiver<()>) {
    if begun.recv_timeout(START_PATIENCE) == Err(RecvTimeoutError::Timeout) {
        log::error!(
            "database and GeoIP files are not read after {} s, so files are served locally until \
             they are; a large database takes time, a disk that hangs needs repair",
            START_PATIENCE.as_secs()
        );
    }
}

fn tell_ready(fcgi: &FcgiConfig) {
    tell_manager(ManagerState::Ready);
    log::info!("ready: listen={} threads={}", fcgi.listen, fcgi.threads);
}

fn bind(fcgi: &FcgiConfig) -> Result<Server, RespondError> {
    let options = ServerOptions {
        threads: fcgi.threads,
        ..ServerOptions::default()
    };
    match Server::bind(&Listen::Inherited, options.clone()) {
        Ok(server) => return Ok(server),
        Err(error) => log::debug!("no inherited socket: {error}"),
    }
    let listen = match fcgi.listen.parse() {
        Ok(address) => Listen::Tcp(address),
        Err(_) => Listen::Unix {
            path: PathBuf::from(&fcgi.listen),
            mode: fcgi.listen_mode,
        },
    };
    Ok(Server::bind(&listen, options)?)
}

/// Turns signals into orders; returns after a signal to stop, or when the server has stopped.
fn watch(mut signals: Signals, sender: &Sender<Order>, reins: &Reins, begin: &Sender<()>) {
    for signal in signals.forever() {
        if signal == SIGHUP {
            log::info!("looking for changes: signal={signal}");
            let _ = sender.send(Order::Reload);
        } else {
            log::info!("ending after the running requests: signal={signal}");
            reins.stop.store(true, Ordering::Relaxed);
            reins.shutdown.trigger();
            let _ = begin.send(());
        }
    }
}
