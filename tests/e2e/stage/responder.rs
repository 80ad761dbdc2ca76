//! `heliostat-fcgi` as a test runs it.

use std::os::unix::net::UnixStream;
use std::process::Command;

use super::process::Process;
use super::site::{TestSite, eventually, program_path};

/// Starts the responder on the site's socket and waits until it answers; `wrapper` is a program
/// with arguments that starts it.
pub fn start(site: &TestSite, wrapper: &[&str]) -> Process {
    let socket = site.path("fcgi.sock");
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(site.path("fcgi.log"))
        .expect("a log");
    let program = program_path("heliostat-fcgi");
    let words: Vec<&str> = wrapper.iter().copied().chain([program]).collect();
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .env("HELIOSTAT_CONFIG", site.config())
        .env("NO_COLOR", "1");
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
