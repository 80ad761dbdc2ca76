//! Shutdown: what runs is finished, what is idle is closed, nothing is lost.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use heliostat::fcgi::ServerOptions;

use super::peer::{Peer, request};
use super::server::{TestServer, wait_until};

#[test]
fn a_running_request_is_answered_first() {
    let mut server = TestServer::start(ServerOptions::default());
    let mut running = Peer::connect(&server.socket);
    running.request(&[("DO", b"wait"), ("A", b"1")]);
    wait_until("it runs", || server.told.gate.came.load(SeqCst) == 1);
    server.shutdown.trigger();
    server.told.gate.open();
    assert!(
        running
            .answer()
            .expect("an answer")
            .text()
            .ends_with("A=1\n")
    );
    assert!(running.is_closed());
    assert_eq!(server.join().unanswered, 0);
}

#[test]
fn a_request_that_has_begun_is_read_to_its_end() {
    let mut server = TestServer::start(ServerOptions {
        threads: 1,
        ..Default::default()
    });
    let mut begun = Peer::connect(&server.socket);
    let mut other = Peer::connect(&server.socket);
    let whole = request(1, true, &[("A", b"1")]);
    begun.send(&whole[..20]);
    assert!(
        other.ask(&[("A", b"1")]).text().ends_with("A=1\n"),
        "so both were accepted"
    );
    server.shutdown.trigger();
    assert!(other.is_closed(), "idle");
    begun.send(&whole[20..]);
    assert!(begun.answer().expect("an answer").text().ends_with("A=1\n"));
    assert_eq!(server.join().unanswered, 0);
}

#[test]
fn a_connection_accepted_before_it_spoke_is_answered() {
    let mut server = TestServer::start(ServerOptions {
        threads: 1,
        ..Default::default()
    });
    let mut silent = Peer::connect(&server.socket);
    let mut other = Peer::connect(&server.socket);
    assert!(
        other.ask(&[("A", b"1")]).text().ends_with("A=1\n"),
        "so both were accepted"
    );
    server.shutdown.trigger();
    assert!(other.is_closed());
    assert!(silent.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    assert!(silent.is_closed());
    assert_eq!(server.join().unanswered, 0);
}

#[test]
fn a_kept_connection_is_closed_right_behind_its_next_answer() {
    let mut server = TestServer::start(ServerOptions::default());
    let mut peers: Vec<Peer> = (0..20).map(|_| Peer::connect(&server.socket)).collect();
    for peer in &mut peers {
        assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    }
    for peer in &mut peers {
        peer.request(&[("A", b"1")]);
    }
    server.shutdown.trigger();
    for peer in &mut peers {
        assert!(peer.answer().is_some());
        assert!(peer.is_closed());
    }
    assert_eq!(server.join().unanswered, 0);
}

#[test]
fn the_drain_time_is_an_upper_limit() {
    let drain_timeout = Duration::from_millis(300);
    let mut server = TestServer::start(ServerOptions {
        drain_timeout,
        ..Default::default()
    });
    let mut stuck = Peer::connect(&server.socket);
    stuck.send(&request(1, true, &[("A", b"1")])[..20]);
    let mut other = Peer::connect(&server.socket);
    assert!(
        other.ask(&[("A", b"1")]).text().ends_with("A=1\n"),
        "so both were accepted"
    );
    let start = Instant::now();
    server.shutdown.trigger();
    assert!(stuck.is_closed());
    assert!(start.elapsed() >= drain_timeout);
    assert_eq!(server.join().unanswered, 1);
}
