//! Tests messages on a connection, right and wrong.

use std::net::Shutdown;
use std::sync::atomic::Ordering::Relaxed;

use heliostat::fcgi::ServerOptions;

use super::peer::{Peer, begin, packed, record, request};
use super::server::{TestServer, wait_until};
use super::wire;

fn start() -> TestServer {
    TestServer::start(ServerOptions::default())
}

#[test]
fn connections_are_kept_if_the_web_server_wants_it() {
    let server = start();
    let mut peer = Peer::connect(&server.socket);
    for number in 0..3u8 {
        let answer = peer.ask(&[("N", &[b'0' + number]), ("LATIN", b"\xe4\xff")]);
        let mut expected = format!("Status: 200 OK\r\n\r\nN={number}\nLATIN=").into_bytes();
        expected.extend(b"\xe4\xff\n");
        assert_eq!(
            (answer.stdout, answer.ending, answer.records),
            (expected, 0, 1)
        );
    }
    peer.send(&request(9, false, &[]));
    assert!(peer.answer().is_some());
    assert!(peer.is_closed());
    let report = server.end();
    assert_eq!(report.unanswered, 0);
}

#[test]
fn parameters_may_be_split_at_every_byte() {
    let server = start();
    let long = [b'v'; 200];
    let params: &[(&str, &[u8])] = &[("A", b"1"), ("EMPTY", b""), ("LONG", &long)];
    let packed = packed(params);
    let mut peer = Peer::connect(&server.socket);
    let whole = peer.ask(params);
    assert!(
        whole
            .text()
            .ends_with(&format!("LONG={}\n", "v".repeat(200)))
    );
    for at in 1..packed.len() {
        let mut bytes = begin(1, true);
        wire::record(&mut bytes, wire::PARAMS, 1, &packed[..at], (at % 9) as u8);
        wire::record(&mut bytes, wire::PARAMS, 1, &packed[at..], 0);
        wire::record(&mut bytes, wire::PARAMS, 1, &[], 7);
        wire::record(&mut bytes, wire::STDIN, 1, &[], 0);
        peer.send(&bytes);
        assert_eq!(peer.answer().as_ref(), Some(&whole), "split at {at}");
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = start();
    let mut peer = Peer::connect(&server.socket);
    for byte in request(5, true, &[("A", b"1"), ("B", b"2")]) {
        peer.send(&[byte]);
    }
    let answer = peer.answer().expect("an answer");
    assert_eq!(answer.text(), "Status: 200 OK\r\n\r\nA=1\nB=2\n");
}

#[test]
fn management_roles_and_aborts_are_answered() {
    let server = start();
    let mut peer = Peer::connect(&server.socket);
    peer.send(&record(9, 0, &packed(&[("FCGI_MPXS_CONNS", b"")])));
    let values = packed(&[("FCGI_MPXS_CONNS", b"0")]);
    assert_eq!(peer.record(), Some((10, 0, values)));
    peer.send(&record(42, 0, b""));
    assert_eq!(peer.record(), Some((11, 0, vec![42, 0, 0, 0, 0, 0, 0, 0])));
    let mut authorizer = Vec::new();
    wire::begin(&mut authorizer, 3, 2, true);
    peer.send(&authorizer);
    assert_eq!(peer.record(), Some((3, 3, vec![0, 0, 0, 0, 3, 0, 0, 0])));
    peer.send(&[begin(1, true), begin(2, true)].concat());
    assert_eq!(peer.record(), Some((3, 2, vec![0, 0, 0, 0, 1, 0, 0, 0])));
    peer.send(&record(2, 1, b""));
    assert_eq!(peer.record(), Some((3, 1, vec![0; 8])));
    assert_eq!(server.stats.aborted.load(Relaxed), 1);
    assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
}

#[test]
fn what_is_not_fastcgi_costs_its_own_connection_only() {
    let server = start();
    let mut good = Peer::connect(&server.socket);
    let bad: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 8],
        vec![0xff; 64],
        record(1, 1, b"\0\x01"),
        record(6, 1, b"hello"),
        record(99, 7, b""),
        record(4, 0, b""),
        [begin(1, true), begin(1, true)].concat(),
    ];
    for (number, bytes) in bad.iter().enumerate() {
        let mut peer = Peer::connect(&server.socket);
        peer.send(bytes);
        assert!(peer.is_closed(), "{bytes:?}");
        wait_until("the violation to be counted", || {
            server.stats.protocol_errors.load(Relaxed) == number as u64 + 1
        });
        assert!(good.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    }
    wait_until("closed", || server.stats.connections.load(Relaxed) == 1);
}

#[test]
fn a_request_cut_off_anywhere_leaves_nothing_behind() {
    let server = start();
    let whole = request(1, true, &[("NAME", b"value")]);
    for end in 0..whole.len() {
        let mut peer = Peer::connect(&server.socket);
        peer.send(&whole[..end]);
    }
    wait_until("all were accepted", || {
        server.stats.accepted.load(Relaxed) == whole.len() as u64
    });
    wait_until("all are closed", || {
        server.stats.connections.load(Relaxed) == 0
    });
    assert_eq!(server.stats.requests.load(Relaxed), 0);
    // Those of which at least BEGIN_REQUEST had come.
    assert_eq!(server.stats.aborted.load(Relaxed), whole.len() as u64 - 16);
}

/// An edge-triggered prototype read less than its buffer holds, waited for the next edge, and
/// never saw the end that had come with the bytes.
#[test]
fn the_end_that_comes_with_the_last_bytes_is_seen() {
    let server = start();
    for _ in 0..50 {
        let mut whole = Peer::connect(&server.socket);
        whole.send(&request(1, true, &[("A", b"1")]));
        whole.stream.shutdown(Shutdown::Write).expect("connected");
        assert!(whole.answer().expect("an answer").text().ends_with("A=1\n"));
        assert!(whole.is_closed());

        let mut half = Peer::connect(&server.socket);
        half.send(&request(1, true, &[("A", b"1")])[..20]);
        half.stream.shutdown(Shutdown::Write).expect("connected");
        assert!(half.is_closed());
    }
    wait_until("closed", || server.stats.connections.load(Relaxed) == 0);
}

/// The same prototype accepted once for several connections and was never told of the others.
#[test]
fn a_burst_of_connections_is_accepted_whole() {
    let server = TestServer::start(ServerOptions {
        threads: 1,
        ..ServerOptions::default()
    });
    let mut first = Peer::connect(&server.socket);
    first.request(&[("DO", b"wait")]);
    wait_until("the only worker is busy", || {
        server.told.gate.came.load(Relaxed) == 1
    });
    let mut burst: Vec<Peer> = (0..200).map(|_| Peer::connect(&server.socket)).collect();
    for peer in &mut burst {
        peer.request(&[("A", b"1")]);
    }
    server.told.gate.open();
    for peer in burst.iter_mut().chain([&mut first]) {
        assert!(peer.answer().is_some());
    }
    assert_eq!(server.stats.accepted.load(Relaxed), 201);
}

#[test]
fn large_answers_go_out_as_fast_as_they_are_taken() {
    let server = start();
    let mut peer = Peer::connect(&server.socket);
    for bytes in [65_535usize, 65_536, 131_071, 3_000_000] {
        let size = bytes.to_string();
        // The second request waits until the first answer was taken.
        peer.request(&[("DO", size.as_bytes())]);
        peer.request(&[("A", b"1")]);
        let answer = peer.answer().expect("an answer");
        assert_eq!(answer.stdout.len(), bytes);
        assert_eq!(answer.records, bytes.div_ceil(65_535));
        assert!(peer.answer().expect("an answer").text().ends_with("A=1\n"));
    }
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let server = start();
    let mut peer = Peer::connect(&server.socket);
    let ahead = 500u16;
    let sent: Vec<u8> = (1..=ahead)
        .flat_map(|id| request(id, id < ahead, &[("A", b"1")]))
        .collect();
    peer.send(&sent);
    for id in 1..=ahead {
        assert_eq!(
            peer.record().map(|(kind, id, _)| (kind, id)),
            Some((wire::STDOUT, id))
        );
        assert_eq!(
            peer.record().map(|(kind, id, _)| (kind, id)),
            Some((wire::END_REQUEST, id))
        );
    }
    assert!(peer.is_closed());
}

#[test]
fn a_panic_costs_one_request() {
    let server = TestServer::start(ServerOptions {
        threads: 1,
        ..ServerOptions::default()
    });
    let mut peer = Peer::connect(&server.socket);
    for wish in [&b"panic"[..], b"nothing"] {
        let answer = peer.ask(&[("DO", wish)]);
        assert!(
            answer.text().starts_with("Status: 500 "),
            "{}",
            answer.text()
        );
        assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    }
    assert_eq!(server.stats.panics.load(Relaxed), 1);
    assert_eq!(
        server.told.made.load(Relaxed),
        2,
        "made anew after the panic"
    );
}

/// An answer that could not be sent is thrown away, not left in the worker's buffer.
#[test]
fn an_answer_never_reaches_another_connection() {
    let server = TestServer::start(ServerOptions {
        threads: 1,
        ..ServerOptions::default()
    });
    for number in 0..20u8 {
        let mut gone = Peer::connect(&server.socket);
        gone.request(&[("DO", b"wait"), ("SECRET", b"1")]);
        wait_until("it runs", || {
            server.told.gate.came.load(Relaxed) == usize::from(number) + 1
        });
        drop(gone);
        server.told.gate.open();
        let mut other = Peer::connect(&server.socket);
        let answer = other.ask(&[("A", b"1")]).text();
        assert_eq!(answer, "Status: 200 OK\r\n\r\nA=1\n");
        server.told.gate.close();
    }
}

#[test]
fn idle_workers_tick() {
    let server = start();
    wait_until("ten ticks", || server.told.ticks.load(Relaxed) >= 10);
}
