//! Ports that nobody else has.

use std::net::TcpListener;
use std::sync::Mutex;

/// Ports given so far: a port is free again as soon as it was looked up, so that two stages of one
/// run could be given the same.
static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

/// A port of the loopback on which nothing listens.
pub fn free_port() -> u16 {
    let mut given = GIVEN
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        if !given.contains(&port) {
            given.push(port);
            return port;
        }
    }
}

/// Whether something listens there.
pub fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}
