//! A real rsync daemon on loopback for one test, with the modules that tests need.

use std::fs::Permissions;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::folder::temporary_folder;
use super::port::free_port;
use super::site::{eventually, set_mtime};

/// The daemon; it ends with the test.
pub struct Rsyncd {
    host: &'static str,
    folder: tempfile::TempDir,
    port: u16,
    daemon: Child,
}

/// Password of user `joe` in module `auth`.
pub const PASSWORD: &str = "s3cr3t:w@rd";

/// The greeting of the daemon, which must not be taken for a listing.
const GREETING: &str = "Welcome!\n-rw-r--r--          11 2001/01/01 00:00:00 greeting.iso\n";

/// A port may be taken between finding and using it.
const START_ATTEMPTS: u32 = 5;

impl Rsyncd {
    /// Modules `pub` (its tree), `top` (what `pub` lies in), `auth` (the tree, with a password),
    /// `full` (no connections), `one` (a single one), `deny` (for nobody), `write` and `refuse`
    /// (no listings).
    pub fn start() -> Rsyncd {
        Rsyncd::start_on("127.0.0.1")
    }

    /// The same on another address of loopback.
    pub fn start_on(host: &'static str) -> Rsyncd {
        let folder = temporary_folder();
        // A daemon that root starts reads as nobody.
        set_mode(folder.path(), 0o755);
        let tree = folder.path().join("pub");
        std::fs::create_dir(&tree).expect("the mirror's tree");
        std::fs::write(folder.path().join("motd"), GREETING).expect("the greeting");
        let secrets = folder.path().join("secrets");
        std::fs::write(&secrets, format!("joe:{PASSWORD}\n")).expect("the secrets");
        set_mode(&secrets, 0o600);
        let modules = [
            ("pub", String::new()),
            ("full", "max connections = -1".to_owned()),
            (
                "one",
                format!(
                    "max connections = 1\nlock file = {}/lock",
                    folder.path().display()
                ),
            ),
            ("deny", "hosts deny = *".to_owned()),
            ("write", "write only = yes".to_owned()),
            ("refuse", "refuse options = recursive".to_owned()),
            (
                "auth",
                format!("auth users = joe\nsecrets file = {}", secrets.display()),
            ),
        ];
        let mut config = format!(
            "use chroot = no\nmotd file = {folder}/motd\nlog file = {folder}/log\n",
            folder = folder.path().display()
        );
        config += &format!("[top]\npath = {}\n", folder.path().display());
        for (name, more) in modules {
            config += &format!("[{name}]\npath = {}\n{more}\n", tree.display());
        }
        std::fs::write(folder.path().join("rsyncd.conf"), config).expect("the configuration");
        for _ in 0..START_ATTEMPTS {
            let port = free_port();
            let mut daemon = spawn(folder.path(), host, port);
            if answers(&mut daemon, host, port) {
                return Rsyncd {
                    host,
                    folder,
                    port,
                    daemon,
                };
            }
        }
        panic!("rsync --daemon does not start");
    }

    /// Where the daemon listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of a module, or of what lies below it.
    pub fn url(&self, path: &str) -> String {
        let host = match self.host {
            v6 if v6.contains(':') => format!("[{v6}]"),
            v4 => v4.to_owned(),
        };
        format!("rsync://{host}:{}/{path}", self.port)
    }

    /// The folder of its configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The tree that it serves.
    pub fn tree(&self) -> PathBuf {
        self.folder.path().join("pub")
    }

    /// Writes a file of the mirror with its directories; `mtime` in seconds since 1970.
    pub fn write(&self, path: impl AsRef<Path>, content: &[u8], mtime: u64) {
        let file = self.tree().join(path);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
        std::fs::write(&file, content).expect("a file");
        set_mtime(&file, mtime);
        set_mode(&file, 0o644);
    }

    /// Removes a file of the mirror.
    pub fn remove(&self, path: impl AsRef<Path>) {
        std::fs::remove_file(self.tree().join(path)).expect("the file was there");
    }

    /// Kills the daemon and every process that serves a connection of it.
    pub fn kill(&mut self) {
        let children = format!("/proc/{0}/task/{0}/children", self.daemon.id());
        let children = std::fs::read_to_string(children).unwrap_or_default();
        for child in children.split_whitespace() {
            let pid = child.parse().ok().and_then(rustix::process::Pid::from_raw);
            let pid = pid.expect("a process id");
            // One that ended meanwhile is as good.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        let _ = self.daemon.kill();
        self.daemon.wait().expect("the daemon is ours");
    }
}

impl Drop for Rsyncd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sets a file's permissions.
pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("its mode can be set");
}

fn spawn(folder: &Path, host: &str, port: u16) -> Child {
    Command::new("rsync")
        .args(["--daemon", "--no-detach"])
        .arg(format!("--address={host}"))
        .arg(format!("--port={port}"))
        .arg(format!("--config={}", folder.join("rsyncd.conf").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program rsync is installed")
}

fn answers(daemon: &mut Child, host: &str, port: u16) -> bool {
    let mut ended = false;
    eventually("the rsync daemon answers or ends", || {
        ended = daemon.try_wait().expect("it is ours").is_some();
        ended || TcpStream::connect((host, port)).is_ok()
    });
    !ended
}
