//! A responder tells its manager that it answers, so that one that hangs is replaced.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::stand_in::site::TestSite;

/// The longest wait of the manager in the test; the unit's time is longer.
const WATCHDOG: Duration = Duration::from_secs(2);
/// A machine that is busy may need it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service and the socket on which its manager listens; ended with the test.
struct Watched {
    child: Child,
    manager: UnixDatagram,
}

impl Watched {
    fn start(site: &TestSite, is_watched: bool) -> Watched {
        let path = site.path("notify");
        let manager = UnixDatagram::bind(&path).expect("a socket");
        manager
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        let mut command = site.command("heliostat-fcgi");
        command.env("NOTIFY_SOCKET", &path).stdin(Stdio::null());
        if is_watched {
            command.env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        }
        let child = command.spawn().expect("the responder starts");
        Watched { child, manager }
    }

    /// Waits for a message that has the line.
    fn until(&self, line: &str) {
        let mut text = [0; 4096];
        loop {
            let length = self.manager.recv(&mut text).expect(line);
            let said = String::from_utf8_lossy(&text[..length]);
            if said.lines().any(|found| found == line) {
                return;
            }
        }
    }

    /// Whether it says that it answers, within the time of the watchdog.
    fn beats(&self) -> bool {
        let mut text = [0; 4096];
        let limit = |limit| self.manager.set_read_timeout(Some(limit)).expect("a limit");
        limit(WATCHDOG);
        let beats = loop {
            match self.manager.recv(&mut text) {
                Ok(length) if text[..length].starts_with(b"WATCHDOG=1") => break true,
                Ok(_) => {}
                Err(_) => break false,
            }
        };
        limit(PATIENCE);
        beats
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("an id");
        kill_process(Pid::from_raw(id).expect("an id"), signal).expect("it runs");
    }

    /// Takes all that was said until now.
    fn forget(&self) {
        self.manager.set_nonblocking(true).expect("a socket");
        let mut text = [0; 4096];
        while self.manager.recv(&mut text).is_ok() {}
        self.manager.set_nonblocking(false).expect("a socket");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A responder that has ended by itself needs nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_responder_says_that_it_answers_until_it_hangs() {
    let site = TestSite::new();
    let watched = Watched::start(&site, true);
    watched.until("READY=1");
    for _ in 0..4 {
        watched.until("WATCHDOG=1");
    }
    watched.signal(Signal::STOP);
    // Signals take a moment to arrive.
    std::thread::sleep(WATCHDOG / 8);
    watched.forget();
    assert!(!watched.beats(), "it is stopped");
    watched.signal(Signal::CONT);
    watched.until("WATCHDOG=1");
}

#[test]
fn nobody_is_told_who_does_not_wait_for_it() {
    let site = TestSite::new();
    let watched = Watched::start(&site, false);
    watched.until("READY=1");
    assert!(!watched.beats(), "nobody asked");
}
