//! A server in a process of its own, where descriptors and memory can be counted and limited:
//! the test binary starts itself again.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use heliostat::fcgi::{Listen, Server, ServerOptions, Shutdown};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use super::peer::{Peer, request};
use super::server::{Scripted, wait_until};
use super::supervisor::Supervisor;

use crate::stand_in::folder::temporary_folder;

/// Set, this process is such a server: the socket's path, or `inherited`.
const SERVE: &str = "HELIOSTAT_TEST_SERVE";
/// Descriptors that it may have.
const NOFILE: &str = "HELIOSTAT_TEST_NOFILE";
/// Set, this process is a supervisor that listens on this socket.
const SUPERVISE: &str = "HELIOSTAT_TEST_SUPERVISE";
/// Set, the supervisor stores connections.
const STORE: &str = "HELIOSTAT_TEST_STORE";

/// Also the entry point of the processes that serve: there, the variable is set.
#[test]
fn a_server_process_ends_with_the_test_that_started_it() {
    if let Some(socket) = env::var_os(SERVE) {
        return serve(&socket);
    }
    let (printed, _) = ChildServer::start(None).end();
    assert!(printed.contains("ended "), "{printed}");
}

/// Serves on that socket, or on one that this process inherited, until it is told to end.
fn serve(socket: &OsStr) {
    env_logger::init();
    if let Ok(nofile) = env::var(NOFILE) {
        let current = Some(nofile.parse().expect("a number"));
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("lower is allowed");
    }
    let listen = match socket.to_str() {
        Some("inherited") => Listen::Inherited,
        _ => Listen::Unix {
            path: PathBuf::from(socket),
            mode: 0o600,
        },
    };
    let server = Server::bind(&listen, ServerOptions::default()).expect("it can listen");
    let shutdown = Shutdown::new().expect("a descriptor");
    // Either ends it: SIGTERM, or the test that started it being gone.
    let mut signals = Signals::new([SIGTERM]).expect("handlers");
    let (by_signal, by_end) = (shutdown.clone(), shutdown.clone());
    std::thread::spawn(move || signals.forever().for_each(|_| by_signal.trigger()));
    if listen != Listen::Inherited {
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            by_end.trigger();
        });
    }
    let told = Arc::default();
    let report = server
        .run(|_| Scripted::new(&told), &shutdown)
        .expect("it runs");
    println!("ended {report:?} {:?}", server.stats());
}

/// Also the entry point of the processes that supervise: there, the variable is set.
#[test]
fn a_supervisor_ends_its_servers() {
    if let Some(socket) = env::var_os(SUPERVISE) {
        return supervise(&socket);
    }
    let mut supervisor = ChildSupervisor::start(false);
    supervisor.restart();
    // A server that answers has its handlers of signals.
    let mut peer = Peer::connect(&supervisor.socket);
    let sent = peer.stream.write_all(&request(1, false, &[("A", b"1")]));
    sent.expect("it reads");
    assert!(peer.answer().is_some());
    let printed = supervisor.end();
    assert!(printed.contains("ended "), "{printed}");
}

/// Holds the socket and restarts the server, in a process of its own because the descriptors that
/// it passes on would otherwise be inherited by whatever other tests start.
fn supervise(socket: &OsStr) {
    let with_store = env::var_os(STORE).is_some();
    let command = command(Path::new("inherited"));
    let supervisor = Supervisor::new(Path::new(socket), with_store, &command);
    let mut supervisor = supervisor.expect("a free path");
    supervisor.serve_standard_input().expect("it runs");
}

/// A supervisor in a child process.
pub struct ChildSupervisor {
    pub socket: PathBuf,
    process: Child,
    printed: BufReader<ChildStdout>,
    _dir: TempDir,
}

impl ChildSupervisor {
    pub fn start(with_store: bool) -> ChildSupervisor {
        let dir = temporary_folder();
        let socket = dir.path().join("fcgi.sock");
        let mut command = Command::new(env::current_exe().expect("a running program has a file"));
        command.args(["a_supervisor_ends_its_servers", "--nocapture"]);
        command
            .env(SUPERVISE, &socket)
            .envs(with_store.then_some((STORE, "1")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let printed = BufReader::new(process.stdout.take().expect("piped"));
        let mut started = ChildSupervisor {
            socket,
            process,
            printed,
            _dir: dir,
        };
        started.line_with("started");
        started
    }

    /// Restarts the server; how many connections were stored meanwhile.
    pub fn restart(&mut self) -> usize {
        let stdin = self.process.stdin.as_mut().expect("piped");
        stdin.write_all(b"restart\n").expect("it reads");
        let line = self.line_with("restarted stored=");
        line.rsplit('=')
            .next()
            .expect("a number")
            .trim()
            .parse()
            .expect("a number")
    }

    /// Ends it and its server by the end of its standard input; what the two printed since.
    fn end(&mut self) -> String {
        drop(self.process.stdin.take());
        let mut printed = String::new();
        // The server has the same output: it is at its end when both are.
        let _ = self.printed.read_to_string(&mut printed);
        let _ = self.process.wait();
        printed
    }

    /// Skips what the server and the test framework print.
    fn line_with(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.printed.read_line(&mut line).expect("text"),
                0,
                "it ended"
            );
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for ChildSupervisor {
    fn drop(&mut self) {
        self.end();
    }
}

/// The command that starts this binary again as a server.
pub fn command(socket: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("a running program has a file"));
    command
        .args([
            "a_server_process_ends_with_the_test_that_started_it",
            "--nocapture",
        ])
        .env(SERVE, socket)
        .env("RUST_LOG", "heliostat=info")
        // As services run: backtraces of panics take memory and fill the pipe.
        .env("RUST_BACKTRACE", "0");
    command
}

/// A running child.
pub struct ChildServer {
    pub socket: PathBuf,
    process: Child,
    _dir: TempDir,
}

impl ChildServer {
    pub fn start(nofile: Option<u32>) -> ChildServer {
        let dir = temporary_folder();
        let socket = dir.path().join("fcgi.sock");
        let mut command = command(&socket);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.envs(nofile.map(|nofile| (NOFILE, nofile.to_string())));
        let process = command.spawn().expect("it starts");
        wait_until("the child listens", || UnixStream::connect(&socket).is_ok());
        ChildServer {
            socket,
            process,
            _dir: dir,
        }
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        self.open_files().len()
    }

    /// How many of them are sockets.
    pub fn sockets(&self) -> usize {
        let is_socket = |file: &&PathBuf| file.to_string_lossy().starts_with("socket:");
        self.open_files().iter().filter(is_socket).count()
    }

    fn open_files(&self) -> Vec<PathBuf> {
        let links = fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("it runs");
        // One that was closed meanwhile has no target any more.
        links
            .filter_map(|link| fs::read_link(link.ok()?.path()).ok())
            .collect()
    }

    /// Resident memory of its own, in KiB.
    pub fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("it runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line
            .and_then(|line| line.split_whitespace().next())
            .expect("the kernel says");
        kib.parse().expect("a number")
    }

    /// Processor time that it has used, in clock ticks of 10 ms.
    pub fn processor_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
        let stat = stat.expect("it runs");
        let fields: Vec<&str> = stat
            .rsplit(") ")
            .next()
            .expect("fields")
            .split(' ')
            .collect();
        fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
    }

    /// Ends it; what it printed at its end, and what it logged.
    pub fn end(mut self) -> (String, String) {
        drop(self.process.stdin.take());
        let (mut printed, mut logged) = (String::new(), String::new());
        let stdout = self.process.stdout.as_mut().expect("piped");
        stdout.read_to_string(&mut printed).expect("text");
        let stderr = self.process.stderr.as_mut().expect("piped");
        stderr.read_to_string(&mut logged).expect("text");
        assert!(
            self.process.wait().expect("it ends").success(),
            "{printed}{logged}"
        );
        (printed, logged)
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        // The process may have ended already; nothing is left of it either way.
        if let Some(stdin) = &mut self.process.stdin {
            let _ = stdin.flush();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
