//! A running `heliostat-fcgi`, ended with the test that started it.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use crate::fcgi_client::FcgiClient;
use crate::site::{TestSite, eventually};

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

    /// A new connection.
    pub fn connect(&self) -> FcgiClient {
        FcgiClient::connect(&self.socket)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
