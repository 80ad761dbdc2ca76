//! Everything together.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::apache::{Apache, ApacheOptions};
use super::client::Request;
use super::exclusive::{self, Turn};
use super::process::Process;
use super::responder;
use super::site::TestSite;

/// A time of change long ago, so that no test runs into the second in which a file was made.
pub const MTIME: u64 = 1_700_000_000;

/// A site with what stands around it. Parts end in the order of the fields.
pub struct Stage {
    /// The responder, unless it was ended.
    pub responder: Option<Process>,
    apache: Option<Apache>,
    /// Tree, database, configuration.
    pub site: TestSite,
    _turn: Turn,
}

impl Stage {
    /// An empty tree; `more` is appended to the site's configuration.
    pub fn new(more: &str) -> Stage {
        Stage::take(more, exclusive::shared())
    }

    /// The same, while no other test is on stage: for those that measure time.
    pub fn alone(more: &str) -> Stage {
        Stage::take(more, exclusive::alone())
    }

    fn take(more: &str, turn: Turn) -> Stage {
        let site = TestSite::with_config(more);
        // Apache's own user must get in.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(site.path(""), open).expect("our own folder");
        Stage {
            responder: None,
            apache: None,
            site,
            _turn: turn,
        }
    }

    /// Writes a file of `size` bytes that differ from file to file, changed at [`MTIME`].
    pub fn file(&self, path: impl AsRef<std::ffi::OsStr>, size: usize) -> Vec<u8> {
        let path = PathBuf::from(path.as_ref());
        let mut state = path
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(1u32, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
            });
        let content: Vec<u8> = (0..size)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        self.site.write(&path, &content, MTIME);
        content
    }

    /// Starts responder and Apache.
    pub fn start(&mut self) {
        self.start_with(&ApacheOptions::default());
    }

    /// Starts both, Apache with other options.
    pub fn start_with(&mut self, options: &ApacheOptions) {
        self.start_responder();
        self.start_apache(options);
    }

    /// Starts the responder, in place of the one that runs.
    pub fn start_responder(&mut self) {
        self.responder = None;
        self.responder = Some(responder::start(&self.site));
    }

    /// Starts Apache.
    pub fn start_apache(&mut self, options: &ApacheOptions) {
        self.apache = Some(Apache::start(&self.site.path(""), options, &[]));
    }

    /// Apache.
    pub fn apache(&self) -> &Apache {
        self.apache.as_ref().expect("Apache was started")
    }

    /// A request to the host with Heliostat; the path is encoded already.
    pub fn get(&self, path: impl AsRef<[u8]>) -> Request {
        Request::get(self.apache().port, path)
    }

    /// A request to the host without.
    pub fn plain(&self, path: impl AsRef<[u8]>) -> Request {
        Request::get(self.apache().plain_port, path)
    }

    /// Apache's access log so far.
    pub fn access_log(&self) -> String {
        let bytes = std::fs::read(self.site.path("access.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Stage {
    /// A test that failed shows what the programs said.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for log in ["apache.out", "error.log", "fcgi.log"] {
            let text = std::fs::read_to_string(self.site.path(log)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(15)..];
            eprintln!("--- {log}\n{}", last.join("\n"));
        }
    }
}
