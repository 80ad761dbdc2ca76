//! Limits and time-outs.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use heliostat::fcgi::{FcgiError, Listen, Server, ServerOptions};

use super::peer::{Peer, begin, packed, record, request};
use super::server::{TestServer, wait_until};
use super::wire;

use crate::stand_in::folder::temporary_folder;

/// Short, yet longer than a busy machine takes for anything.
const SHORT: Duration = Duration::from_millis(1500);

#[test]
fn what_is_too_large_is_answered_and_the_connection_goes_on() {
    let server = TestServer::start(ServerOptions {
        params_bytes_max: 4096,
        params_max: 10,
        stdin_bytes_max: 1000,
        ..ServerOptions::default()
    });
    let long = [b'x'; 200_000];
    let many = vec![("N", &b"1"[..]); 11];
    let mut peer = Peer::connect(&server.socket);
    assert!(
        peer.ask(&[("LONG", &long)])
            .text()
            .starts_with("Status: 431 ")
    );
    assert!(peer.ask(&many).text().starts_with("Status: 431 "));
    let mut cut_off = begin(1, true);
    for (kind, content) in [
        (wire::PARAMS, &b"\x09\x09abc"[..]),
        (wire::PARAMS, b""),
        (5, b""),
    ] {
        cut_off.extend(record(kind, 1, content));
    }
    peer.send(&cut_off);
    assert!(
        peer.answer()
            .expect("an answer")
            .text()
            .starts_with("Status: 400 ")
    );

    let mut posted = [begin(1, true), record(wire::PARAMS, 1, b"")].concat();
    posted.extend(record(wire::STDIN, 1, &[0; 50_000]).repeat(20));
    posted.extend(record(wire::STDIN, 1, b""));
    peer.send(&posted);
    assert!(
        peer.answer()
            .expect("an answer")
            .text()
            .starts_with("Status: 413 ")
    );
    assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    assert_eq!(server.stats.refused.load(Relaxed), 4);
    assert_eq!(server.stats.requests.load(Relaxed), 1);
}

#[test]
fn all_that_apache_lets_through_is_read() {
    let server = TestServer::start(ServerOptions::default());
    let mut peer = Peer::connect(&server.socket);
    let names: Vec<String> = (0..100).map(|number| format!("HTTP_X_{number}")).collect();
    let value = [b'v'; 8190];
    let params: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &value[..])).collect();
    let answer = peer.ask(&params);
    assert!(answer.text().starts_with("Status: 200 "));
    assert_eq!(answer.text().lines().count(), 102);
}

#[test]
fn a_slow_request_ends_with_its_time() {
    let server = TestServer::start(ServerOptions {
        read_timeout: SHORT,
        ..Default::default()
    });
    let mut peer = Peer::connect(&server.socket);
    let start = Instant::now();
    let whole = request(1, true, &[("A", b"1")]);
    peer.send(&whole[..30]);
    assert!(peer.is_closed());
    assert!(start.elapsed() >= SHORT);
    assert_eq!(server.stats.timeouts.load(Relaxed), 1);
}

#[test]
fn a_request_that_drips_is_slow_too() {
    let server = TestServer::start(ServerOptions {
        read_timeout: SHORT,
        ..Default::default()
    });
    let mut peer = Peer::connect(&server.socket);
    let start = Instant::now();
    // Records of no bytes and no end, each of which is progress of a kind.
    peer.send(&begin(1, true));
    let drip = record(8, 1, b"");
    while start.elapsed() < SHORT * 4 {
        use std::io::Write;
        if peer.stream.write_all(&drip).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(peer.is_closed());
    assert!(start.elapsed() < SHORT * 4);
    assert_eq!(server.stats.timeouts.load(Relaxed), 1);
}

#[test]
fn an_idle_connection_is_closed_after_its_time() {
    let server = TestServer::start(ServerOptions {
        idle_timeout: SHORT,
        ..Default::default()
    });
    let mut peer = Peer::connect(&server.socket);
    assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    let start = Instant::now();
    assert!(peer.is_closed());
    assert!(start.elapsed() >= SHORT - Duration::from_millis(300));
    assert_eq!(server.stats.timeouts.load(Relaxed), 0, "idle is no fault");
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let server = TestServer::start(ServerOptions {
        write_timeout: SHORT,
        ..Default::default()
    });
    let mut peer = Peer::connect(&server.socket);
    peer.request(&[("DO", b"5000000")]);
    wait_until("given up", || server.stats.timeouts.load(Relaxed) == 1);
    wait_until("closed", || server.stats.connections.load(Relaxed) == 0);
}

#[test]
fn beyond_the_limit_connections_wait_for_a_place() {
    let server = TestServer::start(ServerOptions {
        connections_max: 4,
        ..Default::default()
    });
    // Answers that nobody takes: none of them is idle or waits for its request.
    let mut open = Vec::new();
    for number in 1..=4 {
        let mut peer = Peer::connect(&server.socket);
        peer.request(&[("DO", b"5000000")]);
        open.push(peer);
        wait_until("a place is taken", || {
            server.stats.requests.load(Relaxed) == number
        });
    }
    let mut waiting = Peer::connect(&server.socket);
    waiting.send(&request(1, true, &[("A", b"1")]));
    let mut first = open.remove(0);
    assert!(first.answer().is_some());
    assert_eq!(server.stats.accepted.load(Relaxed), 4);
    drop(first);
    assert!(waiting.answer().is_some());
    assert_eq!(server.stats.accepted.load(Relaxed), 5);
}

#[test]
fn half_requests_never_take_all_places() {
    let server = TestServer::start(ServerOptions {
        connections_max: 32,
        ..Default::default()
    });
    let whole = request(1, true, &[("A", b"1")]);
    let mut kept = Peer::connect(&server.socket);
    assert!(kept.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    // Five times as many as there are places; some bring nothing at all.
    let mut attackers: Vec<Peer> = Vec::new();
    for number in 0..160 {
        let mut peer = Peer::connect(&server.socket);
        if number % 4 > 0 {
            peer.send(&whole[..20 + number % 10]);
        }
        attackers.push(peer);
        let start = Instant::now();
        let mut honest = Peer::connect(&server.socket);
        assert!(honest.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
        assert!(start.elapsed() < SHORT * 4, "{:?}", start.elapsed());
    }
    assert!(server.stats.timeouts.load(Relaxed) > 0);
    assert!(kept.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
}

#[test]
fn one_address_leaves_places_to_another() {
    let address = free_address();
    let options = ServerOptions {
        connections_max: 16,
        threads: 1,
        ..Default::default()
    };
    let server = Server::bind(&Listen::Tcp(address), options).expect("free now");
    let shutdown = heliostat::fcgi::Shutdown::new().expect("a descriptor");
    let told = std::sync::Arc::default();
    let stats = server.stats();
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(|_| super::server::Scripted::new(&told), &shutdown));
        let whole = request(1, false, &[("A", b"1")]);
        let mut attackers = Vec::new();
        for _ in 0..64 {
            let mut stream = std::net::TcpStream::connect(address).expect("it listens");
            std::io::Write::write_all(&mut stream, &whole[..20]).expect("it reads");
            attackers.push(stream);
        }
        let mut honest = std::net::TcpStream::connect(address).expect("it listens");
        std::io::Write::write_all(&mut honest, &whole).expect("it reads");
        let mut answer = Vec::new();
        std::io::Read::read_to_end(&mut honest, &mut answer).expect("it answers and closes");
        shutdown.trigger();
        assert!(!answer.is_empty());
    });
    assert!(stats.timeouts.load(Relaxed) > 0);
}

#[test]
fn at_the_limit_the_longest_idle_gives_way() {
    let options = ServerOptions {
        connections_max: 3,
        threads: 1,
        ..Default::default()
    };
    let server = TestServer::start(options);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::connect(&server.socket);
        assert!(peer.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
        open.push(peer);
    }
    // The second is used least lately.
    for index in [0, 2] {
        assert!(open[index].ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    }
    let mut new = Peer::connect(&server.socket);
    assert!(new.ask(&[("A", b"1")]).text().ends_with("A=1\n"));
    assert!(open[1].is_closed(), "it was idle for longest");
    assert!(open[0].ask(&[("A", b"1")]).text().ends_with("A=1\n"));
}

#[test]
fn sockets_are_taken_over_from_the_dead_only() {
    let dir = temporary_folder();
    let path = dir.path().join("s");
    let listen = Listen::Unix {
        path: path.clone(),
        mode: 0o640,
    };
    let bind = || Server::bind(&listen, ServerOptions::default());
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a free path"));
    let server = bind().expect("nobody listens on the socket left behind");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("made").permissions());
    assert_eq!(mode & 0o777, 0o640);
    assert!(matches!(bind(), Err(FcgiError::InUse { .. })));
    drop(server);
    assert!(!path.exists(), "removed at the end");
    std::fs::write(&path, "precious").expect("writable");
    assert!(matches!(bind(), Err(FcgiError::NotASocket { .. })));
    std::fs::remove_file(&path).expect("removed");
    let _datagrams = std::os::unix::net::UnixDatagram::bind(&path).expect("a free path");
    assert!(matches!(bind(), Err(FcgiError::InUse { .. })));
    let missing = Listen::Unix {
        path: dir.path().join("no/s"),
        mode: 0o600,
    };
    let error = Server::bind(&missing, ServerOptions::default()).expect_err("no directory");
    assert!(error.to_string().contains("no/s"), "{error}");
    let nothing = Server::bind(&Listen::Inherited, ServerOptions::default());
    assert!(matches!(nothing, Err(FcgiError::NothingInherited)));
}

/// A port of the loopback interface that nobody has at the moment.
fn free_address() -> std::net::SocketAddr {
    let any = "127.0.0.1:0".parse().expect("an address");
    let taken = std::net::TcpListener::bind::<std::net::SocketAddr>(any).expect("a free port");
    taken.local_addr().expect("bound")
}

#[test]
fn tcp_is_served_too() {
    let any = "127.0.0.1:0".parse().expect("an address");
    let taken = std::net::TcpListener::bind::<std::net::SocketAddr>(any).expect("a free port");
    let address = taken.local_addr().expect("bound");
    let error = Server::bind(&Listen::Tcp(address), ServerOptions::default());
    assert!(matches!(error, Err(FcgiError::BindTcp { .. })));
    drop(taken);
    let server = Server::bind(&Listen::Tcp(address), ServerOptions::default()).expect("free now");
    let shutdown = heliostat::fcgi::Shutdown::new().expect("a descriptor");
    let told = std::sync::Arc::default();
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(|_| super::server::Scripted::new(&told), &shutdown));
        let mut stream = std::net::TcpStream::connect(address).expect("it listens");
        let mut bytes = Vec::new();
        wire::request(&mut bytes, 1, false, &packed(&[("A", b"1")]));
        std::io::Write::write_all(&mut stream, &bytes).expect("it reads");
        let mut answer = Vec::new();
        std::io::Read::read_to_end(&mut stream, &mut answer).expect("it answers and closes");
        shutdown.trigger();
        let (record, _) = wire::split_record(&answer).expect("a record");
        assert_eq!(record.content, b"Status: 200 OK\r\n\r\nA=1\n");
    });
}
