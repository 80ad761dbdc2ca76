//! Binds, starts, ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use arc_swap::ArcSwap;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::Args;
use super::keeper::{Keeper, Order};
use super::state::State;
use super::stream::Streams;
use super::worker::Worker;
use crate::config::{self, ConfigError, FcgiConfig};
use crate::fcgi::{FcgiError, Listen, Server, ServerOptions, Shutdown};
use crate::program::exit::Exit;

/// Why the responder could not run.
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
        /// What could not be set up.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

impl RespondError {
    /// The exit code that it ends the program with.
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
/// Before anything is answered: configuration, socket, signals. A database or GeoIP file that
/// cannot be read is no error: downloads go on without.
pub fn run(args: &Args) -> Result<Exit, RespondError> {
    let path = config::config_path(args.config.as_deref());
    let config = config::load(&path)?;
    let fcgi = FcgiConfig {
        listen: args
            .listen
            .clone()
            .unwrap_or_else(|| config.fcgi.listen.clone()),
        threads: args.threads.unwrap_or(config.fcgi.threads).max(1),
        ..config.fcgi.clone()
    };
    let server = bind(&fcgi)?;
    let setup = |what| move |source| RespondError::Setup { what, source };
    let shutdown = Shutdown::new().map_err(setup("the shutdown switch"))?;
    let signals = Signals::new([SIGHUP, SIGTERM, SIGINT]).map_err(setup("signals"))?;

    let stop = Arc::new(AtomicBool::new(false));
    let (sender, orders) = channel();
    let handle = signals.handle();
    std::thread::scope(|scope| {
        // First of all: what is opened now may be large, too, and nobody waits for it in vain.
        scope.spawn(|| watch(signals, &sender, (&shutdown, &stop)));
        let keeper = Keeper::new(config, Arc::clone(&stop));
        let state = Arc::new(ArcSwap::from_pointee(keeper.state()));
        let (published, switch) = (Arc::clone(&state), &shutdown);
        let keeping = scope.spawn(move || keep(keeper, &published, orders, switch));
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        log::info!("ready: listen={} threads={}", fcgi.listen, fcgi.threads);
        let streams = Streams::default();
        let worker = |_| Worker::new(Arc::clone(&state), streams.clone());
        let result = server.run(worker, &shutdown);
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        handle.close();
        stop.store(true, Ordering::Relaxed);
        let _ = sender.send(Order::Stop);
        let report = result?;
        log::info!("ended: unanswered={}", report.unanswered);
        let kept_to_the_end = keeping.join().unwrap_or(false);
        Ok(if kept_to_the_end {
            Exit::Ok
        } else {
            Exit::Failed
        })
    })
}

/// Keeps the state current. Without its keeper the process would decide from ever older data, so a
/// bug there ends it, and whoever started it starts it anew; returns whether there was none.
fn keep(
    keeper: Keeper,
    state: &ArcSwap<State>,
    orders: Receiver<Order>,
    shutdown: &Shutdown,
) -> bool {
    let kept = catch_unwind(AssertUnwindSafe(|| keeper.keep(state, &orders)));
    if kept.is_err() {
        log::error!("ending after a bug in the watch for changes; please report it");
        shutdown.trigger();
    }
    kept.is_ok()
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

/// Turns signals into orders; returns when told to end or when the server ended by itself.
fn watch(mut signals: Signals, sender: &Sender<Order>, (shutdown, stop): (&Shutdown, &AtomicBool)) {
    for signal in signals.forever() {
        if signal == SIGHUP {
            let _ = sender.send(Order::Reload);
        } else {
            log::info!("ending after the running requests: signal={signal}");
            stop.store(true, Ordering::Relaxed);
            shutdown.trigger();
        }
    }
}
