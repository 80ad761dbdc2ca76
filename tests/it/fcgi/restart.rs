//! Restarts under load, by socket activation: no request is lost.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use super::child::ChildSupervisor;
use super::peer::Peer;
use super::server::wait_until;

/// Restarts under load.
const RESTARTS: u64 = 12;
/// Answers between two of them.
const BETWEEN: u64 = 500;

#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    lost: AtomicU64,
    connected: AtomicU64,
    end: AtomicBool,
}

/// What a web server does with a connection of its pool: it looks whether it has ended, opens
/// another if so, and sends a request.
fn web_server(socket: &Path, tally: &Tally) {
    let connect = || {
        tally.connected.fetch_add(1, SeqCst);
        Peer::connect(socket)
    };
    let mut peer = connect();
    while !tally.end.load(SeqCst) {
        peer.stream.set_nonblocking(true).expect("a socket");
        let ended = matches!(peer.stream.read(&mut [0]), Ok(0));
        peer.stream.set_nonblocking(false).expect("a socket");
        if ended {
            peer = connect();
        }
        let bytes = super::peer::request(1, true, &[("A", b"1")]);
        let sent = std::io::Write::write_all(&mut peer.stream, &bytes);
        match sent.ok().and_then(|()| peer.answer()) {
            Some(answer) if answer.text().ends_with("A=1\n") => {
                tally.answered.fetch_add(1, SeqCst);
            }
            _ => {
                tally.lost.fetch_add(1, SeqCst);
                peer = connect();
            }
        }
        // What a web server does between two requests on a connection.
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn under_load(with_store: bool) -> Tally {
    let mut supervisor = ChildSupervisor::start(with_store);
    let socket = supervisor.socket.clone();
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| web_server(&socket, &tally));
        }
        for _ in 0..RESTARTS {
            let answered = tally.answered.load(SeqCst);
            wait_until("answers", || {
                tally.answered.load(SeqCst) >= answered + BETWEEN
            });
            assert_eq!(supervisor.restart(), if with_store { 16 } else { 0 });
        }
        let answered = tally.answered.load(SeqCst);
        wait_until("the last one answers", || {
            tally.answered.load(SeqCst) > answered + BETWEEN
        });
        tally.end.store(true, SeqCst);
    });
    assert_eq!(tally.lost.load(SeqCst), 0);
    assert!(tally.answered.load(SeqCst) >= RESTARTS * BETWEEN);
    tally
}

#[test]
fn kept_connections_outlive_a_restart() {
    let tally = under_load(true);
    assert_eq!(
        tally.connected.load(SeqCst),
        16,
        "no connection was ever closed"
    );
}

#[test]
fn without_a_store_connections_end_where_the_web_server_notices() {
    let tally = under_load(false);
    assert!(tally.connected.load(SeqCst) > 16, "they did end");
}
