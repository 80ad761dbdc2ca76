//! A disk under a responder that does not answer: it is waited for as long as the program waits.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::stand_in::logged_responder::{AWAY, LoggedResponder, indexed_site};
use crate::stand_in::site::eventually;

/// Whoever opens the file waits until this ends, as for a disk that does not answer: the holder of
/// a lease may take its time to give it up (`F_SETLEASE`, which Python has and Rust has not).
struct Hanging(Child);

impl Hanging {
    fn of(path: &Path) -> Hanging {
        const HOLD: &str = "import fcntl, os, signal, sys\n\
            signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
            fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
            print('held', flush=True)\n\
            sys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", HOLD])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3; `scripts/test` installs it");
        let mut said = String::new();
        let out = child.stdout.take().expect("it is piped");
        let read = std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut said);
        read.expect("it speaks");
        assert_eq!(said, "held\n");
        Hanging(child)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_disk_that_does_not_answer_keeps_nobody() {
    let site = indexed_site();
    let hanging = Hanging::of(&site.database());
    let mut running = LoggedResponder::start(&site);
    assert!(
        running
            .log()
            .contains("database and GeoIP files are not read after"),
        "{}",
        running.log()
    );
    assert_eq!(running.gives("/a.iso"), AWAY);
    assert!(running.end().success(), "{}", running.log());
    let mut running = LoggedResponder::start(&site);
    drop(hanging);
    eventually("it is read", || running.gives("/a.iso") == "file");

    // While it runs: what it knows stays.
    let next = site.path("next.sqlite");
    std::fs::copy(site.database(), &next).expect("a copy");
    let _hanging = Hanging::of(&next);
    std::fs::rename(&next, site.database()).expect("the replacement");
    running.signal(Signal::HUP);
    running.until_log("signal=1");
    assert_eq!(running.gives("/a.iso"), "file");
    assert!(running.end().success(), "{}", running.log());
}
