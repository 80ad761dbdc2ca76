//! A server in a thread, with a handler that does what a request's parameters ask for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use heliostat::fcgi::{
    FcgiError, FcgiRequest, Handler, Listen, Rest, Server, ServerOptions, ServerReport, Shutdown,
    Stats,
};
use tempfile::TempDir;

use crate::stand_in::folder::temporary_folder;

/// Anything that takes longer than this has gone wrong, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Polls until `condition` holds.
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Holds handlers back until it is opened.
#[derive(Debug, Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    /// How many handlers have come to it.
    pub came: AtomicUsize,
}

impl Gate {
    pub fn open(&self) {
        *self.open.lock().expect("no test panics with it") = true;
        self.opened.notify_all();
    }

    pub fn close(&self) {
        *self.open.lock().expect("no test panics with it") = false;
    }

    fn pass(&self) {
        self.came.fetch_add(1, SeqCst);
        let open = self.open.lock().expect("no test panics with it");
        let (_open, late) = self
            .opened
            .wait_timeout_while(open, PATIENCE, |open| !*open)
            .expect("no test panics with it");
        assert!(!late.timed_out(), "nobody opened the gate");
    }
}

/// The messages of handlers to the test.
#[derive(Debug, Default)]
pub struct Told {
    pub gate: Gate,
    pub made: AtomicUsize,
    pub ticks: AtomicUsize,
    /// Pieces of long answers that were made.
    pub pieces: AtomicUsize,
}

/// Bytes of a piece of a long answer.
pub const PIECE_BYTES: usize = 65_535;

/// A long answer: pieces, and then what the test wants.
struct Pieces {
    told: Arc<Told>,
    left: usize,
    end: String,
}

impl Rest for Pieces {
    fn pull(&mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        assert!(out.is_empty(), "the output comes cleared");
        if self.left > 0 {
            self.left -= 1;
            self.told.pieces.fetch_add(1, SeqCst);
            out.resize(PIECE_BYTES, b'x');
            return Ok(());
        }
        match &*self.end {
            "error" => Err(std::io::Error::other("as asked")),
            "panic" => panic!("as asked"),
            _ => Ok(()),
        }
    }
}

/// Echoes the parameters; `DO` asks for something else.
pub struct Scripted {
    told: Arc<Told>,
    rest: Option<Box<dyn Rest>>,
}

impl Scripted {
    pub fn new(told: &Arc<Told>) -> Scripted {
        told.made.fetch_add(1, SeqCst);
        Scripted {
            told: Arc::clone(told),
            rest: None,
        }
    }
}

impl Handler for Scripted {
    fn respond(&mut self, request: &FcgiRequest<'_>, out: &mut Vec<u8>) {
        assert!(out.is_empty(), "the output comes cleared");
        let wish = request.params().find(|(name, _)| *name == b"DO");
        let wish = wish.map(|(_, value)| std::str::from_utf8(value).expect("tests write text"));
        match wish {
            Some("panic") => panic!("as asked"),
            Some("nothing") => return,
            Some("wait") => self.told.gate.pass(),
            Some(wish) if wish.starts_with("pieces ") => {
                let mut words = wish.split(' ').skip(1);
                let left = words.next().and_then(|number| number.parse().ok());
                self.rest = Some(Box::new(Pieces {
                    told: Arc::clone(&self.told),
                    left: left.expect("a number of pieces"),
                    end: words.next().unwrap_or_default().to_owned(),
                }));
                out.extend_from_slice(b"Status: 200 OK\r\n\r\n");
                return;
            }
            Some(bytes) => {
                out.resize(bytes.parse().expect("a number of bytes"), b'x');
                return;
            }
            None => {}
        }
        out.extend_from_slice(b"Status: 200 OK\r\n\r\n");
        for (name, value) in request.params() {
            out.extend_from_slice(&[name, b"=", value, b"\n"].concat());
        }
    }

    fn rest(&mut self) -> Option<Box<dyn Rest>> {
        self.rest.take()
    }

    fn tick(&mut self) {
        self.told.ticks.fetch_add(1, SeqCst);
    }
}

/// A running server on a Unix socket in a directory of its own.
pub struct TestServer {
    pub socket: PathBuf,
    pub stats: Arc<Stats>,
    pub told: Arc<Told>,
    pub shutdown: Shutdown,
    thread: Option<JoinHandle<Result<ServerReport, FcgiError>>>,
    _dir: TempDir,
}

impl TestServer {
    pub fn start(options: ServerOptions) -> TestServer {
        let dir = temporary_folder();
        let socket = dir.path().join("fcgi.sock");
        let listen = Listen::Unix {
            path: socket.clone(),
            mode: 0o600,
        };
        let server = Server::bind(&listen, options).expect("a free path");
        let stats = server.stats();
        let told = Arc::<Told>::default();
        let shutdown = Shutdown::new().expect("a descriptor");
        let thread = std::thread::spawn({
            let (told, shutdown) = (Arc::clone(&told), shutdown.clone());
            move || server.run(|_| Scripted::new(&told), &shutdown)
        });
        TestServer {
            socket,
            stats,
            told,
            shutdown,
            thread: Some(thread),
            _dir: dir,
        }
    }

    /// Triggers the shutdown and waits for the end.
    pub fn end(mut self) -> ServerReport {
        self.shutdown.trigger();
        self.join()
    }

    /// Waits for the end of a shutdown that was triggered.
    pub fn join(&mut self) -> ServerReport {
        let thread = self.thread.take().expect("joined once");
        thread.join().expect("no panic").expect("no error")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.told.gate.open();
        self.shutdown.trigger();
        if let Some(thread) = self.thread.take() {
            // A test that failed has said why already.
            let _ = thread.join();
        }
    }
}
