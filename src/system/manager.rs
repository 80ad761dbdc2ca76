//! Tells the service manager how a program does, over the protocol of sd_notify(3); a program that
//! no manager started tells nobody.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType,
};

/// Descriptors per message; the kernel takes 253 at most.
pub const MANAGER_DESCRIPTORS_MAX: usize = 128;

/// How a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagerState<'a> {
    /// The program has started, or has read its configuration anew.
    Ready,
    /// The program is ending.
    Stopping,
    /// The program is alive (`WatchdogSec=`).
    Alive,
    /// One line for people.
    Status(&'a str),
}

/// Whether a service manager listens.
pub fn has_manager() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

/// Tells the manager how this program does; a manager that cannot be told is a line for debugging,
/// because nothing of the program's own work depends on it.
pub fn tell_manager(state: ManagerState<'_>) {
    let message = match state {
        ManagerState::Ready => "READY=1".to_owned(),
        ManagerState::Stopping => "STOPPING=1".to_owned(),
        ManagerState::Alive => "WATCHDOG=1".to_owned(),
        // A line feed would begin another assignment.
        ManagerState::Status(line) => format!("STATUS={}", line.replace('\n', " ")),
    };
    if let Err(error) = send_to_manager(message.as_bytes(), &[]) {
        log::debug!("the service manager is not told: message={message:?} error=\"{error}\"");
    }
}

/// How often the manager wants to hear that this process is alive, at the least; `None` if it does
/// not wait for that (sd_watchdog_enabled(3)).
pub fn watchdog_timeout() -> Option<Duration> {
    let variable = |name| env::var(name).ok();
    let own = std::process::id();
    watchdog_of(
        variable("WATCHDOG_USEC").as_deref(),
        variable("WATCHDOG_PID").as_deref(),
        own,
    )
}

/// The timeout that the two variables of that process say.
fn watchdog_of(microseconds: Option<&str>, process: Option<&str>, own: u32) -> Option<Duration> {
    // The variables of a parent that was watched are not ours.
    let is_ours = process.is_none_or(|process| process.parse() == Ok(own));
    let microseconds = microseconds?.parse().ok().filter(|length| *length > 0);
    microseconds.filter(|_| is_ours).map(Duration::from_micros)
}

/// Sends the manager one message with at most [`MANAGER_DESCRIPTORS_MAX`] descriptors; nothing if
/// there is no manager.
///
/// # Errors
/// Returns the error of the system call if the manager's socket cannot be written to.
pub fn send_to_manager(message: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let Some(manager) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    let mut space =
        [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MANAGER_DESCRIPTORS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        let pushed = ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
        debug_assert!(pushed, "callers pass at most MANAGER_DESCRIPTORS_MAX");
    }
    let address = address(&manager)?;
    let message = [IoSlice::new(message)];
    let flags = SendFlags::NOSIGNAL;
    rustix::net::sendmsg_addr(&socket, &address, &message, &mut ancillary, flags)?;
    Ok(())
}

/// A path, or an abstract name behind `@`.
fn address(manager: &OsStr) -> io::Result<SocketAddrUnix> {
    Ok(match manager.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name)?,
        None => SocketAddrUnix::new(manager)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_that_of_this_process() {
        let own = 7;
        let second = Some(Duration::from_secs(1));
        for (microseconds, process, expected) in [
            (Some("1000000"), None, second),
            (Some("1000000"), Some("7"), second),
            (Some("1000000"), Some("8"), None),
            (Some("1000000"), Some(""), None),
            (Some("0"), None, None),
            (Some("-1"), None, None),
            (Some("1s"), None, None),
            (None, Some("7"), None),
        ] {
            let found = watchdog_of(microseconds, process, own);
            assert_eq!(found, expected, "{microseconds:?} {process:?}");
        }
    }

    #[test]
    fn a_manager_is_a_path_or_an_abstract_name() {
        let of = |text: &str| address(OsStr::new(text)).expect("an address");
        assert_eq!(of("@a/b").abstract_name(), Some(&b"a/b"[..]));
        assert_eq!(of("/run/a").path_bytes(), Some(&b"/run/a"[..]));
    }
}
