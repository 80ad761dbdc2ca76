//! Long answers: made as fast as they are taken, fair to others, never cut without a sign.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use heliostat::fcgi::ServerOptions;

use super::peer::Peer;
use super::server::{PIECE_BYTES, TestServer, wait_until};

/// Of the headers that a handler writes before.
const HEAD_BYTES: usize = "Status: 200 OK\r\n\r\n".len();

fn one_thread() -> ServerOptions {
    ServerOptions {
        threads: 1,
        ..ServerOptions::default()
    }
}

#[test]
fn a_long_answer_is_whole_and_the_connection_goes_on() {
    let server = TestServer::start(one_thread());
    let mut peer = Peer::connect(&server.socket);
    for pieces in [0, 1, 40] {
        let wish = format!("pieces {pieces}");
        let answer = peer.ask(&[("DO", wish.as_bytes())]);
        assert_eq!(answer.stdout.len(), HEAD_BYTES + pieces * PIECE_BYTES);
        assert_eq!(answer.ending, 0);
        assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    }
    // Two requests at once: the second waits for the end of the first.
    peer.request(&[("DO", b"pieces 20")]);
    peer.request(&[("B", b"2")]);
    let first = peer.answer().expect("an answer");
    assert_eq!(first.stdout.len(), HEAD_BYTES + 20 * PIECE_BYTES);
    assert!(peer.answer().expect("an answer").text().ends_with("B=2\n"));
}

#[test]
fn what_is_not_taken_is_not_made_and_others_are_served() {
    let server = TestServer::start(one_thread());
    let mut slow = Peer::connect(&server.socket);
    slow.request(&[("DO", b"pieces 1000")]);
    wait_until("it has begun", || server.told.pieces.load(SeqCst) > 0);
    let mut peer = Peer::connect(&server.socket);
    for _ in 0..50 {
        assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    }
    // A Unix socket holds fewer pieces, and the responder one.
    assert!(server.told.pieces.load(SeqCst) < 20);
    let answer = slow.answer().expect("an answer");
    assert_eq!(answer.stdout.len(), HEAD_BYTES + 1000 * PIECE_BYTES);
}

#[test]
fn an_answer_that_cannot_be_ended_closes_the_connection() {
    let server = TestServer::start(one_thread());
    for (wish, panics) in [("pieces 3 error", 0), ("pieces 3 panic", 1)] {
        let mut peer = Peer::connect(&server.socket);
        peer.request(&[("DO", wish.as_bytes())]);
        assert!(peer.answer().is_none(), "{wish}: no END_REQUEST");
        assert_eq!(server.stats.panics.load(Relaxed), panics, "{wish}");
    }
    let mut peer = Peer::connect(&server.socket);
    assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
}

#[test]
fn a_reader_that_stopped_is_given_up_and_its_answer_dropped() {
    let server = TestServer::start(ServerOptions {
        rest_timeout: Duration::from_millis(500),
        ..one_thread()
    });
    let mut slow = Peer::connect(&server.socket);
    slow.request(&[("DO", b"pieces 1000")]);
    wait_until("given up", || server.stats.timeouts.load(Relaxed) == 1);
    assert!(server.told.pieces.load(SeqCst) < 20);
    // One that hangs up is no time-out.
    let mut gone = Peer::connect(&server.socket);
    gone.request(&[("DO", b"pieces 1000")]);
    wait_until("it has begun", || server.stats.requests.load(Relaxed) == 2);
    drop(gone);
    wait_until("closed", || server.stats.connections.load(Relaxed) == 0);
    assert_eq!(server.stats.timeouts.load(Relaxed), 1);
}
