//! A program that a test started: it ends with its owner, and only it does.

use std::process::{Child, Command, ExitStatus, Stdio};

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::site::eventually;

/// How long a program may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running program.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts it; what it says goes to the test's own output.
    pub fn start(name: &str, command: &mut Command) -> Process {
        command.stdin(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{name} does not start ({error}); `scripts/test` installs what the tests need")
        });
        Process {
            name: name.to_owned(),
            child,
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("an id of a process");
        let id = Pid::from_raw(id).expect("an id is not 0");
        // The process may have ended by itself; then there is nothing to signal.
        let _ = kill_process(id, signal);
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }

    /// Sends a signal and waits for the end.
    pub fn end(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        let mut status = None;
        eventually(&format!("{} ends", self.name), || {
            status = self.child.try_wait().expect("our own child");
            status.is_some()
        });
        status.expect("it has ended")
    }
}

impl Drop for Process {
    /// Asked first, because a server of many processes must end its own; then killed.
    fn drop(&mut self) {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let begin = Instant::now();
        while self.is_running() && begin.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
