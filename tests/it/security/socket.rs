//! Whoever reaches the responder's socket takes no places from the web server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::stand_in::fcgi_client::Request;
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

/// Opens more connections than there are places, brings half a request over most of them and
/// nothing over the others, and opens anew what is closed, until its standard input ends.
const ATTACK: &str = r#"
import os, select, socket, sys
import resource
CONNECTIONS = 1100
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
half = b"\1\1\0\1\0\x08\0\0\0\1\1\0\0\0\0\0" + b"\1\4\0\1\1\0\0\0" + b"x" * 20
opened, closed, poll, sockets = 0, 0, select.poll(), {}
def attack():
    global opened
    while len(sockets) < CONNECTIONS:
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(0.2)
        try:
            one.connect(sys.argv[1])
            if opened % 4:
                one.send(half)
        except OSError:
            one.close()
            return
        opened += 1
        sockets[one.fileno()] = one
        poll.register(one, select.POLLIN | select.POLLHUP)
poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
attack()
print("ready", flush=True)
while True:
    for number, _ in poll.poll(50):
        if number == 0:
            print(opened, closed, flush=True)
            os._exit(0)
        poll.unregister(number)
        sockets.pop(number).close()
        closed += 1
    attack()
"#;

/// A request of an honest web server meanwhile. Apache gives up after a second and serves the
/// file itself; what waits for the read time-out takes ten.
const ANSWER_MAX: Duration = Duration::from_secs(5);

struct Attacker(Child);

impl Attacker {
    fn start(site: &TestSite) -> Attacker {
        let mut child = Command::new("python3")
            .args(["-c", ATTACK])
            .arg(site.path("fcgi.sock"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed by scripts/test");
        let said = child.stdout.as_mut().expect("it is piped");
        let mut line = String::new();
        let read = BufReader::new(said).read_line(&mut line);
        assert!(read.is_ok() && line == "ready\n", "{line:?}");
        Attacker(child)
    }

    /// How many connections it opened, and how many of them were closed.
    fn stop(mut self) -> String {
        drop(self.0.stdin.take());
        let mut said = String::new();
        let output = self.0.stdout.take().expect("it is piped");
        let read = BufReader::new(output).read_line(&mut said);
        assert!(read.is_ok(), "{read:?}");
        said
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn half_requests_leave_places_to_whole_ones() {
    let site = TestSite::new();
    site.write("x.bin", &[b'x'; 5000], 1_401_807_080);
    heliostat::db::open_writer(&site.database()).expect("a database");
    let responder = Responder::start(&site);
    let mut kept = responder.connect();
    assert_eq!(kept.send(&Request::get("/x.bin")).status, 200);
    let attacker = Attacker::start(&site);
    let mut longest = Duration::ZERO;
    for _ in 0..100 {
        let begun = Instant::now();
        let answer = responder.connect().send(&Request::get("/x.bin"));
        assert_eq!(answer.status, 200, "{answer:?}");
        longest = longest.max(begun.elapsed());
    }
    println!("longest {longest:?}; opened, closed: {}", attacker.stop());
    assert!(longest < ANSWER_MAX, "{longest:?}");
}
