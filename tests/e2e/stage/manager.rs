//! A service manager as systemd is one: it owns the socket and keeps connections over a restart.
//!
//! The manager does for the responder exactly what a unit with a socket, `Type=notify` and
//! `FileDescriptorStoreMax=` does: systemd itself runs only where it is the first process.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::Signal;

use super::process::Process;
use super::site::{TestSite, eventually};

/// Descriptors in one message; the kernel takes no more.
const DESCRIPTORS_MAX: usize = 253;

/// Owner of the responder's socket.
pub struct Manager {
    listener: UnixListener,
    notify_path: PathBuf,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
    process: Option<Process>,
    kept_last: usize,
}

#[derive(Default)]
struct State {
    ready: AtomicBool,
    ended: AtomicBool,
    stored: Mutex<Vec<OwnedFd>>,
}

impl Manager {
    /// Binds the site's socket and starts the responder on it.
    pub fn start(site: &TestSite) -> Manager {
        let socket = site.path("fcgi.sock");
        let listener = UnixListener::bind(&socket).expect("the socket");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(&socket, open).expect("our own socket");
        let notify_path = site.path("notify.sock");
        let notify = UnixDatagram::bind(&notify_path).expect("the manager's socket");
        notify
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a time-out");
        let state = Arc::new(State::default());
        let listening = {
            let state = Arc::clone(&state);
            std::thread::spawn(move || state.listen(&notify))
        };
        let listening = Some(listening);
        let mut manager = Manager {
            listener,
            notify_path,
            state,
            listening,
            process: None,
            kept_last: 0,
        };
        manager.start_process(site);
        manager
    }

    /// Ends the responder as `systemctl restart` does, and starts another with all that it left.
    pub fn restart(&mut self, site: &TestSite) {
        let mut process = self.process.take().expect("it runs");
        assert!(process.end(Signal::TERM).success(), "it ends in good order");
        self.start_process(site);
    }

    /// Connections that the last process left to this one.
    pub fn kept_last(&self) -> usize {
        self.kept_last
    }

    fn start_process(&mut self, site: &TestSite) {
        self.state.ready.store(false, Ordering::SeqCst);
        let stored = self.state.stored.lock().expect("no panic");
        // The shell puts the sockets where the protocol wants them: at 3, 4, ...
        let mut script = String::new();
        let sockets = [self.listener.as_fd()]
            .into_iter()
            .chain(stored.iter().map(AsFd::as_fd));
        let mut count = 0;
        for socket in sockets {
            fcntl_setfd(socket, FdFlags::empty()).expect("an open socket");
            // First far away, so that none is overwritten before it was taken.
            let from = socket.as_raw_fd();
            script.push_str(&format!("exec {}<&{from} {from}<&-; ", 500 + count));
            count += 1;
        }
        for number in 0..count {
            script.push_str(&format!(
                "exec {}<&{} {}<&-; ",
                3 + number,
                500 + number,
                500 + number
            ));
        }
        let names: Vec<&str> = std::iter::once("heliostat-fcgi.socket")
            .chain(stored.iter().map(|_| "heliostat-kept"))
            .collect();
        script.push_str("export LISTEN_PID=$$; exec \"$0\"");
        let program = super::site::program_path("heliostat-fcgi");
        let log = site.path("fcgi.log");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log");
        let mut command = Command::new("bash");
        command.args(["-c", &script, program]);
        command
            .env("HELIOSTAT_CONFIG", site.config())
            .env("LISTEN_FDS", count.to_string())
            .env("LISTEN_FDNAMES", names.join(":"))
            .env("NOTIFY_SOCKET", &self.notify_path)
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        let mut process = Process::start("heliostat-fcgi", &mut command);
        for socket in [self.listener.as_fd()]
            .into_iter()
            .chain(stored.iter().map(AsFd::as_fd))
        {
            fcntl_setfd(socket, FdFlags::CLOEXEC).expect("an open socket");
        }
        self.kept_last = stored.len();
        drop(stored);
        eventually("the responder is ready", || {
            assert!(process.is_running(), "the responder ended");
            self.state.ready.load(Ordering::SeqCst)
        });
        self.process = Some(process);
    }
}

impl State {
    /// Takes messages until the manager ends.
    fn listen(&self, notify: &UnixDatagram) {
        while !self.ended.load(Ordering::SeqCst) {
            let mut text = [0; 4096];
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut text)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            let Ok(message) = recvmsg(notify, &mut parts, &mut control, flags) else {
                continue;
            };
            let sockets: Vec<OwnedFd> = control
                .drain()
                .filter_map(|message| match message {
                    RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
                    _ => None,
                })
                .flatten()
                .collect();
            let text = String::from_utf8_lossy(&text[..message.bytes]).into_owned();
            self.take(&text, sockets);
        }
    }

    fn take(&self, text: &str, sockets: Vec<OwnedFd>) {
        let has = |line: &str| text.lines().any(|found| found == line);
        let mut stored = self.stored.lock().expect("no panic");
        if has("FDSTORE=1") {
            stored.extend(sockets);
        } else if has("FDSTOREREMOVE=1") {
            stored.clear();
        } else if has("BARRIER=1") {
            // Closing the descriptor that came with it is the answer.
            drop(sockets);
        }
        if has("READY=1") {
            self.ready.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.process = None;
        self.state.ended.store(true, Ordering::SeqCst);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}
