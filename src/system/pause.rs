//! Pauses a process for some seconds, so that it goes on whatever happens to this one.

use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, Signal, kill_process};

use super::process::are_threads_stopped;

/// A thread that waits for a disk stops when that is over.
const STOP_WAIT_MAX: Duration = Duration::from_secs(2);

/// How often it is looked whether the process has stopped.
const STOP_STEP: Duration = Duration::from_millis(1);

/// Waits until this process closes the pipe, which it does at its end, too, or until ten seconds
/// are over: this process may itself be stopped. It heeds no Ctrl-C.
const GUARD: &str = "trap '' INT TERM HUP QUIT; timeout 10 cat >/dev/null; kill -CONT \"$0\"";

/// A process that a signal holds; it goes on when this value is gone.
#[derive(Debug)]
pub struct PausedProcess {
    pid: Pid,
    guard: Child,
}

impl PausedProcess {
    /// Pauses a process.
    ///
    /// # Errors
    /// Returns an error if there is no such process, if it may not be paused or does not stop in
    /// time, or if no guard can be started; then it goes on.
    pub fn pause(pid: u32) -> io::Result<PausedProcess> {
        let unknown = || io::Error::from(io::ErrorKind::NotFound);
        let number = i32::try_from(pid).ok().filter(|pid| *pid > 1);
        let process = number.and_then(Pid::from_raw).ok_or_else(unknown)?;
        let guard = Command::new("sh")
            .args(["-c", GUARD, &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let paused = PausedProcess {
            pid: process,
            guard,
        };
        kill_process(process, Signal::STOP)?;
        let until = Instant::now() + STOP_WAIT_MAX;
        while !are_threads_stopped(pid) {
            if Instant::now() > until {
                return Err(io::Error::from(io::ErrorKind::TimedOut));
            }
            std::thread::sleep(STOP_STEP);
        }
        Ok(paused)
    }
}

impl Drop for PausedProcess {
    fn drop(&mut self) {
        let _ = kill_process(self.pid, Signal::CONT);
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The process that listens on a Unix socket.
///
/// # Errors
/// Returns an error if nobody listens, or if it does not tell.
pub fn listening_process(socket: &str) -> io::Result<u32> {
    let stream = UnixStream::connect(socket)?;
    Ok(socket_peercred(&stream)?.pid.as_raw_nonzero().get() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::process_facts;

    fn is_stopped(pid: u32) -> bool {
        process_facts(pid).expect("it runs").is_stopped
    }

    #[test]
    fn a_paused_process_goes_on() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
        let paused = PausedProcess::pause(child.id()).expect("it is ours");
        assert!(is_stopped(child.id()));
        drop(paused);
        assert!(!is_stopped(child.id()));
        // As at the end of this process by any signal: nothing but the pipe's end is left.
        let mut paused = PausedProcess::pause(child.id()).expect("it is ours");
        drop(paused.guard.stdin.take());
        paused.guard.wait().expect("the guard ends");
        assert!(!is_stopped(child.id()), "the guard let it go on");
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        assert!(PausedProcess::pause(0).is_err() && PausedProcess::pause(1).is_err());
    }
}
