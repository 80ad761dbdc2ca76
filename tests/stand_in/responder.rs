//! A running `heliostat-fcgi`, ended with the test that started it.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::fcgi_client::FcgiClient;
use super::site::{TestSite, eventually};

/// The responder of a site, listening on the site's socket.
pub struct Responder {
    child: Child,
    socket: PathBuf,
}

impl Responder {
    /// Starts it and waits until it accepts connections.
    pub fn start(site: &TestSite) -> Responder {
        let socket = site.path("fcgi.sock");
        let child = site
            .command("heliostat-fcgi")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .spawn()
            .expect("the responder starts");
        let mut responder = Responder { child, socket };
        eventually("the responder listens", || {
            let ended = responder.child.try_wait().expect("its state is known");
            assert_eq!(ended, None, "the responder ended");
            FcgiClient::try_connect(&responder.socket).is_ok()
        });
        responder
    }

    /// Bytes of its memory that are its own and in use.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .expect("a number")
            * 1024
    }

    /// Sends it a signal.
    pub fn is_stopped(&self) -> bool {
        let facts = heliostat::system::process_facts(self.child.id());
        facts.expect("it runs").is_stopped
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill starts").success(), "{name}");
    }

    /// How it ended.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the responder ends", || {
            status = self.child.try_wait().expect("its state is known");
            status.is_some()
        });
        status.expect("it ended")
    }

    /// A new connection.
    pub fn connect(&self) -> FcgiClient {
        FcgiClient::connect(&self.socket)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // The responder may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
