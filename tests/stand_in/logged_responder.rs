//! A running `heliostat-fcgi` whose log a test reads, and the site of such tests.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::fcgi_client::{FcgiClient, Request};
use super::site::{TestSite, eventually, program_path};

/// The responder's answer while the database is away, as its log says it.
pub const AWAY: &str = "file (database_not_reached)";

/// A site with one file, `a.iso`, in its catalogue, and a folder for the responder's state.
pub fn indexed_site() -> TestSite {
    let site = TestSite::new();
    site.write("a.iso", &[1; 20_000], 1_700_000_000);
    site.run_ok("heliostat-index", &["--no-hashes"]);
    std::fs::create_dir(site.path("state")).expect("a folder");
    site
}

/// How long an end may take, on a machine that is busy.
const END_MAX: Duration = Duration::from_secs(10);

/// A responder whose log is kept.
pub struct LoggedResponder<'s> {
    child: Child,
    site: &'s TestSite,
}

impl<'s> LoggedResponder<'s> {
    /// Starts it and waits until it is ready.
    pub fn start(site: &'s TestSite) -> LoggedResponder<'s> {
        let log = std::fs::File::create(site.path("fcgi.log")).expect("a log");
        let child = Command::new(program_path("heliostat-fcgi"))
            .env("HELIOSTAT_CONFIG", site.config())
            .env("STATE_DIRECTORY", site.path("state"))
            .env("RUST_LOG", "heliostat=info")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the responder starts");
        let mut running = LoggedResponder { child, site };
        running.until_log("ready:");
        running
    }

    /// Everything that it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.site.path("fcgi.log")).unwrap_or_default()
    }

    /// Waits until the log has a text; the responder must run meanwhile.
    pub fn until_log(&mut self, text: &str) {
        eventually(text, || {
            let ended = self.child.try_wait().expect("its state is known");
            assert_eq!(ended, None, "{}", self.log());
            self.log().contains(text)
        });
    }

    /// The decision about a path, or the status of an answer without one.
    pub fn gives(&self, path: &str) -> String {
        let mut client = FcgiClient::connect(&self.site.path("fcgi.sock"));
        let answer = client.send(&Request::get(path));
        answer
            .text("Give-MB")
            .unwrap_or_else(|| answer.status.to_string())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("an id");
        kill_process(Pid::from_raw(id).expect("an id"), signal).expect("it runs");
    }

    /// Waits for the end that a signal brings.
    pub fn wait(&mut self) {
        self.child.wait().expect("our own child");
    }

    /// Sends SIGTERM and waits for the end, which must come in time.
    pub fn end(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state is known") {
                return status;
            }
            assert!(begin.elapsed() < END_MAX, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for LoggedResponder<'_> {
    fn drop(&mut self) {
        // The responder may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
