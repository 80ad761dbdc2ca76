//! A stand-in for systemd where there is none: socket activation and the descriptor store.
//!
//! The supervisor holds a listening socket, starts a server with it (`LISTEN_FDS`, `LISTEN_PID`),
//! takes the connections that the server stores (`FDSTORE=1` on `NOTIFY_SOCKET`, sd_notify(3)), and
//! passes them to the next server at a restart.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, Signal, kill_process};

/// Where descriptors for a server are put on their way: above all that this process uses and all
/// that the server finds them at, below what a process may have by default.
const PASSED_FROM: i32 = 512;

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts servers one after the other on the same socket.
pub struct Supervisor {
    listener: UnixListener,
    notify: UnixDatagram,
    notify_path: PathBuf,
    /// Without a store there is no `NOTIFY_SOCKET`, as with systemd-socket-activate.
    with_store: bool,
    stored: Vec<OwnedFd>,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    server: Option<Child>,
}

impl Supervisor {
    /// Listens on `socket`, which any user may connect to; the notification socket is beside it.
    pub fn new(socket: &Path, with_store: bool, command: &Command) -> io::Result<Supervisor> {
        let notify_path = socket.with_extension("notify");
        let listener = UnixListener::bind(socket)?;
        // The kernel takes 128 waiting connections from the standard library; systemd has 4096.
        rustix::net::listen(&listener, 4096)?;
        fs::set_permissions(socket, fs::Permissions::from_mode(0o666))?;
        Ok(Supervisor {
            listener,
            notify: UnixDatagram::bind(&notify_path)?,
            notify_path,
            with_store,
            stored: Vec::new(),
            program: command.get_program().to_owned(),
            arguments: command.get_args().map(OsStr::to_owned).collect(),
            environment: command
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect(),
            server: None,
        })
    }

    /// Starts a server, restarts it for each line on standard input, and ends it when standard
    /// input ends. Says of each restart how many connections were stored meanwhile.
    pub fn serve_standard_input(&mut self) -> io::Result<()> {
        self.start()?;
        println!("started");
        let stdin = io::stdin();
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: 5_000_000,
        };
        loop {
            self.serve_notifications()?;
            if poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout))? == 0 {
                continue;
            }
            let mut line = [0; 4096];
            if stdin.lock().read(&mut line)? == 0 {
                return self.stop();
            }
            self.stop()?;
            let stored = self.stored.len();
            self.start()?;
            println!("restarted stored={stored}");
        }
    }

    /// Starts a server with the listening socket and what is stored.
    fn start(&mut self) -> io::Result<()> {
        let mut passed = vec![fcntl_dupfd_cloexec(&self.listener, PASSED_FROM)?];
        for stored in &self.stored {
            passed.push(fcntl_dupfd_cloexec(stored, PASSED_FROM)?);
        }
        let mut moves = String::new();
        for (index, descriptor) in passed.iter().enumerate() {
            fcntl_setfd(descriptor, FdFlags::empty())?;
            let from = descriptor.as_raw_fd();
            moves += &format!("exec {to}<&{from} {from}<&-\n", to = 3 + index);
        }
        // The shell's number is the server's: it becomes it.
        let script = format!("{moves}export LISTEN_PID=$$\nexec \"$@\"");
        let mut shell = Command::new("bash");
        shell
            .arg("-c")
            .arg(script)
            .arg("bash")
            .arg(&self.program)
            .args(&self.arguments);
        shell.envs(self.environment.iter().map(|(name, value)| (name, value)));
        shell.env("LISTEN_FDS", passed.len().to_string());
        if self.with_store {
            shell.env("NOTIFY_SOCKET", &self.notify_path);
        }
        self.server = Some(shell.spawn()?);
        Ok(())
    }

    /// Ends the server with SIGTERM; what it stores is kept.
    fn stop(&mut self) -> io::Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        kill_process(Pid::from_child(&server), Signal::TERM)?;
        let start = Instant::now();
        while server.try_wait()?.is_none() {
            self.serve_notifications()?;
            std::thread::sleep(Duration::from_millis(1));
            if start.elapsed() > PATIENCE {
                server.kill()?;
            }
        }
        self.serve_notifications()
    }

    /// Takes the messages that have come from the server.
    fn serve_notifications(&mut self) -> io::Result<()> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        while poll(&mut [PollFd::new(&self.notify, PollFlags::IN)], Some(&now))? > 0 {
            self.take_notification()?;
        }
        Ok(())
    }

    fn take_notification(&mut self) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut text = [0; 4096];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let mut slices = [IoSliceMut::new(&mut text)];
        let bytes = recvmsg(self.notify.as_fd(), &mut slices, &mut ancillary, flags)?.bytes;
        let mut descriptors = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        let text = String::from_utf8_lossy(&text[..bytes]);
        // Whatever comes with another message, such as BARRIER=1, is closed here.
        if text.lines().any(|line| line == "FDSTORE=1") {
            self.stored.append(&mut descriptors);
        } else if text.lines().any(|line| line == "FDSTOREREMOVE=1") {
            self.stored.clear();
        }
        Ok(())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Nothing is left behind, whatever went wrong.
        let _ = self.stop();
        let _ = fs::remove_file(&self.notify_path);
    }
}
