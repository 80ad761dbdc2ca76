//! Many connections: slow ones beside quick ones, more than descriptors, and none left behind.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use heliostat::fcgi::ServerOptions;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::child::ChildServer;
use super::peer::{Peer, begin, record, request};
use super::server::{TestServer, wait_until};
use super::wire;

#[test]
fn slow_connections_do_not_slow_down_others() {
    // Both ends of the connections are in this process.
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map_or(4096, |maximum| maximum.min(4096));
    let limit = Rlimit {
        current: Some(current),
        ..limit
    };
    setrlimit(Resource::Nofile, limit).expect("up to the maximum is allowed");
    let server = TestServer::start(ServerOptions::default());
    let whole = request(1, true, &[("NAME", b"value")]);
    let mut slow: Vec<Peer> = (0..600).map(|_| Peer::connect(&server.socket)).collect();
    wait_until("all are open", || {
        server.stats.connections.load(Relaxed) == 600
    });
    let mut times = Vec::new();
    let mut quick: Vec<Peer> = (0..4).map(|_| Peer::connect(&server.socket)).collect();
    for byte in &whole[..whole.len() - 1] {
        for peer in &mut slow {
            peer.send(&[*byte]);
        }
        for peer in &mut quick {
            let start = Instant::now();
            assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
            times.push(start.elapsed());
        }
    }
    times.sort();
    // One in a hundred is left to what else the machine does.
    let late = times[times.len() * 99 / 100];
    assert!(
        late < Duration::from_millis(200),
        "{late:?} of {}",
        times.len()
    );
    for peer in &mut slow {
        peer.send(&whole[whole.len() - 1..]);
        assert!(
            peer.answer()
                .expect("slow, but in time")
                .text()
                .ends_with("NAME=value\n")
        );
    }
}

#[test]
fn a_worker_that_is_held_up_gets_no_new_connections() {
    let server = TestServer::start(ServerOptions {
        threads: 3,
        ..Default::default()
    });
    let mut held: Vec<Peer> = Vec::new();
    for stuck in 1..3 {
        let mut peer = Peer::connect(&server.socket);
        peer.request(&[("DO", b"wait")]);
        wait_until("a worker is held up", || {
            server.told.gate.came.load(Relaxed) == stuck
        });
        held.push(peer);
        // The thread is believed to keep up for a millisecond; others answer all that come later.
        std::thread::sleep(Duration::from_millis(2));
        let mut peers: Vec<Peer> = (0..32).map(|_| Peer::connect(&server.socket)).collect();
        for peer in &mut peers {
            assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
        }
    }
    server.told.gate.open();
    for peer in &mut held {
        assert!(peer.answer().is_some());
    }
}

#[test]
fn without_descriptors_connections_wait_and_nothing_spins() {
    let server = ChildServer::start(Some(32));
    let mut peers: Vec<Peer> = (0..60).map(|_| Peer::connect(&server.socket)).collect();
    for peer in &mut peers {
        peer.request(&[("A", b"1")]);
    }
    let mut first = peers.remove(0);
    assert!(first.answer().is_some());
    wait_until("all descriptors are used", || server.descriptors() >= 32);
    let (ticks, start) = (server.processor_ticks(), Instant::now());
    while start.elapsed() < Duration::from_secs(1) {
        // Those that have a connection are served as ever.
        assert!(first.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
        std::thread::sleep(Duration::from_millis(20));
    }
    let ticks = server.processor_ticks() - ticks;
    assert!(ticks < 30, "{ticks} ticks of 100 a second");
    for mut peer in peers {
        assert!(
            peer.answer().is_some(),
            "it got its turn when another had ended"
        );
    }
    assert!(first.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    drop(first);
    let (printed, logged) = server.end();
    assert!(printed.contains("requests: "), "{printed}");
    assert!(!printed.contains("accept_pauses: 0,") && !printed.contains("accept_pauses: 0 }"));
    assert_eq!(
        logged.matches("cannot accept connections").count(),
        1,
        "{logged}"
    );
}

/// Everything that is wrong with a connection, once.
fn all_that_is_wrong(server: &ChildServer) {
    let whole = request(1, true, &[("NAME", b"value")]);
    for end in 0..whole.len() {
        Peer::connect(&server.socket).send(&whole[..end]);
    }
    for at in 0..whole.len() {
        for value in [0, 1, 2, 9, 127, 128, 255] {
            let mut changed = whole.clone();
            changed[at] = value;
            let mut peer = Peer::connect(&server.socket);
            peer.send(&changed);
        }
    }
    let long = [0xffu8; 0xffff];
    let mut endless = begin(1, true);
    for _ in 0..40 {
        wire::record(&mut endless, wire::PARAMS, 1, &long, 255);
    }
    endless.extend([record(wire::PARAMS, 1, b""), record(wire::STDIN, 1, b"")].concat());
    let mut peer = Peer::connect(&server.socket);
    peer.send(&endless);
    let answer = peer.answer().expect("an answer").text();
    assert!(answer.starts_with("Status: 431 "), "{answer}");
    let mut peer = Peer::connect(&server.socket);
    peer.send(&record(0xf0, 0, &long).repeat(20));
    for _ in 0..20 {
        assert_eq!(peer.record().map(|(kind, _, _)| kind), Some(11));
    }
    assert!(
        peer.ask(&[("DO", b"panic")])
            .text()
            .starts_with("Status: 500 ")
    );
    let mut peer = Peer::connect(&server.socket);
    peer.request(&[("DO", b"2000000")]);
}

/// Rounds of [`all_that_is_wrong`]; each takes a tenth of a second.
const ROUNDS: u32 = 30;

#[test]
fn nothing_is_left_of_what_went_wrong() {
    let server = ChildServer::start(None);
    let mut peer = Peer::connect(&server.socket);
    assert!(
        peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"),
        "it is up"
    );
    let unused = server.sockets() - 1;
    drop(peer);
    let round = |number: u32| {
        all_that_is_wrong(&server);
        wait_until("all are closed", || server.sockets() == unused);
        (number, server.descriptors(), server.memory_kib())
    };
    let rounds: Vec<_> = (0..ROUNDS).map(round).collect();
    // A descriptor may be on its way out while they are counted. The arena of each worker grows to
    // its size within some rounds; a leak would lift every one of the last rounds.
    let (settled, last) = rounds[ROUNDS as usize / 3..].split_at(ROUNDS as usize / 3);
    assert!(
        last.iter().map(|round| round.1).min() <= settled.iter().map(|round| round.1).max(),
        "descriptors by round: {rounds:?}"
    );
    let settled = settled.iter().map(|round| round.2 + 2048).max();
    assert!(
        last.iter().map(|round| round.2).min() <= settled,
        "memory in KiB by round: {rounds:?}"
    );
    let (printed, logged) = server.end();
    assert!(printed.contains("connections: 0,"), "{printed}");
    let panics = format!("panics: {ROUNDS},");
    assert!(printed.contains(&panics), "{printed}");
    assert!(!logged.contains("worker panicked"), "{logged}");
}
