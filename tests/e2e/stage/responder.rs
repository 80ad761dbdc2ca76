//! `heliostat-fcgi` as a test runs it.

use std::os::unix::net::UnixStream;

use super::process::Process;
use super::site::{TestSite, eventually};

/// Starts the responder on the site's socket and waits until it answers.
pub fn start(site: &TestSite) -> Process {
    let socket = site.path("fcgi.sock");
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(site.path("fcgi.log"))
        .expect("a log");
    let mut command = site.command("heliostat-fcgi");
    command.stdout(log.try_clone().expect("a log")).stderr(log);
    let mut process = Process::start("heliostat-fcgi", &mut command);
    eventually("the responder listens", || {
        assert!(
            process.is_running(),
            "the responder ended: {}",
            std::fs::read_to_string(site.path("fcgi.log")).unwrap_or_default()
        );
        UnixStream::connect(&socket).is_ok()
    });
    process
}
