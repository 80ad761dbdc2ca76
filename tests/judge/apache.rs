//! The recorded site served as a user's is: our programs, and a real Apache with the shipped
//! virtual host for each of the recorded hosts.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::recording::{Message, Recording};
use super::sample::{HOSTS, Sample};
use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::port::free_port;
use crate::stand_in::site::{TestSite, eventually, program_path};

/// An answer that has not come by then does not come.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Where Debian has Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";
/// The modules that the shipped host needs, and those that the recorded server had.
const LOADED: [&str; 17] = [
    "mpm_event",
    "authz_core",
    "authz_host",
    "alias",
    "asis",
    "autoindex",
    "dir",
    "env",
    "headers",
    "mime",
    "proxy",
    "proxy_fcgi",
    "rewrite",
    "setenvif",
    "socache_shmcb",
    "ssl",
    "xsendfile",
];
/// The recorded server's configuration beside its hosts.
const SERVER: &str = r#"
ServerRoot @ROOT@
ServerName mb.example.org
PidFile @ROOT@/httpd.pid
DefaultRuntimeDir @ROOT@
ErrorLog @ROOT@/error.log
LogLevel warn
ServerTokens Prod
StartServers 2
ServerLimit 4
ThreadsPerChild 32
MaxRequestWorkers 128
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 30
TypesConfig /etc/mime.types
AddType text/html .html
AddType text/xml .xml
AddType image/png .png
AddType application/x-iso9660-image .iso
SetEnvIf Remote_Addr "^(.+)$" GEOIP_ADDR=$1
SetEnvIf X-Test-IP "^(.+)$" GEOIP_ADDR=$1
SetEnvIf X-Test-Country "^(.+)$" GEOIP_COUNTRY_CODE=$1 GEOIP_COUNTRY_NAME=Country-$1
SetEnvIf X-Test-Continent "^(.+)$" GEOIP_CONTINENT_CODE=$1
SetEnvIf X-Test-Lat "^(.+)$" GEOIP_LATITUDE=$1
SetEnvIf X-Test-Lng "^(.+)$" GEOIP_LONGITUDE=$1
SetEnvIf X-Test-ASN "^(.+)$" ASN=$1
SetEnvIf X-Test-PFX "^(.+)$" PFX=$1
SetEnvIf X-Test-No-Addr "1" !GEOIP_ADDR
<Directory />
  Require all denied
  Options None
  AllowOverride None
</Directory>
<Directory @ROOT@>
  Options FollowSymLinks
</Directory>
"#;

/// Running programs; they end with it.
pub struct Host {
    children: Vec<Child>,
    ports: Vec<(u16, u16)>,
}

/// Path of one of our programs: of this build, or in the folder that `HELIOSTAT_PROGRAMS` names.
fn program(name: &str) -> PathBuf {
    match std::env::var_os("HELIOSTAT_PROGRAMS") {
        Some(folder) => Path::new(&folder).join(name),
        None => program_path(name).into(),
    }
}

fn command(site: &TestSite, name: &str) -> Command {
    let mut command = Command::new(program(name));
    command
        .env("HELIOSTAT_CONFIG", site.config())
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null());
    command
}

/// Imports the recorded database, and catalogues the tree if told so; hashes stay the recorded.
pub fn import(sample: &Sample, dump: &Path, is_indexed: bool) {
    let run = |name: &str, arguments: &[&str]| {
        let output = command(&sample.site, name).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{name}: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} {arguments:?}: {errors}");
    };
    let dump = dump.to_str().expect("a plain path");
    run("heliostat", &["-b", "main", "import", "mirrorbrain", dump]);
    if is_indexed {
        run("heliostat-index", &["-b", "main", "--no-hashes"]);
    }
}

impl Host {
    /// Starts the responder, and Apache before it.
    pub fn start(sample: &Sample) -> Host {
        let ports = HOSTS
            .iter()
            .map(|(port, ..)| (*port, free_port()))
            .collect();
        let mut host = Host {
            children: Vec::new(),
            ports,
        };
        let site = &sample.site;
        let responder = command(site, "heliostat-fcgi")
            .spawn()
            .expect("the responder starts");
        host.children.push(responder);
        let socket = site.path("fcgi.sock");
        eventually("the responder answers", || {
            host.assert_running();
            let client = FcgiClient::try_connect(&socket);
            let options = Request::new("OPTIONS", "/");
            client.is_ok_and(|mut client| client.try_send(&options).is_ok())
        });
        certificate(site);
        let file = site.path("httpd.conf");
        std::fs::write(&file, host.apache(sample)).expect("Apache's configuration");
        let mut apache = Command::new("apache2");
        apache
            .env("PATH", "/usr/sbin:/usr/bin:/bin")
            .arg("-f")
            .arg(&file)
            .arg("-DFOREGROUND");
        let apache = apache.stdin(Stdio::null()).spawn();
        host.children
            .push(apache.expect("Apache is installed; `scripts/test` does it"));
        let last = host.port(HOSTS[2].0);
        eventually("Apache listens", || {
            host.assert_running();
            TcpStream::connect(("127.0.0.1", last)).is_ok()
        });
        host
    }

    /// Waits until the responder has read its database: until then documents are 503.
    pub fn wait_for_documents(&mut self, recordings: &[Recording]) {
        let is_document = |one: &&Recording| {
            let answer = one.answer.as_ref();
            let mime = answer.and_then(|answer| answer.header("Content-Type"));
            mime.is_some_and(|mime| mime.contains("metalink4+xml"))
        };
        let document = recordings.iter().find(is_document);
        let document = document.expect("a recorded metalink").clone();
        eventually("the database is read", || {
            self.assert_running();
            self.send(&document).status != 503
        });
    }

    fn assert_running(&mut self) {
        for child in &mut self.children {
            let ended = child.try_wait().expect("its state is known");
            assert_eq!(ended, None, "the responder or Apache ended");
        }
    }

    /// Our port for a recorded one.
    fn port(&self, recorded: u16) -> u16 {
        let found = self.ports.iter().find(|(port, _)| *port == recorded);
        found.expect("a port of the recorded server").1
    }

    fn apache(&self, sample: &Sample) -> String {
        let site = &sample.site;
        let root = site.path("").display().to_string();
        let root = root.trim_end_matches('/');
        let share = concat!(env!("CARGO_MANIFEST_DIR"), "/apache-conf");
        let shipped = std::fs::read_to_string(format!("{share}/mod_proxy_fcgi.conf"));
        let shipped = shipped.expect("the shipped host");
        let mut text = String::new();
        for module in LOADED {
            let _ = writeln!(text, "LoadModule {module}_module {MODULES}/mod_{module}.so");
        }
        text.push_str(&SERVER.replace("@ROOT@", root));
        if rustix::process::geteuid().is_root() {
            text.push_str("User www-data\nGroup www-data\n");
        }
        for (recorded, name, host) in HOSTS {
            let port = self.port(recorded);
            let tree = match name {
                "link" => sample.linked().to_owned(),
                _ => site.tree(),
            };
            let _ = writeln!(
                text,
                "Listen 127.0.0.1:{port}\nListen [::1]:{port}\n\
                 Define HELIOSTAT_TREE {tree}\nDefine HELIOSTAT_SOCKET {root}/fcgi.sock\n\
                 Define HELIOSTAT_SHARE {share}\nDefine HELIOSTAT_HOST {host}\n\
                 Define HELIOSTAT_LOG {root}/access.log",
                tree = tree.display(),
            );
            // The port of the other of the two shipped hosts is nobody's.
            let (plain, tls) = if name == "tls" { (1, port) } else { (port, 1) };
            let _ = writeln!(
                text,
                "Define HELIOSTAT_ADDRESS *:{plain}\nDefine HELIOSTAT_TLS_ADDRESS *:{tls}"
            );
            if name == "tls" {
                let _ = writeln!(
                    text,
                    "Define HELIOSTAT_CERTIFICATE {root}/cert.pem\n\
                     Define HELIOSTAT_CERTIFICATE_KEY {root}/key.pem"
                );
            }
            if name == "link" {
                text.push_str("UnDefine HELIOSTAT_CERTIFICATE\n");
                text.push_str("Define HELIOSTAT_LISTS \"mirrorlist|release|repo|arch\"\n");
            }
            let line = "ServerName ${HELIOSTAT_HOST}\n";
            assert!(shipped.contains(line), "the shipped hosts have no {line:?}");
            let named = format!("{line}    SetEnv HELIOSTAT_SITE {name}\n");
            text.push_str(&shipped.replace(line, &named));
        }
        text
    }

    /// Sends a request as it was recorded; reads until the server closes.
    pub fn send(&self, recording: &Recording) -> Message {
        let mut request = recording.request.clone();
        if recording.header("Connection").is_none() {
            let end = request.len() - b"\r\n".len();
            request.splice(end..end, *b"Connection: close\r\n");
        }
        let port = self.port(recording.port);
        let raw = match recording.port {
            8443 => over_tls(port, &request),
            _ => over_tcp(
                if recording.v6 { "::1" } else { "127.0.0.1" },
                port,
                &request,
            ),
        };
        let has_body = !request.starts_with(b"HEAD ");
        Message::parse(&raw, has_body, false).unwrap_or_else(|error| {
            panic!(
                "{}: our answer: {error}: {:?}",
                recording.name,
                &raw[..raw.len().min(200)]
            )
        })
    }

    /// Sends one request over a kept connection again and again: how often each mirror is named.
    pub fn draw(&self, path: &str, headers: &[(String, String)], count: usize) -> Vec<String> {
        let mut head = format!("HEAD {path} HTTP/1.1\r\nHost: mb.example.org\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        let stream = TcpStream::connect(("127.0.0.1", self.port(HOSTS[0].0))).expect("Apache");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        let mut answers = std::io::BufReader::new(stream.try_clone().expect("the stream"));
        let mut stream = stream;
        let mut one = || {
            stream.write_all(head.as_bytes()).expect("Apache reads");
            let mut mirror = None;
            loop {
                let mut line = String::new();
                let read = std::io::BufRead::read_line(&mut answers, &mut line);
                assert!(
                    read.expect("Apache answers") > 0,
                    "Apache closed the connection"
                );
                if let Some(name) = line.strip_prefix("X-MirrorBrain-Mirror: ") {
                    mirror = Some(name.trim().to_owned());
                }
                if line == "\r\n" {
                    return mirror.expect("a redirect");
                }
            }
        };
        (0..count).map(|_| one()).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let pid = rustix::process::Pid::from_child(child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = child.wait();
        }
    }
}

fn over_tcp(address: &str, port: u16, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect((address, port)).expect("Apache");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    stream.write_all(request).expect("Apache reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("Apache answers");
    answer
}

fn over_tls(port: u16, request: &[u8]) -> Vec<u8> {
    let mut client = Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-verify_quiet",
            "-connect",
            &format!("127.0.0.1:{port}"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl starts");
    let mut pipe = client.stdin.take().expect("a pipe");
    pipe.write_all(request).expect("openssl reads");
    let mut answer = Vec::new();
    let mut output = client.stdout.take().expect("a pipe");
    output.read_to_end(&mut answer).expect("Apache answers");
    drop(pipe);
    let _ = client.wait();
    answer
}

fn certificate(site: &TestSite) {
    let mut command = Command::new("openssl");
    command.args([
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
    ]);
    command
        .args(["-subj", "/CN=mb.example.org", "-keyout"])
        .arg(site.path("key.pem"));
    let output = command.arg("-out").arg(site.path("cert.pem")).output();
    let output = output.expect("openssl starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
