//! Restarts under load, by socket activation: no request is lost.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use rustix::process::{Pid, Signal, kill_process};

use super::child::{ChildSupervisor, command};
use super::peer::{Peer, request};
use super::server::wait_until;

use crate::stand_in::folder::temporary_folder;

/// Restarts under load.
const RESTARTS: u64 = 12;
/// Answers between two of them.
const BETWEEN: u64 = 500;
/// Requests at once.
const CONNECTIONS: usize = 16;

#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    lost: AtomicU64,
    connected: AtomicU64,
    end: AtomicBool,
}

/// Acts as a web server: takes a connection from its pool or makes one, sends a request, and waits
/// for the answer.
fn web_server(socket: &Path, keep: bool, tally: &Tally) {
    let bytes = request(1, keep, &[("A", b"1")]);
    let mut pool = None;
    while !tally.end.load(SeqCst) {
        let mut peer = pool.take().unwrap_or_else(|| {
            tally.connected.fetch_add(1, SeqCst);
            Peer::connect(socket)
        });
        let sent = peer.stream.write_all(&bytes);
        match sent.ok().and_then(|()| peer.answer()) {
            Some(answer) if answer.text().ends_with("A=1\n") => {
                tally.answered.fetch_add(1, SeqCst);
                pool = keep.then_some(peer);
            }
            _ => {
                tally.lost.fetch_add(1, SeqCst);
            }
        }
    }
}

/// Restarts under load; how many connections the web server made.
fn under_load(with_store: bool, keep: bool) -> u64 {
    let mut supervisor = ChildSupervisor::start(with_store);
    let socket = supervisor.socket.clone();
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| web_server(&socket, keep, &tally));
        }
        for _ in 0..RESTARTS {
            let enough = tally.answered.load(SeqCst) + BETWEEN;
            wait_until("answers", || tally.answered.load(SeqCst) >= enough);
            assert_eq!(
                supervisor.restart(),
                if with_store { CONNECTIONS } else { 0 }
            );
        }
        let enough = tally.answered.load(SeqCst) + BETWEEN;
        wait_until("answers of the last", || {
            tally.answered.load(SeqCst) >= enough
        });
        tally.end.store(true, SeqCst);
    });
    assert_eq!(tally.lost.load(SeqCst), 0);
    assert!(tally.answered.load(SeqCst) >= RESTARTS * BETWEEN);
    tally.connected.load(SeqCst)
}

#[test]
fn kept_connections_outlive_a_restart() {
    let connected = under_load(true, true);
    assert_eq!(
        connected, CONNECTIONS as u64,
        "no connection was ever closed"
    );
}

#[test]
fn without_a_store_what_was_accepted_is_answered_and_the_rest_waits() {
    let connected = under_load(false, false);
    assert!(connected >= RESTARTS * BETWEEN, "each request had its own");
}

/// mod_fcgid starts its processes with the listening socket as standard input, and ends them
/// with SIGTERM.
#[test]
fn standard_input_may_be_the_socket() {
    let dir = temporary_folder();
    let socket = dir.path().join("fcgi.sock");
    let listener = UnixListener::bind(&socket).expect("a free path");
    let mut command = command(Path::new("inherited"));
    command
        .stdin(OwnedFd::from(listener))
        .stdout(Stdio::piped());
    let mut process = command.spawn().expect("it starts");
    // The command keeps a copy of the listener, which would keep the socket open.
    drop(command);
    let mut peer = Peer::connect(&socket);
    peer.send(&request(1, false, &[("A", b"1")]));
    assert!(peer.answer().expect("an answer").text().ends_with("A=1\n"));
    kill_process(Pid::from_child(&process), Signal::TERM).expect("it runs");
    assert!(process.wait().expect("it ends").success());
    assert!(Peer::try_connect(&socket).is_err());
}
