//! Real FTP servers on loopback for one test.
//!
//! They are unpacked by `scripts/test` (`need_ftp_servers`), not installed. vsftpd and Pure-FTPd
//! want to be started by root.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal};

use super::folder::temporary_folder;
use super::port::free_port;
use super::rsyncd::set_mode;
use super::site::eventually;

/// A port may be taken between finding and using it.
const START_ATTEMPTS: u32 = 5;

/// The zone that all servers run in: half past five in the afternoon when it is noon.
const ZONE: &str = "IST-5:30";

/// Password of user `joe`.
pub const PASSWORD: &str = "s3cr3t:w@rd";

/// The same as it stands in a URL.
pub const LOGIN: &str = "joe:s3cr3t%3Aw%40rd@";

/// A server with its own way of listing directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// LIST alone; anonymous alone.
    Vsftpd,
    /// MLSD; anonymous, and `joe`.
    ProFtpd,
    /// ProFTPD that does not know MLSD.
    ProFtpdList,
    /// MLSD; `joe` alone.
    PureFtpd,
    /// Pure-FTPd in which every directory has at most a hundred files.
    PureFtpdShort,
}

/// How TLS is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// Wanted of everybody.
    Explicit,
    /// From the first byte.
    Implicit,
    /// Wanted of everybody, with a certificate that was good until yesterday.
    Expired,
}

/// A running server; it ends with the test.
pub struct Ftpd {
    kind: Kind,
    tls: Tls,
    host: &'static str,
    port: u16,
    child: Child,
    home: tempfile::TempDir,
}

impl Ftpd {
    /// Starts a server of a tree.
    pub fn start(kind: Kind, tls: Tls, tree: &Path) -> Ftpd {
        Ftpd::start_on("127.0.0.1", kind, tls, tree, "")
    }

    /// The same on another address; `more` goes into the configuration.
    pub fn start_on(host: &'static str, kind: Kind, tls: Tls, tree: &Path, more: &str) -> Ftpd {
        let home = temporary_folder();
        set_mode(home.path(), 0o755);
        std::fs::create_dir(home.path().join("empty")).expect("a folder");
        if tls != Tls::None {
            certificate(home.path(), if tls == Tls::Expired { -1 } else { 2 });
        }
        for _ in 0..START_ATTEMPTS {
            let port = free_port();
            let place = Place {
                home: home.path(),
                tree,
                host,
                port,
            };
            let mut command = match kind {
                Kind::Vsftpd => vsftpd(&place, tls, more),
                Kind::ProFtpd => proftpd(&place, tls, more),
                Kind::ProFtpdList => proftpd(&place, tls, &format!("FactsAdvertise off\n{more}")),
                Kind::PureFtpd => pure_ftpd(&place, tls, "1000000:30"),
                Kind::PureFtpdShort => pure_ftpd(&place, tls, "100:30"),
            };
            let log = std::fs::File::create(home.path().join("out")).expect("a log");
            let mut child = command
                .env("LD_LIBRARY_PATH", unpacked("usr/lib/x86_64-linux-gnu"))
                .env("TZ", ZONE)
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a second handle"))
                .stderr(log)
                // Of its own group, so that its children end with it.
                .process_group(0)
                .spawn()
                .expect("the servers are unpacked by scripts/test");
            if answers(&mut child, host, port) {
                return Ftpd {
                    kind,
                    tls,
                    host,
                    port,
                    child,
                    home,
                };
            }
        }
        let said = std::fs::read_to_string(home.path().join("out")).unwrap_or_default();
        panic!("{kind:?} does not start: {said}");
    }

    /// URL of the tree; `joe` where anonymous is refused.
    pub fn url(&self) -> String {
        match self.kind {
            Kind::PureFtpd | Kind::PureFtpdShort => self.url_of(LOGIN),
            _ => self.url_of(""),
        }
    }

    /// URL of the tree for a user: `USER:PASSWORD@`.
    pub fn url_of(&self, login: &str) -> String {
        let scheme = match self.tls {
            Tls::None => "ftp",
            Tls::Explicit | Tls::Expired => "ftpes",
            Tls::Implicit => "ftps",
        };
        let host = match self.host {
            v6 if v6.contains(':') => format!("[{v6}]"),
            v4 => v4.to_owned(),
        };
        format!("{scheme}://{login}{host}:{}/", self.port)
    }

    /// The authority that its certificate is signed by, if it has one.
    pub fn authority(&self) -> Option<PathBuf> {
        let file = self.home.path().join("ca.pem");
        (self.tls != Tls::None).then_some(file)
    }
}

impl Drop for Ftpd {
    fn drop(&mut self) {
        // One that ended meanwhile is as good.
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Place<'p> {
    home: &'p Path,
    tree: &'p Path,
    host: &'static str,
    port: u16,
}

fn unpacked(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ftp-servers");
    root.join(path)
}

fn answers(child: &mut Child, host: &str, port: u16) -> bool {
    let mut ended = false;
    eventually("the FTP server answers or ends", || {
        ended = child.try_wait().expect("it is ours").is_some();
        ended || TcpStream::connect((host, port)).is_ok()
    });
    !ended
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// An authority, and a certificate of it for loopback, good for so many days, in one file with its
/// key.
fn certificate(home: &Path, days: i32) {
    std::fs::write(
        home.join("extensions"),
        "subjectAltName=IP:127.0.0.1,IP:::1\n",
    )
    .expect("a file");
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 \
         -subj /CN=authority && \
         openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=mirror && \
         openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial \
         -days $0 -extfile extensions -out certificate.pem && \
         cat key.pem certificate.pem > both.pem && chmod 600 *.pem *.key && chmod 644 ca.pem";
    let status = Command::new("sh")
        .args(["-c", script])
        .arg(days.to_string())
        .current_dir(home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("sh runs");
    assert!(status.success(), "openssl makes a certificate");
}

fn vsftpd(place: &Place<'_>, tls: Tls, more: &str) -> Command {
    let (home, tree, port) = (place.home.display(), place.tree.display(), place.port);
    let listen = if place.host.contains(':') {
        format!("listen_ipv6=YES\nlisten_address6={}\n", place.host)
    } else {
        format!("listen=YES\nlisten_address={}\n", place.host)
    };
    let yes_no = |is: bool| if is { "YES" } else { "NO" };
    let text = format!(
        "{listen}listen_port={port}\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\n\
         anon_root={tree}\nno_anon_password=YES\nftp_username=daemon\n\
         secure_chroot_dir={home}/empty\nrun_as_launching_user={user}\nseccomp_sandbox=NO\n\
         ssl_enable={ssl}\nallow_anon_ssl={ssl}\nforce_anon_logins_ssl={ssl}\n\
         force_anon_data_ssl={ssl}\nimplicit_ssl={implicit}\nrequire_ssl_reuse=YES\n\
         rsa_cert_file={home}/both.pem\n{more}\n",
        user = yes_no(!is_root()),
        ssl = yes_no(tls != Tls::None),
        implicit = yes_no(tls == Tls::Implicit),
    );
    // The user's home must exist.
    let file = place.home.join("vsftpd.conf");
    std::fs::write(&file, text).expect("a configuration");
    let mut command = Command::new(unpacked("usr/sbin/vsftpd"));
    command.arg(file);
    command
}

fn proftpd(place: &Place<'_>, tls: Tls, more: &str) -> Command {
    let (home, tree, port) = (place.home.display(), place.tree.display(), place.port);
    let hash = Command::new("openssl")
        .args(["passwd", "-6", PASSWORD])
        .output()
        .expect("openssl runs");
    let hash = String::from_utf8_lossy(&hash.stdout).trim().to_owned();
    let passwd = place.home.join("passwd");
    let (user, group) = if is_root() {
        ("User nobody\n", "Group nogroup\nDefaultRoot ~\n")
    } else {
        ("", "")
    };
    let id = if is_root() {
        65_534
    } else {
        rustix::process::getuid().as_raw()
    };
    let line = |name: &str| format!("{name}:{hash}:{id}:{id}::{tree}:/bin/sh\n");
    std::fs::write(&passwd, line("joe") + &line("ftp")).expect("users");
    set_mode(&passwd, 0o600);
    let options = match tls {
        Tls::Implicit => "TLSOptions UseImplicitSSL\n",
        _ => "",
    };
    let tls = match tls {
        Tls::None => String::new(),
        _ => format!(
            "LoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSLog {home}/tls.log\n\
             TLSRSACertificateFile {home}/both.pem\nTLSRSACertificateKeyFile {home}/both.pem\n\
             {options}"
        ),
    };
    let text = format!(
        "ModulePath {modules}\nServerType standalone\nServerName mirror\nPort {port}\n\
         DefaultAddress {host}\nUseIPv6 on\n{user}{group}PidFile {home}/pid\n\
         ScoreboardFile {home}/scoreboard\nDelayEngine off\nControlsEngine off\n\
         AuthOrder mod_auth_file.c\nAuthUserFile {passwd}\nWtmpLog off\nTransferLog none\n\
         SystemLog {home}/log\nRequireValidShell off\nUseFtpUsers off\nUseReverseDNS off\n\
         {tls}{more}\n\
         <Anonymous {tree}>\nUser ftp\nUserAlias anonymous ftp\nAnonRequirePassword off\n\
         </Anonymous>\n",
        modules = unpacked("usr/lib/proftpd").display(),
        host = place.host,
        passwd = passwd.display(),
    );
    let file = place.home.join("proftpd.conf");
    std::fs::write(&file, text).expect("a configuration");
    let mut command = Command::new(unpacked("usr/sbin/proftpd"));
    command
        .args(["--nodaemon", "--quiet", "--config"])
        .arg(file);
    command
}

fn pure_ftpd(place: &Place<'_>, tls: Tls, recursion: &str) -> Command {
    let (passwd, database) = (place.home.join("passwd"), place.home.join("passwd.pdb"));
    let mut useradd = Command::new(unpacked("usr/bin/pure-pw"));
    useradd
        .args(["useradd", "joe", "-u", "65534", "-g", "65534", "-m"])
        // By default a login takes a second of processor time.
        .args(["-C", "64", "-f"])
        .arg(&passwd)
        .arg("-F")
        .arg(&database)
        .arg("-d")
        .arg(place.tree)
        .env("LD_LIBRARY_PATH", unpacked("usr/lib/x86_64-linux-gnu"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut useradd = useradd.spawn().expect("pure-pw runs");
    let mut input = useradd.stdin.take().expect("it was asked for");
    write!(input, "{PASSWORD}\n{PASSWORD}\n").expect("the password");
    drop(input);
    useradd.wait().expect("the user is made");
    let mut command = Command::new(unpacked("usr/sbin/pure-ftpd"));
    command
        .arg("-S")
        .arg(format!("{},{}", place.host, place.port))
        .arg(format!("-lpuredb:{}", database.display()))
        .args(["-E", "-H", "-A", "-u", "1", "-C", "50", "-L", recursion])
        .arg("-g")
        .arg(place.home.join("pid"));
    if tls == Tls::Explicit {
        command
            .args(["-Y", "2", "-2"])
            .arg(place.home.join("both.pem"));
    }
    command
}
