//! `[fcgi]`: the responder's socket and threads.

use std::net::SocketAddr;
use std::time::Duration;

use crate::domain::key::{Bounds, ConfigProblem, section};

/// More threads than the largest machines have cores.
pub(super) const THREADS_MAX: u64 = 256;

/// Changes that are seen an hour late are not seen.
const POLL_MS_MAX: u64 = 3_600_000;

section! {
    /// `[fcgi]`: the responder.
    RawFcgi => FcgiConfig {
        /// Path of a Unix socket, or ADDRESS:PORT. A socket inherited from systemd or mod_fcgid
        /// wins.
        listen: String = "/run/heliostat/fcgi.sock".to_owned() => listen: String = listen;
        /// Permissions of the Unix socket, in octal.
        listen_mode: String = "0660".to_owned() => listen_mode: u32 = mode;
        /// Worker threads. The first does all the work; the others help while it waits for a disk.
        /// 0: one per core.
        threads: usize = 4, in Bounds::Whole(0, THREADS_MAX) => threads: usize = threads;
        /// Milliseconds between two checks of the database, the GeoIP files and the configuration
        /// for changes.
        poll_ms: u64 = 500, in Bounds::Whole(1, POLL_MS_MAX) => poll: Duration = milliseconds;
    }
}

/// Refuses what is neither a path nor an address: as the path of a socket it would be accepted, and
/// no web server would find it.
fn listen(text: &str) -> Result<String, ConfigProblem> {
    if is_like_address(text) && text.parse::<SocketAddr>().is_err() {
        let why = format!("'{text}' is neither a path nor an address with a port");
        let remedy = "write an address such as 127.0.0.1:9000 or [::1]:9000, or a path such as \
                      /run/heliostat/fcgi.sock";
        return Err(ConfigProblem::unusable(why, remedy));
    }
    Ok(text.to_owned())
}

/// Whether a text is meant as an address with a port: it ends with a port and has no slash.
pub(super) fn is_like_address(text: &str) -> bool {
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    !text.contains('/') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn mode(text: &str) -> Result<u32, ConfigProblem> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| *mode <= 0o777).ok_or_else(|| {
        let why = format!("'{text}' is no octal mode");
        ConfigProblem::unusable(why, "write one such as 0660")
    })
}

/// One per core where the number is 0.
pub(super) fn threads(number: &usize) -> Result<usize, ConfigProblem> {
    match number {
        0 => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        some => Ok(*some),
    }
}

fn milliseconds(number: &u64) -> Result<Duration, ConfigProblem> {
    Ok(Duration::from_millis(*number))
}
