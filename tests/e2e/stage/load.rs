//! Many requests, over connections that are kept: what a restart must not disturb.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The results of a load.
#[derive(Debug, Default)]
pub struct Tally {
    /// Answers by status; 0: a connection that broke before its answer.
    pub statuses: BTreeMap<u16, u64>,
    /// The longest that one client waited.
    pub longest: Duration,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.longest = self.longest.max(other.longest);
    }

    /// All answers.
    pub fn total(&self) -> u64 {
        self.statuses.values().sum()
    }
}

/// Lets `clients` ask for `path` until `requests` were sent; `meanwhile` runs beside them.
pub fn load(
    port: u16,
    path: &str,
    (clients, requests): (usize, u64),
    meanwhile: impl FnOnce(&AtomicU64),
) -> Tally {
    let sent = AtomicU64::new(0);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let ask = || client(port, path, &sent, requests);
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(ask)).collect();
        meanwhile(&sent);
        for client in clients {
            tally.add(client.join().expect("a client"));
        }
    });
    tally
}

/// One client; a connection that the server ends in good order is opened again.
fn client(port: u16, path: &str, sent: &AtomicU64, requests: u64) -> Tally {
    let mut tally = Tally::default();
    let mut connection: Option<BufReader<TcpStream>> = None;
    let request = format!("GET {path} HTTP/1.1\r\nHost: download.example.org\r\n\r\n");
    while sent.fetch_add(1, Ordering::Relaxed) < requests {
        let begin = Instant::now();
        let stream = connection.get_or_insert_with(|| {
            let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
            stream.set_nodelay(true).expect("an open connection");
            BufReader::new(stream)
        });
        let (status, keeps) = exchange(stream, request.as_bytes()).unwrap_or((0, false));
        if !keeps {
            connection = None;
        }
        *tally.statuses.entry(status).or_default() += 1;
        tally.longest = tally.longest.max(begin.elapsed());
    }
    tally
}

/// Sends a request and reads its answer; whether the connection can be used again.
fn exchange(stream: &mut BufReader<TcpStream>, request: &[u8]) -> Option<(u16, bool)> {
    stream.get_mut().write_all(request).ok()?;
    let (mut status, mut length, mut keeps) = (0, 0, true);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if status == 0 {
            status = line.split(' ').nth(1)?.parse().ok()?;
        }
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        }
        keeps &= !(name.eq_ignore_ascii_case("connection") && value == "close");
    }
    let mut body = stream.by_ref().take(length);
    let read = std::io::copy(&mut body, &mut std::io::sink()).ok()?;
    (read == length).then_some((status, keeps))
}
